//! Processor time of the server, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Linux reports process times in hundredths of a second on every architecture that we know.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of a process so far.
pub(crate) fn used_by(pid: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("no process {pid}"))?;
    let ticks = ticks(&text).context("/proc/PID/stat reads differently here")?;
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
}

/// The same of a process and of all that it has started.
pub(crate) fn used_by_family(pid: u32) -> Result<Duration> {
    let mut total = used_by(pid)?;
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))?;
    for task in tasks.filter_map(std::result::Result::ok) {
        // A thread that has ended meanwhile has no children any more.
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let child = child.parse().context("a child's id is no number")?;
            // A child may end between the two looks.
            total += used_by_family(child).unwrap_or_default();
        }
    }
    Ok(total)
}

/// What all processors together have done so far, time taken away by the host included.
pub(crate) fn used_by_all() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat").context("no /proc/stat")?;
    let ticks = busy(&text).context("/proc/stat reads differently here")?;
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
}

/// user, nice, system, (idle, iowait), irq, softirq, steal.
fn busy(stat: &str) -> Option<u64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let fields = fields.get(..8)?;
    Some(fields.iter().sum::<u64>() - fields[3] - fields[4])
}

/// Resident memory of a process in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS in /proc/PID/status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// Fields 14 and 15. The name in parentheses may hold spaces and parentheses itself.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 300 0 0 0 25 17 0 0 20 0 5 0 99 1 2";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (x) S 1"), None);
    }

    #[test]
    fn this_process_has_a_time_and_a_size() {
        let own = std::process::id();
        assert!(used_by_family(own).expect("known") >= used_by(own).expect("known"));
        assert!(resident(own).expect("known") > 100_000);
        assert!(used_by_all().is_ok());
    }

    #[test]
    fn waiting_is_not_work() {
        assert_eq!(busy("cpu  1 2 3 400 500 6 7 8 9 10\ncpu0 1"), Some(27));
        assert_eq!(busy("cpu  1 2 3"), None);
    }
}
