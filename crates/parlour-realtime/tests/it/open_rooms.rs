//! GROUP rooms begin, change and end for everybody.

use crate::world::{World, settle, user};
use parlour_core::{event::EndReason, model::RoomKind};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn group_rooms_are_everybodys_business_and_private_ones_are_not() {
    let world = World::new();
    let mut stranger = world.serve_v2(9).await;
    stranger.expect("hello").await;
    let mut old = world.serve(9).await;
    let (room, events) = world.log.create_of(user(1), RoomKind::Group);
    world.tell(events).await;
    let created = stranger.expect("room.created").await;
    assert_eq!(
        created,
        json!({"type": "room.created", "room": 1, "details": {
            "id": 1, "name": "room 1", "topic": "", "type": "GROUP", "owner": 1, "max_users": 100,
            "members": 0, "expires_at": null
        }})
    );
    world.send(room, 1, "not for strangers").await;
    world.tell(world.log.rename(room)).await;
    let updated = stranger.expect("room.updated").await;
    assert!(
        updated.get("seq").is_none() && updated["details"]["id"] == 1,
        "{updated}"
    );
    let (secret, events) = world.log.create_of(user(1), RoomKind::Private);
    world.tell(events).await;
    world.tell(world.log.rename(secret)).await;
    world.tell(world.log.end(secret, EndReason::Deleted)).await;
    world.tell(world.log.end(room, EndReason::Expired)).await;
    assert_eq!(
        stranger.client.next().await,
        json!({"type": "room.deleted", "room": 1, "reason": "expired"})
    );
    settle().await;
    assert_eq!(stranger.client.drain(), [Value::Null; 0]);
    assert_eq!(
        old.client.drain(),
        [Value::Null; 0],
        "version 1 hears nothing of it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_room_that_becomes_private_is_gone_for_strangers() {
    let world = World::new();
    let mut stranger = world.serve_v2(9).await;
    stranger.expect("hello").await;
    let room = world.room(1).await;
    stranger.expect("room.created").await;
    world
        .tell(world.log.set_kind(room, RoomKind::Private))
        .await;
    assert_eq!(
        stranger.client.next().await,
        json!({"type": "room.deleted", "room": 1, "reason": "private"})
    );
    world.tell(world.log.rename(room)).await;
    world.tell(world.log.set_kind(room, RoomKind::Group)).await;
    let back = stranger.expect("room.updated").await;
    assert_eq!(back["details"]["type"], "GROUP");
}

/// A room from before this process: what it was is asked of the store.
#[tokio::test(start_paused = true)]
async fn the_end_of_an_unknown_room_is_told_if_it_was_open() {
    let world = World::new();
    let (open, _) = world.log.create_of(user(1), RoomKind::Group);
    let (secret, _) = world.log.create_of(user(1), RoomKind::Private);
    let mut stranger = world.serve_v2(9).await;
    stranger.expect("hello").await;
    for room in [secret, open] {
        world.tell(world.log.end(room, EndReason::Expired)).await;
    }
    assert_eq!(
        stranger.client.next().await,
        json!({"type": "room.deleted", "room": open.get(), "reason": "expired"})
    );
    settle().await;
    assert!(stranger.client.drain().is_empty());
}

/// Who is in the room hears the event of its stream, once.
#[tokio::test(start_paused = true)]
async fn members_hear_it_once_with_its_seq() {
    let world = World::new();
    let mut host = world.serve_v2(1).await;
    host.expect("hello").await;
    let room = world.room(1).await;
    assert_eq!(host.expect("room.created").await["seq"], 1);
    world.tell(world.log.rename(room)).await;
    assert_eq!(host.expect("room.updated").await["seq"], 2);
    world.tell(world.log.end(room, EndReason::Deleted)).await;
    assert_eq!(host.expect("room.deleted").await["seq"], 3);
    settle().await;
    assert!(host.client.drain().is_empty());
}

/// The hub knows of a room's kind only what passed by; who heard the room end is told once all the same.
#[tokio::test(start_paused = true)]
async fn members_hear_of_the_end_once() {
    let world = World::new();
    // Nobody was there when it began.
    let (room, events) = world.log.create_of(user(1), RoomKind::Group);
    world.tell(events).await;
    settle().await;
    let mut host = world.serve_v2(1).await;
    host.expect("hello").await;
    let mut stranger = world.serve_v2(9).await;
    stranger.expect("hello").await;
    settle().await;
    world.tell(world.log.end(room, EndReason::Deleted)).await;
    settle().await;
    let ends = |frames: Vec<Value>| {
        let of_end = |frame: &Value| frame["type"] == "room.deleted";
        frames.into_iter().filter(of_end).collect::<Vec<_>>()
    };
    let told = ends(host.client.drain());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["seq"], 2);
    let told = ends(stranger.client.drain());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].get("seq").is_none());
}
