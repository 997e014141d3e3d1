//! Contract 4: invitations, removals, hand-over, and PRIVATE rooms that strangers cannot tell from
//! nothing (D-02).

use crate::support::{
    Answer, MESSAGES, ROOMS, Server, Socket, User, json,
    people::{id, ids, message_path, room_path},
    stories,
};

stories![
    a_private_room_does_not_exist_for_strangers,
    private_names_are_no_oracle,
    an_invitation_opens_the_door_only,
    leaving_ends_an_invitation,
    who_was_removed_cannot_come_back_uninvited,
    only_the_owner_invites_and_removes,
    handing_a_room_over,
    changing_the_type,
    administrators_are_strangers_to_private_rooms,
];

const NOT_IN: &str = "You're not authorized to perform any actions in this room";

/// Everything but the room's own number in a text must be equal to what a missing room answers.
fn same_but_for_the_number(of: &Answer, number: i64, missing: &Answer, other: i64) {
    assert_eq!(of.status, missing.status);
    let plain = |answer: &Answer, id: i64| answer.text().replace(&id.to_string(), "N");
    assert_eq!(plain(of, number), plain(missing, other));
    let code = "x-parlour-error";
    assert_eq!(of.header(code), missing.header(code));
}

async fn every_door(user: &User, room: i64, address: std::net::SocketAddr) -> Vec<Answer> {
    let body = json!({"user": user.id});
    let mut answers = vec![
        user.get(&room_path(room, "")).await,
        user.patch(&room_path(room, ""))
            .json(json!({"topic": "x"}))
            .await,
        user.put(&room_path(room, ""))
            .json(json!({"name": "x"}))
            .await,
        user.delete(&room_path(room, "")).await,
        user.put(&room_path(room, "join/")).await,
        user.put(&room_path(room, "leave/")).await,
        user.post(&room_path(room, "invite/")).json(&body).await,
        user.post(&room_path(room, "remove/")).json(&body).await,
        user.post(&room_path(room, "hand-over/")).json(&body).await,
        user.post(&room_path(room, "renew/")).await,
        user.get(&room_path(room, "history/")).await,
        user.try_say(room, "hi").await,
        user.get(&format!("{MESSAGES}?room={room}")).await,
    ];
    let mut socket = Socket::open(address, &user.token).await.expect("a socket");
    socket.say(room, "hi").await;
    let frame = socket.next_error().await.to_string();
    let mut as_answer = answers[0].clone();
    as_answer.body = frame.into();
    answers.push(as_answer);
    answers
}

async fn a_private_room_does_not_exist_for_strangers(server: Server) {
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let room = ada.private_room("Secret tea").await;
    let message = id(&ada.say(room, "whisper").await);
    let missing = 987_654;
    let of = every_door(&eve, room, server.address()).await;
    let nothing = every_door(&eve, missing, server.address()).await;
    for (of, nothing) in of.iter().zip(&nothing) {
        same_but_for_the_number(of, room, nothing, missing);
    }
    for answer in &of[..11] {
        answer.is_detail(404, "Not found.");
    }
    of[11].is_bad(
        "room",
        &format!("Invalid pk \"{room}\" - object does not exist."),
    );
    let choice = "Select a valid choice. That choice is not one of the available choices.";
    of[12].is_bad("room", choice);
    for method in ["GET", "PATCH", "PUT", "DELETE"] {
        let answer = eve
            .call(method, &message_path(message))
            .json(json!({"text": "x"}))
            .await;
        answer.is_detail(404, "Not found.");
    }
    assert!(eve.get(ROOMS).await.rows().is_empty());
    assert!(eve.get(MESSAGES).await.rows().is_empty());
    assert_eq!(ada.history(room).await.len(), 2, "nothing was stored");
}

async fn private_names_are_no_oracle(server: Server) {
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    ada.private_room("Secret tea").await;
    eve.private_room("Secret tea").await;
    let public = eve.room("Secret tea").await;
    eve.delete(&room_path(public, "")).await.is_empty();
    ada.room("Secret tea").await;
    let taken = "room with this name already exists.";
    eve.post(ROOMS)
        .json(json!({"name": "Secret tea"}))
        .await
        .is_bad("name", taken);
}

async fn an_invitation_opens_the_door_only(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.private_room("Tea").await;
    let message = id(&ada.say(room, "before bob").await);
    let answer = ada.invite(room, &bob).await;
    assert_eq!(answer["users"], json!([]), "an invited user is no member");
    ada.invite(room, &bob).await;
    assert_eq!(bob.get(&room_path(room, "")).await.ok(200)["name"], "Tea");
    bob.try_say(room, "hi").await.is_bad("room", NOT_IN);
    assert_eq!(bob.get(&room_path(room, "history/")).await.status, 403);
    assert_eq!(bob.get(&message_path(message)).await.status, 403);
    assert!(
        bob.get(&format!("{MESSAGES}?room={room}"))
            .await
            .rows()
            .is_empty()
    );
    let mut socket = bob.socket().await;
    socket.say(room, "hi").await;
    socket.next_error().await;
    ada.say(room, "not for bob yet").await;
    socket.expect_silence().await;
    assert_eq!(bob.join(room).await["users"], json!([bob.id]));
    ada.say(room, "welcome").await;
    assert_eq!(socket.next_said().await, "welcome");
    bob.say(room, "hi").await;
    assert_eq!(
        bob.get(&message_path(message)).await.ok(200)["text"],
        "before bob"
    );
    for body in [
        json!({"user": 999_999}),
        json!({"user": "99999999999999999999"}),
    ] {
        ada.post(&room_path(room, "invite/"))
            .json(body)
            .await
            .is_detail(404, "Not found.");
    }
    let path = room_path(room, "invite/");
    ada.post(&path)
        .json(json!({}))
        .await
        .is_bad("user", "This field is required.");
    let text = "Incorrect type. Expected pk value, received str.";
    ada.post(&path)
        .json(json!({"user": "bob"}))
        .await
        .is_bad("user", text);
}

async fn leaving_ends_an_invitation(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.private_room("Tea").await;
    ada.invite(room, &bob).await;
    bob.join(room).await;
    bob.leave(room).await;
    for path in [room_path(room, ""), room_path(room, "history/")] {
        bob.get(&path).await.is_detail(404, "Not found.");
    }
    bob.put(&room_path(room, "join/"))
        .await
        .is_detail(404, "Not found.");
    ada.invite(room, &bob).await;
    bob.join(room).await;
}

async fn who_was_removed_cannot_come_back_uninvited(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    for (kind, refused) in [("GROUP", 403), ("PRIVATE", 404)] {
        let room = ada.room_of(json!({"name": kind, "type": kind})).await;
        ada.invite(room, &bob).await;
        bob.join(room).await;
        let mut socket = bob.socket().await;
        let said = id(&bob.say(room, "mine").await);
        assert_eq!(socket.next_said().await, "mine");
        assert_eq!(ada.remove(room, &bob).await["users"], json!([]));
        ada.say(room, "without bob").await;
        socket.expect_silence().await;
        assert_eq!(
            bob.put(&room_path(room, "join/")).await.status,
            refused,
            "{kind}"
        );
        assert_eq!(
            bob.get(&room_path(room, "")).await.status,
            refused,
            "{kind}"
        );
        assert_eq!(bob.try_say(room, "hi").await.status, 400, "{kind}");
        let edit = bob
            .patch(&message_path(said))
            .json(json!({"text": "x"}))
            .await;
        assert_eq!(edit.status, refused, "{kind}: editing after the end (D-11)");
        bob.delete(&message_path(said)).await.is_empty();
        ada.about(room, "remove/", &bob)
            .await
            .is_detail(404, "Not found.");
        ada.invite(room, &bob).await;
        bob.join(room).await;
        // An invitation that was not used is withdrawn.
        ada.invite(room, &eve).await;
        ada.remove(room, &eve).await;
        assert_eq!(
            eve.put(&room_path(room, "join/")).await.status,
            refused,
            "{kind}"
        );
    }
}

async fn only_the_owner_invites_and_removes(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room("Tea").await;
    bob.join(room).await;
    for user in [&bob, &eve] {
        for what in ["invite/", "remove/", "hand-over/"] {
            let answer = user.about(room, what, &eve).await;
            answer.is_detail(403, "Access Denied: Owner user only");
        }
        assert_eq!(user.post(&room_path(room, "renew/")).await.status, 403);
    }
    ada.about(room, "remove/", &eve)
        .await
        .is_detail(404, "Not found.");
    ada.about(999, "invite/", &eve)
        .await
        .is_detail(404, "Not found.");
    assert_eq!(
        ada.get(&room_path(room, "")).await.ok(200)["users"],
        json!([bob.id])
    );
}

async fn handing_a_room_over(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.private_room("Tea").await;
    ada.about(room, "hand-over/", &bob)
        .await
        .is_detail(404, "Not found.");
    ada.invite(room, &bob).await;
    ada.about(room, "hand-over/", &bob)
        .await
        .is_detail(404, "Not found.");
    bob.join(room).await;
    assert_eq!(
        ada.about(room, "hand-over/", &bob).await.ok(200)["owner"],
        bob.id
    );
    ada.patch(&room_path(room, ""))
        .json(json!({"topic": "x"}))
        .await;
    bob.patch(&room_path(room, ""))
        .json(json!({"topic": "mine"}))
        .await
        .ok(200);
    bob.invite(room, &eve).await;
    assert_eq!(ids(&bob.get(ROOMS).await.rows()), [room]);
    let room_object = bob.get(&room_path(room, "")).await.ok(200);
    assert_eq!(room_object["topic"], "mine");
    for method in ["PATCH", "DELETE"] {
        let answer = ada
            .call(method, &room_path(room, ""))
            .json(json!({"topic": "x"}))
            .await;
        assert!(matches!(answer.status, 403 | 404), "{}", answer.text());
    }
}

async fn changing_the_type(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let path = room_path(room, "");
    let patched = ada
        .patch(&path)
        .json(json!({"type": "PRIVATE"}))
        .await
        .ok(200);
    assert_eq!(patched["users"], json!([bob.id]), "members stay");
    bob.say(room, "still here").await;
    eve.put(&room_path(room, "join/"))
        .await
        .is_detail(404, "Not found.");
    assert!(
        eve.get(&format!("{ROOMS}?scope=open"))
            .await
            .rows()
            .is_empty()
    );
    // The name was free for others; now it is checked again.
    eve.room("Tea").await;
    let taken = "room with this name already exists.";
    ada.patch(&path)
        .json(json!({"type": "GROUP"}))
        .await
        .is_bad("name", taken);
    ada.patch(&path)
        .json(json!({"type": "GROUP", "name": "Tea 2"}))
        .await
        .ok(200);
    eve.join(room).await;
}

async fn administrators_are_strangers_to_private_rooms(server: Server) {
    let (ada, root) = (server.user("ada").await, server.user("root").await);
    let room = ada.private_room("Tea").await;
    let message = id(&ada.say(room, "whisper").await);
    server.command(&["user", "promote", "root"]);
    let root = root.again().await;
    for path in [
        room_path(room, ""),
        room_path(room, "history/"),
        message_path(message),
    ] {
        let answer = root.get(&path).await;
        assert!(!answer.text().contains("whisper"), "{}", answer.text());
        answer.is_detail(404, "Not found.");
    }
    assert!(root.get(MESSAGES).await.rows().is_empty());
    root.put(&room_path(room, "join/"))
        .await
        .is_detail(404, "Not found.");
    let mut socket = root.socket().await;
    ada.say(room, "whisper").await;
    socket.expect_silence().await;
}
