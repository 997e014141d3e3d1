//! What happens when Redis, one server or a cluster, misbehaves or is replaced.

use super::{Bed, NEVER, Node, SOON, eventually, family, scene};
use parlour_core::ports::SystemRandom;
use parlour_realtime::{RedisBus, RedisError, inspect_redis};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Whoever clears up after a dead process may be disturbed half way.
pub(crate) async fn clearing_up_is_tried_again(bed: &Bed) {
    let (a, b, _room, mut one, _two) = scene(bed).await;
    let _c = Node::start(bed, &a.log, NEVER).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    let lists = bed.lists();
    let has_two = |key: &&str| bed.server.ask(&["sismember", key, "2"]) == "1";
    let dead = lists.lines().find(has_two).expect("2 is in a list");
    b.carrying.abort();
    // So that nobody can learn who is in other processes.
    let deny = ["acl", "setuser", "default", "-smismember"];
    bed.server.tell_all(&deny);
    bed.server.ask(&["del", &dead.replace(":here:", ":alive:")]);
    bed.publish(&bed.key("all"), "n 0123 0\n");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let allow = ["acl", "setuser", "default", "+smismember"];
    bed.server.tell_all(&allow);
    eventually(Duration::from_secs(8), "told that 2 left", async || {
        one.has(|frame| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == false)
    })
    .await;
}

pub(crate) async fn redis_dies_and_an_empty_one_comes_back(bed: &Bed) {
    let (a, b, room, mut one, mut two) = scene(bed).await;
    a.send(room, 1, "before").await;
    eventually(SOON, "before", async || two.texts().len() == 1).await;
    bed.server.kill();
    for number in 0..20 {
        a.send(room, 1, &format!("while {number}")).await;
        b.send(room, 2, &format!("there {number}")).await;
    }
    // Through the database, which is looked into more often now.
    eventually(SOON, "without Redis", async || {
        two.texts().len() == 41 && one.texts().len() == 41
    })
    .await;
    bed.server.start_again();
    eventually(SOON, "both follow again", async || bed.followers(room) == 2).await;
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

pub(crate) async fn who_came_and_left_while_redis_was_away_is_told_afterwards(bed: &Bed) {
    let (a, b, room, mut one, two) = scene(bed).await;
    b.join(room, 3).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    one.got.clear();
    bed.server.kill();
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
    bed.server.start_again();
    eventually(SOON, "told afterwards", async || {
        one.has(told(3, true)) && one.has(told(2, false))
    })
    .await;
}

/// Only one of them loses its connection: the others have no reason to think that they missed anything.
pub(crate) async fn what_one_process_could_not_say_is_looked_for_by_the_others(bed: &Bed) {
    let (a, _b, room, _one, mut two) = scene(bed).await;
    let mut said = Vec::new();
    for round in 0..5 {
        // The longest connected is the first process.
        let node = bed.node_of(room);
        let clients = bed
            .server
            .ask_node(node, &["client", "list", "type", "pubsub"]);
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
        bed.server
            .ask_node(node, &["client", "kill", "id", &ids[0].to_string()]);
        let text = format!("while away {round}");
        a.send(room, 1, &text).await;
        said.push(text);
        eventually(SOON, "looked for", async || two.texts() == said).await;
        eventually(SOON, "both follow", async || bed.followers(room) == 2).await;
    }
}

/// Who left while this process could not say so.
pub(crate) async fn a_lost_departure_is_made_up_for(bed: &Bed) {
    let (a, b, _room, _one, two) = scene(bed).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    let list = bed.lists();
    let has_two = |key: &&str| bed.server.ask(&["sismember", key, "2"]) == "1";
    let list = list.lines().find(has_two).expect("2 is in a list");
    // As if the word to Redis had been lost after it was taken.
    bed.server.ask(&["sadd", list, "77"]);
    assert_eq!(a.here(&[77]).await, [77]);
    bed.server.ask_all(&["client", "kill", "type", "pubsub"]);
    eventually(
        SOON,
        "only those who are there are in the list",
        async || a.here(&[2, 77]).await == [2],
    )
    .await;
    drop((b, two));
}

pub(crate) async fn emptying_redis_loses_nothing(bed: &Bed) {
    let (a, _b, room, _one, mut two) = scene(bed).await;
    // A replica says that it may not, and is emptied by its master.
    bed.server.ask_all(&["flushall"]);
    a.send(room, 1, "still here").await;
    eventually(SOON, "heard", async || two.texts() == ["still here"]).await;
    eventually(
        Duration::from_secs(12),
        "people are told again",
        async || a.here(&[2]).await == [2],
    )
    .await;
}

pub(crate) async fn a_full_redis_loses_nothing(bed: &Bed) {
    let (a, b, room, mut one, mut two) = scene(bed).await;
    bed.server.tell_all(&["config", "set", "maxmemory", "1"]);
    assert!(
        bed.server.ask(&["set", "some", "thing"]).contains("OOM"),
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
    bed.server.tell_all(&["config", "set", "maxmemory", "0"]);
    eventually(SOON, "both follow again", async || bed.followers(room) == 2).await;
    a.send(room, 1, "after").await;
    eventually(SOON, "after", async || two.texts().len() == 121).await;
    assert!(!one.is_closed() && !two.is_closed());
}

pub(crate) async fn what_will_not_do_is_refused_with_its_reason(bed: &Bed) {
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
    let start = async |url: &str, secret: &str| {
        let bus = RedisBus::new(url, &SystemRandom).expect("a URL");
        bus.start(family(&bed.epoch, secret), CancellationToken::new())
            .await
            .map(|_| ())
    };
    for url in [bed.server.url(), bed.server.url_with("wrong")] {
        let refused = start(&url, "s").await.expect_err("no entry");
        let RedisError::Refused(why) = refused else {
            panic!("{refused:?}");
        };
        assert!(!why.contains("wrong"), "{why}");
    }
    start(&bed.server.url_with("velvet"), "s")
        .await
        .expect("let in");
    let found = inspect_redis(&bed.server.url_with("velvet"))
        .await
        .expect("let in");
    assert_eq!(found.clock, None);
    assert!(matches!(
        inspect_redis(&bed.server.url()).await,
        Err(RedisError::Refused(_))
    ));
    // The first one's digest stays for a while.
    let other = start(&bed.server.url_with("velvet"), "another").await;
    assert!(matches!(other, Err(RedisError::SecretKey)), "{other:?}");
    let nowhere = start("redis://127.0.0.1:1", "s").await;
    assert!(
        matches!(nowhere, Err(RedisError::Refused(_))),
        "{nowhere:?}"
    );
}
