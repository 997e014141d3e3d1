//! Going on where an earlier socket ended.

use crate::{
    sockets::Served,
    world::{World, settle, user},
};
use parlour_core::{
    RoomId, What,
    event::{EndReason, LeaveReason},
};
use serde_json::{Value, json};
use std::time::Duration;

fn resume(cursors: &Value) -> Value {
    json!({"type": "resume", "epoch": "e1", "cursors": cursors})
}

async fn opened(world: &World, id: i64) -> Served {
    let mut served = world.serve_v2(id).await;
    served.expect("hello").await;
    served
}

/// The seqs of events, and other frames by their type.
async fn story(served: &mut Served) -> Vec<String> {
    let frames = served.lasting().await;
    let told = |frame: &Value| {
        let kind = frame["type"].as_str().unwrap_or_default();
        match kind {
            "recovered" | "resync" => format!("{kind} {}@{}", frame["room"], frame["seq"]),
            "error" => format!(
                "{} {}",
                frame["code"].as_str().unwrap_or_default(),
                frame["room"]
            ),
            _ => format!("{}@{}", frame["room"], frame["seq"]),
        }
    };
    frames.iter().map(told).collect()
}

fn seqs(room: RoomId, from: i64, to: i64) -> Vec<String> {
    (from..=to).map(|seq| format!("{room}@{seq}")).collect()
}

async fn say(world: &World, room: RoomId, count: usize) {
    for _ in 0..count {
        world.send(room, 1, "hello").await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_in_order_and_then_what_is_new() {
    let world = World::new();
    let (tea, cake) = (world.room(1).await, world.room(1).await);
    say(&world, tea, 400).await;
    let mut served = opened(&world, 1).await;
    // Between hello and resume: neither overtakes nor repeats.
    say(&world, tea, 3).await;
    served.client.json(&resume(&json!({"1": 100, "2": 1})));
    let mut expected = vec![format!("recovered {cake}@1")];
    expected.extend(seqs(tea, 101, 404));
    expected.push(format!("recovered {tea}@404"));
    assert_eq!(story(&mut served).await, expected);
    say(&world, tea, 1).await;
    assert_eq!(story(&mut served).await, seqs(tea, 405, 405));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recovered_is_said() {
    let world = World::new();
    let tea = world.room(1).await;
    say(&world, tea, 1_100).await;
    for (epoch, cursor) in [("e0", 1_100), ("e1", 99), ("e1", 1_106), ("e1", i64::MAX)] {
        let mut served = opened(&world, 1).await;
        say(&world, tea, 1).await;
        served
            .client
            .json(&json!({"type": "resume", "epoch": epoch, "cursors": {"1": cursor}}));
        let newest = world.log.seqs()[&tea];
        let mut expected = vec![format!("resync {tea}@{}", newest - 1)];
        expected.extend(seqs(tea, newest, newest));
        assert_eq!(story(&mut served).await, expected, "{epoch} {cursor}");
    }
    let mut served = opened(&world, 1).await;
    let newest = world.log.seqs()[&tea];
    served.client.json(&resume(&json!({"1": newest - 1_000})));
    let story = story(&mut served).await;
    assert_eq!(story.len(), 1_001);
    assert_eq!(story.last(), Some(&format!("recovered {tea}@{newest}")));
}

#[tokio::test(start_paused = true)]
async fn rooms_that_are_not_heard_are_not_found() {
    let world = World::new();
    let (tea, cake) = (world.room(1).await, world.room(1).await);
    world.tell(world.log.join(tea, user(2))).await;
    world.tell(world.log.join(cake, user(2))).await;
    world
        .tell(world.log.leave(cake, user(2), LeaveReason::Removed))
        .await;
    settle().await;
    let mut served = opened(&world, 2).await;
    served
        .client
        .json(&resume(&json!({"1": 1, "2": 1, "99": 0})));
    let mut story = story(&mut served).await;
    story.sort();
    assert_eq!(
        story,
        ["1@2", "not_found 2", "not_found 99", "recovered 1@2"]
    );
}

/// After live events went out, an older cursor cannot be served in order any more.
#[tokio::test(start_paused = true)]
async fn a_late_resume_is_a_resync_unless_nothing_is_missing() {
    let world = World::new();
    let tea = world.room(1).await;
    say(&world, tea, 10).await;
    let mut served = opened(&world, 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    say(&world, tea, 2).await;
    assert_eq!(story(&mut served).await, seqs(tea, 12, 13));
    served.client.json(&resume(&json!({"1": 5})));
    assert_eq!(story(&mut served).await, [format!("resync {tea}@13")]);
    served.client.json(&resume(&json!({"1": 12})));
    assert_eq!(story(&mut served).await, [format!("recovered {tea}@13")]);
    // A room entered since then.
    let cake = world.room(1).await;
    assert_eq!(story(&mut served).await, seqs(cake, 1, 1));
    served.client.json(&resume(&json!({"2": 1})));
    assert_eq!(story(&mut served).await, [format!("recovered {cake}@1")]);
}

/// A client on a slow line, or in a storm on a busy machine: no order can break where nothing was said.
#[tokio::test(start_paused = true)]
async fn a_late_resume_is_exact_while_nothing_went_out() {
    let world = World::new();
    let (tea, cake) = (world.room(1).await, world.room(1).await);
    say(&world, tea, 600).await;
    say(&world, cake, 5).await;
    let mut served = opened(&world, 1).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    // One of the rooms goes on.
    say(&world, cake, 1).await;
    assert_eq!(story(&mut served).await, seqs(cake, 7, 7));
    served.client.json(&resume(&json!({"1": 101, "2": 3})));
    let mut expected = vec![format!("resync {cake}@7")];
    expected.extend(seqs(tea, 102, 601));
    expected.push(format!("recovered {tea}@601"));
    let mut told = story(&mut served).await;
    // Which room comes first is of no interest.
    told.sort_by_key(|line| !line.starts_with("resync"));
    assert_eq!(told, expected);
    // And live from there on, each once.
    say(&world, tea, 2).await;
    say(&world, cake, 1).await;
    let mut told = story(&mut served).await;
    told.sort();
    let mut expected = seqs(tea, 602, 603);
    expected.extend(seqs(cake, 8, 8));
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_replay_waits_for_a_slow_reader_and_holds_live_events_meanwhile() {
    let world = World::new();
    let tea = world.room(1).await;
    let long = "x".repeat(8_000);
    for _ in 0..900 {
        world.send(tea, 1, &long).await;
    }
    let registration = parlour_realtime::DialectKind::AccountV2;
    let mut served = world.serve_as(1, 1, 4, registration).await;
    served.client.json(&resume(&json!({"1": 1})));
    settle().await;
    say(&world, tea, 5).await;
    // About 15 MB pass through an outbox of 1 MiB.
    served.expect("hello").await;
    for seq in 2..=906 {
        let frame = served.expect("message.created").await;
        assert_eq!(frame["seq"], seq);
    }
    assert_eq!(served.expect("recovered").await["seq"], 906);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_or_whose_room_ends_while_held_learns_it() {
    let world = World::new();
    let (tea, cake) = (world.room(1).await, world.room(1).await);
    for room in [tea, cake] {
        world.tell(world.log.join(room, user(2))).await;
    }
    let mut served = opened(&world, 2).await;
    say(&world, tea, 2).await;
    world
        .tell(world.log.leave(tea, user(2), LeaveReason::Removed))
        .await;
    world.tell(world.log.end(cake, EndReason::Deleted)).await;
    say(&world, tea, 2).await;
    let frames = served.lasting().await;
    let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].clone()).collect();
    assert_eq!(kinds, ["member.left", "room.deleted"]);
    served.client.json(&resume(&json!({"1": 1, "2": 1})));
    let mut story = story(&mut served).await;
    story.sort();
    assert_eq!(story, ["not_found 1", "not_found 2"]);
}

#[tokio::test(start_paused = true)]
async fn without_the_store_the_hole_is_said() {
    let world = World::new();
    let tea = world.room(1).await;
    say(&world, tea, 10).await;
    let mut served = opened(&world, 1).await;
    world.log.set_down(true);
    say(&world, tea, 1).await;
    served.client.json(&resume(&json!({"1": 3})));
    assert_eq!(
        story(&mut served).await,
        [format!("resync {tea}@11"), format!("{tea}@12")]
    );
}

/// What was deleted since is no hole: its place says so.
#[tokio::test(start_paused = true)]
async fn deleted_messages_keep_their_places() {
    let world = World::new();
    let tea = world.room(1).await;
    say(&world, tea, 2).await;
    let gone = What::MessageDeleted(parlour_core::MessageId::new(1));
    world.tell(world.log.commit(tea, gone)).await;
    let mut served = opened(&world, 1).await;
    served.client.json(&resume(&json!({"1": 1})));
    assert_eq!(
        served.kinds().await,
        [
            "message.created",
            "message.created",
            "message.deleted",
            "recovered"
        ]
    );
}

/// Rooms that the client only claims to know cost the hub little: they are answered, but not at once.
#[tokio::test(start_paused = true)]
async fn a_frame_full_of_unknown_rooms_is_answered_slowly() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve_v2(1).await;
    let hello = served.client.next().await;
    let mut cursors: serde_json::Map<_, _> = (1_000..1_600)
        .map(|room| (room.to_string(), json!(1)))
        .collect();
    cursors.insert(room.to_string(), json!(1));
    let start = tokio::time::Instant::now();
    let resume = json!({"type": "resume", "epoch": hello["epoch"], "cursors": cursors});
    served.client.json(&resume);
    // What it does hear comes first.
    while served.client.next().await["type"] != "recovered" {}
    assert!(start.elapsed() < Duration::from_millis(50));
    let mut unknown = 0;
    while unknown < 600 {
        unknown += usize::from(served.client.next().await["code"] == "not_found");
    }
    assert!(start.elapsed() > Duration::from_millis(490));
}
