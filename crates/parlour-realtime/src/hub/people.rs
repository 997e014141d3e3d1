//! Who has sockets here.

use super::{SessionId, register::Waiting};
use crate::{
    close::Close,
    dialect::{DialectKind, socketio},
    outbox::Outbox,
};
use bytes::Bytes;
use parlour_core::{RoomId, TokenId, UserId};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// One socket as the hub knows it.
pub(super) struct Seat {
    pub(super) user: UserId,
    pub(super) credential: Option<TokenId>,
    pub(super) dialect: DialectKind,
    pub(super) outbox: Arc<Outbox>,
    /// The only room it may listen in, if it is a socket of one room.
    pub(super) only: Option<RoomId>,
    /// Whether the rooms of its snapshot wait until the client has said what it missed.
    pub(super) is_held: bool,
    /// Said before anything else.
    pub(super) welcome: Option<Bytes>,
    /// Of a namespace of one room: set when that ends; the connection goes on.
    pub(super) ended: Option<Arc<AtomicBool>>,
    /// The rooms it listens in, each with the seq after which it does.
    pub(super) rooms: HashMap<RoomId, i64>,
    /// Still waits for its snapshot: until then it hears nothing, because events may pass by that are
    /// older than the socket.
    pub(super) is_new: bool,
    /// Its snapshot is being applied: the rooms it finds there wait until the client has said what it
    /// missed.
    pub(super) is_arriving: bool,
}

impl Seat {
    /// A frame of version 2 as this socket is told it.
    pub(super) fn of_v2(&self, frame: &Bytes) -> Bytes {
        self.dialect.of_v2(self.only, frame)
    }

    /// Its only room is none of its business any more; a socket of all rooms goes on.
    pub(super) fn dismiss(&self, close: &'static Close) {
        let Some(room) = self.only else {
            return;
        };
        match &self.ended {
            None => self.outbox.close(close),
            Some(ended) => {
                ended.store(true, Ordering::Release);
                let packet = socketio::disconnect(Some(room));
                self.outbox.send(&self.dialect.packet(packet));
            }
        }
    }
}

/// Somebody with at least one socket here.
#[derive(Default)]
pub(super) struct Person {
    pub(super) sessions: Vec<SessionId>,
    /// The snapshot of memberships that is being read.
    pub(super) reading: Option<Reading>,
    /// Sockets that wait for that snapshot.
    pub(super) waiting: Vec<Waiting>,
    /// Whether a snapshot was read: only then are they somebody who came.
    pub(super) has_arrived: bool,
    /// The rooms they are in, whatever their sockets hear of them.
    pub(super) hears: HashSet<RoomId>,
    /// The rooms that were told that they are here.
    pub(super) told: HashSet<RoomId>,
}

/// A snapshot that is being read.
pub(super) struct Reading {
    /// Which read; answers of older ones do not count.
    pub(super) number: u64,
    /// The newest change of this user's hearing in each room since the read began. What is newer
    /// than the snapshot wins over it.
    pub(super) changes: HashMap<RoomId, i64>,
}

/// All sockets of this process, by session and by user.
#[derive(Default)]
pub(super) struct People {
    pub(super) seats: HashMap<SessionId, Seat>,
    pub(super) persons: HashMap<UserId, Person>,
    /// Rooms whose first listener came or whose last one went in this turn.
    pub(super) moved: Vec<RoomId>,
}

impl People {
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    pub(super) fn is_here(&self, user: UserId) -> bool {
        self.persons.contains_key(&user)
    }

    /// Whether somebody is here whose coming was, or will be, told.
    pub(super) fn has_arrived(&self, user: UserId) -> bool {
        self.persons
            .get(&user)
            .is_some_and(|person| person.has_arrived)
    }

    pub(super) fn sessions_of(&self, user: UserId) -> &[SessionId] {
        self.persons
            .get(&user)
            .map_or(&[], |person| person.sessions.as_slice())
    }

    /// Adds a socket. From now on the stream's membership events reach it.
    pub(super) fn sit(&mut self, session: SessionId, seat: Seat) {
        let person = self.persons.entry(seat.user).or_default();
        person.sessions.push(session);
        self.seats.insert(session, seat);
    }

    /// Removes a socket; answers what it was, and whose if it was their last.
    pub(super) fn stand_up(&mut self, session: SessionId) -> Option<(Seat, Option<Person>)> {
        let seat = self.seats.remove(&session)?;
        let mut gone = None;
        if let Some(person) = self.persons.get_mut(&seat.user) {
            person.sessions.retain(|other| *other != session);
            person.waiting.retain(|waiting| waiting.session != session);
            if person.sessions.is_empty() {
                gone = self.persons.remove(&seat.user);
            }
        }
        Some((seat, gone))
    }

    /// Notes that a user is in a room.
    pub(super) fn note_inside(&mut self, user: UserId, room: RoomId) {
        if let Some(person) = self.persons.get_mut(&user) {
            person.hears.insert(room);
        }
    }

    /// Notes that a user is not in a room any more.
    pub(super) fn note_outside(&mut self, user: UserId, room: RoomId) {
        if let Some(person) = self.persons.get_mut(&user) {
            person.hears.remove(&room);
            person.told.remove(&room);
        }
    }

    /// Notes that the stream changed whether `user` hears in `room`.
    pub(super) fn note_change(&mut self, user: UserId, room: RoomId, seq: i64) {
        if let Some(Person {
            reading: Some(reading),
            ..
        }) = self.persons.get_mut(&user)
        {
            reading.changes.insert(room, seq);
        }
    }
}
