//! The hub, one story each.

use crate::{
    bus::Faults,
    world::{World, actor, settle, user},
};
use parlour_core::{
    Signal, TokenId, What,
    error::{INVALID_TOKEN, STORE_UNAVAILABLE},
    event::{EndReason, LeaveReason},
    ports::Announce as _,
};
use parlour_realtime::{Config, DialectKind, News, close};
use std::{sync::Arc, time::Duration};

#[tokio::test(start_paused = true)]
async fn members_and_the_owner_hear_and_strangers_do_not() {
    let world = World::new();
    let (mut owner, mut member, mut stranger) = (
        world.socket(1).await,
        world.socket(2).await,
        world.socket(3).await,
    );
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    world.send(room, 2, "hi").await;
    settle().await;
    assert_eq!(owner.texts(), ["hi"]);
    assert_eq!(member.texts(), ["hi"]);
    assert!(stranger.texts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn membership_bites_at_its_place_in_the_stream() {
    let world = World::new();
    let room = world.room(1).await;
    let mut one = world.socket(2).await;
    let mut two = world.socket(2).await;
    world.send(room, 1, "before").await;
    world.tell(world.log.join(room, user(2))).await;
    world.send(room, 1, "during").await;
    // Committed before the leave, announced with it: in one batch.
    let mut batch = world.log.send(room, user(2), "last");
    batch.extend(world.log.leave(room, user(2), LeaveReason::Removed));
    batch.extend(world.log.send(room, user(1), "after"));
    world.tell(batch).await;
    settle().await;
    assert_eq!(one.texts(), ["during", "last"]);
    assert_eq!(two.texts(), ["during", "last"]);
}

#[tokio::test(start_paused = true)]
async fn the_owner_hears_without_a_seat_and_after_giving_it_up() {
    let world = World::new();
    let mut owner = world.socket(1).await;
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(1))).await;
    world
        .tell(world.log.leave(room, user(1), LeaveReason::Left))
        .await;
    world.send(room, 1, "still here").await;
    settle().await;
    assert_eq!(owner.texts(), ["still here"]);
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_with_the_seat() {
    let world = World::new();
    let (mut old, mut new) = (world.socket(1).await, world.socket(2).await);
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    // The former owner has no seat and gets the new owner's.
    world.tell(world.log.hand_over(room, user(2))).await;
    world.send(room, 1, "both").await;
    world
        .tell(world.log.leave(room, user(1), LeaveReason::Left))
        .await;
    world.send(room, 2, "new only").await;
    settle().await;
    assert_eq!(old.texts(), ["both"]);
    assert_eq!(new.texts(), ["both", "new only"]);
}

#[tokio::test(start_paused = true)]
async fn a_former_owner_without_a_seat_hears_the_hand_over_and_no_more() {
    let world = World::new();
    let mut old = world.socket(1).await;
    let room = world.room(1).await;
    // Against the store's word: nobody gets a seat.
    let mut events = world.log.rename(room);
    if let What::RoomUpdated(room) = &mut Arc::make_mut(&mut events[0]).what {
        Arc::make_mut(room).owner = user(2);
    }
    for text in ["a", "b", "c", "d"] {
        events.extend(world.log.send(room, user(1), text));
    }
    world.tell(events).await;
    settle().await;
    assert_eq!(old.texts(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_among_members_that_was_lost() {
    let world = World::new();
    let (mut old, mut new) = (world.socket(1).await, world.socket(2).await);
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(1))).await;
    world.tell(world.log.join(room, user(2))).await;
    world.bus.set_cut(true);
    world.tell(world.log.rename(room)).await;
    world.tell(world.log.hand_over(room, user(2))).await;
    world
        .tell(world.log.leave(room, user(1), LeaveReason::Left))
        .await;
    world
        .tell(world.log.leave(room, user(2), LeaveReason::Left))
        .await;
    world.send(room, 2, "lost").await;
    world.bus.set_cut(false);
    world.send(room, 2, "heard").await;
    settle().await;
    assert!(old.texts().is_empty());
    assert_eq!(new.texts(), ["lost", "heard"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_last_event_heals_within_seconds() {
    let mut config = Config::default();
    // The comparison of positions alone has to find it.
    config.hub.audits_per_round = 0;
    let world = World::with(0, Faults::default(), config);
    let mut socket = world.socket(1).await;
    let room = world.room(1).await;
    settle().await;
    world.bus.set_cut(true);
    world.send(room, 1, "lost").await;
    settle().await;
    assert!(socket.texts().is_empty());
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(socket.texts(), ["lost"]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_heals_at_once_even_a_lost_invitation_to_listen() {
    let world = World::new();
    let mut member = world.socket(2).await;
    let (room, _) = world.log.create(user(1));
    world.bus.set_cut(true);
    world.tell(world.log.join(room, user(2))).await;
    world.bus.set_cut(false);
    world.bus.publish_surely(News::Gap).await;
    settle().await;
    world.send(room, 1, "found").await;
    settle().await;
    assert_eq!(member.texts(), ["found"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_gap_an_audit_finds_it() {
    let world = World::new();
    let mut member = world.socket(2).await;
    let (room, _) = world.log.create(user(1));
    let joined = world.log.join(room, user(2));
    drop(joined);
    world.send(room, 1, "not heard").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    world.send(room, 1, "found").await;
    settle().await;
    assert_eq!(member.texts(), ["found"]);
}

#[tokio::test(start_paused = true)]
async fn a_hole_waits_for_the_store_and_other_rooms_go_on() {
    let world = World::new();
    let mut socket = world.socket(1).await;
    let holey = world.room(1).await;
    let other = world.room(1).await;
    world.log.set_down(true);
    world.bus.set_cut(true);
    world.send(holey, 1, "one").await;
    world.bus.set_cut(false);
    world.send(holey, 1, "two").await;
    world.send(other, 1, "other").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(socket.texts(), ["other"]);
    let reads = world.log.reads();
    assert!(reads < 60, "{reads} reads while the store was down");
    world.log.set_down(false);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(socket.texts(), ["other", "one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_hole_is_read_piece_by_piece() {
    let mut config = Config::default();
    config.hub.outbox.frames = usize::MAX;
    config.hub.outbox.bytes = usize::MAX;
    let world = World::with(0, Faults::default(), config);
    let mut socket = world.socket(1).await;
    let room = world.room(1).await;
    settle().await;
    for _ in 0..3_500 {
        let _ = world.log.send(room, user(1), "lost");
    }
    world.send(room, 1, "last").await;
    settle().await;
    let seqs = socket.seqs().remove(&room).expect("heard");
    assert_eq!(seqs, (2..=3_502).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn events_out_of_order_need_no_read() {
    let world = World::new();
    let mut socket = world.socket(1).await;
    let room = world.room(1).await;
    settle().await;
    let reads = world.log.reads();
    let mut events = Vec::new();
    for text in ["a", "b", "c"] {
        events.extend(world.log.send(room, user(1), text));
    }
    for index in [2, 2, 0, 1, 0] {
        world.tell(vec![events[index].clone()]).await;
    }
    settle().await;
    assert_eq!(socket.texts(), ["a", "b", "c"]);
    assert_eq!(world.log.reads(), reads);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_ends_says_so_once_even_if_that_was_lost() {
    let world = World::new();
    let mut socket = world.socket(1).await;
    let (told, lost) = (world.room(1).await, world.room(1).await);
    settle().await;
    let end = world.log.end(told, EndReason::Deleted);
    world.tell(end.clone()).await;
    world.tell(end).await;
    let _ = world.log.end(lost, EndReason::Expired);
    settle().await;
    assert_eq!((socket.ends_of(told), socket.ends_of(lost)), (1, 0));
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!((socket.ends_of(told), socket.ends_of(lost)), (1, 1));
    assert_eq!(
        socket.got[0],
        serde_json::json!({"type": "room.deleted", "room": told.get()})
    );
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_snapshot_is_read_counts() {
    let world = World::new();
    let room = world.room(1).await;
    let left = world.room(1).await;
    world.tell(world.log.join(left, user(2))).await;
    let _awake = world.socket(1).await;
    settle().await;
    world.log.set_delay(Duration::from_millis(100));
    let ((), mut socket) = tokio::join!(
        async {
            // The snapshot is taken after 50 ms and comes after 100.
            tokio::time::sleep(Duration::from_millis(60)).await;
            world.tell(world.log.join(room, user(2))).await;
            world
                .tell(world.log.leave(left, user(2), LeaveReason::Left))
                .await;
            world.send(room, 1, "in").await;
            world.send(left, 1, "out").await;
        },
        world.socket(2),
    );
    settle().await;
    world.send(room, 1, "in too").await;
    world.send(left, 1, "out too").await;
    settle().await;
    // "in" is older than the end of the registration.
    assert_eq!(socket.texts(), ["in too"]);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_ahead_of_the_stream_wins() {
    let faults = Faults {
        delay: Duration::from_millis(20),
        ..Faults::default()
    };
    let world = World::with(7, faults, Config::default());
    let mut owner = world.socket(1).await;
    let room = world.room(1).await;
    settle().await;
    // Still under way on the bus while the socket registers.
    world.tell(world.log.join(room, user(2))).await;
    world.send(room, 1, "old").await;
    world
        .tell(world.log.leave(room, user(2), LeaveReason::Left))
        .await;
    world.tell(world.log.join(room, user(2))).await;
    let mut member = world.socket(2).await;
    world.send(room, 1, "new").await;
    settle().await;
    assert_eq!(member.texts(), ["new"]);
    assert_eq!(owner.texts(), ["old", "new"]);
}

#[tokio::test(start_paused = true)]
async fn an_ended_credential_closes_exactly_its_sockets() {
    let world = World::new();
    let mut ended = world.socket_with(1, 11).await;
    let mut same = world.socket_with(1, 11).await;
    let mut other = world.socket_with(1, 12).await;
    let mut somebody = world.socket_with(2, 11).await;
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    settle().await;
    let signal = Signal::CredentialsEnded {
        user: user(1),
        ended: vec![TokenId::new(11), TokenId::new(99)],
    };
    world.realtime.signal(signal).await;
    world.send(room, 1, "later").await;
    settle().await;
    for socket in [&mut ended, &mut same] {
        assert!(socket.texts().is_empty());
        let closing = socket.registration.outbox().closing().expect("closed");
        assert_eq!(
            (closing.close, closing.at_once),
            (&close::CREDENTIAL_ENDED, true)
        );
    }
    for socket in [&mut other, &mut somebody] {
        assert_eq!(socket.texts(), ["later"]);
        assert!(socket.registration.outbox().closing().is_none());
    }
    // Its authentication raced the end.
    let refused = world
        .realtime
        .register(actor(1, 99), DialectKind::Account)
        .await;
    assert!(refused.expect_err("refused").is(INVALID_TOKEN));
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_ends_while_its_socket_registers() {
    let world = World::new();
    world.log.set_delay(Duration::from_millis(100));
    let ((), result) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let signal = Signal::CredentialsEnded {
                user: user(1),
                ended: vec![TokenId::new(1)],
            };
            world.realtime.signal(signal).await;
        },
        world.realtime.register(actor(1, 1), DialectKind::Account),
    );
    assert!(result.expect_err("refused").is(INVALID_TOKEN));
}

#[tokio::test(start_paused = true)]
async fn registering_needs_the_store() {
    let world = World::new();
    world.log.set_down(true);
    let refused = world
        .realtime
        .register(actor(1, 1), DialectKind::Account)
        .await;
    let error = refused.expect_err("refused");
    assert!(error.is(STORE_UNAVAILABLE) && error.retry_hint().is_some());
    world.log.set_down(false);
    let room = world.room(1).await;
    let mut socket = world.socket(1).await;
    world.send(room, 1, "back").await;
    settle().await;
    assert_eq!(socket.texts(), ["back"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_it_registers_leaves_nothing_behind() {
    let world = World::new();
    world.log.set_delay(Duration::from_millis(100));
    for millis in [0, 1, 60, 99] {
        let register = world.realtime.register(actor(1, 1), DialectKind::Account);
        let _ = tokio::time::timeout(Duration::from_millis(millis), register).await;
    }
    settle().await;
    let start = tokio::time::Instant::now();
    world.realtime.shutdown().await;
    assert!(start.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn two_nodes_on_one_bus_hear_the_same() {
    let here = World::new();
    let there =
        parlour_realtime::Realtime::start(here.log.clone(), here.bus.clone(), Config::default());
    let mut near = here.socket(1).await;
    let far = there
        .register(actor(1, 2), DialectKind::Account)
        .await
        .expect("registers");
    let room = here.room(1).await;
    here.send(room, 1, "hello").await;
    settle().await;
    assert_eq!(near.texts(), ["hello"]);
    assert_eq!(far.outbox().take().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn sockets_share_the_bytes_of_a_frame() {
    let world = World::new();
    let (one, two) = (world.socket(1).await, world.socket(1).await);
    let room = world.room(1).await;
    world.send(room, 1, "shared").await;
    settle().await;
    let frames = (
        one.registration.outbox().take(),
        two.registration.outbox().take(),
    );
    assert_eq!(frames.0[0].as_ptr(), frames.1[0].as_ptr());
}
