//! What is counted within the measured time, and what that time costs.

use std::time::Duration;

use anyhow::Result;

use crate::cpu;
use crate::histogram::Histogram;

/// After the end: this long nothing came, so nothing will.
const SILENCE: u64 = 3_000_000_000;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not measured yet.
    WarmUp,
    /// Measured.
    Measure,
    /// Nothing is sent any more; what is on its way may come.
    Drain,
    /// Done.
    Over,
}

/// Processor time used since the machine or the process began.
#[derive(Clone, Debug)]
struct Used {
    server: Option<Duration>,
    watched: Vec<Duration>,
    own: Duration,
    all: Duration,
}

impl Used {
    fn now(server: Option<u32>, watched: &[u32]) -> Result<Self> {
        let watched = watched.iter().map(|pid| cpu::used_by_family(*pid));
        Ok(Self {
            watched: watched.collect::<Result<_>>()?,
            server: server.map(cpu::used_by_family).transpose()?,
            own: cpu::used_by(std::process::id())?,
            all: cpu::used_by_all()?,
        })
    }
}

/// Processors' worth of time within the measured time; 1 is a whole core.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares {
    pub(crate) server: Option<f64>,
    /// Of each other process that is watched.
    pub(crate) watched: Vec<f64>,
    pub(crate) generator: f64,
    /// Everything else on this machine, and what its host took away.
    pub(crate) others: f64,
}

/// Counts of the measured time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Messages sent.
    pub(crate) sent: u64,
    /// Messages that came, at every recipient.
    pub(crate) delivered: u64,
    /// Reads that brought messages.
    pub(crate) reads: u64,
}

/// The counters of one run.
pub(crate) struct Meter {
    server: Option<u32>,
    watched: Vec<u32>,
    /// The measured time, in nanoseconds since the beginning.
    from: u64,
    to: u64,
    phase: Phase,
    counts: Counts,
    latency: Histogram,
    far: Histogram,
    before: Option<(u64, Used)>,
    after: Option<(u64, Used)>,
    last_read: u64,
    acks: u64,
    closed: u64,
    errors: u64,
    first_error: Option<String>,
}

impl Meter {
    /// Measures after `warm_up` for `length`.
    pub(crate) fn new(warm_up: Duration, length: Duration, server: Option<u32>) -> Self {
        let from = warm_up.as_nanos() as u64;
        Self {
            server,
            watched: Vec::new(),
            from,
            to: from + length.as_nanos() as u64,
            phase: Phase::WarmUp,
            counts: Counts::default(),
            latency: Histogram::default(),
            far: Histogram::default(),
            before: None,
            after: None,
            last_read: 0,
            acks: 0,
            closed: 0,
            errors: 0,
            first_error: None,
        }
    }

    /// The same, and the processor time of other processes.
    pub(crate) fn watching(mut self, pids: &[u32]) -> Self {
        self.watched = pids.to_vec();
        self
    }

    /// Moves on to the next phase when it is time; `open` messages are still on their way.
    pub(crate) fn turn(&mut self, now: u64, open: usize) -> Result<Phase> {
        if self.phase == Phase::WarmUp && now >= self.from {
            self.before = Some((now, Used::now(self.server, &self.watched)?));
            self.phase = Phase::Measure;
        }
        if self.phase == Phase::Measure && now >= self.to {
            self.after = Some((now, Used::now(self.server, &self.watched)?));
            self.phase = Phase::Drain;
        }
        let silent = now.saturating_sub(self.last_read.max(self.to)) > SILENCE;
        if self.phase == Phase::Drain && (open == 0 || silent) {
            self.phase = Phase::Over;
        }
        Ok(self.phase)
    }

    /// Messages went out.
    pub(crate) fn sent(&mut self, count: usize) {
        if self.phase == Phase::Measure {
            self.counts.sent += count as u64;
        }
    }

    /// A read brought so many messages.
    pub(crate) fn read(&mut self, messages: u64, now: u64) {
        self.last_read = now;
        if self.phase == Phase::Measure && messages > 0 {
            self.counts.reads += 1;
        }
    }

    /// A recipient got a message, so many nanoseconds after it was sent or should have been; `far`: at
    /// the second node.
    pub(crate) fn delivered(&mut self, nanos: u64, far: bool) {
        if self.phase == Phase::Measure {
            self.counts.delivered += 1;
            self.latency.record_nanos(nanos);
            if far {
                self.far.record_nanos(nanos);
            }
        }
    }

    /// The server says that it has stored a message.
    pub(crate) fn acked(&mut self) {
        self.acks += 1;
    }

    /// The server has refused a message.
    pub(crate) fn refused(&mut self, content: &[u8]) {
        let text: String = String::from_utf8_lossy(content).chars().take(200).collect();
        self.errors += 1;
        self.first_error.get_or_insert(text);
    }

    /// A connection ended.
    pub(crate) fn closed(&mut self, why: &str) {
        self.closed += 1;
        self.first_error.get_or_insert_with(|| why.to_owned());
    }

    /// Seconds that were really measured.
    pub(crate) fn seconds(&self) -> f64 {
        let ends = self.before.as_ref().zip(self.after.as_ref());
        ends.map_or(0.0, |((from, _), (to, _))| (to - from) as f64 / 1e9)
    }

    /// What was counted in them.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// What the messages that came in them took.
    pub(crate) fn latency(&self) -> &Histogram {
        &self.latency
    }

    /// The same of those at the second node.
    pub(crate) fn far(&self) -> &Histogram {
        &self.far
    }

    /// Acknowledgements, refusals and ended connections of the whole run, and the first sign of trouble.
    pub(crate) fn trouble(&self) -> (u64, u64, u64, Option<String>) {
        (
            self.acks,
            self.errors,
            self.closed,
            self.first_error.clone(),
        )
    }

    /// Who used the processors meanwhile.
    pub(crate) fn shares(&self) -> Shares {
        let Some(((_, before), (_, after))) = self.before.as_ref().zip(self.after.as_ref()) else {
            return Shares::default();
        };
        let seconds = self.seconds();
        let share = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64() / seconds;
        let pairs = before.watched.iter().zip(&after.watched);
        let watched: Vec<f64> = pairs.map(|(from, to)| share(*from, *to)).collect();
        let server = before.server.zip(after.server);
        let server = server.map(|(from, to)| share(from, to));
        let generator = share(before.own, after.own);
        let all = share(before.all, after.all);
        Shares {
            server,
            generator,
            others: (all - generator - server.unwrap_or_default() - watched.iter().sum::<f64>())
                .max(0.0),
            watched,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn meter() -> Meter {
        let second = Duration::from_secs(1);
        Meter::new(second, second, Some(std::process::id()))
    }

    #[test]
    fn only_the_measured_time_counts() {
        let mut meter = meter();
        for (now, phase) in [
            (0, Phase::WarmUp),
            (SECOND, Phase::Measure),
            (2 * SECOND, Phase::Drain),
        ] {
            assert_eq!(meter.turn(now, 1).expect("known"), phase);
            meter.sent(2);
            meter.read(3, now);
            meter.read(0, now);
            meter.delivered(5000, false);
            meter.delivered(6000, true);
        }
        let counts = meter.counts();
        assert_eq!((counts.sent, counts.reads, counts.delivered), (2, 1, 2));
        assert_eq!(meter.latency().count(), 2);
        assert_eq!(meter.far().count(), 1);
        assert!((meter.seconds() - 1.0).abs() < 1e-9);
        assert!(meter.shares().server.is_some());
    }

    #[test]
    fn a_run_ends_when_all_has_come_or_nothing_comes_any_more() {
        let mut all = meter();
        all.turn(SECOND, 1).expect("known");
        assert_eq!(all.turn(2 * SECOND, 0).expect("known"), Phase::Over);
        let mut stuck = meter();
        stuck.turn(SECOND, 1).expect("known");
        assert_eq!(stuck.turn(2 * SECOND, 1).expect("known"), Phase::Drain);
        stuck.read(1, 4 * SECOND);
        assert_eq!(stuck.turn(6 * SECOND, 1).expect("known"), Phase::Drain);
        assert_eq!(stuck.turn(8 * SECOND, 1).expect("known"), Phase::Over);
    }

    #[test]
    fn trouble_is_kept_with_its_first_words() {
        let mut meter = meter();
        meter.acked();
        meter.refused(b"{\"error\":\"no\"}");
        meter.closed("closed with 4008");
        let first = Some("{\"error\":\"no\"}".to_owned());
        assert_eq!(meter.trouble(), (1, 1, 1, first));
    }
}
