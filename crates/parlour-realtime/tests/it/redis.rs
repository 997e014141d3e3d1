//! Several processes over a real Redis: what crosses, what happens when Redis misbehaves, and when a
//! process dies. "Processes" are hubs with a bus each, over one log.

mod server;

use crate::{
    log::Log,
    world::{actor, user},
};
use parlour_core::{
    RoomId, Signal,
    event::LeaveReason,
    ports::{Announce as _, Presence as _, SystemRandom},
};
use parlour_realtime::{
    Bus as _, Config, DialectKind, HubConfig, News, Realtime, RedisBus, RedisError, RedisFamily,
    Registration, inspect_redis,
};
use serde_json::Value;
use server::{Server, left_out};
use std::{
    cell::Cell,
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

fn family(secret: &str) -> RedisFamily {
    RedisFamily {
        epoch: "e1".to_owned(),
        secret: secret.to_owned(),
    }
}

impl Node {
    async fn start(url: &str, log: &Arc<Log>, compare_every: Duration) -> Self {
        let bus = Arc::new(RedisBus::new(url, &SystemRandom).expect("a URL"));
        let config = Config {
            hub: HubConfig {
                compare_every,
                ..HubConfig::default()
            },
            ..Config::default()
        };
        let realtime = Realtime::start(Arc::clone(log) as _, Arc::clone(&bus) as _, config);
        let stop = CancellationToken::new();
        let carry = bus.start(family("s"), stop.clone()).await.expect("Redis");
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
async fn scene(server: &Server) -> (Node, Node, RoomId, Socket, Socket) {
    let log = Arc::new(Log::default());
    let a = Node::start(&server.url(), &log, NEVER).await;
    let b = Node::start(&server.url(), &log, NEVER).await;
    let room = a.room(1).await;
    a.join(room, 2).await;
    let (one, two) = (a.socket(1).await, b.socket(2).await);
    eventually(SOON, "both follow", async || followers(server, room) == 2).await;
    (a, b, room, one, two)
}

fn followers(server: &Server, room: RoomId) -> usize {
    let channel = format!("parlour:e1:r:{room}");
    let answer = server.ask(&["pubsub", "numsub", &channel]);
    answer
        .lines()
        .last()
        .and_then(|count| count.parse().ok())
        .expect("a number")
}

#[tokio::test]
async fn what_is_said_in_one_process_is_heard_in_the_other_once_and_in_order() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, room, mut one, mut two) = scene(&server).await;
    let mut said = Vec::new();
    for number in 0..200 {
        let (node, author) = if number % 2 == 0 { (&a, 1) } else { (&b, 2) };
        node.send(room, author, &number.to_string()).await;
        said.push(number.to_string());
    }
    eventually(SOON, "the second hears all", async || {
        two.texts().len() == 200
    })
    .await;
    eventually(SOON, "the first hears all", async || {
        one.texts().len() == 200
    })
    .await;
    assert_eq!(two.texts(), said);
    assert_eq!(one.texts(), said);
}

#[tokio::test]
async fn a_process_follows_a_room_while_somebody_there_listens() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, room, one, two) = scene(&server).await;
    let second = b.socket(2).await;
    drop(two);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(followers(&server, room), 2, "one of two tabs is left");
    drop(second);
    eventually(SOON, "only one follows", async || {
        followers(&server, room) == 1
    })
    .await;
    let mut again = b.socket(2).await;
    eventually(SOON, "both again", async || followers(&server, room) == 2).await;
    a.send(room, 1, "welcome back").await;
    eventually(SOON, "heard", async || again.texts() == ["welcome back"]).await;
    drop((one, again));
    eventually(SOON, "nobody follows", async || {
        followers(&server, room) == 0
    })
    .await;
}

#[tokio::test]
async fn who_joins_elsewhere_hears_at_once_and_who_is_removed_hears_no_more() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, room, _one, _two) = scene(&server).await;
    let cake = a.room(1).await;
    let mut three = b.socket(3).await;
    // Nobody at the second process is in either room by this socket.
    a.join(cake, 3).await;
    eventually(SOON, "3 knows", async || {
        three.has(|frame| frame["type"] == "member.joined")
    })
    .await;
    a.send(cake, 1, "cake").await;
    eventually(SOON, "3 hears", async || three.texts() == ["cake"]).await;
    let left = a.log.leave(cake, user(3), LeaveReason::Removed);
    a.realtime.events(left).await;
    eventually(SOON, "told", async || {
        three.has(|frame| frame["type"] == "member.left")
    })
    .await;
    a.send(cake, 1, "without 3").await;
    a.send(room, 1, "tea").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(three.texts(), ["cake"]);
}

/// Processes overtake each other: the way out of a room may be heard before the way in.
#[tokio::test]
async fn a_stay_is_heard_whole_whichever_end_comes_first() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, _room, _one, _two) = scene(&server).await;
    let cake = a.room(1).await;
    let mut three = b.socket(3).await;
    let mut expected = Vec::new();
    for round in 0..5 {
        for text in ["before", "between"] {
            a.send(cake, 1, text).await;
        }
        let joined = a.log.join(cake, user(3));
        let text = format!("for 3: {round}");
        let said = a.log.send(cake, user(1), &text);
        expected.push(text);
        let left = a.log.leave(cake, user(3), LeaveReason::Left);
        b.realtime.events(left).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        a.realtime.events(said).await;
        a.realtime.events(joined.clone()).await;
        eventually(SOON, "heard", async || three.texts() == expected).await;
        // Heard again, it is no new way in.
        a.realtime.events(joined).await;
    }
    a.send(cake, 1, "after").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(three.texts(), expected);
}

#[tokio::test]
async fn nothing_is_missed_while_a_process_begins_to_follow() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, room, _one, two) = scene(&server).await;
    drop(two);
    eventually(SOON, "only one follows", async || {
        followers(&server, room) == 1
    })
    .await;
    let mut said = 0;
    for round in 0..30 {
        let before = said;
        let is_there = Cell::new(false);
        let arriving = async {
            let socket = b.socket(2).await;
            is_there.set(true);
            socket
        };
        let sending = async {
            let mut more = 5;
            while more > 0 {
                more -= i32::from(is_there.get());
                a.send(room, 1, &said.to_string()).await;
                said += 1;
                tokio::task::yield_now().await;
            }
        };
        let (mut two, ()) = tokio::join!(arriving, sending);
        // From the first that it hears on there is no hole, and the last one comes.
        let last = (said - 1).to_string();
        eventually(SOON, "the last one", async || {
            two.texts().last() == Some(&last)
        })
        .await;
        let texts = two.texts();
        let first: i32 = texts[0].parse().expect("a number");
        assert!(first >= before, "round {round}: {texts:?}");
        let expected: Vec<_> = (first..said).map(|number| number.to_string()).collect();
        assert_eq!(texts, expected, "round {round}");
    }
}

#[tokio::test]
async fn typing_reading_and_ended_credentials_cross() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, _b, room, _one, mut two) = scene(&server).await;
    a.realtime
        .signal(Signal::Typing {
            room,
            user: user(1),
        })
        .await;
    eventually(SOON, "typing", async || {
        two.has(|frame| frame["type"] == "typing")
    })
    .await;
    a.realtime
        .signal(Signal::Read {
            room,
            user: user(1),
            seq: 2,
        })
        .await;
    eventually(SOON, "read", async || {
        two.has(|frame| frame["type"] == "read")
    })
    .await;
    let ended = Signal::CredentialsEnded {
        user: user(2),
        ended: vec![parlour_core::TokenId::new(2)],
    };
    a.realtime.signal(ended).await;
    eventually(SOON, "the socket closes", async || two.is_closed()).await;
}

#[tokio::test]
async fn people_are_here_in_every_process() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, room, mut one, two) = scene(&server).await;
    eventually(SOON, "1 learns that 2 came", async || {
        one.has(|frame| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == true)
    })
    .await;
    eventually(Duration::from_secs(8), "both processes know", async || {
        a.here(&[1, 2, 3]).await == [1, 2] && b.here(&[1, 2, 3]).await == [1, 2]
    })
    .await;
    // Also at the first process, and there no more: nobody is told that they left.
    let elsewhere = a.socket(2).await;
    drop(elsewhere);
    one.got.clear();
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    eventually(SOON, "2 is still here", async || a.here(&[2]).await == [2]).await;
    let away =
        |frame: &Value| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == false;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!one.has(away), "2 did not flicker");
    drop(two);
    eventually(Duration::from_secs(8), "2 left", async || one.has(away)).await;
    assert_eq!(a.here(&[2]).await, [0; 0]);
    assert!(room.get() > 0);
}

#[tokio::test]
async fn the_people_of_a_dead_process_leave() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, _room, mut one, _two) = scene(&server).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    // It says no good bye, and nothing any more.
    b.carrying.abort();
    eventually(Duration::from_secs(35), "told that 2 left", async || {
        one.has(|frame| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == false)
    })
    .await;
    assert_eq!(a.here(&[2]).await, [0; 0]);
}

/// Whoever clears up after a dead process may be disturbed half way.
#[tokio::test]
async fn clearing_up_is_tried_again() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, _room, mut one, _two) = scene(&server).await;
    let _c = Node::start(&server.url(), &a.log, NEVER).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    let lists = server.ask(&["keys", "parlour:e1:here:*"]);
    let has_two = |key: &&str| server.ask(&["sismember", key, "2"]) == "1";
    let dead = lists.lines().find(has_two).expect("2 is in a list");
    b.carrying.abort();
    // So that nobody can learn who is in other processes.
    let deny = ["acl", "setuser", "default", "-smismember"];
    assert_eq!(server.ask(&deny), "OK");
    server.ask(&["del", &dead.replace(":here:", ":alive:")]);
    server.ask(&["publish", "parlour:e1:all", "n 0123 0\n"]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let allow = ["acl", "setuser", "default", "+smismember"];
    assert_eq!(server.ask(&allow), "OK");
    eventually(Duration::from_secs(8), "told that 2 left", async || {
        one.has(|frame| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == false)
    })
    .await;
}

#[tokio::test]
async fn redis_dies_and_an_empty_one_comes_back() {
    if left_out() {
        return;
    }
    let mut server = Server::start(&[]);
    let (a, b, room, mut one, mut two) = scene(&server).await;
    a.send(room, 1, "before").await;
    eventually(SOON, "before", async || two.texts().len() == 1).await;
    server.kill();
    for number in 0..20 {
        a.send(room, 1, &format!("while {number}")).await;
        b.send(room, 2, &format!("there {number}")).await;
    }
    // Through the database, which is looked into more often now.
    eventually(SOON, "without Redis", async || {
        two.texts().len() == 41 && one.texts().len() == 41
    })
    .await;
    server.start_again();
    eventually(SOON, "both follow again", async || {
        followers(&server, room) == 2
    })
    .await;
    let start = Instant::now();
    a.send(room, 1, "after").await;
    eventually(SOON, "after", async || two.texts().len() == 42).await;
    assert!(
        start.elapsed() < Duration::from_millis(300),
        "by Redis again"
    );
    assert_eq!(one.texts().len(), 42);
    assert_eq!(one.texts(), two.texts());
    assert!(!one.is_closed() && !two.is_closed());
    eventually(
        Duration::from_secs(8),
        "people are told again",
        async || a.here(&[1, 2]).await == [1, 2],
    )
    .await;
}

#[tokio::test]
async fn who_came_and_left_while_redis_was_away_is_told_afterwards() {
    if left_out() {
        return;
    }
    let mut server = Server::start(&[]);
    let (a, b, room, mut one, two) = scene(&server).await;
    b.join(room, 3).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    one.got.clear();
    server.kill();
    let _three = b.socket(3).await;
    drop(two);
    // Somebody is taken for here for five seconds after their last socket.
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    let told = |id: i64, here: bool| {
        move |frame: &Value| {
            frame["type"] == "presence" && frame["user"] == id && frame["here"] == here
        }
    };
    assert!(!one.has(told(3, true)) && !one.has(told(2, false)));
    server.start_again();
    eventually(SOON, "told afterwards", async || {
        one.has(told(3, true)) && one.has(told(2, false))
    })
    .await;
}

/// Only one of them loses its connection: the others have no reason to think that they missed anything.
#[tokio::test]
async fn what_one_process_could_not_say_is_looked_for_by_the_others() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, _b, room, _one, mut two) = scene(&server).await;
    let mut said = Vec::new();
    for round in 0..5 {
        // The longest connected is the first process.
        let clients = server.ask(&["client", "list", "type", "pubsub"]);
        let id = |line: &str| -> u64 {
            let id = line
                .strip_prefix("id=")
                .and_then(|rest| rest.split(' ').next());
            id.and_then(|id| id.parse().ok()).expect("an id")
        };
        let mut ids: Vec<_> = clients.lines().map(id).collect();
        ids.sort_unstable();
        assert_eq!(ids.len(), 2, "{clients}");
        // In later rounds it is the other's turn, which then only hears.
        server.ask(&["client", "kill", "id", &ids[0].to_string()]);
        let text = format!("while away {round}");
        a.send(room, 1, &text).await;
        said.push(text);
        eventually(SOON, "looked for", async || two.texts() == said).await;
        eventually(SOON, "both follow", async || followers(&server, room) == 2).await;
    }
}

/// Who left while this process could not say so.
#[tokio::test]
async fn a_lost_departure_is_made_up_for() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, _room, _one, two) = scene(&server).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    let list = server.ask(&["keys", "parlour:e1:here:*"]);
    let has_two = |key: &&str| server.ask(&["sismember", key, "2"]) == "1";
    let list = list.lines().find(has_two).expect("2 is in a list");
    // As if the word to Redis had been lost after it was taken.
    server.ask(&["sadd", list, "77"]);
    assert_eq!(a.here(&[77]).await, [77]);
    server.ask(&["client", "kill", "type", "pubsub"]);
    eventually(
        SOON,
        "only those who are there are in the list",
        async || a.here(&[2, 77]).await == [2],
    )
    .await;
    drop((b, two));
}

#[tokio::test]
async fn emptying_redis_loses_nothing() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, _b, room, _one, mut two) = scene(&server).await;
    assert_eq!(server.ask(&["flushall"]), "OK");
    a.send(room, 1, "still here").await;
    eventually(SOON, "heard", async || two.texts() == ["still here"]).await;
    eventually(
        Duration::from_secs(12),
        "people are told again",
        async || a.here(&[2]).await == [2],
    )
    .await;
}

#[tokio::test]
async fn a_full_redis_loses_nothing() {
    if left_out() {
        return;
    }
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let (a, b, room, mut one, mut two) = scene(&server).await;
    assert_eq!(server.ask(&["config", "set", "maxmemory", "1"]), "OK");
    assert!(
        server.ask(&["set", "some", "thing"]).contains("OOM"),
        "it is full"
    );
    // Longer than between two signs of life, which are writes.
    for number in 0..60 {
        a.send(room, 1, &format!("while {number}")).await;
        b.send(room, 2, &format!("there {number}")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eventually(SOON, "while it is full", async || {
        two.texts().len() == 120 && one.texts().len() == 120
    })
    .await;
    assert_eq!(server.ask(&["config", "set", "maxmemory", "0"]), "OK");
    eventually(SOON, "both follow again", async || {
        followers(&server, room) == 2
    })
    .await;
    a.send(room, 1, "after").await;
    eventually(SOON, "after", async || two.texts().len() == 121).await;
    assert!(!one.is_closed() && !two.is_closed());
}

/// A server that was told to drain goes on without sockets.
#[tokio::test]
async fn nobody_is_at_a_drained_process() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, _room, mut one, two) = scene(&server).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    let drained = b.realtime.shutdown();
    let go = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(two);
    };
    tokio::join!(drained, go);
    eventually(Duration::from_secs(8), "told that 2 left", async || {
        one.has(|frame| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == false)
    })
    .await;
    assert_eq!(a.here(&[2]).await, [0; 0]);
}

/// Nobody else knows whom they came for: who came back elsewhere stays, the others leave, sooner than
/// after a death.
#[tokio::test]
async fn the_people_of_who_stops_leave_unless_they_came_back() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, room, mut one, _two) = scene(&server).await;
    b.join(room, 3).await;
    let _three = b.socket(3).await;
    eventually(SOON, "they are here", async || {
        a.here(&[2, 3]).await == [2, 3]
    })
    .await;
    let start = Instant::now();
    b.stop.cancel();
    b.carrying.await.expect("ends");
    let _back = a.socket(2).await;
    let left = |id: i64| {
        move |frame: &Value| {
            frame["type"] == "presence" && frame["user"] == id && frame["here"] == false
        }
    };
    eventually(Duration::from_secs(18), "told that 3 left", async || {
        one.has(left(3))
    })
    .await;
    assert!(start.elapsed() > Duration::from_secs(4), "not at once");
    assert!(!one.has(left(2)), "2 came back");
    assert_eq!(a.here(&[2, 3]).await, [2]);
}

#[tokio::test]
async fn what_will_not_do_is_refused_with_its_reason() {
    if left_out() {
        return;
    }
    for url in ["", "redis://", "http://localhost", "redis://host:notaport"] {
        assert!(
            matches!(
                RedisBus::new(url, &SystemRandom),
                Err(RedisError::Url(_)) | Ok(_)
            ),
            "{url}"
        );
    }
    assert!(matches!(
        RedisBus::new("http://localhost", &SystemRandom),
        Err(RedisError::Url(_))
    ));
    let server = Server::start(&["--requirepass", "velvet"]);
    let start = async |url: &str, secret: &str| {
        let bus = RedisBus::new(url, &SystemRandom).expect("a URL");
        bus.start(family(secret), CancellationToken::new())
            .await
            .map(|_| ())
    };
    for url in [server.url(), server.url_with("wrong")] {
        let refused = start(&url, "s").await.expect_err("no entry");
        let RedisError::Refused(why) = refused else {
            panic!("{refused:?}");
        };
        assert!(!why.contains("wrong"), "{why}");
    }
    start(&server.url_with("velvet"), "s")
        .await
        .expect("let in");
    let found = inspect_redis(&server.url_with("velvet"))
        .await
        .expect("let in");
    assert_eq!(found.clock, None);
    assert!(matches!(
        inspect_redis(&server.url()).await,
        Err(RedisError::Refused(_))
    ));
    // The first one's digest stays for a while.
    let other = start(&server.url_with("velvet"), "another").await;
    assert!(matches!(other, Err(RedisError::SecretKey)), "{other:?}");
    let nowhere = start("redis://127.0.0.1:1", "s").await;
    assert!(
        matches!(nowhere, Err(RedisError::Refused(_))),
        "{nowhere:?}"
    );
}

/// A process of another version says what this one cannot read: it is a hint all the same.
#[tokio::test]
async fn words_of_another_version_are_hints() {
    if left_out() {
        return;
    }
    let server = Server::start(&[]);
    let (a, b, room, _one, mut two) = scene(&server).await;
    // Committed, and not announced in words that anybody here knows.
    let events = a.log.send(room, user(1), "from the future");
    assert_eq!(events.len(), 1);
    let channel = format!("parlour:e1:r:{room}");
    let frame = format!("e 0123 {room}\n[{{\"something\":\"new\"}}]");
    server.ask(&["publish", &channel, &frame]);
    eventually(SOON, "read from the database", async || {
        two.texts() == ["from the future"]
    })
    .await;
    for nonsense in ["", "x", "e\n[]", "s 0123 0\n{}", "e 0123 notaroom\n{"] {
        server.ask(&["publish", &channel, nonsense]);
    }
    a.send(room, 1, "and on").await;
    eventually(SOON, "goes on", async || two.texts().len() == 2).await;
    b.bus.publish(News::Events(Vec::new())).await;
}
