//! A log, a bus and a hub, and sockets as the hub sees them.

use crate::{
    bus::{Faults, FlakyBus},
    log::{Events, Log},
};
use parlour_core::{Actor, Proof, RoomId, TokenId, UserId, ports::Announce as _};
use parlour_realtime::{Config, DialectKind, News, Realtime, Registration};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub(crate) struct World {
    pub(crate) log: Arc<Log>,
    pub(crate) bus: Arc<FlakyBus>,
    pub(crate) realtime: Realtime,
}

pub(crate) fn user(id: i64) -> UserId {
    UserId::new(id)
}

/// A user whose token has this id.
pub(crate) fn actor(id: i64, token: i64) -> Actor {
    Actor {
        user: user(id),
        is_admin: false,
        proof: Proof::Token(TokenId::new(token)),
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(0, Faults::default(), Config::default())
    }

    pub(crate) fn with(seed: u64, faults: Faults, config: Config) -> Self {
        let log = Arc::new(Log::default());
        let bus = Arc::new(FlakyBus::new(seed, faults));
        let realtime = Realtime::start(Arc::clone(&log) as _, Arc::clone(&bus) as _, config);
        Self { log, bus, realtime }
    }

    /// Announces over the bus, with its faults.
    pub(crate) async fn tell(&self, events: Events) {
        self.realtime.events(events).await;
    }

    /// Announces without faults.
    pub(crate) async fn tell_surely(&self, events: Events) {
        self.bus.publish_surely(News::Events(events)).await;
    }

    /// A room made and announced.
    pub(crate) async fn room(&self, owner: i64) -> RoomId {
        let (room, events) = self.log.create(user(owner));
        self.tell_surely(events).await;
        room
    }

    /// A socket of this user, with a token of the same number.
    pub(crate) async fn socket(&self, id: i64) -> Socket {
        self.socket_with(id, id).await
    }

    pub(crate) async fn socket_with(&self, id: i64, token: i64) -> Socket {
        let actor = actor(id, token);
        let registration = self
            .realtime
            .register(actor, DialectKind::Account)
            .await
            .expect("registers");
        Socket {
            registration,
            got: Vec::new(),
        }
    }

    pub(crate) async fn send(&self, room: RoomId, author: i64, text: &str) {
        let events = self.log.send(room, user(author), text);
        assert!(!events.is_empty(), "the author hears the room");
        self.tell(events).await;
    }
}

/// A socket without a wire: what the hub put into its outbox.
pub(crate) struct Socket {
    pub(crate) registration: Registration,
    pub(crate) got: Vec<Value>,
}

impl Socket {
    /// Takes what waits.
    pub(crate) fn read(&mut self) {
        for frame in self.registration.outbox().take() {
            self.got
                .push(serde_json::from_slice(&frame).expect("frames are JSON"));
        }
    }

    /// The texts of all messages so far.
    pub(crate) fn texts(&mut self) -> Vec<String> {
        self.read();
        let text = |frame: &Value| frame["text"].as_str().map(str::to_owned);
        self.got.iter().filter_map(text).collect()
    }

    /// The seqs of all messages so far, by room, in order of arrival.
    pub(crate) fn seqs(&mut self) -> BTreeMap<RoomId, Vec<i64>> {
        self.read();
        let mut seqs = BTreeMap::<_, Vec<_>>::new();
        for frame in &self.got {
            if let Some(seq) = frame["seq"].as_i64() {
                seqs.entry(room_of(frame)).or_default().push(seq);
            }
        }
        seqs
    }

    /// How often the end of this room was told.
    pub(crate) fn ends_of(&mut self, room: RoomId) -> usize {
        self.read();
        let is_end = |frame: &&Value| frame["type"] == "room.deleted" && room_of(frame) == room;
        self.got.iter().filter(is_end).count()
    }
}

fn room_of(frame: &Value) -> RoomId {
    RoomId::new(frame["room"].as_i64().expect("names its room"))
}

/// Lets everything under way happen (the clock is paused).
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}
