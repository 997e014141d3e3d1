//! The socket of one room: what it hears, and how it ends.

use crate::world::{World, settle, user};
use parlour_core::{
    Signal, TokenId,
    error::NOT_IN_ROOM,
    event::{EndReason, LeaveReason},
    ports::Announce as _,
};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn one_room_and_no_other() {
    let world = World::new();
    let (tea, cake) = (world.room(1).await, world.room(1).await);
    let mut served = world.serve_room(1, tea).await.expect("the host hears it");
    world.send(cake, 1, "elsewhere").await;
    served
        .client
        .json(&json!({"message": "hi", "sender": "root", "room": cake.get()}));
    let frame = served.client.next().await;
    assert_eq!(
        (&frame["sender"], &frame["message"]),
        (&json!("ada"), &json!("hi"))
    );
    assert_eq!(
        (&frame["text"], &frame["room"]),
        (&json!("hi"), &json!(tea.get()))
    );
    let later = world.room(1).await;
    world.send(later, 1, "elsewhere").await;
    settle().await;
    assert!(served.client.drain().is_empty());
    let error = world.serve_room(2, tea).await.err().expect("not in there");
    assert!(error.is(NOT_IN_ROOM));
    // The refused socket leaves nothing behind.
    drop(served);
    let start = tokio::time::Instant::now();
    settle().await;
    world.realtime.shutdown().await;
    assert!(start.elapsed() < std::time::Duration::from_millis(300));
}

#[tokio::test(start_paused = true)]
async fn leaving_and_being_put_out_close_with_4403() {
    let world = World::new();
    let tea = world.room(1).await;
    for reason in [LeaveReason::Left, LeaveReason::Removed] {
        world.tell(world.log.join(tea, user(2))).await;
        let mut served = world.serve_room(2, tea).await.expect("a member");
        let mut account = world.serve(2).await;
        world.send(tea, 1, "before").await;
        world.tell(world.log.leave(tea, user(2), reason)).await;
        world.send(tea, 1, "after").await;
        let (texts, code) = served.client.until_closed().await;
        assert_eq!(code, Some(4403));
        assert_eq!(texts.len(), 1);
        assert_eq!(texts[0]["message"], "before");
        // An account socket goes on.
        assert_eq!(account.client.next().await["text"], "before");
        world.send(world.room(2).await, 2, "alive").await;
        assert_eq!(account.client.next().await["text"], "alive");
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_room_closes_with_4404_after_its_frame() {
    let world = World::new();
    for reason in [EndReason::Deleted, EndReason::Expired] {
        let tea = world.room(1).await;
        let mut served = world.serve_room(1, tea).await.expect("the host");
        world.tell(world.log.end(tea, reason)).await;
        let (texts, code) = served.client.until_closed().await;
        assert_eq!(texts, [json!({"type": "room.deleted", "room": tea.get()})]);
        assert_eq!(code, Some(4404));
    }
}

#[tokio::test(start_paused = true)]
async fn logging_out_closes_with_4401() {
    let world = World::new();
    let tea = world.room(1).await;
    let mut served = world.serve_room(1, tea).await.expect("the host");
    let signal = Signal::CredentialsEnded {
        user: user(1),
        ended: vec![TokenId::new(1)],
    };
    world.realtime.signal(signal).await;
    assert_eq!(served.client.until_closed().await.1, Some(4401));
}

#[tokio::test(start_paused = true)]
async fn bad_frames_are_answered() {
    let world = World::new();
    let tea = world.room(1).await;
    let mut served = world.serve_room(1, tea).await.expect("the host");
    for text in [
        "{",
        "[]",
        r#"{"text":"hi"}"#,
        r#"{"message":{}}"#,
        r#"{"message":" "}"#,
    ] {
        served.client.text(text);
        let frame = served.client.next().await;
        assert_eq!(frame["error"], "validation error", "{frame}");
        assert!(frame["detail"].is_string(), "{frame}");
    }
    served.client.json(&json!({"message": "good"}));
    assert_eq!(served.client.next().await["message"], "good");
}
