//! Who is here: arrivals and departures, told to the rooms they concern. All of it may be lost.

use super::{reads::Read, room::Room, state::State, turn::Turn};
use crate::dialect::account_v2;
use parlour_core::{RoomId, Signal, UserId};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// How long somebody stays here after their last socket: reloading a page must not flicker. Who was silent
/// before has been away for longer already, and a dead peer is gone within 35 s.
const GRACE: Duration = Duration::from_secs(5);
/// Arrivals are collected for so long.
const COLLECT: Duration = Duration::from_millis(50);
/// In rooms with more sockets nobody is told: a crowd that comes back would cost its square.
const MOST_LISTENERS: usize = 500;
/// What other processes were told for so long is told again when they may have missed it; of everything
/// at most so much.
const KEPT: (Duration, usize) = (Duration::from_secs(60), 1_024);

/// Comings and goings that are still to be told.
#[derive(Default)]
pub(super) struct Presence {
    arrivals: Vec<UserId>,
    flush: Option<Instant>,
    leaving: HashMap<UserId, Leaving>,
    /// In order of time; entries that [`leaving`](Self::leaving) does not know are skipped.
    dues: VecDeque<(Instant, UserId)>,
    /// What other processes were told last, and when.
    told: HashMap<(RoomId, UserId), (bool, Instant)>,
    /// Who came, and who is gone for good, in this turn.
    pub(super) moved: Vec<(UserId, bool)>,
}

/// Somebody without sockets who may come back.
struct Leaving {
    due: Instant,
    /// The rooms that may think they are here.
    told: HashSet<RoomId>,
}

impl Presence {
    /// When something has to be told.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let leave = self.dues.front().map(|(due, _)| *due);
        self.flush.into_iter().chain(leave).min()
    }

    /// Somebody's memberships are known for the first time; answers the rooms that still think they
    /// are here.
    pub(super) fn arrive(&mut self, user: UserId, now: Instant) -> HashSet<RoomId> {
        self.arrivals.push(user);
        self.moved.push((user, true));
        self.flush.get_or_insert(now + COLLECT);
        self.leaving
            .remove(&user)
            .map(|leaving| leaving.told)
            .unwrap_or_default()
    }

    /// Somebody's last socket is gone; `told` are the rooms that may think they are here. Who may not be
    /// about to return has no grace.
    pub(super) fn leave(
        &mut self,
        user: UserId,
        told: HashSet<RoomId>,
        now: Instant,
        may_return: bool,
    ) {
        if may_return {
            let due = now + GRACE;
            self.leaving.insert(user, Leaving { due, told });
            self.dues.push_back((due, user));
        } else {
            // Before all others, so that the order of time is kept.
            self.leaving.insert(user, Leaving { due: now, told });
            self.dues.push_front((now, user));
        }
    }

    /// Other processes are told.
    pub(super) fn note(&mut self, signal: &Signal, now: Instant) {
        let Signal::Presence { room, user, here } = *signal else {
            return;
        };
        if self.told.len() >= KEPT.1 {
            self.told
                .retain(|_, (_, at)| now.duration_since(*at) < KEPT.0);
        }
        if self.told.len() < KEPT.1 || self.told.contains_key(&(room, user)) {
            self.told.insert((room, user), (here, now));
        }
    }

    fn is_leaving(&self, user: UserId) -> bool {
        self.leaving.contains_key(&user)
    }
}

impl State {
    /// Those of these users who are here.
    pub(super) fn here(&self, users: Vec<UserId>) -> Vec<UserId> {
        users
            .into_iter()
            .filter(|user| self.people.has_arrived(*user) || self.presence.is_leaving(*user))
            .collect()
    }

    /// Tells what is due.
    pub(super) fn tell_presence(&mut self, now: Instant) {
        if self.presence.flush.is_some_and(|due| due <= now) {
            self.presence.flush = None;
            for user in std::mem::take(&mut self.presence.arrivals) {
                self.tell_arrival(user);
            }
        }
        let mut gone = Vec::new();
        while let Some((due, user)) = self.presence.dues.front().copied() {
            if due > now {
                break;
            }
            self.presence.dues.pop_front();
            // Came back meanwhile, perhaps left again: then another entry counts.
            if self
                .presence
                .leaving
                .get(&user)
                .is_none_or(|leaving| leaving.due != due)
            {
                continue;
            }
            if let Some(left) = self.presence.leaving.remove(&user) {
                self.presence.moved.push((user, false));
                gone.push((user, left.told));
            }
        }
        if gone.is_empty() {
            return;
        }
        if self.bus_is_partial {
            // They may be in another process.
            self.work.push(Read::Gone(gone));
        } else {
            self.departed(gone);
        }
    }

    /// These are nowhere any more, as far as can be known.
    pub(super) fn departed(&mut self, gone: Vec<(UserId, HashSet<RoomId>)>) {
        for (user, rooms) in gone {
            if self.people.is_here(user) {
                continue;
            }
            for room in rooms {
                self.spread_departure(room, user);
            }
        }
    }

    fn tell_arrival(&mut self, user: UserId) {
        let Some(person) = self.people.persons.get_mut(&user) else {
            return;
        };
        for id in &person.hears {
            if person.told.insert(*id)
                && let Some(room) = self.rooms.get(id)
            {
                room.spread_presence(user, true, &mut self.turn);
            }
        }
    }

    /// Somebody left this process for good, or one that died.
    fn spread_departure(&mut self, id: RoomId, user: UserId) {
        if let Some(room) = self.rooms.get(&id) {
            room.tell_presence(user, false, &mut self.turn);
        }
        let signal = Signal::Presence {
            room: id,
            user,
            here: false,
        };
        self.turn.whispers.push(signal);
    }

    /// Other processes may have missed who came and left: it is said again, as far as it is still so.
    pub(super) fn tell_presence_again(&mut self, now: Instant) {
        let was_alone = self.is_alone;
        for ((room, user), (here, at)) in std::mem::take(&mut self.presence.told) {
            let is_recent = was_alone || now.duration_since(at) < KEPT.0;
            let person = self.people.persons.get(&user);
            let is_so = match person {
                Some(person) => here && person.has_arrived && person.hears.contains(&room),
                None => !here,
            };
            if is_recent && is_so {
                let signal = Signal::Presence { room, user, here };
                self.turn.whispers.push(signal);
            }
        }
    }

    /// Another process says that somebody came or left there.
    pub(super) fn hear_of_presence(&mut self, id: RoomId, user: UserId, here: bool) {
        let is_here = self.people.has_arrived(user) || self.presence.is_leaving(user);
        let Some(room) = self.rooms.get(&id) else {
            return;
        };
        if !is_here {
            room.tell_presence(user, here, &mut self.turn);
        } else if !here {
            // They are here still: whoever believed the other process is told otherwise.
            let signal = Signal::Presence {
                room: id,
                user,
                here: true,
            };
            self.turn.whispers.push(signal);
        }
    }
}

impl Room {
    /// Tells the others in the room that somebody is here, or not any more, in every process.
    pub(super) fn spread_presence(&self, user: UserId, here: bool, turn: &mut Turn) {
        self.tell_presence(user, here, turn);
        let room = self.id;
        turn.whispers.push(Signal::Presence { room, user, here });
    }

    /// Tells the others in the room that somebody is here, or not any more.
    pub(super) fn tell_presence(&self, user: UserId, here: bool, turn: &mut Turn) {
        if self.listeners.len() > MOST_LISTENERS {
            return;
        }
        let frame = account_v2::presence(self.id, user, here);
        self.whisper(&frame, turn, |listener| listener.user != user);
    }
}
