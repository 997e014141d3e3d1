//! Rooms: limits, invitations, ends.

use crate::world::{World, code, fields, value};
use parlour_core::{
    Settings, Time, What,
    given::Given,
    rooms::{self, CreateRoom, UpdateRoom},
};
use std::time::Duration;

#[tokio::test]
async fn bad_rooms_are_refused_with_every_reason() {
    let world = World::new().await;
    let ada = world.actor("ada").await;
    let input = CreateRoom {
        name: value("  "),
        topic: value(&"x".repeat(251)),
        kind: value("OPEN"),
        max_users: Given::Value(251),
        expires_at: Given::Value(Time::from_micros(0)),
    };
    let found = fields(rooms::create(&world.app, &ada, input).await);
    assert_eq!(
        found.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["name", "topic", "type", "max_users", "expires_at"]
    );
    assert_eq!(found[2].1, "\"OPEN\" is not a valid choice.");
    assert_eq!(found[3].1, "System max users limit is 250");
}

#[tokio::test]
async fn the_owner_reads_and_writes_without_a_seat() {
    let world = World::new().await;
    let ada = world.actor("ada").await;
    let room = world.room(&ada, "one seat", "GROUP", 1).await;
    assert!(room.users.is_empty());
    let bob = world.actor("bob").await;
    rooms::join(&world.app, &bob, room.id)
        .await
        .expect("the seat is free");
    assert_eq!(
        code(rooms::join(&world.app, &ada, room.id).await),
        "room_full"
    );
    rooms::get(&world.app, &ada, room.id)
        .await
        .expect("the host sees the room all the same");
    rooms::join(&world.app, &bob, room.id)
        .await
        .expect("joining again is fine, also when full");
}

#[tokio::test]
async fn private_rooms_do_not_exist_for_strangers() {
    let world = World::new().await;
    let (ada, bob) = (world.actor("ada").await, world.actor("bob").await);
    let room = world.room(&ada, "secret", "PRIVATE", 5).await;
    assert_eq!(
        code(rooms::get(&world.app, &bob, room.id).await),
        "not_found"
    );
    assert_eq!(
        code(rooms::join(&world.app, &bob, room.id).await),
        "not_found"
    );
    rooms::invite(&world.app, &ada, room.id, Given::Value(bob.user))
        .await
        .expect("invites");
    rooms::get(&world.app, &bob, room.id)
        .await
        .expect("the invited see it");
    let history = rooms::history(
        &world.app,
        &bob,
        room.id,
        parlour_core::ports::Span::Newest,
        10,
    );
    assert_eq!(code(history.await), "not_in_room");
    rooms::join(&world.app, &bob, room.id).await.expect("joins");
    rooms::leave(&world.app, &bob, room.id)
        .await
        .expect("leaves");
    assert_eq!(
        code(rooms::join(&world.app, &bob, room.id).await),
        "not_found",
        "used up"
    );
}

#[tokio::test]
async fn who_was_removed_comes_back_only_by_invitation() {
    let world = World::new().await;
    let (ada, bob) = (world.actor("ada").await, world.actor("bob").await);
    let room = world.room(&ada, "open", "GROUP", 5).await;
    rooms::join(&world.app, &bob, room.id).await.expect("joins");
    rooms::remove(&world.app, &ada, room.id, Given::Value(bob.user))
        .await
        .expect("removes");
    assert_eq!(
        code(rooms::join(&world.app, &bob, room.id).await),
        "removed_from_room"
    );
    let again = rooms::remove(&world.app, &ada, room.id, Given::Value(bob.user)).await;
    assert_eq!(code(again), "not_found", "neither member nor invited");
    rooms::invite(&world.app, &ada, room.id, Given::Value(bob.user))
        .await
        .expect("invites");
    rooms::join(&world.app, &bob, room.id)
        .await
        .expect("comes back");
}

#[tokio::test]
async fn handing_over_swaps_host_and_seat() {
    let world = World::new().await;
    let (ada, bob) = (world.actor("ada").await, world.actor("bob").await);
    let room = world.room(&ada, "full", "PRIVATE", 1).await;
    let to = Given::Value(bob.user);
    assert_eq!(
        code(rooms::hand_over(&world.app, &ada, room.id, to.clone()).await),
        "not_found"
    );
    rooms::invite(&world.app, &ada, room.id, to.clone())
        .await
        .expect("invites");
    rooms::join(&world.app, &bob, room.id).await.expect("joins");
    let room = rooms::hand_over(&world.app, &ada, room.id, to)
        .await
        .expect("hands over");
    assert_eq!((room.owner, &room.users[..]), (bob.user, &[ada.user][..]));
    let change = UpdateRoom {
        topic: value("mine"),
        ..UpdateRoom::default()
    };
    assert_eq!(
        code(rooms::update(&world.app, &ada, room.id, change.clone()).await),
        "owner_only"
    );
    rooms::update(&world.app, &bob, room.id, change)
        .await
        .expect("the new host may");
}

#[tokio::test]
async fn rooms_end_once_and_their_names_are_free_again() {
    let lifetime = Duration::from_secs(3600);
    let settings = Settings {
        rates: None,
        room_lifetime: Some(lifetime),
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let ada = world.actor("ada").await;
    let room = world.room(&ada, "short", "GROUP", 5).await;
    let renewed = world.room(&ada, "renewed", "GROUP", 5).await;
    world.clock.forward(lifetime - Duration::from_secs(1));
    assert_eq!(
        rooms::expire_due(&world.app).await.expect("looks"),
        0,
        "none early"
    );
    let after = rooms::renew(&world.app, &ada, renewed.id, Given::Missing)
        .await
        .expect("renews");
    assert_eq!(after.expires_at, Some(world.app.now().plus(lifetime)));
    world.clock.forward(Duration::from_secs(1));
    assert_eq!(rooms::expire_due(&world.app).await.expect("looks"), 1);
    assert_eq!(
        rooms::expire_due(&world.app).await.expect("looks"),
        0,
        "once"
    );
    assert_eq!(
        code(rooms::get(&world.app, &ada, room.id).await),
        "not_found"
    );
    rooms::get(&world.app, &ada, renewed.id)
        .await
        .expect("lives on");
    world.room(&ada, "short", "GROUP", 5).await;
    let ends = world
        .events()
        .iter()
        .filter(|e| matches!(e.what, What::RoomDeleted(_)))
        .count();
    assert_eq!(ends, 1);
    while rooms::purge_some(&world.app).await.expect("purges") {}
}

#[tokio::test]
async fn ends_stay_within_the_servers_lifetime() {
    let world = World::new().await;
    let ada = world.actor("ada").await;
    let room = world.room(&ada, "week", "GROUP", 5).await;
    let set = async |end| {
        let change = UpdateRoom {
            expires_at: end,
            ..UpdateRoom::default()
        };
        rooms::update(&world.app, &ada, room.id, change).await
    };
    let now = world.app.now();
    let day = Duration::from_secs(24 * 3600);
    set(Given::Value(now.plus(day)))
        .await
        .expect("sooner is fine");
    for (end, what) in [
        (Given::Value(now), "past"),
        (Given::Value(now.plus(8 * day)), "beyond the lifetime"),
        (Given::Null, "never"),
    ] {
        assert_eq!(fields(set(end).await)[0].0, "expires_at", "{what}");
    }
    set(Given::Value(now.plus(day)))
        .await
        .expect("sending back what was read is fine");
}
