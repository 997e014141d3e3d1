//! How long a pump waits for what.

use crate::hub::spread;
use std::time::Duration;
use tokio::time::Instant;

/// Times of a socket (`realtime.md`, "Heartbeat").
#[derive(Clone, Copy, Debug)]
pub struct PumpConfig {
    /// Least pause between pings.
    pub ping_least: Duration,
    /// Longest pause between pings.
    pub ping_most: Duration,
    /// Pings go out together, at most so far apart: waking up once for a hundred sockets costs an idle
    /// server less than a hundred times for one. Zero: each for itself.
    pub ping_beat: Duration,
    /// When the beats are counted from.
    pub began: Instant,
    /// How long any answer to a ping may take.
    pub answer_within: Duration,
    /// How long the peer may take nothing of what is written.
    pub write_within: Duration,
    /// How long the exchange of close frames may take.
    pub close_within: Duration,
    /// How long commits under way may take when the server closes the socket.
    pub finish_within: Duration,
}

impl Default for PumpConfig {
    fn default() -> Self {
        // Feature `protocol-suite`: the times that the public suites wait for.
        let millis = if cfg!(feature = "protocol-suite") {
            [300, 300, 0, 200]
        } else {
            [20_000, 25_000, 250, 10_000]
        };
        let [ping_least, ping_most, ping_beat, answer_within] = millis.map(Duration::from_millis);
        Self {
            ping_least,
            ping_most,
            ping_beat,
            began: Instant::now(),
            answer_within,
            write_within: Duration::from_secs(10),
            close_within: Duration::from_secs(2),
            finish_within: Duration::from_secs(2),
        }
    }
}

impl PumpConfig {
    /// How long a client that asks by itself may be silent.
    pub(super) fn silence(&self) -> Duration {
        self.ping_most + self.answer_within
    }

    /// When a socket is to be pinged next: a pause of its own, ended by the next beat.
    pub(super) fn next_ping(&self, seed: u64, now: Instant) -> Instant {
        let most = self.ping_most.saturating_sub(self.ping_beat);
        if most <= self.ping_least || self.ping_beat.is_zero() {
            return now + spread(seed, self.ping_least, self.ping_most);
        }
        let due = now + spread(seed, self.ping_least, most);
        let into = due.saturating_duration_since(self.began).as_nanos() % self.ping_beat.as_nanos();
        let into = Duration::from_nanos(u64::try_from(into).unwrap_or(0));
        due + (self.ping_beat - into)
    }
}
