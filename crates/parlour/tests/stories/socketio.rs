//! Contract 6c, 7b: Socket.IO over WebSocket. Who gets in, what is said, and how it ends.

use crate::support::{
    Engine, Server, Socket, Value, json,
    people::room_path,
    sio::{PATH, Sio},
    stories,
};

stories![
    a_token_in_connect_or_in_the_header_opens_it,
    the_session_cookie_opens_it_for_our_own_pages_only,
    events_are_acknowledged_after_the_commit,
    joining_and_leaving_are_those_of_rest,
    a_room_is_a_namespace,
    it_ends_with_the_credential,
    what_was_missed_is_handed_over,
    requests_that_are_none_get_the_numbers_of_the_reference,
];

async fn refused(server: &Server, name: &str, auth: Value) -> String {
    match Sio::connect(server, name, &auth, &[]).await {
        Ok(_) => panic!("{name} {auth} opened"),
        Err(refusal) => {
            let message = refusal["message"].as_str().expect("a message").to_owned();
            if let Some(code) = refusal["data"]["code"].as_str() {
                assert!(message.starts_with(&format!("{code}: ")), "{message}");
            }
            message
        }
    }
}

async fn a_token_in_connect_or_in_the_header_opens_it(server: Server) {
    let ada = server.user("ada").await;
    Sio::open(&server, &ada.token).await;
    let bearer = format!("Token {}", ada.token);
    let header = [("authorization", bearer.as_str())];
    Sio::connect(&server, "/", &json!({}), &header)
        .await
        .expect("a token in the header");
    for (auth, code) in [
        (json!({}), "unauthenticated"),
        (json!({"token": ""}), "invalid_token"),
        (json!({"token": "nobody"}), "invalid_token"),
        (json!({"token": {}}), "invalid"),
        (json!({"token": ada.token, "after": {"x": 1}}), "invalid"),
    ] {
        let message = refused(&server, "/", auth).await;
        assert!(message.starts_with(&format!("{code}: ")), "{message}");
    }
    // A wrong token is not mended by a right header.
    let refusal = Sio::connect(&server, "/", &json!({"token": "x"}), &header).await;
    assert_eq!(
        refusal.expect_err("refused")["data"]["code"],
        "invalid_token"
    );
    assert_eq!(
        refused(&server, "/random", json!({})).await,
        "Invalid namespace"
    );
}

async fn the_session_cookie_opens_it_for_our_own_pages_only(engine: Engine) {
    // One process, so that there is one origin.
    let server = engine.setup().start().await;
    let browser = server.browser();
    server.user("ada").await;
    browser.log_in("ada").await;
    let cookie = format!("sessionid={}", browser.cookie("sessionid"));
    let own = format!("http://{}", server.address());
    let open = async |origin: Option<&str>| {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("origin", origin)));
        Sio::connect(&server, "/", &json!({}), &headers)
            .await
            .map(drop)
    };
    open(Some(&own)).await.expect("our own page");
    for origin in [None, Some("https://elsewhere.example"), Some("null")] {
        let refusal = open(origin).await.expect_err("a foreign page");
        assert_eq!(refusal["data"]["code"], "unauthenticated", "{origin:?}");
    }
}

async fn events_are_acknowledged_after_the_commit(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let (mut one, mut two) = (
        Sio::open(&server, &ada.token).await,
        Sio::open(&server, &bob.token).await,
    );
    let ack = one
        .ask(
            "message",
            json!({"room": room, "text": "hi", "nonce": "n-1"}),
        )
        .await;
    assert_eq!(ack["ok"], true, "{ack}");
    let message = &ack["message"];
    let stored = ada
        .get(&format!("/api/v1/chats/messages/{}/", message["id"]))
        .await
        .ok(200);
    for key in [
        "id",
        "text",
        "room",
        "owner",
        "created_at",
        "seq",
        "nonce",
        "sender",
        "file",
    ] {
        assert_eq!(message[key], stored[key], "{key}");
    }
    assert_eq!(&two.next_of("message").await, message);
    let again = one
        .ask(
            "message",
            json!({"room": room, "text": "hi", "nonce": "n-1"}),
        )
        .await;
    assert_eq!(&again["message"], message, "the nonce makes it the same");
    let other = one
        .ask(
            "message",
            json!({"room": room, "text": "ho", "nonce": "n-1"}),
        )
        .await;
    assert_eq!(
        (&other["ok"], &other["code"]),
        (&json!(false), &json!("nonce_reused"))
    );
    let id = &message["id"];
    let edited = one.ask("edit", json!({"id": id, "text": "hello"})).await;
    let event = two.next_of("message.updated").await;
    assert_eq!(
        (&event["text"], &event["event_seq"]),
        (&json!("hello"), &edited["seq"])
    );
    assert_eq!(
        one.ask("read", json!({"room": room, "seq": 3})).await,
        json!({"ok": true})
    );
    assert_eq!(
        one.ask("typing", json!({"room": room})).await,
        json!({"ok": true})
    );
    assert_eq!(two.next_of("typing").await["user"], ada.id);
    assert_eq!(one.ask("delete", json!({"id": id})).await["ok"], true);
    assert_eq!(&two.next_of("message.deleted").await["id"], id);
    let refused = two.ask("delete", json!({"id": 999_999})).await;
    assert_eq!(
        (&refused["ok"], &refused["code"]),
        (&json!(false), &json!("not_found"))
    );
    two.emit("message", &json!({"room": 999_999, "text": "x"}))
        .await;
    assert_eq!(two.next_of("error").await["code"], "invalid");
    two.emit("no.such.event", &json!({})).await;
    assert_eq!(two.next_of("error").await["code"], "invalid");
}

async fn joining_and_leaving_are_those_of_rest(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (tea, secret) = (ada.room("Tea").await, ada.private_room("Secret").await);
    ada.say(tea, "before").await;
    let mut two = Sio::open(&server, &bob.token).await;
    let refused = two.ask("join", json!({"room": secret})).await;
    assert_eq!(refused["code"], "not_found", "{refused}");
    let early = two.ask("history", json!({"room": tea})).await;
    assert_eq!(early["code"], "not_in_room", "{early}");
    let joined = two.ask("join", json!({"room": tea})).await;
    assert_eq!(
        (&joined["ok"], &joined["room"]),
        (&json!(true), &json!(tea))
    );
    let users = ada.get(&room_path(tea, "")).await.ok(200)["users"].clone();
    assert_eq!(users, json!([bob.id]), "a member as REST makes them");
    ada.say(tea, "live").await;
    assert_eq!(two.next_of("message").await["text"], "live");
    let history = two
        .ask("history", json!({"room": tea, "after": 0, "limit": 2}))
        .await;
    let texts = |history: &Value| {
        let messages = history["messages"].as_array().cloned().expect("messages");
        messages
            .iter()
            .map(|one| one["text"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (texts(&history), &history["has_more"]),
        (vec![json!("before")], &json!(true))
    );
    let next = &history["next"];
    let rest = two
        .ask("history", json!({"room": tea, "after": next}))
        .await;
    assert_eq!(
        (texts(&rest), &rest["has_more"]),
        (vec![json!("live")], &json!(false))
    );
    let back = two
        .ask(
            "history",
            json!({"room": tea, "before": rest["seq"], "limit": 200}),
        )
        .await;
    assert_eq!(texts(&back), ["before"]);
    assert_eq!(two.ask("leave", json!({"room": tea})).await["ok"], true);
    ada.say(tea, "gone").await;
    let refused = two.ask("message", json!({"room": tea, "text": "x"})).await;
    assert_eq!(refused["ok"], false);
    assert_eq!(
        two.ask("leave", json!({"room": tea})).await["code"],
        "not_found"
    );
}

async fn a_room_is_a_namespace(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (tea, secret) = (ada.room("Tea").await, ada.private_room("Secret").await);
    let name = |room: i64| format!("/room-{room}");
    let token = json!({"token": bob.token});
    for (room, code) in [
        (tea, "not_in_room: "),
        (secret, "not_found: "),
        (999_999, "not_found: "),
    ] {
        let message = refused(&server, &name(room), token.clone()).await;
        assert!(message.starts_with(code), "{room}: {message}");
    }
    for bad in ["/room-x", "/room-007", "/room-", "/chat"] {
        assert_eq!(
            refused(&server, bad, token.clone()).await,
            "Invalid namespace"
        );
    }
    bob.join(tea).await;
    let mut two = Sio::connect(&server, &name(tea), &token, &[])
        .await
        .expect("a member");
    let cake = ada.room("Cake").await;
    bob.join(cake).await;
    ada.say(cake, "elsewhere").await;
    let ack = two.ask("message", json!({"text": "here"})).await;
    assert_eq!(ack["message"]["room"], tea);
    assert_eq!(two.next_of("message").await["text"], "here");
    ada.remove(tea, &bob).await;
    two.expect_disconnect().await;
    let mut host = Sio::connect(&server, &name(tea), &json!({"token": ada.token}), &[])
        .await
        .expect("the host");
    ada.delete(&room_path(tea, "")).await.is_empty();
    assert_eq!(host.next_of("room.deleted").await["reason"], "deleted");
    host.expect_disconnect().await;
}

async fn it_ends_with_the_credential(server: Server) {
    let ada = server.user("ada").await;
    let other = ada.again().await;
    let room = ada.room("Tea").await;
    let mut kept = Sio::open(&server, &ada.token).await;
    let mut ended = Sio::open(&server, &other.token).await;
    other.post("/api/v1/auth/logout/").await.is_empty();
    assert_eq!(ended.next_of("error").await["code"], "credential_ended");
    ended.expect_disconnect().await;
    assert_eq!(ended.socket.close_code().await, 4401);
    ada.say(room, "still here").await;
    assert_eq!(kept.next_of("message").await["text"], "still here");
}

async fn what_was_missed_is_handed_over(mut server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut texts: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    for text in &texts {
        ada.say(room, text).await;
    }
    // Another process, as after a restart: nothing is kept of the first one.
    server.terminate().await;
    server.start_again().await;
    let mut after = json!({});
    after[room.to_string()] = json!(12);
    let auth = json!({"token": bob.token, "after": after});
    let mut two = Sio::connect(&server, "/", &auth, &[])
        .await
        .expect("a member");
    ada.say(room, "live").await;
    texts.push("live".to_owned());
    for (seq, text) in (3..).zip(texts).skip(10) {
        let message = two.next_of("message").await;
        assert_eq!(
            (&message["seq"], &message["text"]),
            (&json!(seq), &json!(text))
        );
    }
    let ack = two.ask("join", json!({"room": room, "after": 300})).await;
    assert_eq!((&ack["ok"], &ack["seq"]), (&json!(true), &json!(303)));
    for seq in 301..=303 {
        assert_eq!(two.next_of("message").await["seq"], seq);
    }
    assert_eq!(two.next_of("recovered").await["seq"], 303);
}

async fn requests_that_are_none_get_the_numbers_of_the_reference(server: Server) {
    let numbered = async |method: &str, query: &str| {
        let answer = server.call(method, &format!("/socket.io/{query}")).await;
        (answer.status, answer.json()["code"].as_u64())
    };
    for query in [
        "",
        "?transport=polling",
        "?EIO=abc&transport=polling",
        "?EIO=3&transport=websocket",
    ] {
        assert_eq!(numbered("GET", query).await, (400, Some(5)), "{query}");
    }
    for query in ["?EIO=4", "?EIO=4&transport=abc"] {
        assert_eq!(numbered("GET", query).await, (400, Some(0)), "{query}");
    }
    assert_eq!(
        numbered("GET", "?EIO=4&transport=websocket").await,
        (400, Some(3))
    );
    for sid in ["x", "AAAAAAAAAAAAAAAAAAAA"] {
        let path = format!("{PATH}&sid={sid}");
        let refused = Socket::open_at(server.address(), &path, &[]).await;
        assert_eq!(refused.map(drop), Err(400));
    }
    // Packets that are none end the connection; it is told nothing more.
    for packet in ["abc", "4abc", "42{}", "40[]", "2probe", "5", ""] {
        let mut socket = Sio::bare(&server, &[]).await;
        socket.send_text(packet).await;
        assert_eq!(socket.close_code().await, 4002, "{packet}");
    }
    let mut socket = Sio::bare(&server, &[]).await;
    socket.send_text("1").await;
    assert_eq!(socket.close_code().await, 1000);
    assert!(server.is_well().await);
}
