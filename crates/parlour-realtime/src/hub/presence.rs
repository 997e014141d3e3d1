//! Who is here: arrivals and departures, told to the rooms they concern. All of it may be lost.

use super::{room::Room, state::State, turn::Turn};
use crate::dialect::account_v2;
use parlour_core::{RoomId, UserId};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// How long somebody stays here after their last socket: reloading a page must not flicker.
const GRACE: Duration = Duration::from_secs(5);
/// Arrivals are collected for so long.
const COLLECT: Duration = Duration::from_millis(50);
/// In rooms with more sockets nobody is told: a crowd that comes back would cost its square.
const MOST_LISTENERS: usize = 500;

/// Comings and goings that are still to be told.
#[derive(Default)]
pub(super) struct Presence {
    arrivals: Vec<UserId>,
    flush: Option<Instant>,
    leaving: HashMap<UserId, Leaving>,
    /// In order of time; entries that [`leaving`](Self::leaving) does not know are skipped.
    dues: VecDeque<(Instant, UserId)>,
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
        self.flush.get_or_insert(now + COLLECT);
        self.leaving
            .remove(&user)
            .map(|leaving| leaving.told)
            .unwrap_or_default()
    }

    /// Somebody's last socket is gone; `told` are the rooms that may think they are here.
    pub(super) fn leave(&mut self, user: UserId, told: HashSet<RoomId>, now: Instant) {
        let due = now + GRACE;
        self.leaving.insert(user, Leaving { due, told });
        self.dues.push_back((due, user));
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
            let left = self.presence.leaving.remove(&user);
            for room in left.into_iter().flat_map(|left| left.told) {
                if let Some(room) = self.rooms.get(&room) {
                    room.tell_presence(user, false, &mut self.turn);
                }
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
                room.tell_presence(user, true, &mut self.turn);
            }
        }
    }
}

impl Room {
    /// Tells the others in the room that somebody is here, or not any more.
    pub(super) fn tell_presence(&self, user: UserId, here: bool, turn: &mut Turn) {
        if self.listeners.len() > MOST_LISTENERS {
            return;
        }
        let frame = account_v2::presence(self.id, user, here);
        self.whisper(&frame, turn, |listener| listener.user != user);
    }
}
