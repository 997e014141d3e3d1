//! Contract 6a, 6d: how sockets end. D-12: no socket outlives its credential.

use crate::support::{Server, Socket, json, people::room_path, stories};
use std::time::Duration;

stories![
    logging_out_closes_the_sockets_of_that_token,
    revoking_a_token_closes_its_sockets,
    nothing_is_delivered_after_the_end_of_a_credential,
    a_removed_member_hears_nothing_more,
    a_stopping_server_says_restart,
    a_slow_reader_is_cut_and_delays_nobody,
];

async fn logging_out_closes_the_sockets_of_that_token(server: Server) {
    let ada = server.user("ada").await;
    let other = ada.again().await;
    let (mut one, mut two) = (ada.socket().await, ada.socket().await);
    let mut kept = other.socket().await;
    ada.post("/api/v1/auth/logout/").await.is_empty();
    assert_eq!(
        (one.close_code().await, two.close_code().await),
        (4401, 4401)
    );
    kept.expect_silence().await;
    assert!(matches!(
        Socket::open(server.address(), &ada.token).await,
        Err(401 | 403)
    ));
}

async fn revoking_a_token_closes_its_sockets(server: Server) {
    let ada = server.user("ada").await;
    let other = ada.again().await;
    let (mut kept, mut ended) = (ada.socket().await, other.socket().await);
    let list = ada.get("/api/v1/auth/tokens/").await.ok(200);
    let newest = list[0]["id"].clone();
    ada.delete(&format!("/api/v1/auth/tokens/{newest}/"))
        .await
        .is_empty();
    assert_eq!(ended.close_code().await, 4401);
    kept.expect_silence().await;
}

async fn nothing_is_delivered_after_the_end_of_a_credential(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut socket = bob.socket().await;
    bob.post("/api/v1/auth/logout/").await.is_empty();
    ada.say(room, "bob is gone").await;
    assert!(socket.next_within(Duration::from_secs(5)).await.is_none());
}

/// Flipped many times during traffic: nothing outside of the membership is heard.
async fn a_removed_member_hears_nothing_more(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.private_room("Tea").await;
    let mut socket = bob.socket().await;
    for round in 0..10 {
        ada.invite(room, &bob).await;
        bob.join(room).await;
        ada.say(room, &format!("in {round}")).await;
        ada.remove(room, &bob).await;
        ada.say(room, &format!("out {round}")).await;
    }
    for round in 0..10 {
        assert_eq!(socket.next_said().await, format!("in {round}"));
    }
    socket.expect_silence().await;
    assert_eq!(bob.get(&room_path(room, "")).await.status, 404);
}

async fn a_stopping_server_says_restart(mut server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(ada.socket().await);
    }
    sockets[0].say(room, "one more thing").await;
    assert_eq!(sockets[0].next_said().await, "one more thing");
    let (status, time) = server.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(time < Duration::from_secs(10), "{time:?}");
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, 1012);
    }
    server.start_again().await;
    assert_eq!(ada.history(room).await.len(), 2);
}

async fn a_slow_reader_is_cut_and_delays_nobody(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    // Never read from until the end.
    let mut slow = bob.socket().await;
    let mut quick = bob.socket().await;
    let text = "x".repeat(10_000);
    for _ in 0..1_500 {
        ada.post(crate::support::MESSAGES)
            .json(json!({"room": room, "text": text}))
            .await
            .ok(201);
        assert_eq!(quick.next_said().await.len(), 10_000);
    }
    let code = slow.close_code().await;
    assert!(matches!(code, 4008 | 1006), "{code}");
    assert!(server.is_well().await);
}
