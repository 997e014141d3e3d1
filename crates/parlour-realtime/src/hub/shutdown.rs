//! Telling all sockets to go, a few at a time.

use super::{SessionId, spread, state::State};
use crate::{close, dialect::account_v2};
use std::{collections::VecDeque, time::Duration};
use tokio::{sync::oneshot, time::Instant};

/// When clients are asked to come back: not all at once.
const COME_BACK: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// Pause between two steps.
const STEP: Duration = Duration::from_millis(50);
/// Up to this many sockets are told in one step.
const FEW: usize = 50;

/// A shutdown under way.
pub(super) struct Closing {
    left: VecDeque<SessionId>,
    per_step: usize,
    next: Instant,
    done: Vec<oneshot::Sender<()>>,
}

impl Closing {
    /// When the next sockets are told.
    pub(super) fn next(&self) -> Option<Instant> {
        (!self.left.is_empty()).then_some(self.next)
    }
}

impl State {
    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Begins (or joins) the shutdown; `done` is told when the last socket is gone.
    pub(super) fn shut_down(&mut self, done: oneshot::Sender<()>, now: Instant) {
        let people = &self.people;
        let steps = self.config.shutdown_spread.as_millis() / STEP.as_millis();
        let steps = usize::try_from(steps).unwrap_or(1).max(1);
        let closing = self.closing.get_or_insert_with(|| {
            let left: VecDeque<_> = people.seats.keys().copied().collect();
            Closing {
                per_step: left.len().div_ceil(steps).max(FEW),
                left,
                next: now,
                done: Vec::new(),
            }
        });
        closing.done.push(done);
        self.close_some(now);
        self.closed_one();
    }

    /// Tells the next sockets if it is time.
    pub(super) fn close_some(&mut self, now: Instant) {
        let Some(closing) = &mut self.closing else {
            return;
        };
        if closing.next > now {
            return;
        }
        closing.next = now + STEP;
        for _ in 0..closing.per_step {
            let Some(session) = closing.left.pop_front() else {
                break;
            };
            if let Some(seat) = self.people.seats.get(&session) {
                if seat.dialect.is_full() && !seat.is_new {
                    let after = spread(session.get(), COME_BACK.0, COME_BACK.1);
                    seat.outbox.push(&seat.of_v2(&account_v2::reconnect(after)));
                }
                seat.outbox.close(&close::RESTART);
            }
        }
    }

    /// A socket is gone: if it was the last one, the shutdown is complete.
    pub(super) fn closed_one(&mut self) {
        if let Some(closing) = &mut self.closing
            && self.people.is_empty()
        {
            for done in closing.done.drain(..) {
                // Nobody waits any more: fine.
                let _ = done.send(());
            }
        }
    }
}
