//! Clients of Socket.IO 2, over Engine.IO 3.

use crate::{
    socketio::Sio,
    world::{World, user},
};
use parlour_realtime::{Frame, Speech};
use std::time::Duration;

/// A client whose request brought this token, if any.
fn meet(world: &World, brought: Option<&'static str>) -> Sio {
    world.meet_with(Speech::Old, brought)
}

#[tokio::test(start_paused = true)]
async fn the_account_is_connected_without_being_asked() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let mut sio = meet(&world, Some("2"));
    assert_eq!(sio.packet().await, "40");
    assert_eq!(sio.event().await.0, "hello");
    sio.client
        .text(r#"420["message",{"room":1,"text":"hi","nonce":"n"}]"#);
    let ack = sio.ack(0).await;
    assert_eq!(ack["message"]["text"], "hi");
    sio.client.text("2");
    while sio.packet().await != "3" {}
    for (packet, answer) in [
        ("40/room-1?token=x", "40/room-1,"),
        ("40/random,", "44/random,\"Invalid namespace\""),
        ("40/room-99", "44/room-99,\"not_found: Not found.\""),
    ] {
        sio.client.text(packet);
        while sio.packet().await != answer {}
    }
    // Bytes come with their type before them, or as base64.
    let with = r#"452-5["message",{"room":1,"text":{"_placeholder":true,"num":0}}]"#;
    sio.client.text(with);
    sio.client.send(Frame::Binary(vec![4, 1, 2, 3].into()));
    sio.client.text("b4AQID");
    assert_eq!(sio.ack(5).await["code"], "invalid");
    sio.client.text("b4AQID");
    let (packets, code) = sio.until_closed().await;
    assert_eq!(code, Some(4002), "bytes of nothing");
    let last: Vec<_> = packets.iter().rev().take(4).map(String::as_str).collect();
    assert!(
        last.contains(&"41") && last.contains(&"41/room-1,"),
        "{packets:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_brought_nothing_is_refused() {
    let world = World::new();
    for (brought, refusal) in [
        (
            None,
            "44\"unauthenticated: Authentication credentials were not provided.\"",
        ),
        (Some("x"), "44\"invalid_token: Invalid token.\""),
    ] {
        let mut sio = meet(&world, brought);
        assert_eq!(sio.packet().await, refusal);
        assert_eq!(sio.until_closed().await, (Vec::new(), Some(1000)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_client_pings() {
    let world = World::new();
    world.room(1).await;
    let mut sio = meet(&world, Some("1"));
    assert_eq!(sio.packet().await, "40");
    assert_eq!(sio.event().await.0, "hello");
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(25)).await;
        sio.client.text("2");
        // The server asks nothing.
        assert_eq!(sio.client.recv().await, Some(Frame::Text("3".into())));
    }
    let silent_since = tokio::time::Instant::now();
    assert_eq!(sio.client.recv().await, None);
    assert!(silent_since.elapsed() <= Duration::from_secs(60));
}
