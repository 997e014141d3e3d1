//! Going down in order.

use crate::world::{World, actor, user};
use parlour_core::error::STORE_UNAVAILABLE;
use parlour_realtime::DialectKind;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn sockets_are_told_to_come_back_a_few_at_a_time() {
    let world = World::new();
    let mut tasks = Vec::new();
    for id in 0..4_000 {
        let mut served = world.serve(id).await;
        tasks.push(tokio::spawn(async move {
            let start = Instant::now();
            let (_, code) = served.client.until_closed().await;
            (start.elapsed(), code)
        }));
    }
    let start = Instant::now();
    world.realtime.shutdown().await;
    let took = start.elapsed();
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(3)).contains(&took),
        "{took:?}"
    );
    let mut early = 0;
    for task in tasks {
        let (after, code) = task.await.expect("closed");
        assert_eq!(code, Some(1012));
        early += usize::from(after < Duration::from_millis(500));
    }
    assert!((500..1_500).contains(&early), "{early}");
    let refused = world
        .realtime
        .register(actor(1, 1), DialectKind::Account)
        .await;
    assert!(refused.expect_err("refused").is(STORE_UNAVAILABLE));
}

#[tokio::test(start_paused = true)]
async fn what_waits_and_what_is_under_way_comes_first() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    served.actions.commits.forget_permits(1_000_000);
    served
        .client
        .json(&json!({"room": room.get(), "text": "under way"}));
    tokio::time::sleep(Duration::from_millis(10)).await;
    let commits = std::sync::Arc::clone(&served.actions.commits);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        commits.add_permits(1);
    });
    let (shut, (texts, code)) =
        tokio::join!(world.realtime.shutdown(), served.client.until_closed());
    let () = shut;
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0]["text"], "under way");
    assert_eq!(code, Some(1012));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_go_does_not_hold_it_up() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let stuck = world.serve_with(1, 1, 0).await;
    let silent = world.serve(2).await;
    world.send(room, 1, "not taken").await;
    let start = Instant::now();
    world.realtime.shutdown().await;
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    for served in [stuck, silent] {
        served.task.await.expect("ends");
    }
}
