//! Whole sockets of version 2: hello, acknowledgements, changes, the end.

use crate::{
    sockets::Served,
    world::{World, settle, user},
};
use parlour_core::RoomId;
use serde_json::{Value, json};
use std::{sync::atomic::Ordering, time::Duration};

impl Served {
    /// The next frame of this type; no other may come before.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let frame = self.client.next().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// What has come since; ephemeral frames are left out.
    pub(crate) async fn lasting(&mut self) -> Vec<Value> {
        settle().await;
        let mut frames = self.client.drain();
        frames.retain(|frame| {
            !["presence", "typing", "read"].contains(&frame["type"].as_str().unwrap_or_default())
        });
        frames
    }

    /// The types of what has come since.
    pub(crate) async fn kinds(&mut self) -> Vec<String> {
        let frames = self.lasting().await;
        let kind = |frame: &Value| frame["type"].as_str().unwrap_or_default().to_owned();
        frames.iter().map(kind).collect()
    }
}

fn send(room: RoomId, text: &str, nonce: &str) -> Value {
    json!({"type": "send", "room": room.get(), "text": text, "nonce": nonce})
}

#[tokio::test(start_paused = true)]
async fn hello_comes_first_and_says_where_everything_stands() {
    let world = World::new();
    let (tea, _not_mine) = (world.room(1).await, world.room(1).await);
    world.tell(world.log.join(tea, user(2))).await;
    world.send(tea, 1, "before").await;
    let mut served = world.serve_v2(2).await;
    assert_eq!(
        served.client.next().await,
        json!({
            "type": "hello", "epoch": "e1", "heartbeat_ms": 25_000, "max_frame": 128_192,
            "user": 2, "cursors": {"1": 3}
        })
    );
    world.send(tea, 1, "after").await;
    let frame = served.expect("message.created").await;
    assert_eq!((&frame["seq"], &frame["room"]), (&json!(4), &json!(1)));
    assert_eq!(frame["message"]["text"], "after");
    assert_eq!(frame["message"]["html"], "after");
    assert_eq!(frame["message"]["sender"], "ada");
}

/// Live events come without a resume too, at the latest after a second, and at once after any frame.
#[tokio::test(start_paused = true)]
async fn who_missed_nothing_need_not_say_so() {
    let world = World::new();
    let room = world.room(1).await;
    let mut silent = world.serve_v2(1).await;
    let mut lively = world.serve_v2(1).await;
    silent.expect("hello").await;
    lively.expect("hello").await;
    for number in 0..300 {
        world.send(room, 1, &number.to_string()).await;
    }
    settle().await;
    assert!(silent.client.drain().is_empty() && lively.client.drain().is_empty());
    lively.client.json(&json!({"type": "ping", "nonce": "p"}));
    assert_eq!(
        lively.expect("pong").await,
        json!({"type": "pong", "nonce": "p"})
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    for served in [&mut silent, &mut lively] {
        let seqs: Vec<_> = served
            .lasting()
            .await
            .iter()
            .map(|f| f["seq"].clone())
            .collect();
        assert_eq!(seqs, (2..302).map(Value::from).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_follow_the_commit_in_the_order_of_the_frames() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve_v2(1).await;
    served.expect("hello").await;
    served.actions.commits.forget_permits(1_000_000);
    for number in 0..3 {
        served.client.json(&send(room, "hi", &format!("n{number}")));
    }
    served.client.json(&json!({"type": "ping"}));
    served.expect("pong").await;
    assert!(served.lasting().await.is_empty(), "nothing is stored yet");
    served.actions.commits.add_permits(100);
    let frames = served.lasting().await;
    let of = |kind: &str| -> Vec<_> {
        let is = |frame: &&Value| frame["type"] == kind;
        frames.iter().filter(is).cloned().collect()
    };
    let (acks, created) = (of("ack"), of("message.created"));
    assert_eq!((acks.len(), created.len()), (3, 3));
    for (index, (ack, created)) in acks.iter().zip(&created).enumerate() {
        assert_eq!(ack["nonce"], format!("n{index}"));
        assert_eq!(created["message"]["nonce"], ack["nonce"], "own echo");
        assert_eq!(created["message"]["id"], ack["id"]);
        assert_eq!(created["seq"], ack["seq"]);
        assert!(ack["at"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn changes_are_events_and_acknowledged_when_they_have_a_nonce() {
    let world = World::new();
    let room = world.room(1).await;
    world.send(room, 1, "old").await;
    let mut served = world.serve_v2(1).await;
    served.expect("hello").await;
    let wishes = [
        (
            json!({"type": "edit", "id": 1, "text": "new"}),
            "message.updated",
        ),
        (
            json!({"type": "react", "id": 1, "emoji": "👍", "on": true}),
            "reaction.added",
        ),
        (
            json!({"type": "react", "id": 1, "emoji": "👍", "on": false}),
            "reaction.removed",
        ),
        (json!({"type": "delete", "id": 1}), "message.deleted"),
    ];
    let mut seq = 2;
    for (wish, kind) in &wishes {
        seq += 1;
        served.client.json(wish);
        assert_eq!(served.expect(kind).await["seq"], seq);
        seq += 1;
        let mut named = wish.clone();
        named["nonce"] = json!(kind);
        served.client.json(&named);
        let frames = served.lasting().await;
        let ack = frames
            .iter()
            .find(|frame| frame["type"] == "ack")
            .expect("acknowledged");
        assert_eq!(
            (&ack["nonce"], &ack["id"], &ack["seq"]),
            (&json!(kind), &json!(1), &json!(seq))
        );
    }
    // What is gone meanwhile is no bad frame.
    for _ in 0..30 {
        served
            .client
            .json(&json!({"type": "edit", "id": 9, "text": "x", "nonce": "e"}));
        let error = served.expect("error").await;
        assert_eq!(
            (&error["code"], &error["nonce"]),
            (&json!("not_found"), &json!("e"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn bad_frames_are_answered_until_they_are_too_many() {
    let world = World::new();
    world.room(1).await;
    let mut served = world.serve_v2(1).await;
    served.expect("hello").await;
    for _ in 0..10 {
        served.client.text(r#"{"type":"dance"}"#);
        assert_eq!(served.expect("error").await["code"], "invalid");
    }
    served.client.text("{");
    assert_eq!(served.client.until_closed().await.1, Some(4002));
}

#[tokio::test(start_paused = true)]
async fn somebody_who_writes_is_told_of_once_a_second() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve_v2(1).await;
    served.expect("hello").await;
    for _ in 0..25 {
        served
            .client
            .json(&json!({"type": "typing", "room": room.get()}));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(served.actions.typed.load(Ordering::SeqCst), 3);
    assert!(served.client.drain().is_empty(), "silently");
}

#[tokio::test(start_paused = true)]
async fn a_stopping_server_says_when_to_come_back() {
    let world = World::new();
    world.room(1).await;
    let mut all = Vec::new();
    for _ in 0..20 {
        let mut served = world.serve_v2(1).await;
        served.expect("hello").await;
        all.push(served);
    }
    let realtime = world.realtime.clone();
    let stopping = tokio::spawn(async move { realtime.shutdown().await });
    let mut times = Vec::new();
    for served in &mut all {
        let (texts, code) = served.client.until_closed().await;
        assert_eq!(code, Some(1012));
        let last = texts.last().expect("a word");
        assert_eq!(last["type"], "reconnect");
        times.push(last["after_ms"].as_u64().expect("a number"));
    }
    stopping.await.expect("stopped");
    assert!(
        times.iter().all(|time| (500..4_000).contains(time)),
        "{times:?}"
    );
    times.dedup();
    assert!(times.len() > 10, "not all at once: {times:?}");
}
