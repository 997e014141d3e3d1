//! D-18: a client's mistake is answered by an error frame, and the socket lives.

use crate::support::{Server, Socket, User, json, stories};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

stories![
    mistakes_are_answered_and_the_socket_lives,
    rooms_one_may_not_write_to,
    too_many_mistakes_close_the_socket,
    frames_that_are_too_big,
    binary_frames,
    a_socket_that_is_half_closed,
    a_peer_that_vanishes,
];

/// A frame that is a mistake, as it stands on the wire.
fn mistakes(room: i64) -> Vec<String> {
    let with = |text: &str| format!("{{\"room\":{room},\"text\":{text}}}");
    vec![
        String::new(),
        "{".to_owned(),
        "nope".to_owned(),
        "[]".to_owned(),
        "\"text\"".to_owned(),
        "7".to_owned(),
        "null".to_owned(),
        "true".to_owned(),
        "{}".to_owned(),
        "{\"text\":\"x\"}".to_owned(),
        format!("{{\"room\":{room}}}"),
        with("null"),
        with("\"\""),
        with("\"  \\n \""),
        with("{\"a\":1}"),
        with("[1]"),
        with("true"),
        with("\"a\\u0000b\""),
        with("\"\\ud800\""),
        with("1e400"),
        "{\"room\":\"abc\",\"text\":\"x\"}".to_owned(),
        "{\"room\":\"\",\"text\":\"x\"}".to_owned(),
        "{\"room\":null,\"text\":\"x\"}".to_owned(),
        "{\"room\":1.5,\"text\":\"x\"}".to_owned(),
        "{\"room\":{},\"text\":\"x\"}".to_owned(),
        "{\"room\":[1],\"text\":\"x\"}".to_owned(),
        "{\"room\":-1,\"text\":\"x\"}".to_owned(),
        "{\"room\":0,\"text\":\"x\"}".to_owned(),
        "{\"room\":99999999999999999999,\"text\":\"x\"}".to_owned(),
        "{\"room\":999999,\"text\":\"x\"}".to_owned(),
        format!("{{\"room\":{room},\"text\":\"x\",\"nonce\":{{}}}}"),
        format!(
            "{{\"room\":{room},\"text\":\"x\",\"nonce\":\"{}\"}}",
            "n".repeat(65)
        ),
        "[".repeat(50_000),
        "{\"text\":".repeat(10_000),
    ]
}

async fn mistakes_are_answered_and_the_socket_lives(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for some in mistakes(room).chunks(9) {
        let mut socket = ada.socket().await;
        for mistake in some {
            assert!(socket.send_text(mistake.clone()).await, "{mistake:.60}");
            socket.next_error().await;
        }
        socket.say(room, "and on it goes").await;
        assert_eq!(socket.next_said().await, "and on it goes");
    }
    // The errors went to their sender only, and nothing was stored.
    let events = ada.history(room).await;
    assert!(
        events
            .iter()
            .skip(1)
            .all(|event| event["message"]["text"] == "and on it goes")
    );
}

async fn error_for(user: &User, room: i64) -> String {
    let mut socket = user.socket().await;
    socket.say(room, "let me in").await;
    let error = socket.next_error().await;
    socket.say(room, "let me in").await;
    assert_eq!(socket.next_error().await, error);
    error.to_string().replace(&room.to_string(), "N")
}

/// D-02: nothing stored, nothing delivered, and a PRIVATE room is none at all.
async fn rooms_one_may_not_write_to(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let group = ada.room("Tea").await;
    let hidden = ada.private_room("Cake").await;
    let mut hers = ada.socket().await;
    let missing = error_for(&bob, 987_654).await;
    assert_eq!(error_for(&bob, hidden).await, missing);
    let known = error_for(&bob, group).await;
    assert!(known.contains("not authorized"), "{known}");
    bob.join(group).await;
    bob.leave(group).await;
    assert_eq!(error_for(&bob, group).await, known);
    hers.expect_silence().await;
    assert_eq!(ada.history(hidden).await.len(), 1);
}

/// Ten a minute are answered, then 4002; another socket of the same user is not touched.
async fn too_many_mistakes_close_the_socket(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let (mut bad, mut good) = (ada.socket().await, ada.socket().await);
    let mut sent = 0;
    for _ in 0..30 {
        sent += usize::from(bad.send_text("nope").await);
    }
    assert!(sent >= 10);
    let mut errors = 0;
    while bad.next_within(Duration::from_secs(2)).await.is_some() {
        errors += 1;
    }
    assert_eq!(errors, 10, "the first ten are answered");
    good.say(room, "I am fine").await;
    assert_eq!(good.next_said().await, "I am fine");
    let mut third = ada.socket().await;
    for _ in 0..30 {
        if !third.send_text("nope").await {
            break;
        }
    }
    assert_eq!(third.close_code().await, 4002);
}

async fn frames_that_are_too_big(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut other = ada.socket().await;
    for size in [256 * 1024, 1024 * 1024, 5 * 1024 * 1024] {
        let mut socket = ada.socket().await;
        socket.send_text("x".repeat(size)).await;
        let code = socket.close_code().await;
        // The server may hang up while megabytes are still on their way.
        assert!(matches!(code, 1009 | 1006), "{size}: {code}");
        assert!(size > 256 * 1024 || code == 1009, "{size}: {code}");
    }
    // Many small pieces are one big message too.
    other.say(room, "still there").await;
    assert_eq!(other.next_said().await, "still there");
    assert!(server.is_well().await);
}

async fn binary_frames(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    let json = format!("{{\"room\":{room},\"text\":\"hi\"}}").into_bytes();
    for bytes in [Vec::new(), vec![0, 159, 146, 150], json] {
        assert!(socket.send_message(Message::binary(bytes)).await);
        socket.next_error().await;
    }
    socket.say(room, "text").await;
    assert_eq!(socket.next_said().await, "text");
}

async fn a_socket_that_is_half_closed(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut raw = server.raw().await;
    let opened = raw
        .head(
            &format!("GET /?token={}", ada.token),
            &[
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ],
        )
        .await;
    assert!(opened);
    assert_eq!(raw.status(Duration::from_secs(5)).await, 101);
    raw.half_close().await;
    ada.say(room, "anybody there?").await;
    let (_, closed) = raw.read_until_closed(Duration::from_secs(40)).await;
    assert!(closed, "the server lets go of it");
    assert!(server.is_well().await);
}

async fn a_peer_that_vanishes(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut his = bob.socket().await;
    for _ in 0..20 {
        let mut socket: Socket = ada.socket().await;
        socket.send(json!({"room": room, "text": "bye"})).await;
        drop(socket);
    }
    ada.say(room, "last").await;
    let mut heard = 0;
    while his.next_said().await == "bye" {
        heard += 1;
    }
    assert!(heard <= 20);
}
