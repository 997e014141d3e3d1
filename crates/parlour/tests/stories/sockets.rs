//! Contract 6a: the account socket in good days.

use crate::support::{
    Server, Socket, Value, json,
    people::{id, message_path, room_path},
    stories,
};
use std::time::Duration;

stories![
    the_handshake_asks_for_a_token,
    nothing_is_said_on_opening,
    a_frame_is_the_message_object_of_rest,
    a_message_reaches_every_member_and_nobody_else,
    rest_and_sockets_are_one_stream,
    updates_and_deletions_are_frames,
    joins_and_leaves_take_effect_on_every_socket_at_once,
    fifty_sockets_of_one_user,
    frames_arrive_in_sending_order,
    the_end_of_a_room_is_a_frame,
    a_plain_client_sees_allowed_frames_only,
    pings_are_answered,
    large_texts_pass_whole,
];

async fn the_handshake_asks_for_a_token(server: Server) {
    let ada = server.user("ada").await;
    let gone = ada.again().await;
    gone.post("/api/v1/auth/logout/").await.is_empty();
    let at = server.address();
    for path in [
        "/".to_owned(),
        "/?".to_owned(),
        "/?token".to_owned(),
        "/?token=".to_owned(),
        "/?token=nobody".to_owned(),
        "/?Token=x".to_owned(),
        "/?token=%ff%fe".to_owned(),
        "/?token=%".to_owned(),
        format!("/?x={}", ada.token),
        format!("/?token=x{}", ada.token),
        format!("/?token={}", gone.token),
        format!("/?token={}", "a".repeat(4_000)),
    ] {
        let refused = Socket::open_at(at, &path, &[]).await.map(|_| ());
        assert!(matches!(refused, Err(401 | 403)), "{path}: {refused:?}");
    }
    // The header is not read: a browser cannot send it, and what is not needed is not a credential.
    let header = format!("Token {}", ada.token);
    let refused = Socket::open_at(at, "/", &[("authorization", &header)])
        .await
        .map(|_| ());
    assert!(matches!(refused, Err(401 | 403)), "{refused:?}");
    for path in [
        format!("/?token={}", ada.token),
        format!("/?other=1&token={}&more=%ff", ada.token),
    ] {
        let headers = [
            ("origin", "https://elsewhere.example"),
            ("authorization", "Token nobody"),
        ];
        Socket::open_at(at, &path, &headers)
            .await
            .expect("any origin may");
    }
}

async fn nothing_is_said_on_opening(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    ada.say(room, "before").await;
    let mut socket = ada.socket().await;
    socket.expect_silence().await;
    assert_eq!(socket.close().await, 1000);
}

async fn a_frame_is_the_message_object_of_rest(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    socket.say(room, " 안녕 \"you\" ").await;
    let text = socket.next_text().await;
    let frame: Value = serde_json::from_str(&text).expect("JSON");
    assert!(text.contains("안녕"), "not escaped: {text}");
    assert!(frame.get("type").is_none());
    assert_eq!(frame["text"], "안녕 \"you\"");
    ada.get(&message_path(id(&frame))).await.is(200, &frame);
    socket
        .send(json!({"text": "by text", "room": room.to_string(), "more": {"x": 1}}))
        .await;
    assert_eq!(socket.next_said().await, "by text");
    let said = ada.say(room, "by REST").await;
    assert_eq!(socket.next().await, said);
}

async fn a_message_reaches_every_member_and_nobody_else(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let (mut hers, mut his, mut strangers) =
        (ada.socket().await, bob.socket().await, eve.socket().await);
    his.say(room, "hi").await;
    let frame = his.next().await;
    assert_eq!(frame["owner"], bob.id);
    assert_eq!(
        hers.next().await,
        frame,
        "the owner is inside without joining"
    );
    strangers.expect_silence().await;
}

async fn rest_and_sockets_are_one_stream(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut his = bob.socket().await;
    for number in 0..20 {
        if number % 2 == 0 {
            his.say(room, &number.to_string()).await;
        } else {
            bob.say(room, &number.to_string()).await;
        }
        assert_eq!(his.next_said().await, number.to_string());
    }
    let path = room_path(room, "history/?limit=20");
    let body = ada.get(&path).await.ok(200);
    let texts: Vec<_> = body["events"]
        .as_array()
        .map(|events| {
            events
                .iter()
                .map(|e| e["message"]["text"].clone())
                .collect()
        })
        .unwrap_or_default();
    assert_eq!(
        texts,
        (0..20).map(|n| json!(n.to_string())).collect::<Vec<_>>()
    );
}

async fn updates_and_deletions_are_frames(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let (mut hers, mut his) = (ada.socket().await, bob.socket().await);
    let message = bob.say(room, "hi").await;
    let edited = bob
        .patch(&message_path(id(&message)))
        .json(json!({"text": "hello"}))
        .await
        .ok(200);
    bob.delete(&message_path(id(&message))).await.is_empty();
    for socket in [&mut hers, &mut his] {
        assert_eq!(socket.next().await, message);
        assert_eq!(socket.next().await, edited, "the same id: clients upsert");
        let deleted = json!({"type": "message.deleted", "id": id(&message), "room": room});
        assert_eq!(socket.next().await, deleted, "D-19");
        socket.expect_silence().await;
    }
}

/// D-20: every open socket of the user follows, none misses, none goes on receiving.
async fn joins_and_leaves_take_effect_on_every_socket_at_once(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    let other = bob.again().await;
    let mut sockets = vec![bob.socket().await, bob.socket().await, other.socket().await];
    for round in 0..5 {
        ada.say(room, "not for bob").await;
        bob.join(room).await;
        let text = format!("for bob {round}");
        ada.say(room, &text).await;
        for socket in &mut sockets {
            assert_eq!(socket.next_said().await, text);
        }
        bob.leave(room).await;
    }
    ada.say(room, "not for bob").await;
    for socket in &mut sockets {
        socket.expect_silence().await;
    }
    // The owner's way out of their own room is the door; they go on hearing it.
    let mut hers = ada.socket().await;
    ada.join(room).await;
    ada.leave(room).await;
    ada.say(room, "echo").await;
    assert_eq!(hers.next_said().await, "echo");
    // One socket fewer changes nothing for the rest.
    bob.join(room).await;
    assert_eq!(sockets.remove(1).close().await, 1000);
    ada.say(room, "still there?").await;
    for socket in &mut sockets {
        assert_eq!(socket.next_said().await, "still there?");
    }
}

async fn fifty_sockets_of_one_user(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut sockets = Vec::new();
    for _ in 0..60 {
        sockets.push(ada.socket().await);
    }
    sockets[59].say(room, "hello, me").await;
    for socket in &mut sockets {
        assert_eq!(socket.next_said().await, "hello, me");
    }
}

/// Per sender and room, once each.
async fn frames_arrive_in_sending_order(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let (mut hers, mut his) = (ada.socket().await, bob.socket().await);
    for number in 0..200 {
        assert!(hers.say(room, &format!("a{number}")).await);
        assert!(his.say(room, &format!("b{number}")).await);
    }
    for socket in [&mut hers, &mut his] {
        let (mut from_a, mut from_b, mut last) = (0, 0, 0);
        for _ in 0..400 {
            let frame = socket.next().await;
            let seq = frame["seq"].as_i64().unwrap_or_default();
            assert!(seq > last, "{seq} after {last}");
            last = seq;
            let text = frame["text"].as_str().unwrap_or_default();
            if text.starts_with('a') {
                assert_eq!(text, format!("a{from_a}"));
                from_a += 1;
            } else {
                assert_eq!(text, format!("b{from_b}"));
                from_b += 1;
            }
        }
        socket.expect_silence().await;
    }
}

async fn the_end_of_a_room_is_a_frame(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (tea, cake) = (ada.room("Tea").await, ada.room("Cake").await);
    bob.join(tea).await;
    bob.join(cake).await;
    let (mut hers, mut his) = (ada.socket().await, bob.socket().await);
    ada.delete(&room_path(tea, "")).await.is_empty();
    for socket in [&mut hers, &mut his] {
        assert_eq!(
            socket.next().await,
            json!({"type": "room.deleted", "room": tea})
        );
    }
    his.say(tea, "too late").await;
    his.next_error().await;
    his.say(cake, "here").await;
    assert_eq!(hers.next_said().await, "here");
    assert_eq!(his.next_said().await, "here");
}

/// Joins, leaves, room changes, invitations and other people's rooms are no frames of version 1.
async fn a_plain_client_sees_allowed_frames_only(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    bob.join(room).await;
    bob.leave(room).await;
    ada.invite(room, &eve).await;
    eve.join(room).await;
    ada.remove(room, &eve).await;
    ada.patch(&room_path(room, ""))
        .json(json!({"topic": "t"}))
        .await
        .ok(200);
    ada.post(&room_path(room, "renew/")).await.ok(200);
    bob.room("Other").await;
    bob.join(room).await;
    bob.say(room, "hi").await;
    bob.delete(&crate::support::people::user_path(bob.id)).await;
    ada.about(room, "hand-over/", &bob).await.ok(200);
    let mut frames = Vec::new();
    while let Some(frame) = socket.next_within(Duration::from_millis(500)).await {
        frames.push(frame);
    }
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert_eq!(frames[0]["text"], "hi");
}

async fn pings_are_answered(server: Server) {
    let ada = server.user("ada").await;
    let mut socket = ada.socket().await;
    for payload in [&b""[..], b"hello", &[0xff; 125]] {
        assert_eq!(socket.ping(payload).await, payload);
    }
}

async fn large_texts_pass_whole(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    let waves = "\u{1f44b}".repeat(10_000);
    let escaped = "\\ud83d\\udc4b".repeat(10_000);
    assert!(
        socket
            .send_text(format!("{{\"room\":{room},\"text\":\"{escaped}\"}}"))
            .await
    );
    assert_eq!(socket.next_said().await, waves);
    assert!(socket.say(room, &"x".repeat(10_001)).await);
    let error = socket.next_error().await;
    assert!(
        error["detail"]
            .as_str()
            .is_some_and(|d| d.contains("10000")),
        "{error}"
    );
}
