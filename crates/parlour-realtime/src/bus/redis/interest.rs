//! What this process wants of the bus, and who is here: a state, not a queue, so that none of it can be
//! lost when Redis is slow or away. It is as large as what the hubs know.

use parlour_core::{RoomId, UserId};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// The state, and what of it Redis was not told yet.
#[derive(Default)]
pub(super) struct Interest {
    inner: Mutex<Inner>,
    moved: Notify,
}

#[derive(Default)]
struct Inner {
    /// The rooms that hubs here listen in; how many hubs do.
    rooms: HashMap<RoomId, usize>,
    seats: HashSet<UserId>,
    moved_rooms: HashSet<RoomId>,
    moved_seats: HashSet<UserId>,
}

/// What Redis is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    /// Rooms to be followed from now on.
    pub(super) follow: Vec<RoomId>,
    /// Rooms not to be followed any more.
    pub(super) leave: Vec<RoomId>,
    /// Who came or went.
    pub(super) seats: Vec<(UserId, bool)>,
}

impl Interest {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One hub more listens in the room.
    pub(super) fn follow(&self, room: RoomId) {
        let mut inner = self.inner();
        *inner.rooms.entry(room).or_default() += 1;
        inner.moved_rooms.insert(room);
        drop(inner);
        self.moved.notify_one();
    }

    /// One hub fewer does.
    pub(super) fn unfollow(&self, room: RoomId) {
        let mut inner = self.inner();
        let Some(hubs) = inner.rooms.get_mut(&room) else {
            return;
        };
        *hubs -= 1;
        if *hubs == 0 {
            inner.rooms.remove(&room);
            inner.moved_rooms.insert(room);
        }
        drop(inner);
        self.moved.notify_one();
    }

    /// Somebody is here, or not any more.
    pub(super) fn seat(&self, user: UserId, here: bool) {
        let mut inner = self.inner();
        if here {
            inner.seats.insert(user);
        } else {
            inner.seats.remove(&user);
        }
        inner.moved_seats.insert(user);
        drop(inner);
        self.moved.notify_one();
    }

    /// Waits until something moved since this was last ready. Cancel safe.
    pub(super) async fn moved(&self) {
        self.moved.notified().await;
    }

    /// What moved since the last time. It is for the caller to tell; when that fails, everything is
    /// told anew to the next connection: see [`all`](Self::all).
    pub(super) fn take(&self) -> Moved {
        let mut inner = self.inner();
        let rooms = std::mem::take(&mut inner.moved_rooms);
        let seats = std::mem::take(&mut inner.moved_seats);
        let is_wanted = |room: &RoomId| inner.rooms.contains_key(room);
        let (follow, leave) = rooms.into_iter().partition(is_wanted);
        let is_here = |user| (user, inner.seats.contains(&user));
        Moved {
            follow,
            leave,
            seats: seats.into_iter().map(is_here).collect(),
        }
    }

    /// Everything, for a connection that knows nothing yet, or nothing for sure any more.
    pub(super) fn all(&self) -> Moved {
        let mut inner = self.inner();
        let rooms = std::mem::take(&mut inner.moved_rooms);
        let is_wanted = |room: &RoomId| inner.rooms.contains_key(room);
        let leave = rooms.into_iter().filter(|room| !is_wanted(room)).collect();
        // Who left while Redis was away may still be in its list.
        let gone: Vec<_> = std::mem::take(&mut inner.moved_seats)
            .into_iter()
            .filter(|user| !inner.seats.contains(user))
            .map(|user| (user, false))
            .collect();
        let here = inner.seats.iter().map(|user| (*user, true));
        Moved {
            follow: inner.rooms.keys().copied().collect(),
            leave,
            seats: here.chain(gone).collect(),
        }
    }

    /// Everybody who is here, for a list that is made anew.
    pub(super) fn seats(&self) -> Vec<(UserId, bool)> {
        let mut inner = self.inner();
        inner.moved_seats.clear();
        inner.seats.iter().map(|user| (*user, true)).collect()
    }

    /// Whether somebody is here.
    pub(super) fn is_here(&self, user: UserId) -> bool {
        self.inner().seats.contains(&user)
    }

    /// How many rooms are followed.
    pub(super) fn rooms(&self) -> usize {
        self.inner().rooms.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outcome_is_told() {
        let (room, other) = (RoomId::new(1), RoomId::new(2));
        let user = UserId::new(3);
        let interest = Interest::default();
        interest.follow(room);
        interest.follow(room);
        interest.unfollow(room);
        interest.follow(other);
        interest.unfollow(other);
        interest.unfollow(other);
        interest.seat(user, true);
        interest.seat(user, false);
        let moved = interest.take();
        assert_eq!((moved.follow, moved.leave), (vec![room], vec![other]));
        assert_eq!(moved.seats, [(user, false)]);
        assert_eq!(interest.take(), Moved::default());
        interest.unfollow(room);
        assert_eq!(interest.take().leave, [room]);
    }

    #[test]
    fn a_new_connection_is_told_everything_and_who_left_meanwhile() {
        let (room, left) = (RoomId::new(1), RoomId::new(2));
        let (here, gone) = (UserId::new(3), UserId::new(4));
        let interest = Interest::default();
        interest.follow(room);
        interest.follow(left);
        interest.seat(here, true);
        interest.seat(gone, true);
        interest.take();
        interest.seat(gone, false);
        interest.unfollow(left);
        let all = interest.all();
        assert_eq!(all.follow, [room]);
        assert_eq!(all.leave, [left], "the connection may be the same");
        assert_eq!(all.seats, [(here, true), (gone, false)]);
        assert_eq!(interest.take(), Moved::default());
    }
}
