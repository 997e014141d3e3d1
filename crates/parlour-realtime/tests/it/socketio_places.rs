//! Namespaces, joining and leaving, and what was missed.

use crate::{
    socketio::{Sio, event_of},
    world::{World, settle, user},
};
use parlour_core::event::{EndReason, LeaveReason};
use serde_json::{Value, json};

impl Sio {
    /// The seqs of the messages up to the word that nothing is missing any more.
    async fn seqs_until_recovered(&mut self) -> Vec<i64> {
        let mut seqs = Vec::new();
        loop {
            match self.news().await {
                (name, argument) if name == "message" => {
                    seqs.push(argument["seq"].as_i64().expect("a seq"));
                }
                (name, _) if name == "recovered" => return seqs,
                (name, argument) => panic!("{name} {argument}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_has_a_namespace_of_its_own() {
    let world = World::new();
    let (tea, cake) = (world.room(1).await, world.room(1).await);
    let mut one = world.sio(1).await;
    one.client.text("40/room-1,{\"token\":\"1\"}");
    assert_eq!(one.packet().await, "40/room-1,{\"sid\":\"S\"}");
    let hello = one.packet().await;
    assert!(hello.starts_with("42/room-1,[\"hello\""), "{hello}");
    world.send(cake, 1, "elsewhere").await;
    world.send(tea, 1, "here").await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        let packet = one.packet().await;
        let (space, data) = packet.split_at(packet.find('[').expect("an array"));
        let (_, message) = event_of(data);
        heard.push(format!(
            "{space} {}",
            message["text"].as_str().expect("a text")
        ));
    }
    heard.sort();
    assert_eq!(heard, ["42 elsewhere", "42 here", "42/room-1, here"]);
    // Its room need not be named, and no other can be.
    one.client
        .text("42/room-1,8[\"message\",{\"text\":\"short\"}]");
    let mut packets = Vec::new();
    for _ in 0..3 {
        packets.push(one.packet().await);
    }
    assert!(
        packets
            .iter()
            .any(|packet| packet.starts_with("43/room-1,8[{\"ok\":true"))
    );
    one.client
        .text("42/room-1,9[\"message\",{\"text\":\"x\",\"room\":2}]");
    let refused = one.packet().await;
    assert!(
        refused.starts_with("43/room-1,9[{\"ok\":false"),
        "{refused}"
    );
    one.client.text("41/room-1,");
    settle().await;
    world.send(tea, 1, "last").await;
    assert_eq!(one.news().await.1["text"], "last");
    assert_eq!(one.client.try_recv(), None, "once, in / only");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_ends_with_the_membership_and_with_the_room_alone() {
    let world = World::new();
    let tea = world.room(1).await;
    world.tell(world.log.join(tea, user(2))).await;
    let mut two = world.sio(2).await;
    let connect = "40/room-1,{\"token\":\"2\"}";
    let spaced = async |two: &mut Sio| loop {
        let packet = two.packet().await;
        if packet.contains("/room-1,") && !packet.starts_with("42") {
            return packet;
        }
    };
    two.client.text(connect);
    assert_eq!(spaced(&mut two).await, "40/room-1,{\"sid\":\"S\"}");
    world
        .tell(world.log.leave(tea, user(2), LeaveReason::Removed))
        .await;
    assert_eq!(spaced(&mut two).await, "41/room-1,");
    // Said before the client knew: no reason to close.
    two.client.text("42/room-1,[\"typing\",{}]");
    two.client.text(connect);
    let refused = spaced(&mut two).await;
    assert!(
        refused.starts_with("44/room-1,{\"message\":\"not_found"),
        "{refused}"
    );
    world.tell(world.log.join(tea, user(2))).await;
    settle().await;
    two.client.text(connect);
    assert_eq!(spaced(&mut two).await, "40/room-1,{\"sid\":\"S\"}");
    world.tell(world.log.end(tea, EndReason::Deleted)).await;
    assert_eq!(spaced(&mut two).await, "41/room-1,");
    two.client.text("423[\"typing\",{\"room\":1}]");
    assert_eq!(two.ack(3).await["ok"], false, "the connection goes on");
}

#[tokio::test(start_paused = true)]
async fn another_account_is_another_connection() {
    let world = World::new();
    world.room(1).await;
    let mut one = world.sio(1).await;
    one.client.text("40/room-1,{\"token\":\"2\"}");
    let refused = one.packet().await;
    assert!(
        refused.starts_with("44/room-1,{\"message\":\"unauthenticated"),
        "{refused}"
    );
    one.client.text("40/room-1,{\"token\":\"1.5\"}");
    assert_eq!(one.packet().await, "40/room-1,{\"sid\":\"S\"}");
    one.client.text("40/room-1,{\"token\":\"1\"}");
    assert_eq!(one.until_closed().await.1, Some(4002), "twice the same");
}

/// After a refusal, clients of Socket.IO never come back by themselves.
#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_no_refusal() {
    let world = World::new();
    world.room(1).await;
    let mut hasty = world.meet();
    let mut connected = 0;
    let (packets, code) = loop {
        hasty.client.text("40{\"token\":\"1\",\"after\":{\"1\":1}}");
        hasty.client.text("41");
        settle().await;
        connected += 1;
        assert!(connected < 100, "too often is never too often");
        if hasty.task.is_finished() {
            break hasty.until_closed().await;
        }
    };
    assert_eq!(code, Some(4029));
    assert!(
        !packets.iter().any(|packet| packet.starts_with("44")),
        "{packets:?}"
    );
    assert!(!world.realtime.is_closing());
    world.realtime.shutdown().await;
    assert!(world.realtime.is_closing());
    let mut late = world.meet();
    late.client.text("40{\"token\":\"1\"}");
    assert_eq!(late.until_closed().await, (Vec::new(), Some(1012)));
}

#[tokio::test(start_paused = true)]
async fn who_comes_and_goes_again_and_again_is_sent_away() {
    let world = World::new();
    let mut restless = world.meet();
    for _ in 0..201 {
        restless.client.text("40{\"token\":\"1\"}");
        restless.client.text("41");
        restless.client.text("41");
    }
    let (packets, code) = restless.until_closed().await;
    assert_eq!(code, Some(4029));
    let connected = packets.iter().filter(|packet| packet.starts_with("40"));
    assert_eq!(connected.count(), 201);
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_before_live_events() {
    let world = World::new();
    let room = world.room(1).await;
    for number in 0..20 {
        world.send(room, 1, &number.to_string()).await;
    }
    let mut one = world.meet();
    one.client
        .text("40{\"token\":\"1\",\"after\":{\"1\":11,\"9\":3}}");
    world.send(room, 1, "live").await;
    assert_eq!(one.packet().await, "40{\"sid\":\"S\"}");
    let (mut seqs, mut unheard) = (Vec::new(), 0);
    loop {
        match one.news().await {
            (name, argument) if name == "message" => {
                seqs.push(argument["seq"].as_i64().expect("a seq"));
                if argument["text"] == "live" {
                    break;
                }
            }
            (name, argument) if name == "error" => {
                assert_eq!(
                    (&argument["code"], &argument["room"]),
                    (&json!("not_found"), &json!(9))
                );
                unheard += 1;
            }
            _ => {}
        }
    }
    assert_eq!(seqs, (12..=22).collect::<Vec<_>>());
    settle().await;
    while let Some(parlour_realtime::Frame::Text(text)) = one.client.try_recv() {
        unheard += usize::from(text.starts_with(b"42[\"error\""));
    }
    assert_eq!(unheard, 1);
}

#[tokio::test(start_paused = true)]
async fn joining_again_hands_over_what_came_after() {
    let world = World::new();
    let room = world.room(1).await;
    for number in 0..5 {
        world.send(room, 1, &number.to_string()).await;
    }
    let mut one = world.sio(1).await;
    world.send(room, 1, "live").await;
    assert_eq!(one.news().await.1["text"], "live");
    // The usual way of such clients: connect, then join again.
    one.client.text(r#"421["join",{"room":1,"after":3}]"#);
    assert_eq!(one.ack(1).await, json!({"ok": true, "room": 1, "seq": 7}));
    assert_eq!(one.seqs_until_recovered().await, [4, 5, 6, 7]);
    world.send(room, 1, "next").await;
    assert_eq!(one.news().await.1["seq"], 8);
    one.client.text(r#"422["join",{"room":1,"after":8}]"#);
    assert_eq!(one.ack(2).await["ok"], true);
    assert_eq!(one.seqs_until_recovered().await, [0_i64; 0]);
    // A seq that there is not yet: nothing may be passed over.
    one.client.text(r#"423["join",{"room":1,"after":99}]"#);
    assert_eq!(one.ack(3).await["ok"], true);
    assert_eq!(
        one.news().await,
        (
            "resync".to_owned(),
            json!({"type": "resync", "room": 1, "seq": 8})
        )
    );
    world.send(room, 1, "still").await;
    assert_eq!(one.news().await.1["seq"], 9);
    // A seq of before a restore, and one of this lineage.
    one.client
        .text(r#"424["join",{"room":1,"after":8,"epoch":"before"}]"#);
    assert_eq!(one.ack(4).await["ok"], true);
    assert_eq!(
        one.news().await,
        (
            "resync".to_owned(),
            json!({"type": "resync", "room": 1, "seq": 9})
        )
    );
    let join = json!({"room": 1, "after": 8, "epoch": "e1"});
    one.client.text(&format!("425[\"join\",{join}]"));
    assert_eq!(one.ack(5).await["ok"], true);
    assert_eq!(one.seqs_until_recovered().await, [9]);
}

#[tokio::test(start_paused = true)]
async fn who_joins_anew_hears_from_where_they_say() {
    let world = World::new();
    let room = world.room(1).await;
    world.send(room, 1, "before").await;
    let mut two = world.sio(2).await;
    two.client.text(r#"421["join",{"room":1,"after":0}]"#);
    assert_eq!(two.ack(1).await["ok"], true);
    assert_eq!(two.seqs_until_recovered().await, [2]);
    two.client.text(r#"422["history",{"room":1,"after":0}]"#);
    let history = two.ack(2).await;
    assert_eq!(history["messages"][0]["text"], "before");
    assert_eq!(
        (&history["has_more"], &history["next"]),
        (&json!(false), &json!(3))
    );
    two.client.text(r#"423["leave",{"room":1}]"#);
    assert_eq!(two.ack(3).await["ok"], true);
    world.send(room, 1, "after").await;
    two.client.text(r#"424["message",{"room":1,"text":"x"}]"#);
    let refused = two.ack(4).await;
    assert_eq!(
        (&refused["ok"], &refused["code"]),
        (&json!(false), &json!("invalid"))
    );
    two.client.text(r#"425["join",{"room":77}]"#);
    assert_eq!(two.ack(5).await["code"], "not_found");
    settle().await;
    while let Some(frame) = two.client.try_recv() {
        assert!(!format!("{frame:?}").contains("after"), "{frame:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_news_as_version_2() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let (mut sio, mut v2) = (world.sio(2).await, world.serve_v2(2).await);
    assert_eq!(v2.client.next().await["type"], "hello");
    v2.client.json(&json!({"type": "ping"}));
    assert_eq!(v2.client.next().await["type"], "pong");
    settle().await;
    world.tell(world.log.join(room, user(3))).await;
    world.tell(world.log.rename(room)).await;
    let _somebody = world.serve(1).await;
    world.tell(world.log.create(user(3)).1).await;
    world.tell(world.log.end(room, EndReason::Expired)).await;
    settle().await;
    let frames: Vec<Value> = v2.client.drain();
    assert!(frames.len() >= 4, "{frames:?}");
    for frame in frames {
        let (name, argument) = sio.event().await;
        assert_eq!((json!(name), &argument), (frame["type"].clone(), &frame));
    }
}

#[tokio::test(start_paused = true)]
async fn one_namespace_is_left_and_the_others_go_on() {
    let world = World::new();
    let room = world.room(1).await;
    let mut one = world.sio(1).await;
    one.client.text("40/room-1,{\"token\":\"1\"}");
    assert!(one.packet().await.starts_with("40/room-1,"));
    assert!(one.packet().await.starts_with("42/room-1,[\"hello\""));
    one.client.text("41");
    settle().await;
    world.send(room, 1, "still here").await;
    let packet = one.packet().await;
    assert!(packet.starts_with("42/room-1,[\"message\""), "{packet}");
    settle().await;
    assert_eq!(one.client.try_recv(), None, "not in / any more");
    one.client.text("40{\"token\":\"1\"}");
    assert_eq!(one.packet().await, "40{\"sid\":\"S\"}");
    assert_eq!(one.event().await.0, "hello");
    // Without any namespace it ends, as one that never had any.
    one.client.text("41");
    one.client.text("41/room-1,");
    assert_eq!(one.until_closed().await, (Vec::new(), Some(1000)));
}

#[tokio::test(start_paused = true)]
async fn packets_that_are_none_end_it_also_later() {
    let world = World::new();
    world.room(1).await;
    for packet in [
        "42{}",
        "42",
        "42[]",
        "42[1]",
        "42abc[\"message\",{}]",
        "421x[\"message\",{}]",
        "45[\"message\"]",
        "44{\"message\":\"x\"}",
        "47",
        "2",
        "2probe",
        "5",
        "6",
        "40",
    ] {
        let mut one = world.sio(1).await;
        one.client.text(packet);
        assert_eq!(one.until_closed().await.1, Some(4002), "{packet}");
    }
}
