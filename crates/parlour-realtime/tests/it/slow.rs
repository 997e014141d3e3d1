//! Slow readers are cut at the bound and delay nobody.

use crate::world::{World, settle, user};
use parlour_realtime::Frame;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_cut_at_the_bound() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let mut slow = world.serve_with(1, 1, 10).await;
    let mut quick = world.serve(2).await;
    let start = tokio::time::Instant::now();
    let text = "x".repeat(1_000);
    for _ in 0..3_000 {
        world.send(room, 2, &text).await;
        assert_eq!(quick.client.next().await["text"], *text);
    }
    // The quick one waited for nothing.
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    // The wire is full, so the close frame does not fit either; after its time the rest is dropped.
    tokio::time::sleep(Duration::from_secs(3)).await;
    slow.task.await.expect("ends");
    let mut got = 0;
    while let Some(frame) = slow.client.recv().await {
        assert!(matches!(frame, Frame::Text(_)), "{frame:?}");
        got += 1;
    }
    assert_eq!(got, 10);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_comes_round_learns_why() {
    let world = World::new();
    let room = world.room(1).await;
    let mut slow = world.serve_with(1, 1, 10).await;
    let mut events = Vec::new();
    for _ in 0..1_100 {
        events.extend(world.log.send(room, user(1), "x"));
    }
    world.tell_surely(events).await;
    settle().await;
    let (texts, code) = slow.client.until_closed().await;
    assert!(texts.len() <= 10, "{}", texts.len());
    assert_eq!(code, Some(4008));
}

#[tokio::test(start_paused = true)]
async fn bytes_count_as_well_as_frames() {
    let world = World::new();
    let room = world.room(1).await;
    let socket = world.socket(1).await;
    let outbox = socket.registration.outbox();
    let text = "x".repeat(100_000);
    for _ in 0..10 {
        world.send(room, 1, &text).await;
    }
    settle().await;
    assert!(outbox.closing().is_none());
    assert!((1_000_000..1 << 20).contains(&outbox.waiting()));
    world.send(room, 1, &text).await;
    settle().await;
    let closing = outbox.closing().expect("cut");
    assert_eq!(closing.close.code, 4008);
    assert_eq!(outbox.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let world = World::new();
    let room = world.room(1).await;
    let served = world.serve_with(1, 1, 0).await;
    let start = tokio::time::Instant::now();
    world.send(room, 1, "never read").await;
    served.task.await.expect("ends");
    let gone = start.elapsed().as_secs_f64();
    assert!((10.0..13.0).contains(&gone), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_a_little_lives() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve_with(1, 1, 1).await;
    for _ in 0..100 {
        world.send(room, 1, "bit by bit").await;
    }
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(served.client.next().await["text"], "bit by bit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_cuts_nobody_who_keeps_up() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    let mut events = Vec::new();
    for _ in 0..10_000 {
        events.extend(world.log.send(room, user(1), "burst"));
    }
    let (now, later) = events.split_at(5_000);
    world.tell_surely(now.to_vec()).await;
    for event in later {
        world.tell_surely(vec![event.clone()]).await;
    }
    for seq in 2..10_002 {
        assert_eq!(served.client.next().await["seq"], seq);
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_hole_cuts_nobody_who_keeps_up() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell_surely(world.log.join(room, user(2))).await;
    let mut served = world.serve(1).await;
    let stuck = world.serve_with(2, 2, 10).await;
    settle().await;
    for _ in 0..10_000 {
        let _ = world.log.send(room, user(1), "lost");
    }
    let start = tokio::time::Instant::now();
    world.send(room, 1, "last").await;
    for seq in 3..10_004 {
        assert_eq!(served.client.next().await["seq"], seq);
    }
    // One who never reads is waited for only once, for a moment.
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    stuck.task.await.expect("cut");
}
