//! A socket comes: subscribe first, then read the snapshot of its memberships, and let whatever the
//! stream said meanwhile win.

use super::{
    SessionId,
    people::{Reading, Seat},
    reads::Read,
    room::Room,
    state::State,
};
use crate::{
    dialect::{DialectKind, account_v2},
    hub::order::Order,
    outbox::Outbox,
};
use bytes::Bytes;
use parlour_core::{
    Actor, Error, RoomId, UserId,
    error::{INVALID_TOKEN, NOT_IN_ROOM, STORE_UNAVAILABLE},
    ports::Hearing,
};
use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::{sync::oneshot, time::Instant};

/// A socket that wants to hear.
pub(super) struct Register {
    pub(super) session: SessionId,
    pub(super) actor: Actor,
    pub(super) dialect: DialectKind,
    pub(super) outbox: Arc<Outbox>,
    /// The only room it may hear, if it is a socket of one room.
    pub(super) only: Option<RoomId>,
    /// Whether its rooms wait until the client has said what it missed.
    pub(super) is_held: bool,
    /// Said before anything else.
    pub(super) welcome: Option<Bytes>,
    /// See [`Seat::ended`].
    pub(super) ended: Option<Arc<AtomicBool>>,
    /// Answered when everything committed from now on will be delivered.
    pub(super) reply: Reply,
}

/// Where a socket begins to hear: each room and the seq after which it does.
pub(crate) type Cursors = Vec<(RoomId, i64)>;

pub(super) type Reply = oneshot::Sender<Result<Cursors, Error>>;

/// A socket that waits for its snapshot.
pub(super) struct Waiting {
    pub(super) session: SessionId,
    pub(super) reply: Reply,
}

impl State {
    /// Seats a socket and asks for its snapshot.
    pub(super) fn register(&mut self, request: Register) {
        let Register {
            session,
            actor,
            dialect,
            outbox,
            only,
            is_held,
            welcome,
            ended,
            reply,
        } = request;
        if outbox.closing().is_some() {
            return;
        }
        let credential = actor.credential();
        let refusal = if self.is_closing() {
            Some(unavailable())
        } else if credential.is_some_and(|id| self.ended.contains(id)) {
            Some(INVALID_TOKEN.into())
        } else {
            None
        };
        if let Some(error) = refusal {
            // Nobody waits any more: then there is nobody to tell.
            let _ = reply.send(Err(error));
            return;
        }
        self.people.sit(
            session,
            Seat {
                user: actor.user,
                credential,
                dialect,
                outbox,
                only,
                is_held,
                welcome,
                ended,
                rooms: HashMap::new(),
                is_new: true,
                is_arriving: false,
            },
        );
        if let Some(person) = self.people.persons.get_mut(&actor.user) {
            person.waiting.push(Waiting { session, reply });
        }
        self.read_hearings(actor.user);
    }

    /// Asks for a user's memberships unless that is under way.
    pub(super) fn read_hearings(&mut self, user: UserId) {
        let number = self.next_read();
        if let Some(person) = self.people.persons.get_mut(&user)
            && person.reading.is_none()
        {
            person.reading = Some(Reading {
                number,
                changes: HashMap::new(),
            });
            self.work.push(Read::Hearings { user, number });
        }
    }

    /// The snapshot is here.
    pub(super) fn hearings(
        &mut self,
        user: UserId,
        number: u64,
        result: Result<Vec<Hearing>, Error>,
        now: Instant,
    ) {
        let Some(person) = self.people.persons.get_mut(&user) else {
            return;
        };
        let Some(reading) = person.reading.take_if(|reading| reading.number == number) else {
            return;
        };
        let waiting = std::mem::take(&mut person.waiting);
        match result {
            Ok(hearings) => {
                if !std::mem::replace(&mut person.has_arrived, true) {
                    person.told = self.presence.arrive(user, now);
                }
                let new: Vec<_> = waiting.iter().map(|one| one.session).collect();
                for session in &new {
                    if let Some(seat) = self.people.seats.get_mut(session) {
                        seat.is_new = false;
                        seat.is_arriving = true;
                    }
                }
                let mut changes = reading.changes;
                for hearing in hearings {
                    if changes
                        .get(&hearing.room)
                        .is_none_or(|seq| *seq <= hearing.seq)
                    {
                        changes.remove(&hearing.room);
                        self.place(user, hearing, &new, now);
                    }
                }
                // Where the stream is newer than the snapshot, it knows better.
                for room in changes.into_keys() {
                    self.follow(user, room);
                }
                for one in waiting {
                    let begun = self.begin(one.session, now);
                    // A client that went away meanwhile unregisters by itself.
                    let _ = one.reply.send(begun);
                }
            }
            Err(error) => {
                tracing::debug!(%error, "no memberships, no place");
                for one in waiting {
                    self.remove(one.session, now);
                    let _ = one.reply.send(Err(unavailable()));
                }
            }
        }
    }

    /// The snapshot is applied: greets the client, before anything else can reach it.
    fn begin(&mut self, session: SessionId, now: Instant) -> Result<Cursors, Error> {
        let Some(seat) = self.people.seats.get_mut(&session) else {
            return Err(unavailable());
        };
        seat.is_arriving = false;
        if seat
            .only
            .is_some_and(|only| !seat.rooms.contains_key(&only))
        {
            self.remove(session, now);
            return Err(NOT_IN_ROOM.into());
        }
        if !seat.dialect.is_full() {
            return Ok(Vec::new());
        }
        let mut cursors: Cursors = seat.rooms.iter().map(|(room, seq)| (*room, *seq)).collect();
        cursors.sort_unstable();
        let hello = account_v2::hello(&self.greeting, seat.user, &cursors);
        let hello = seat.of_v2(&hello);
        for frame in seat.welcome.take().into_iter().chain([hello]) {
            let push = seat.outbox.push(&frame);
            self.turn.note(push, session, &seat.outbox);
        }
        Ok(cursors)
    }

    /// Applies one line of a snapshot to the sockets of its user. `new` are the sockets that the
    /// snapshot was read for; the others hear already, unless the bus lost something.
    fn place(&mut self, user: UserId, hearing: Hearing, new: &[SessionId], now: Instant) {
        let Self { rooms, people, .. } = self;
        let room = rooms.entry(hearing.room).or_insert_with(|| {
            // Not at the snapshot's place at once: what is still under way may concern others.
            Room::new(hearing.room, Order::floating(), now)
        });
        if room.order.is_ended() {
            return;
        }
        room.owner.get_or_insert(hearing.owner);
        people.note_inside(user, hearing.room);
        let all_new = new.len() == people.sessions_of(user).len();
        match room.order.position() {
            Some(position) if position >= hearing.seq => {
                if hearing.is_member {
                    room.members.insert(user);
                }
                room.subscribe(user, position, people);
            }
            position => {
                // The stream here is behind the snapshot. New sockets begin at the snapshot; for the
                // others the event that let them in is still to come.
                room.order.hear_of(hearing.seq);
                for session in new {
                    room.listen(*session, hearing.seq, people);
                }
                if all_new && hearing.is_member {
                    room.members.insert(user);
                }
                if !all_new && position.is_none() {
                    // Unless it was lost: looked at again when the room has settled.
                    room.expecting.push(user);
                }
            }
        }
        self.watch(hearing.room, now);
    }

    /// Lets all sockets of a user hear a room if the stream says that the user does.
    fn follow(&mut self, user: UserId, room: RoomId) {
        if let Some(room) = self.rooms.get_mut(&room)
            && let Some(position) = room.order.position()
            && room.hears(user)
        {
            room.subscribe(user, position, &mut self.people);
        }
    }
}

fn unavailable() -> Error {
    Error::from(STORE_UNAVAILABLE).retry_after(Duration::from_secs(1))
}
