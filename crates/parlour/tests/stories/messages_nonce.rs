//! realtime.md: the same nonce with the same body is the same message, whatever happens between.

use crate::support::{
    Answer, Call, MESSAGES, Server, User, json,
    people::{id, message_path},
    stories,
};
use futures_util::future::join_all;

stories![
    the_same_nonce_is_the_same_message,
    fifty_at_once_store_one_message,
    another_body_is_a_conflict,
    a_deleted_message_does_not_come_back,
    spellings_of_the_header,
    nonces_of_two_people_are_two,
    a_nonce_outlives_a_restart,
    a_nonce_over_the_socket,
];

const CONFLICT: &str = "This nonce was already used for another message.";

fn with_nonce(user: &User, room: i64, text: &str, nonce: &str) -> Call {
    user.post(MESSAGES)
        .json(json!({"room": room, "text": text, "nonce": nonce}))
}

fn same(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(answer.ok(201), answers[0].json());
    }
}

async fn the_same_nonce_is_the_same_message(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut socket = bob.socket().await;
    let first = with_nonce(&ada, room, "hi", "n-1").await;
    assert_eq!(first.ok(201)["nonce"], "n-1");
    let again = with_nonce(&ada, room, "hi", "n-1").await;
    let trimmed = with_nonce(&ada, room, " hi ", "n-1").await;
    let form = ada.post(MESSAGES).form(&[
        ("room", &room.to_string()),
        ("text", "hi"),
        ("nonce", "n-1"),
    ]);
    same(&[first, again, trimmed, form.await]);
    assert_eq!(socket.next_said().await, "hi");
    socket.expect_silence().await;
    assert_eq!(ada.get(MESSAGES).await.rows().len(), 1);
}

async fn fifty_at_once_store_one_message(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut socket = bob.socket().await;
    let calls = (0..50).map(|_| with_nonce(&ada, room, "once", "n-50").into_future());
    same(&join_all(calls).await);
    assert_eq!(socket.next_said().await, "once");
    socket.expect_silence().await;
    let events = ada.history(room).await;
    assert_eq!(events.len(), 3, "the room, a join, one message");
}

async fn another_body_is_a_conflict(server: Server) {
    let ada = server.user("ada").await;
    let (room, other) = (ada.room("Tea").await, ada.room("Cake").await);
    let first = with_nonce(&ada, room, "hi", "n").await;
    with_nonce(&ada, room, "ho", "n")
        .await
        .is_detail(409, CONFLICT);
    with_nonce(&ada, other, "hi", "n")
        .await
        .is_detail(409, CONFLICT);
    // An edit does not change what the nonce stands for.
    let path = message_path(id(&first.json()));
    let edited = ada
        .patch(&path)
        .json(json!({"text": "edited"}))
        .await
        .ok(200);
    let again = with_nonce(&ada, room, "hi", "n").await.ok(201);
    assert_eq!(
        (&again["id"], &again["seq"]),
        (&edited["id"], &edited["seq"])
    );
    with_nonce(&ada, room, "edited", "n")
        .await
        .is_detail(409, CONFLICT);
    assert_eq!(ada.get(MESSAGES).await.rows().len(), 1);
}

async fn a_deleted_message_does_not_come_back(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let message = with_nonce(&ada, room, "hi", "n").await.ok(201);
    ada.delete(&message_path(id(&message))).await.is_empty();
    with_nonce(&ada, room, "hi", "n")
        .await
        .is_detail(409, CONFLICT);
    assert!(ada.get(MESSAGES).await.rows().is_empty());
}

async fn spellings_of_the_header(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let send = |key: &str| {
        let call = ada.post(MESSAGES).json(json!({"room": room, "text": "hi"}));
        call.header("idempotency-key", key).into_future()
    };
    let field = with_nonce(&ada, room, "hi", "key-1").await;
    same(&[
        field,
        send("key-1").await,
        send("\"key-1\"").await,
        send(" key-1 ").await,
    ]);
    let long = "n".repeat(64);
    same(&[send(&long).await, send(&format!("\"{long}\"")).await]);
    let answer = send(&"n".repeat(65)).await;
    answer.is_bad("nonce", "Ensure this field has no more than 64 characters.");
    assert_eq!(send("").await.status, 400);
    assert_eq!(send("\"\"").await.status, 400);
    let body = json!({"room": room, "text": "hi", "nonce": null});
    assert!(
        ada.post(MESSAGES)
            .json(body)
            .await
            .ok(201)
            .get("nonce")
            .is_none()
    );
    for nonce in [json!(true), json!([1]), json!({})] {
        let body = json!({"room": room, "text": "hi", "nonce": nonce});
        ada.post(MESSAGES)
            .json(body)
            .await
            .is_bad("nonce", "Not a valid string.");
    }
    let nul = json!({"room": room, "text": "hi", "nonce": "a\u{0}b"});
    ada.post(MESSAGES)
        .json(nul)
        .await
        .is_bad("nonce", "Null characters are not allowed.");
}

async fn nonces_of_two_people_are_two(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let hers = with_nonce(&ada, room, "hi", "n").await.ok(201);
    let his = with_nonce(&bob, room, "hi", "n").await.ok(201);
    assert_ne!(hers["id"], his["id"]);
    // Who left is not answered from what was: the room is closed to them.
    bob.leave(room).await;
    assert_eq!(with_nonce(&bob, room, "new", "n2").await.status, 400);
}

async fn a_nonce_outlives_a_restart(mut server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let before = with_nonce(&ada, room, "hi", "n").await;
    server.kill().await;
    server.start_again().await;
    same(&[before, with_nonce(&ada, room, "hi", "n").await]);
    with_nonce(&ada, room, "ho", "n")
        .await
        .is_detail(409, CONFLICT);
}

async fn a_nonce_over_the_socket(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    let frame = json!({"text": "hi", "room": room, "nonce": "n"});
    for _ in 0..20 {
        assert!(socket.send(frame.clone()).await);
    }
    let first = socket.next().await;
    assert_eq!(
        (&first["text"], &first["nonce"]),
        (&json!("hi"), &json!("n"))
    );
    let answer = with_nonce(&ada, room, "hi", "n").await.ok(201);
    assert_eq!(answer["id"], first["id"]);
    // What repeats is the same message, so a client that sees it again upserts it.
    while let Some(frame) = socket
        .next_within(std::time::Duration::from_millis(300))
        .await
    {
        assert_eq!(frame, first);
    }
    socket
        .send(json!({"text": "ho", "room": room, "nonce": "n"}))
        .await;
    let error = socket.next_error().await;
    assert_eq!(
        (&error["code"], &error["nonce"]),
        (&json!("nonce_reused"), &json!("n"))
    );
    assert_eq!(ada.get(MESSAGES).await.rows().len(), 1);
}
