//! Contract 6b: the socket of one room.

use crate::support::{Server, Socket, User, json, people::room_path, stories};

stories![
    who_may_open_it,
    it_speaks_of_one_room,
    it_ends_with_the_membership_the_room_and_the_token,
];

async fn open(server: &Server, user: &User, room: i64) -> Result<Socket, u16> {
    let path = format!("/ws/chat/{room}/?token={}", user.token);
    Socket::open_at(server.address(), &path, &[]).await
}

async fn who_may_open_it(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (tea, secret) = (ada.room("Tea").await, ada.private_room("Secret").await);
    let refused = async |user: &User, room| open(&server, user, room).await.map(drop);
    assert_eq!(refused(&bob, tea).await, Err(403));
    assert_eq!(refused(&bob, secret).await, Err(404));
    assert_eq!(refused(&bob, 999_999).await, Err(404));
    ada.invite(secret, &bob).await;
    assert_eq!(refused(&bob, secret).await, Err(403), "invited, not joined");
    for path in [
        format!("/ws/chat/{tea}/"),
        format!("/ws/chat/{tea}/?token=nobody"),
    ] {
        let foreign = [
            ("cookie", "sessionid=x"),
            ("origin", "https://elsewhere.example"),
        ];
        for headers in [&[][..], &foreign[..]] {
            let refused = Socket::open_at(server.address(), &path, headers).await;
            assert_eq!(refused.map(drop), Err(403), "{path}");
        }
    }
    let bad = format!("/ws/chat/lobby/?token={}", ada.token);
    let refused = Socket::open_at(server.address(), &bad, &[]).await;
    assert_eq!(refused.map(drop), Err(404));
    let bare = format!("/ws/chat/{tea}?token={}", ada.token);
    Socket::open_at(server.address(), &bare, &[])
        .await
        .expect("the slash may be missing");
    bob.join(tea).await;
    open(&server, &bob, tea).await.expect("a member");
}

async fn it_speaks_of_one_room(server: Server) {
    let ada = server.user("ada").await;
    let (tea, cake) = (ada.room("Tea").await, ada.room("Cake").await);
    let mut socket = open(&server, &ada, tea).await.expect("the host");
    ada.say(cake, "elsewhere").await;
    for bad in [
        "{",
        "[]",
        r#"{"text":"x"}"#,
        r#"{"message":{}}"#,
        r#"{"message":" "}"#,
    ] {
        assert!(socket.send_text(bad).await);
        socket.next_error().await;
    }
    socket
        .send(json!({"message": "hi", "sender": "root"}))
        .await;
    let frame = socket.next().await;
    assert_eq!(
        (&frame["sender"], &frame["message"]),
        (&json!("ada"), &json!("hi"))
    );
    assert_eq!(
        (&frame["room"], &frame["owner"]),
        (&json!(tea), &json!(ada.id))
    );
    assert!(frame.get("type").is_none());
    socket.expect_silence().await;
}

async fn it_ends_with_the_membership_the_room_and_the_token(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let tea = ada.room("Tea").await;
    bob.join(tea).await;
    let mut left = open(&server, &bob, tea).await.expect("a member");
    bob.leave(tea).await;
    assert_eq!(left.close_code().await, 4403);
    bob.join(tea).await;
    let mut removed = open(&server, &bob, tea).await.expect("a member");
    ada.remove(tea, &bob).await;
    assert_eq!(removed.close_code().await, 4403);
    let other = ada.again().await;
    let mut logged_out = open(&server, &other, tea).await.expect("the host");
    other.post("/api/v1/auth/logout/").await.is_empty();
    assert_eq!(logged_out.close_code().await, 4401);
    let mut ended = open(&server, &ada, tea).await.expect("the host");
    ada.delete(&room_path(tea, "")).await.is_empty();
    assert_eq!(
        ended.next().await,
        json!({"type": "room.deleted", "room": tea})
    );
    assert_eq!(ended.close_code().await, 4404);
}
