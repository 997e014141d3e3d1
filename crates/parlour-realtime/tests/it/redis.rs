//! Several processes over a real Redis: what crosses, what happens when Redis misbehaves, and when a
//! process dies. "Processes" are hubs with a bus each, over one log.

mod cluster;
mod everyday;
mod faults;
mod one;
mod server;

use crate::{
    log::Log,
    world::{actor, user},
};
use parlour_core::{
    RoomId,
    ports::{Announce as _, Presence as _, SystemRandom},
};
use parlour_realtime::{
    Config, DialectKind, HubConfig, Realtime, RedisBus, RedisFamily, Registration,
};
use serde_json::Value;
use server::Server;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// So long a hub does not look into the database by itself: what arrives sooner came by Redis.
const NEVER: Duration = Duration::from_secs(3_600);

struct Node {
    log: Arc<Log>,
    bus: Arc<RedisBus>,
    realtime: Realtime,
    stop: CancellationToken,
    carrying: tokio::task::JoinHandle<()>,
}

fn family(epoch: &str, secret: &str) -> RedisFamily {
    RedisFamily {
        epoch: epoch.to_owned(),
        secret: secret.to_owned(),
    }
}

impl Node {
    async fn start(bed: &Bed, log: &Arc<Log>, compare_every: Duration) -> Self {
        let bus = Arc::new(RedisBus::new(&bed.url, &SystemRandom).expect("a URL"));
        let config = Config {
            hub: HubConfig {
                compare_every,
                ..HubConfig::default()
            },
            ..Config::default()
        };
        let realtime = Realtime::start(Arc::clone(log) as _, Arc::clone(&bus) as _, config);
        let stop = CancellationToken::new();
        let carry = bus.start(family(&bed.epoch, "s"), stop.clone()).await;
        let carry = carry.expect("Redis");
        Self {
            log: Arc::clone(log),
            bus,
            realtime,
            stop,
            carrying: tokio::spawn(carry),
        }
    }

    async fn socket(&self, id: i64) -> Socket {
        let register = async |dialect| {
            let registration = self.realtime.register(actor(id, id), dialect).await;
            registration.expect("registers")
        };
        Socket {
            plain: register(DialectKind::Account).await,
            rich: register(DialectKind::AccountV2).await,
            texts: Vec::new(),
            got: Vec::new(),
        }
    }

    async fn send(&self, room: RoomId, author: i64, text: &str) {
        let events = self.log.send(room, user(author), text);
        assert!(!events.is_empty(), "the author hears the room");
        self.realtime.events(events).await;
    }

    async fn join(&self, room: RoomId, id: i64) {
        self.realtime.events(self.log.join(room, user(id))).await;
    }

    async fn room(&self, owner: i64) -> RoomId {
        let (room, events) = self.log.create(user(owner));
        self.realtime.events(events).await;
        room
    }

    async fn here(&self, ids: &[i64]) -> Vec<i64> {
        let users: Vec<_> = ids.iter().copied().map(user).collect();
        let mut here: Vec<_> = self
            .realtime
            .here(&users)
            .await
            .into_iter()
            .map(parlour_core::UserId::get)
            .collect();
        here.sort_unstable();
        here
    }
}

/// Two sockets of a user: messages are read from the one of version 1, which hears at once; the rest
/// from the one of version 2.
struct Socket {
    plain: Registration,
    rich: Registration,
    texts: Vec<String>,
    got: Vec<Value>,
}

impl Socket {
    fn read(&mut self) {
        let read = |frame: bytes::Bytes| serde_json::from_slice::<Value>(&frame).expect("JSON");
        let plain = self.plain.outbox().take().into_iter().map(read);
        let text = |frame: Value| frame["text"].as_str().map(str::to_owned);
        self.texts.extend(plain.filter_map(text));
        self.got
            .extend(self.rich.outbox().take().into_iter().map(read));
    }

    fn texts(&mut self) -> Vec<String> {
        self.read();
        self.texts.clone()
    }

    fn has(&mut self, is: impl Fn(&Value) -> bool) -> bool {
        self.read();
        self.got.iter().any(is)
    }

    fn is_closed(&self) -> bool {
        [&self.plain, &self.rich]
            .into_iter()
            .any(|registration| registration.outbox().closing().is_some())
    }
}

/// Waits until something holds.
async fn eventually(within: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let limit = Instant::now() + within;
    while !holds().await {
        assert!(Instant::now() < limit, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const SOON: Duration = Duration::from_secs(3);

/// Two processes, a room of 1 in which 2 is a member; 1 is at the first process, 2 at the second.
async fn scene(bed: &Bed) -> (Node, Node, RoomId, Socket, Socket) {
    let log = Arc::new(Log::default());
    let a = Node::start(bed, &log, NEVER).await;
    let b = Node::start(bed, &log, NEVER).await;
    let room = a.room(1).await;
    a.join(room, 2).await;
    let (one, two) = (a.socket(1).await, b.socket(2).await);
    eventually(SOON, "both follow", async || bed.followers(room) == 2).await;
    (a, b, room, one, two)
}

/// A server or a cluster, and a family of processes that have a corner of it.
struct Bed {
    server: Arc<Server>,
    epoch: String,
    url: String,
}

impl Bed {
    fn new(server: &Arc<Server>, epoch: &str) -> Self {
        Self {
            server: Arc::clone(server),
            epoch: epoch.to_owned(),
            url: server.url(),
        }
    }

    fn key(&self, name: &str) -> String {
        if self.server.is_cluster() {
            format!("parlour:{{{}}}:{name}", self.epoch)
        } else {
            format!("parlour:{}:{name}", self.epoch)
        }
    }

    fn channel(&self, room: RoomId) -> String {
        format!("parlour:{}:r:{room}", self.epoch)
    }

    /// How many connections follow a room.
    fn followers(&self, room: RoomId) -> usize {
        let count = if self.server.is_cluster() {
            "shardnumsub"
        } else {
            "numsub"
        };
        let answers = self.server.ask_all(&["pubsub", count, &self.channel(room)]);
        let count = |answer: &String| -> usize {
            let last = answer.lines().last();
            last.and_then(|count| count.parse().ok()).unwrap_or(0)
        };
        answers.iter().map(count).sum()
    }

    /// The server that a room is at, if it did not move.
    fn node_of(&self, room: RoomId) -> usize {
        if self.server.is_cluster() {
            self.server.shard_of(&self.channel(room)).0
        } else {
            0
        }
    }

    /// The keys that list who is in which process.
    fn lists(&self) -> String {
        let answers = self.server.ask_all(&["keys", &self.key("here:*")]);
        let mut keys: Vec<_> = answers.iter().flat_map(|answer| answer.lines()).collect();
        // A replica has them, too.
        keys.sort_unstable();
        keys.dedup();
        keys.join("\n").trim().to_owned()
    }

    fn publish(&self, channel: &str, frame: &str) {
        let publish = if self.server.is_cluster() {
            "spublish"
        } else {
            "publish"
        };
        self.server.ask(&[publish, channel, frame]);
    }
}
