//! Many clients who come back at once: the store is read per room, not per client.

use crate::{
    sockets::Served,
    world::{World, settle, user},
};
use futures_util::future::join_all;
use parlour_core::RoomId;
use parlour_realtime::{Config, RingLimits};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

const CLIENTS: i64 = 1_000;
const ROOMS: usize = 5;
const HISTORY: i64 = 990;

/// A store in which much happened before this process was started.
fn after_a_restart(config: Config) -> (World, Vec<RoomId>) {
    let world = World::with(0, crate::bus::Faults::default(), config);
    let rooms: Vec<_> = (0..ROOMS).map(|_| world.log.create(user(1)).0).collect();
    for room in &rooms {
        for id in 2..=CLIENTS {
            world.log.join(*room, user(id));
        }
        for _ in 0..HISTORY {
            world.log.send(*room, user(1), "hello");
        }
    }
    (world, rooms)
}

async fn come_back(world: &World, missed: impl Fn(i64) -> i64) -> Vec<(Served, i64)> {
    let newest = world.log.seqs();
    let one = |id| {
        let (newest, missed) = (&newest, missed(id));
        async move {
            let served = world.serve_v2(id).await;
            let cursors: BTreeMap<_, _> = newest
                .iter()
                .map(|(room, seq)| (room.to_string(), seq - missed))
                .collect();
            let resume = json!({"type": "resume", "epoch": "e1", "cursors": cursors});
            served.client.json(&resume);
            (served, missed)
        }
    };
    join_all((1..=CLIENTS).map(one)).await
}

/// Everybody has all they missed, each once and in order.
fn check(clients: &mut [(Served, i64)], newest: &BTreeMap<RoomId, i64>) {
    for (served, missed) in clients {
        let mut seqs = BTreeMap::<i64, Vec<i64>>::new();
        let mut recovered = 0;
        for frame in served.client.drain() {
            let kind = frame["type"].as_str().unwrap_or_default();
            let (room, seq) = (frame["room"].as_i64(), frame["seq"].as_i64());
            match kind {
                "hello" | "presence" => {}
                "recovered" => recovered += 1,
                "message.created" => seqs
                    .entry(room.expect("a room"))
                    .or_default()
                    .push(seq.expect("a seq")),
                _ => panic!("{frame}"),
            }
        }
        assert_eq!(recovered, newest.len());
        for (room, seq) in newest.iter().filter(|_| *missed > 0) {
            let expected: Vec<_> = (seq - *missed + 1..=*seq).collect();
            assert_eq!(seqs.remove(&room.get()), Some(expected));
        }
        assert!(seqs.is_empty());
    }
}

fn reads_per_room(world: &World) -> Vec<usize> {
    let rooms = world.log.counted.history.lock().expect("not poisoned");
    rooms.values().copied().collect()
}

async fn restart(missed: impl Fn(i64) -> i64, reads: usize) {
    let (world, _) = after_a_restart(Config::default());
    world.log.set_delay(Duration::from_millis(5));
    let mut clients = come_back(&world, &missed).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    check(&mut clients, &world.log.seqs());
    assert_eq!(reads_per_room(&world), [reads; ROOMS]);
    let hearings = world.log.counted.hearings.load(Ordering::Relaxed);
    assert!(hearings < 20, "{hearings}");
    assert_eq!(world.log.counted.positions.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_one_read_per_room() {
    restart(|id| id % 12, 1).await;
}

#[tokio::test(start_paused = true)]
async fn who_missed_much_costs_one_read_more() {
    restart(|id| if id % 100 == 0 { 400 + id / 2 } else { id % 7 }, 2).await;
}

/// Nobody is here for a moment, then everybody; meanwhile a few things happened.
#[tokio::test(start_paused = true)]
async fn a_cut_costs_nothing_while_somebody_listens() {
    let (world, rooms) = after_a_restart(Config::default());
    let watcher = world.serve_v2(1).await;
    watcher.client.json(&json!({"type": "ping"}));
    settle().await;
    for room in &rooms {
        for _ in 0..20 {
            world.send(*room, 1, "meanwhile").await;
        }
    }
    settle().await;
    let mut clients = come_back(&world, |id| id % 20).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    check(&mut clients, &world.log.seqs());
    assert_eq!(reads_per_room(&world), [0; 0]);
}

/// Rooms of messages that are too large to be kept: those who want the same piece share it.
#[tokio::test(start_paused = true)]
async fn too_much_to_be_kept_is_shared_all_the_same() {
    let mut config = Config::default();
    config.hub.ring = RingLimits {
        events: 16,
        bytes: 4_000,
        deep_bytes: 16_000,
        ..RingLimits::default()
    };
    let (world, _) = after_a_restart(config);
    world.log.set_delay(Duration::from_millis(5));
    let mut clients = come_back(&world, |id| if id % 50 == 0 { 600 } else { id % 3 }).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    check(&mut clients, &world.log.seqs());
    // Twenty clients in lockstep, 128 events at a time.
    let reads = reads_per_room(&world);
    assert!(reads.iter().all(|reads| *reads <= 12), "{reads:?}");
}

/// The store is down: a resync per room, and one read for all who wait.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_not_asked_by_each() {
    let (world, rooms) = after_a_restart(Config::default());
    let mut clients = Vec::new();
    for id in 1..=50 {
        clients.push(world.serve_v2(id).await);
    }
    world.log.set_down(true);
    world.log.set_delay(Duration::from_millis(50));
    let cursors: BTreeMap<_, _> = rooms.iter().map(|room| (room.to_string(), 1_900)).collect();
    for served in &clients {
        served
            .client
            .json(&json!({"type": "resume", "epoch": "e1", "cursors": cursors}));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for served in &mut clients {
        let frames = served.client.drain();
        let resyncs = frames.iter().filter(|frame| frame["type"] == "resync");
        let seqs: Vec<_> = resyncs.map(|frame| frame["seq"].clone()).collect();
        let newest = Value::from(world.log.seqs()[&rooms[0]]);
        assert_eq!(seqs, vec![newest; ROOMS]);
    }
    assert_eq!(reads_per_room(&world), [1; ROOMS]);
}
