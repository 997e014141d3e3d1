//! The machine: clock and limits.

use super::Finding;
use parlour_core::{
    Time,
    ports::{Clock, SystemClock},
};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// When this version was written (2026-11-01T00:00:00Z): no right clock shows less.
const WRITTEN: Time = Time::from_micros(1_793_491_200_000_000);
/// A clock that is further ahead than this is wrong as well.
const TWENTY_YEARS: Duration = Duration::from_secs(20 * 365 * 24 * 3600);

/// Compares the clock with the calendar, and for a moment with the monotonic one.
pub(super) fn clock() -> Finding {
    let (start, steady) = (SystemClock.now(), Instant::now());
    sleep(Duration::from_millis(100));
    let (end, elapsed) = (SystemClock.now(), steady.elapsed());
    judge_clock(start, end, elapsed)
}

fn judge_clock(start: Time, end: Time, elapsed: Duration) -> Finding {
    const SUBJECT: &str = "clock";
    const SLACK: Duration = Duration::from_millis(50);
    if end < WRITTEN || end > WRITTEN.plus(TWENTY_YEARS) {
        return Finding::fail(
            SUBJECT,
            format!("It shows {end}, which cannot be: rooms would end at the wrong time."),
        );
    }
    if end < start {
        return Finding::fail(SUBJECT, "It went backwards while I looked.");
    }
    if end.since(start).abs_diff(elapsed) > SLACK {
        return Finding::warn(SUBJECT, "It jumped while I looked: is it being set?");
    }
    Finding::ok(SUBJECT, format!("It shows {end} and runs evenly."))
}

/// Looks how many files, and so sockets, the process may have open.
pub(super) fn open_files() -> Finding {
    // Only Linux tells in this way; elsewhere there is nothing to say.
    std::fs::read_to_string("/proc/self/limits").map_or_else(
        |_| Finding::ok(FILES, "This system does not tell the limit."),
        |limits| judge_open_files(&limits),
    )
}

const FILES: &str = "files";

fn judge_open_files(limits: &str) -> Finding {
    const LITTLE: u64 = 256;
    const FEW: u64 = 4096;
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next())
        .map(|soft| soft.parse::<u64>().unwrap_or(u64::MAX));
    match soft {
        None => Finding::ok(FILES, "This system does not tell the limit."),
        Some(u64::MAX) => Finding::ok(FILES, "Open files are not limited."),
        Some(soft) if soft < LITTLE => Finding::fail(
            FILES,
            format!("Only {soft} files may be open; the server needs {LITTLE} (`ulimit -n`)."),
        ),
        Some(soft) if soft < FEW => Finding::warn(
            FILES,
            format!(
                "{soft} files may be open: room for about {} sockets (`ulimit -n`).",
                soft - 64
            ),
        ),
        Some(soft) => Finding::ok(FILES, format!("{soft} files may be open.")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn clocks() {
        let second = Duration::from_secs(1);
        let (good, tick) = (WRITTEN.plus(second), Duration::from_millis(100));
        let verdict = |start: Time, end: Time| judge_clock(start, end, tick).verdict;
        assert_eq!(WRITTEN.to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(verdict(good, good.plus(tick)), Verdict::Ok);
        assert_eq!(verdict(good, good.plus(second)), Verdict::Warn);
        assert_eq!(verdict(good.plus(tick), good), Verdict::Fail);
        assert_eq!(
            verdict(Time::from_micros(0), Time::from_micros(0)),
            Verdict::Fail
        );
        let far = WRITTEN.plus(TWENTY_YEARS * 2);
        assert_eq!(verdict(far, far.plus(tick)), Verdict::Fail);
    }

    #[test]
    fn file_limits() {
        let verdict = |soft: &str| {
            let text = format!(
                "Limit  Soft Limit  Hard Limit  Units\nMax open files  {soft}  1048576  files\n"
            );
            judge_open_files(&text).verdict
        };
        assert_eq!(verdict("100"), Verdict::Fail);
        assert_eq!(verdict("1024"), Verdict::Warn);
        assert_eq!(verdict("65536"), Verdict::Ok);
        assert_eq!(verdict("unlimited"), Verdict::Ok);
        assert_eq!(judge_open_files("").verdict, Verdict::Ok);
    }
}
