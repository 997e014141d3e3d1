//! What is done every few seconds, whatever the bus brought.

use super::{Read, State, spread};
use parlour_core::RoomId;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// Pause between the rounds while the bus is away.
const ALONE: Duration = Duration::from_millis(400);

impl State {
    /// Every few seconds: rooms with listeners are compared with the store, some people's memberships
    /// too, and what is old is forgotten.
    pub(super) fn round(&mut self, now: Instant) {
        let every = if self.is_alone {
            ALONE.min(self.config.compare_every)
        } else {
            self.config.compare_every
        };
        let seed = self.next_read();
        self.next_round = now + spread(seed, every * 9 / 10, every * 11 / 10);
        self.ended.forget(now);
        if self.people.is_empty() {
            return;
        }
        self.forget_quiet_rooms(now);
        self.turn.rings.sweep(now, self.config.quiet_for);
        let asked: Vec<_> = self
            .rooms
            .values()
            .filter(|room| !room.is_quiet())
            .map(|room| room.id)
            .collect();
        if !asked.is_empty() && !self.comparing {
            self.comparing = true;
            self.work.push(Read::Positions(asked));
        }
        if self.next_audit.is_none() {
            self.audit();
        }
    }

    pub(super) fn compare(
        &mut self,
        asked: &[RoomId],
        positions: &HashMap<RoomId, i64>,
        now: Instant,
    ) {
        for id in asked {
            let Some(room) = self.rooms.get_mut(id) else {
                continue;
            };
            match positions.get(id) {
                Some(seq) => room.order.hear_of(*seq),
                None => room.suspect = !room.order.is_ended(),
            }
            self.watch(*id, now);
        }
    }

    /// Compares some people's memberships with the store: heals the loss of a `MemberJoined` of a
    /// room that nobody here listens to.
    pub(super) fn audit(&mut self) {
        if self.audits.is_empty() {
            self.audits = self.people.persons.keys().copied().collect();
        }
        for _ in 0..self.config.audits_per_round {
            let Some(user) = self.audits.pop_front() else {
                break;
            };
            self.read_hearings(user);
        }
    }

    fn forget_quiet_rooms(&mut self, now: Instant) {
        let (keep, most) = (self.config.quiet_for, self.config.quiet_rooms);
        self.rooms
            .retain(|_, room| !room.is_quiet() || now.duration_since(room.seen) < keep);
        let mut quiet: Vec<_> = self
            .rooms
            .values()
            .filter(|room| room.is_quiet())
            .map(|room| (room.seen, room.id))
            .collect();
        if quiet.len() > most {
            let excess = quiet.len() - most;
            quiet.select_nth_unstable(excess);
            for (_, id) in &quiet[..excess] {
                self.rooms.remove(id);
            }
        }
    }
}
