//! When the next messages are sent.

use std::time::Duration;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Every sender has this many messages on their way: one more goes when all have one.
    Closed(u32),
    /// So many messages a second in all, whatever comes back.
    Rate(f64),
    /// Every sender sends so many; the next round begins when all have received all.
    Rounds(u32),
    /// Nobody says anything.
    Silent,
}

/// A message to send: by whom, and when it should have gone, in nanoseconds since the beginning.
pub(crate) type Due = (usize, u64);

/// The rule and where it stands.
pub(crate) struct Clockwork {
    pace: Pace,
    senders: usize,
    /// Messages sent by rate so far.
    sent: u64,
    /// Whether the first messages of a closed loop are on their way.
    begun: bool,
}

impl Clockwork {
    /// Nothing is sent yet.
    pub(crate) fn new(pace: Pace, senders: usize) -> Self {
        Self {
            pace,
            senders,
            sent: 0,
            begun: false,
        }
    }

    /// Messages that are due now. `completed` are senders of messages that all have since the last
    /// call, and `open` says how many messages are still on their way.
    pub(crate) fn due(&mut self, now: u64, completed: &[usize], open: usize, due: &mut Vec<Due>) {
        match self.pace {
            Pace::Closed(_) if self.begun => {
                due.extend(completed.iter().map(|sender| (*sender, now)));
            }
            Pace::Closed(count) => self.round(now, count, due),
            Pace::Rounds(count) if open == 0 => self.round(now, count, due),
            Pace::Rate(_) => {
                while let Some(at) = self.next().filter(|at| *at <= now) {
                    due.push(((self.sent % self.senders as u64) as usize, at));
                    self.sent += 1;
                }
            }
            Pace::Rounds(_) | Pace::Silent => {}
        }
    }

    fn round(&mut self, now: u64, count: u32, due: &mut Vec<Due>) {
        self.begun = true;
        for sender in 0..self.senders {
            due.extend((0..count).map(|_| (sender, now)));
        }
    }

    /// When the next message by rate has to go.
    fn next(&self) -> Option<u64> {
        match self.pace {
            Pace::Rate(rate) if self.senders > 0 => Some((self.sent as f64 * 1e9 / rate) as u64),
            _ => None,
        }
    }

    /// How long the poll may sleep. It sleeps whole milliseconds only, so that within the last one
    /// before a message it must not sleep at all.
    pub(crate) fn patience(&self, now: u64, most: Duration) -> Duration {
        let Some(next) = self.next() else { return most };
        let millis = next.saturating_sub(now) / 1_000_000;
        most.min(Duration::from_millis(millis.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(clock: &mut Clockwork, now: u64, completed: &[usize], open: usize) -> Vec<Due> {
        let mut found = Vec::new();
        clock.due(now, completed, open, &mut found);
        found
    }

    #[test]
    fn a_closed_loop_replaces_what_is_complete() {
        let mut clock = Clockwork::new(Pace::Closed(2), 2);
        assert_eq!(due(&mut clock, 7, &[], 0), [(0, 7), (0, 7), (1, 7), (1, 7)]);
        assert_eq!(due(&mut clock, 8, &[], 4), []);
        assert_eq!(due(&mut clock, 9, &[1, 1], 2), [(1, 9), (1, 9)]);
    }

    #[test]
    fn a_round_begins_when_the_last_one_is_over() {
        let mut clock = Clockwork::new(Pace::Rounds(1), 2);
        assert_eq!(due(&mut clock, 1, &[], 0).len(), 2);
        assert_eq!(due(&mut clock, 2, &[0], 1), []);
        assert_eq!(due(&mut clock, 3, &[1], 0), [(0, 3), (1, 3)]);
    }

    #[test]
    fn a_rate_is_kept_also_after_a_pause() {
        let mut clock = Clockwork::new(Pace::Rate(1000.0), 2);
        assert_eq!(due(&mut clock, 0, &[], 0), [(0, 0)]);
        assert_eq!(due(&mut clock, 999_999, &[], 0), []);
        let late = due(&mut clock, 3_000_000, &[], 9);
        assert_eq!(late, [(1, 1_000_000), (0, 2_000_000), (1, 3_000_000)]);
    }

    #[test]
    fn nobody_sleeps_through_a_message() {
        let most = Duration::from_millis(50);
        let mut clock = Clockwork::new(Pace::Rate(100.0), 1);
        due(&mut clock, 0, &[], 0);
        assert_eq!(clock.patience(0, most), Duration::from_millis(9));
        assert_eq!(clock.patience(9_500_000, most), Duration::ZERO);
        assert_eq!(Clockwork::new(Pace::Silent, 0).patience(0, most), most);
    }
}
