//! Presence, typing and reading: told to those they concern, and never at the cost of messages.

use crate::{
    sockets::Served,
    world::{World, settle, user},
};
use parlour_core::{
    RoomId, Signal, UserId,
    event::LeaveReason,
    ports::{Announce as _, Presence as _},
};
use parlour_realtime::DialectKind;
use serde_json::{Value, json};
use std::time::Duration;

async fn here(world: &World) -> Vec<i64> {
    let all: Vec<_> = (1..10).map(UserId::new).collect();
    let here = world.realtime.here(&all).await;
    here.into_iter().map(UserId::get).collect()
}

fn presence(room: RoomId, who: i64, here: bool) -> Value {
    json!({"type": "presence", "room": room.get(), "user": who, "here": here})
}

/// A room of 1 with 2 and 3, and a socket of 1 that has said hello.
async fn scene() -> (World, RoomId, Served) {
    let world = World::new();
    let room = world.room(1).await;
    for id in [2, 3] {
        world.tell(world.log.join(room, user(id))).await;
    }
    let mut served = world.serve_v2(1).await;
    served.expect("hello").await;
    (world, room, served)
}

async fn drained(served: &mut Served) -> Vec<Value> {
    settle().await;
    served.client.drain()
}

#[tokio::test(start_paused = true)]
async fn coming_and_going_with_grace() {
    let (world, room, mut watcher) = scene().await;
    assert_eq!(here(&world).await, [1]);
    let first = world.serve(2).await;
    assert_eq!(drained(&mut watcher).await, [presence(room, 2, true)]);
    let second = world.serve_v2(2).await;
    assert!(
        drained(&mut watcher).await.is_empty(),
        "two tabs count once"
    );
    drop(first);
    assert!(drained(&mut watcher).await.is_empty());
    assert_eq!(here(&world).await, [1, 2]);
    second.task.abort();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(here(&world).await, [1, 2], "still in the grace");
    assert!(drained(&mut watcher).await.is_empty());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(drained(&mut watcher).await, [presence(room, 2, false)]);
    assert_eq!(here(&world).await, [1]);
}

#[tokio::test(start_paused = true)]
async fn who_falls_silent_is_gone_within_35_seconds() {
    let (world, _room, _watcher) = scene().await;
    let _silent = world.serve_v2(2).await;
    settle().await;
    assert!(here(&world).await.contains(&2));
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert!(here(&world).await.contains(&2), "it may still answer");
    tokio::time::sleep(Duration::from_secs(6)).await;
    settle().await;
    assert!(!here(&world).await.contains(&2));
}

#[tokio::test(start_paused = true)]
async fn reloading_does_not_flicker() {
    let (world, room, mut watcher) = scene().await;
    let mut tab = world.serve_v2(2).await;
    assert_eq!(drained(&mut watcher).await, [presence(room, 2, true)]);
    for _ in 0..10 {
        tab.task.abort();
        tokio::time::sleep(Duration::from_secs(4)).await;
        tab = world.serve_v2(2).await;
        assert!(drained(&mut watcher).await.is_empty());
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(drained(&mut watcher).await.is_empty());
    tab.task.abort();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(drained(&mut watcher).await, [presence(room, 2, false)]);
}

#[tokio::test(start_paused = true)]
async fn who_joins_while_here_is_here() {
    let (world, _, mut watcher) = scene().await;
    let _other = world.serve(5).await;
    assert!(drained(&mut watcher).await.is_empty(), "no room in common");
    let cake = world.room(1).await;
    world.tell(world.log.join(cake, user(5))).await;
    let frames = drained(&mut watcher).await;
    assert_eq!(frames.last(), Some(&presence(cake, 5, true)));
    world
        .tell(world.log.leave(cake, user(5), LeaveReason::Left))
        .await;
    drained(&mut watcher).await;
    drop(_other);
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(drained(&mut watcher).await.is_empty(), "left before going");
}

/// Who looked while somebody passed through has found them here, and must hear that they are gone,
/// although their coming was not told yet.
#[tokio::test(start_paused = true)]
async fn who_passes_through_is_told_to_be_gone() {
    let (world, room, mut watcher) = scene().await;
    let passing = world.serve(2).await;
    drop(passing);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(here(&world).await, [1, 2], "in the grace");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(drained(&mut watcher).await, [presence(room, 2, false)]);
}

/// A socket of one room makes its user present in all their rooms.
#[tokio::test(start_paused = true)]
async fn any_socket_counts() {
    let (world, room, mut watcher) = scene().await;
    let cake = world.room(2).await;
    drained(&mut watcher).await;
    let socket = world.serve_room(2, cake).await.expect("the host");
    assert_eq!(drained(&mut watcher).await, [presence(room, 2, true)]);
    drop(socket);
}

#[tokio::test(start_paused = true)]
async fn writing_is_told_to_the_others_once_a_second() {
    let (world, room, mut own) = scene().await;
    let mut other = world.serve_v2(2).await;
    other.expect("hello").await;
    let mut old = world.serve(3).await;
    drained(&mut own).await;
    drained(&mut other).await;
    let typing = Signal::Typing {
        room,
        user: user(1),
    };
    for _ in 0..5 {
        world.realtime.signal(typing.clone()).await;
    }
    let told = json!({"type": "typing", "room": room.get(), "user": 1});
    assert_eq!(drained(&mut other).await, std::slice::from_ref(&told));
    assert!(drained(&mut own).await.is_empty());
    assert!(drained(&mut old).await.is_empty(), "not in version 1");
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.realtime.signal(typing).await;
    assert_eq!(drained(&mut other).await, [told]);
}

#[tokio::test(start_paused = true)]
async fn reading_is_told_to_everybody_only_in_small_rooms() {
    let (world, room, mut own) = scene().await;
    let mut other = world.serve_v2(2).await;
    other.expect("hello").await;
    drained(&mut own).await;
    drained(&mut other).await;
    own.client
        .json(&json!({"type": "read", "room": room.get(), "seq": 3}));
    let told = json!({"type": "read", "room": room.get(), "user": 1, "seq": 3});
    assert_eq!(drained(&mut own).await, std::slice::from_ref(&told));
    assert_eq!(drained(&mut other).await, std::slice::from_ref(&told));
    let mut crowd = Vec::new();
    for _ in 0..50 {
        crowd.push(world.serve(3).await);
    }
    drained(&mut own).await;
    drained(&mut other).await;
    own.client
        .json(&json!({"type": "read", "room": room.get(), "seq": 3}));
    assert_eq!(drained(&mut own).await, [told]);
    assert!(drained(&mut other).await.is_empty());
}

/// Frames that may be lost leave half of an outbox to those that may not.
#[tokio::test(start_paused = true)]
async fn a_reader_that_falls_behind_loses_them_first() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let registration = world
        .realtime
        .register(crate::world::actor(2, 2), DialectKind::AccountV2)
        .await
        .expect("registers");
    settle().await;
    for round in 0..2_000 {
        world
            .realtime
            .signal(Signal::Read {
                room,
                user: user(1),
                seq: round,
            })
            .await;
    }
    settle().await;
    assert!(registration.outbox().closing().is_none());
    assert!((500..520).contains(&registration.outbox().take().len()));
}
