//! A store in memory that keeps the promises of the ports: what is committed has the next seq of its
//! room, and can be read at once. Also knows, as the judge of the tests, who hears what.

use async_trait::async_trait;
use parlour_core::{
    Error, Event, MessageId, RoomId, Time, UserId, What,
    event::{EndReason, LeaveReason, Reacted},
    model::{Html, Message, Room, RoomKind, Sender},
    ports::{Hearing, History},
};
use parlour_realtime::{ChangeKind, NewChange, Source};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

pub(crate) type Events = Vec<Arc<Event>>;

const NAMES: [&str; 5] = ["zoe", "ada", "bob", "cem", "dee"];

/// How people are shown in tests.
fn sender(user: UserId) -> Arc<Sender> {
    let name = NAMES
        .get(user.get() as usize)
        .copied()
        .unwrap_or("somebody");
    Arc::new(Sender {
        nickname: name.to_owned(),
        hue: (user.get() % 12) as u8,
    })
}

/// A message at the dawn of time.
pub(crate) fn new_message(
    (id, room, owner): (MessageId, RoomId, UserId),
    seq: i64,
    text: &str,
) -> Message {
    Message {
        id,
        room,
        owner,
        sender: sender(owner),
        seq,
        text: text.to_owned(),
        nonce: None,
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        created_at: Time::from_micros(0),
        updated_at: Time::from_micros(0),
        files: Vec::new(),
        html: Html::default(),
    }
}

#[derive(Default)]
pub(crate) struct Log {
    inner: Mutex<Inner>,
    down: AtomicBool,
    reads: AtomicUsize,
    /// The same by kind.
    pub(crate) counted: Counted,
    /// How long a read takes, in microseconds of the paused clock.
    delay: AtomicUsize,
}

/// How often what was read.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) hearings: AtomicUsize,
    pub(crate) positions: AtomicUsize,
    pub(crate) history: Mutex<BTreeMap<RoomId, usize>>,
}

impl Counted {
    fn note_history(&self, room: RoomId) {
        let mut rooms = self.history.lock().expect("not poisoned");
        *rooms.entry(room).or_default() += 1;
    }
}

#[derive(Default)]
struct Inner {
    rooms: BTreeMap<RoomId, LogRoom>,
    next_message: i64,
}

struct LogRoom {
    owner: UserId,
    members: BTreeSet<UserId>,
    events: Vec<Event>,
    /// Who hears each event: `hearers[seq - 1]`.
    hearers: Vec<BTreeSet<UserId>>,
    ended: bool,
    kind: RoomKind,
}

impl LogRoom {
    fn seq(&self) -> i64 {
        self.events.len() as i64
    }

    fn hears(&self, user: UserId) -> bool {
        self.owner == user || self.members.contains(&user)
    }

    fn now(&self, id: RoomId) -> Arc<Room> {
        let at = Time::from_micros(0);
        Arc::new(Room {
            id,
            name: format!("room {id}"),
            topic: String::new(),
            kind: self.kind,
            owner: self.owner,
            max_users: 100,
            created_at: at,
            updated_at: at,
            expires_at: None,
            seq: self.seq(),
            messages: 0,
            users: self.members.iter().copied().collect(),
        })
    }

    fn commit(&mut self, id: RoomId, what: What) -> Arc<Event> {
        let event = Event {
            room: id,
            seq: self.seq() + 1,
            at: Time::from_micros(1_795_304_414_000_000 + self.seq()),
            what,
        };
        let mut hearers = self.members.clone();
        hearers.insert(self.owner);
        self.events.push(event.clone());
        self.hearers.push(hearers);
        Arc::new(event)
    }
}

impl Log {
    fn with<T>(&self, room: RoomId, act: impl FnOnce(&mut LogRoom) -> T) -> Option<T> {
        let mut inner = self.inner.lock().expect("not poisoned");
        inner
            .rooms
            .get_mut(&room)
            .filter(|room| !room.ended)
            .map(act)
    }

    pub(crate) fn create(&self, owner: UserId) -> (RoomId, Events) {
        self.create_of(owner, RoomKind::Group)
    }

    pub(crate) fn create_of(&self, owner: UserId, kind: RoomKind) -> (RoomId, Events) {
        let mut inner = self.inner.lock().expect("not poisoned");
        let id = RoomId::new(inner.rooms.len() as i64 + 1);
        let mut room = LogRoom {
            owner,
            members: BTreeSet::new(),
            events: Vec::new(),
            hearers: Vec::new(),
            ended: false,
            kind,
        };
        let created = What::RoomCreated(room.now(id));
        let event = room.commit(id, created);
        inner.rooms.insert(id, room);
        (id, vec![event])
    }

    pub(crate) fn join(&self, id: RoomId, user: UserId) -> Events {
        self.with(id, |room| {
            if room.members.insert(user) {
                vec![room.commit(id, What::MemberJoined(user))]
            } else {
                Vec::new()
            }
        })
        .unwrap_or_default()
    }

    pub(crate) fn leave(&self, id: RoomId, user: UserId, reason: LeaveReason) -> Events {
        self.with(id, |room| {
            if room.members.remove(&user) {
                vec![room.commit(id, What::MemberLeft(user, reason))]
            } else {
                Vec::new()
            }
        })
        .unwrap_or_default()
    }

    pub(crate) fn rename(&self, id: RoomId) -> Events {
        self.with(id, |room| {
            let now = room.now(id);
            vec![room.commit(id, What::RoomUpdated(now))]
        })
        .unwrap_or_default()
    }

    pub(crate) fn set_kind(&self, id: RoomId, kind: RoomKind) -> Events {
        self.with(id, |room| room.kind = kind);
        self.rename(id)
    }

    /// Changes a message; nothing when there is none.
    pub(crate) fn change(&self, change: &NewChange, user: UserId) -> Option<(RoomId, Events)> {
        let message = self.message(change.id)?;
        let what = match &change.what {
            ChangeKind::Edit(text) => {
                let mut message = (*message).clone();
                message.text.clone_from(text);
                message.html = Html::default();
                What::MessageUpdated(Arc::new(message))
            }
            ChangeKind::Delete => What::MessageDeleted(change.id),
            ChangeKind::React { emoji, on } => {
                let reacted = Arc::new(Reacted {
                    message: change.id,
                    emoji: emoji.clone(),
                    user,
                });
                if *on {
                    What::ReactionAdded(reacted)
                } else {
                    What::ReactionRemoved(reacted)
                }
            }
        };
        Some((message.room, self.commit(message.room, what)))
    }

    fn message(&self, id: MessageId) -> Option<Arc<Message>> {
        let inner = self.inner.lock().expect("not poisoned");
        let mut events = inner.rooms.values().flat_map(|room| &room.events);
        events.find_map(|event| match &event.what {
            What::MessageCreated(message) if message.id == id => Some(Arc::clone(message)),
            _ => None,
        })
    }

    pub(crate) fn hand_over(&self, id: RoomId, to: UserId) -> Events {
        self.with(id, |room| {
            if !room.members.contains(&to) || room.owner == to {
                return Vec::new();
            }
            let former = std::mem::replace(&mut room.owner, to);
            let now = room.now(id);
            let has_seat = room.members.contains(&former);
            if !has_seat {
                // Hears on throughout, by the seat that comes with the third event.
                room.members.insert(former);
            }
            let mut events = vec![room.commit(id, What::RoomUpdated(now))];
            if !has_seat {
                room.members.remove(&to);
                let left = What::MemberLeft(to, LeaveReason::BecameHost);
                events.push(room.commit(id, left));
                events.push(room.commit(id, What::MemberJoined(former)));
            }
            events
        })
        .unwrap_or_default()
    }

    pub(crate) fn end(&self, id: RoomId, reason: EndReason) -> Events {
        self.with(id, |room| {
            let event = room.commit(id, What::RoomDeleted(reason));
            room.ended = true;
            vec![event]
        })
        .unwrap_or_default()
    }

    /// Anything that changes nobody's hearing.
    pub(crate) fn commit(&self, id: RoomId, what: What) -> Events {
        self.with(id, |room| vec![room.commit(id, what)])
            .unwrap_or_default()
    }

    /// Stores a message; nothing when the author does not hear the room.
    pub(crate) fn send(&self, id: RoomId, owner: UserId, text: &str) -> Events {
        self.send_with(id, owner, text, None)
    }

    pub(crate) fn send_with(
        &self,
        id: RoomId,
        owner: UserId,
        text: &str,
        nonce: Option<String>,
    ) -> Events {
        let message = {
            let mut inner = self.inner.lock().expect("not poisoned");
            inner.next_message += 1;
            MessageId::new(inner.next_message)
        };
        self.with(id, |room| {
            if !room.hears(owner) {
                return Vec::new();
            }
            let at = Time::from_micros(1_795_304_414_000_000 + room.seq());
            let message = Arc::new(Message {
                nonce,
                created_at: at,
                updated_at: at,
                ..new_message((message, id, owner), room.seq() + 1, text)
            });
            vec![room.commit(id, What::MessageCreated(message))]
        })
        .unwrap_or_default()
    }

    pub(crate) fn is_living(&self, id: RoomId) -> bool {
        self.with(id, |_| ()).is_some()
    }

    pub(crate) fn seqs(&self) -> BTreeMap<RoomId, i64> {
        let inner = self.inner.lock().expect("not poisoned");
        inner
            .rooms
            .iter()
            .map(|(id, room)| (*id, room.seq()))
            .collect()
    }

    pub(crate) fn heard_by(&self, user: UserId) -> BTreeSet<RoomId> {
        let inner = self.inner.lock().expect("not poisoned");
        inner
            .rooms
            .iter()
            .filter(|(_, room)| !room.ended && room.hears(user))
            .map(|(id, _)| *id)
            .collect()
    }

    /// The seqs of the messages of a room that this user hears.
    pub(crate) fn messages_for(&self, id: RoomId, user: UserId) -> Vec<i64> {
        let inner = self.inner.lock().expect("not poisoned");
        let room = &inner.rooms[&id];
        let heard = |event: &&Event| {
            matches!(event.what, What::MessageCreated(_))
                && room.hearers[event.seq as usize - 1].contains(&user)
        };
        room.events
            .iter()
            .filter(heard)
            .map(|event| event.seq)
            .collect()
    }

    /// Whether the room ended while this user heard it.
    pub(crate) fn ended_for(&self, id: RoomId, user: UserId) -> bool {
        let inner = self.inner.lock().expect("not poisoned");
        let room = &inner.rooms[&id];
        room.ended && room.hears(user)
    }

    /// All events of a room, for people.
    pub(crate) fn story(&self, id: RoomId) -> String {
        let inner = self.inner.lock().expect("not poisoned");
        let line = |event: &Event| match &event.what {
            What::MessageCreated(_) => format!("{} message", event.seq),
            What::RoomCreated(_) => format!("{} created", event.seq),
            What::RoomUpdated(_) => format!("{} updated", event.seq),
            what => format!("{} {what:?}", event.seq),
        };
        let room = &inner.rooms[&id];
        let lines: Vec<_> = room.events.iter().map(line).collect();
        format!("owner now {}, {}", room.owner, lines.join("; "))
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub(crate) fn set_delay(&self, delay: Duration) {
        self.delay
            .store(delay.as_micros() as usize, Ordering::Relaxed);
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    async fn read<T>(&self, read: impl FnOnce(&Inner) -> T) -> Result<T, Error> {
        let delay = Duration::from_micros(self.delay.load(Ordering::Relaxed) as u64);
        tokio::time::sleep(delay / 2).await;
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.down.load(Ordering::Relaxed) {
            return Err(Error::unavailable("down for a test"));
        }
        let result = read(&self.inner.lock().expect("not poisoned"));
        tokio::time::sleep(delay / 2).await;
        Ok(result)
    }
}

#[async_trait]
impl Source for Log {
    async fn history(&self, id: RoomId, after: i64, limit: i64) -> Result<Option<History>, Error> {
        self.counted.note_history(id);
        self.read(|inner| {
            let room = inner.rooms.get(&id).filter(|room| !room.ended)?;
            let events: Vec<_> = room
                .events
                .iter()
                .filter(|event| event.seq > after)
                .take(limit as usize)
                .map(|event| {
                    let mut event = event.clone();
                    // As the port says: the room as it is now.
                    if let What::RoomUpdated(shown) | What::RoomCreated(shown) = &mut event.what {
                        *shown = room.now(id);
                    }
                    event
                })
                .collect();
            Some(History {
                has_more: events.last().is_some_and(|last| last.seq < room.seq()),
                events,
                seq: room.seq(),
            })
        })
        .await
    }

    async fn positions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, i64)>, Error> {
        self.counted.positions.fetch_add(1, Ordering::Relaxed);
        self.read(|inner| {
            let living = |id: &RoomId| inner.rooms.get(id).filter(|room| !room.ended);
            rooms
                .iter()
                .filter_map(|id| living(id).map(|room| (*id, room.seq())))
                .collect()
        })
        .await
    }

    async fn ended_kind(&self, room: RoomId) -> Result<Option<RoomKind>, Error> {
        self.read(|inner| {
            let room = inner.rooms.get(&room).filter(|room| room.ended);
            room.map(|room| room.kind)
        })
        .await
    }

    fn epoch(&self) -> &str {
        "e1"
    }

    async fn hearings(&self, users: &[UserId]) -> Result<Vec<(UserId, Hearing)>, Error> {
        self.counted.hearings.fetch_add(1, Ordering::Relaxed);
        self.read(|inner| {
            let of = |user: UserId| {
                let rooms = inner.rooms.iter();
                rooms
                    .filter(move |(_, room)| !room.ended && room.hears(user))
                    .map(move |(id, room)| {
                        let hearing = Hearing {
                            room: *id,
                            seq: room.seq(),
                            owner: room.owner,
                            is_member: room.members.contains(&user),
                        };
                        (user, hearing)
                    })
            };
            users.iter().copied().flat_map(of).collect()
        })
        .await
    }
}
