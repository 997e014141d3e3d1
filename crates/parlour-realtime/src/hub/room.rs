//! One room as the hub knows it, and what each event of its stream changes.

use super::{
    SessionId,
    burst::Burst,
    order::{Need, Order},
    people::People,
    turn::Turn,
};
use crate::{
    close::{self, Close},
    dialect::{DIALECTS, DialectKind, Encoded},
    outbox::Outbox,
};
use parlour_core::{
    Event, RoomId, Time, UserId, What,
    event::{EndReason, LeaveReason},
    model::RoomKind,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::time::Instant;

/// How many events a hand-over has at most.
const HAND_OVER: i64 = 3;

/// A socket that hears a room.
pub(super) struct Listener {
    pub(super) session: SessionId,
    pub(super) user: UserId,
    /// The membership is true at this seq: membership events up to it are none of its business.
    pub(super) after: i64,
    /// Events above this seq are delivered.
    pub(super) from: i64,
    /// Gets nothing of the stream until it was [fed](super::feed) what it missed.
    pub(super) held: bool,
    pub(super) dialect: DialectKind,
    pub(super) outbox: Arc<Outbox>,
}

/// Where the healing of a hole stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heal {
    /// Nothing to do.
    Idle,
    /// The store is asked at `due` unless the room moves on from `position` by itself.
    Waiting { due: Instant, position: Option<i64> },
    /// The store is being asked.
    Reading,
}

/// One room. Rooms without listeners are kept for a while (`quiet` rooms), so that membership events
/// of people with sockets here are recognised as early, late or repeated.
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) order: Order,
    pub(super) owner: Option<UserId>,
    /// The members among the people with sockets here, as far as known.
    pub(super) members: HashSet<UserId>,
    pub(super) listeners: Vec<Listener>,
    pub(super) heal: Heal,
    /// Failed reads in a row.
    pub(super) tries: u32,
    /// Until when the healing of a long hole waits for readers that fall behind.
    pub(super) patient_until: Option<Instant>,
    /// The store did not name the room among the living ones.
    pub(super) suspect: bool,
    /// People to look at again when the room has settled.
    pub(super) expecting: Vec<UserId>,
    /// When something happened here last.
    pub(super) seen: Instant,
    /// Who may enter, as far as known.
    pub(super) kind: Option<RoomKind>,
    /// Who was told to be writing, and when.
    pub(super) writing: Vec<(UserId, Instant)>,
    /// What was let through in this turn and is not in the outboxes yet: events that change nothing
    /// about who hears what.
    unsaid: Vec<Arc<Event>>,
    /// Where people who are here came in last, so that nobody hears their way in twice.
    pub(super) entered: HashMap<UserId, i64>,
    /// A former owner without a seat, and the seq up to which the hand-over may still give them one.
    former: Option<(UserId, i64)>,
    last_at: Time,
}

impl Room {
    pub(super) fn new(id: RoomId, order: Order, now: Instant) -> Self {
        Self {
            id,
            order,
            owner: None,
            expecting: Vec::new(),
            members: HashSet::new(),
            listeners: Vec::new(),
            heal: Heal::Idle,
            tries: 0,
            patient_until: None,
            suspect: false,
            seen: now,
            kind: None,
            writing: Vec::new(),
            unsaid: Vec::new(),
            entered: HashMap::new(),
            former: None,
            last_at: Time::from_micros(0),
        }
    }

    /// Whether nobody listens.
    pub(super) fn is_quiet(&self) -> bool {
        self.listeners.is_empty()
    }

    /// Whether somebody's outbox is too full for another piece of history.
    pub(super) fn is_congested(&self) -> bool {
        self.listeners
            .iter()
            .any(|listener| listener.outbox.is_half_full())
    }

    /// Whether the user hears at this place of the stream, as far as known.
    pub(super) fn hears(&self, user: UserId) -> bool {
        self.owner == Some(user) || self.members.contains(&user)
    }

    /// Whether the store has to be asked something.
    pub(super) fn is_wanting(&self) -> bool {
        !self.order.is_ended() && (self.suspect || self.order.need() != Need::Nothing)
    }

    /// Takes an event from anywhere and lets through what is next.
    pub(super) fn offer(&mut self, event: Arc<Event>, people: &mut People, turn: &mut Turn) {
        let owner = names_owner(&event);
        self.offer_with_owner(event, owner, people, turn);
    }

    /// The same for an event read back, whose owner was found by [`super::owners`]. Answers whether
    /// the event was news.
    pub(super) fn offer_with_owner(
        &mut self,
        event: Arc<Event>,
        owner: Option<UserId>,
        people: &mut People,
        turn: &mut Turn,
    ) -> bool {
        let next = self.order.offer(event);
        let was_next = next.is_some();
        if let Some(event) = next {
            self.apply(event, owner, people, turn);
        }
        self.drain(people, turn);
        was_next
    }

    /// Lets through what waited and is next now.
    pub(super) fn drain(&mut self, people: &mut People, turn: &mut Turn) {
        while let Some(event) = self.order.pop() {
            let owner = names_owner(&event);
            self.apply(event, owner, people, turn);
        }
    }

    /// The store does not know the room any more: it ended.
    pub(super) fn end(&mut self, people: &mut People, turn: &mut Turn) {
        if self.order.is_ended() {
            return;
        }
        let next = self.order.position().unwrap_or(0) + 1;
        let top = self.order.top();
        let event = self.order.end().unwrap_or_else(|| {
            Arc::new(Event {
                room: self.id,
                seq: top.max(next),
                at: self.last_at,
                what: What::RoomDeleted(EndReason::Deleted),
            })
        });
        self.apply(event, None, people, turn);
    }

    /// One event, in order. `owner`: the owner in force from this event on, if it names one.
    fn apply(
        &mut self,
        event: Arc<Event>,
        owner: Option<UserId>,
        people: &mut People,
        turn: &mut Turn,
    ) {
        self.last_at = event.at;
        turn.events += 1;
        turn.rings.go_on(&event);
        if changes_no_hearing(&event.what) && self.former.is_none() {
            self.say_later(event, turn);
            return;
        }
        // What came before is for those who heard before.
        self.say(turn);
        let event = &event;
        match &event.what {
            What::RoomCreated(_) | What::RoomUpdated(_) => {
                self.set_owner(owner, event.seq, people);
            }
            What::MemberJoined(user) if people.is_here(*user) => {
                self.members.insert(*user);
                self.entered.insert(*user, event.seq);
                self.subscribe(*user, event.seq - 1, people);
                people.note_change(*user, self.id, event.seq);
            }
            _ => {}
        }
        self.deliver(event, turn);
        self.tell_strangers(event, people, turn);
        match event.what {
            What::MemberJoined(user) => {
                if let Some(person) = people.persons.get_mut(&user)
                    && person.has_arrived
                    && person.told.insert(self.id)
                {
                    self.spread_presence(user, true, turn);
                }
            }
            What::MemberLeft(user, LeaveReason::BecameHost) => {
                self.members.remove(&user);
                self.set_owner(owner, event.seq, people);
            }
            What::MemberLeft(user, reason) => {
                self.members.remove(&user);
                if self.owner != Some(user) {
                    // That the credential ended comes by another way, and may be here later.
                    let close = match reason {
                        LeaveReason::AccountDeleted => &close::CREDENTIAL_ENDED,
                        _ => &close::NOT_IN_ROOM,
                    };
                    self.unsubscribe(user, event.seq, people, close);
                }
            }
            What::RoomDeleted(_) => self.forget_listeners(people),
            _ => {}
        }
        self.release_former(event.seq, people);
    }

    /// Keeps an event for the end of the turn, when all of them are written at once.
    fn say_later(&mut self, event: Arc<Event>, turn: &mut Turn) {
        if self.listeners.is_empty() {
            return;
        }
        if self.unsaid.is_empty() {
            turn.speaking.push(self.id);
        }
        self.unsaid.push(event);
    }

    /// Puts what was let through in this turn into the outboxes: one piece for all sockets that
    /// stand at the same place.
    pub(super) fn say(&mut self, turn: &mut Turn) {
        let Some(last) = self.unsaid.last().map(|event| event.seq) else {
            return;
        };
        let mut bursts = [const { None }; DIALECTS];
        let mut is_wanted = false;
        // Few messages have files: those are written once for each who is told addresses of their own.
        let signer = turn.signer.clone();
        let signer = signer.filter(|_| self.unsaid.iter().any(|event| has_files(event)));
        for listener in &self.listeners {
            is_wanted |= listener.dialect.is_full();
            if listener.held || listener.from >= last {
                continue;
            }
            if let Some(signer) = signer.as_ref().filter(|_| listener.dialect.is_signed()) {
                let own = Burst::for_one(&self.unsaid, listener.dialect, (signer, listener.user));
                if let Some(piece) = own.after(listener.from) {
                    turn.push_piece(listener, piece);
                }
                continue;
            }
            let burst = bursts[listener.dialect as usize]
                .get_or_insert_with(|| Burst::of(&self.unsaid, listener.dialect));
            if let Some(piece) = burst.after(listener.from) {
                turn.push_piece(listener, piece);
            }
        }
        if is_wanted {
            let burst = bursts[DialectKind::AccountV2 as usize].as_ref();
            turn.rings.said(self.id, &self.unsaid, burst);
        }
        self.unsaid.clear();
    }

    fn deliver(&mut self, event: &Arc<Event>, turn: &mut Turn) {
        let mut encoded = Encoded::new(event);
        let mut is_wanted = false;
        let signer = turn.signer.clone().filter(|_| has_files(event));
        for listener in &self.listeners {
            is_wanted |= listener.dialect.is_full();
            if listener.from >= event.seq {
                continue;
            }
            // Who is held when it ends can be fed no more: then this is the last word.
            if listener.held && !self.ends_for(listener.user, event) {
                continue;
            }
            let frame = match signer.as_ref().filter(|_| listener.dialect.is_signed()) {
                Some(signer) => listener
                    .dialect
                    .encode_signed(event, &*signer.of(listener.user)),
                None => encoded.frame(listener.dialect),
            };
            if let Some(frame) = frame {
                turn.push(listener, &frame);
            }
        }
        if is_wanted {
            turn.rings.said(self.id, std::slice::from_ref(event), None);
        }
    }

    /// Whether the user hears nothing after this event.
    fn ends_for(&self, user: UserId, event: &Event) -> bool {
        match &event.what {
            What::RoomDeleted(_) => true,
            What::MemberLeft(_, LeaveReason::BecameHost) => false,
            What::MemberLeft(left, _) => *left == user && self.owner != Some(user),
            _ => false,
        }
    }

    /// The owner hears. A former owner goes on hearing as a member: by the seat they have, or by the
    /// one that the hand-over gives them within its next events.
    fn set_owner(&mut self, owner: Option<UserId>, seq: i64, people: &mut People) {
        let Some(new) = owner else { return };
        let old = self.owner.replace(new);
        if let Some(old) = old
            && old != new
            && !self.members.contains(&old)
        {
            self.former = Some((old, seq + HAND_OVER - 1));
        }
        // Also when the owner is no news: a snapshot may have named them ahead of the stream.
        if people.is_here(new) {
            self.subscribe(new, seq - 1, people);
            people.note_change(new, self.id, seq);
        }
    }

    fn release_former(&mut self, seq: i64, people: &mut People) {
        if let Some((user, until)) = self.former
            && seq >= until
        {
            self.former = None;
            if !self.hears(user) {
                self.unsubscribe(user, seq, people, &close::NOT_IN_ROOM);
            }
        }
    }

    /// Lets every socket of the user hear what comes after this seq.
    pub(super) fn subscribe(&mut self, user: UserId, after: i64, people: &mut People) {
        people.note_inside(user, self.id);
        let sessions = people.sessions_of(user).to_vec();
        for session in sessions {
            self.listen(session, after, people);
        }
    }

    /// Lets one socket hear what comes after this seq; one that hears already goes on as it does, one
    /// that waits for its snapshot is placed when that comes.
    pub(super) fn listen(&mut self, session: SessionId, after: i64, people: &mut People) {
        if let Some(seat) = people.seats.get_mut(&session)
            && !seat.is_new
            && seat.only.is_none_or(|only| only == self.id)
            && !seat.rooms.contains_key(&self.id)
        {
            seat.rooms.insert(self.id, after);
            if self.listeners.is_empty() {
                people.moved.push(self.id);
            }
            self.listeners.push(Listener {
                session,
                user: seat.user,
                after,
                from: after,
                held: seat.is_arriving && seat.is_held,
                dialect: seat.dialect,
                outbox: Arc::clone(&seat.outbox),
            });
        }
    }

    /// Sockets of the user hear no more, but those whose snapshot is newer than this seq.
    fn unsubscribe(&mut self, user: UserId, seq: i64, people: &mut People, close: &'static Close) {
        let id = self.id;
        people.note_outside(user, id);
        self.listeners.retain(|listener| {
            if listener.user != user {
                return true;
            }
            let stays = listener.after >= seq;
            if stays {
                people.note_inside(user, id);
            } else if let Some(seat) = people.seats.get_mut(&listener.session) {
                seat.rooms.remove(&id);
                seat.dismiss(close);
            }
            stays
        });
        if self.listeners.is_empty() {
            people.moved.push(id);
        }
        people.note_change(user, self.id, seq);
    }

    fn forget_listeners(&mut self, people: &mut People) {
        people.moved.push(self.id);
        for listener in std::mem::take(&mut self.listeners) {
            if let Some(seat) = people.seats.get_mut(&listener.session) {
                seat.rooms.remove(&self.id);
                seat.dismiss(&close::ROOM_ENDED);
            }
        }
        for user in std::mem::take(&mut self.members)
            .into_iter()
            .chain(self.owner)
        {
            people.note_outside(user, self.id);
        }
        self.former = None;
    }

    /// A socket is gone.
    pub(super) fn drop_session(&mut self, session: SessionId) {
        let index = self
            .listeners
            .iter()
            .position(|listener| listener.session == session);
        if let Some(index) = index {
            self.listeners.swap_remove(index);
        }
    }
}

/// Whether it is a message with files.
fn has_files(event: &Event) -> bool {
    match &event.what {
        What::MessageCreated(message) | What::MessageUpdated(message) => !message.files.is_empty(),
        _ => false,
    }
}

/// Whether the same people hear the room before and after such an event.
const fn changes_no_hearing(what: &What) -> bool {
    matches!(
        what,
        What::MessageCreated(_)
            | What::MessageUpdated(_)
            | What::MessageDeleted(_)
            | What::ReactionAdded(..)
            | What::ReactionRemoved(..)
    )
}

/// The owner in force from a live event on, if it names one.
pub(super) fn names_owner(event: &Event) -> Option<UserId> {
    match &event.what {
        What::RoomCreated(room) | What::RoomUpdated(room) => Some(room.owner),
        What::MemberLeft(user, LeaveReason::BecameHost) => Some(*user),
        _ => None,
    }
}
