//! Contract 5: messages over REST.

use crate::support::{
    MESSAGES, Server, json,
    people::{id, ids, message_path, room_path},
    stories,
};

const NOT_IN: &str = "You're not authorized to perform any actions in this room";

stories![
    a_message,
    texts,
    long_texts,
    rooms_that_cannot_be_written_to,
    a_text_is_no_file,
    lists_and_their_filter,
    who_reads_a_message,
    editing,
    deleting,
    after_leaving,
];

async fn a_message(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let message = ada.say(room, "hi").await;
    assert_eq!(
        (&message["room"], &message["owner"]),
        (&json!(room), &json!(ada.id))
    );
    assert_eq!(message["text"], "hi");
    assert!(message["seq"].as_i64() > Some(0));
    assert!(
        message.get("nonce").is_none(),
        "no nonce was given: {message}"
    );
    ada.get(&message_path(id(&message))).await.is(200, &message);
    assert_eq!(ada.get(MESSAGES).await.rows(), [message]);
}

/// Trimmed, inner newlines kept, never empty (D-15).
async fn texts(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    assert_eq!(ada.say(room, "  a\n\n b\t ").await["text"], "a\n\n b");
    for tricky in [
        "<script>alert(1)</script>",
        "\\u0041 \\n",
        "'; DROP TABLE x;--",
        "e\u{301} é 👩‍👩‍👧",
    ] {
        assert_eq!(ada.say(room, tricky).await["text"], tricky);
    }
    let empty = "A message needs text or a file.";
    for text in [json!(""), json!("  \n ")] {
        ada.post(MESSAGES)
            .json(json!({"room": room, "text": text}))
            .await
            .is_bad("text", empty);
    }
    ada.post(MESSAGES)
        .json(json!({"room": room}))
        .await
        .is_bad("text", empty);
    for (text, told) in [
        (json!(null), "This field may not be null."),
        (json!(true), "Not a valid string."),
        (json!({"a": 1}), "Not a valid string."),
        (json!(["a"]), "Not a valid string."),
        (json!("a\u{0}b"), "Null characters are not allowed."),
    ] {
        ada.post(MESSAGES)
            .json(json!({"room": room, "text": text}))
            .await
            .is_bad("text", told);
    }
}

async fn long_texts(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for text in [
        "x".repeat(8_000),
        "다".repeat(8_000),
        "\u{1f44b}".repeat(10_000),
    ] {
        assert_eq!(ada.say(room, &text).await["text"], text);
    }
    // Escaped twelvefold it is still the same text.
    let escaped = "\\ud83d\\udc4b".repeat(10_000);
    let body = format!("{{\"room\":{room},\"text\":\"{escaped}\"}}");
    let answer = ada.post(MESSAGES).body("application/json", body).await;
    assert_eq!(answer.ok(201)["text"], "\u{1f44b}".repeat(10_000));
    let told = "Ensure this field has no more than 10000 characters.";
    ada.try_say(room, &"x".repeat(10_001))
        .await
        .is_bad("text", told);
    for call in [
        ada.post(MESSAGES)
            .json(json!({"room": room, "text": "x".repeat(3_000_000)})),
        ada.post(MESSAGES)
            .form(&[("room", "1"), ("text", &"x".repeat(3_000_000))]),
        ada.post(MESSAGES)
            .multipart(&[("room", "1"), ("text", &"x".repeat(3_000_000))]),
    ] {
        let answer = call.attempt().await;
        // The server may hang up on who goes on sending.
        let status = answer.map_or(413, |answer| answer.status);
        assert!(matches!(status, 400 | 413), "{status}");
    }
    assert_eq!(ada.get(MESSAGES).await.json()["page_metadata"]["count"], 4);
}

async fn rooms_that_cannot_be_written_to(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.try_say(room, "hi").await.is_bad("room", NOT_IN);
    let send = |room: crate::support::Value| {
        let body = json!({"room": room, "text": "hi"});
        let call = bob.post(MESSAGES).json(body);
        async move { call.await }
    };
    for (room, told) in [
        (json!(999), "Invalid pk \"999\" - object does not exist."),
        (json!("999"), "Invalid pk \"999\" - object does not exist."),
        (json!(0), "Invalid pk \"0\" - object does not exist."),
        (json!(-1), "Invalid pk \"-1\" - object does not exist."),
        (
            json!("abc"),
            "Incorrect type. Expected pk value, received str.",
        ),
        (
            json!([1]),
            "Incorrect type. Expected pk value, received list.",
        ),
        (
            json!({"id": 1}),
            "Incorrect type. Expected pk value, received dict.",
        ),
        (
            json!(true),
            "Incorrect type. Expected pk value, received bool.",
        ),
        (json!(null), "This field may not be null."),
        (json!(""), "This field may not be null."),
        (
            json!("99999999999999999999"),
            "Invalid pk \"99999999999999999999\" - object does not exist.",
        ),
    ] {
        send(room).await.is_bad("room", told);
    }
    bob.post(MESSAGES)
        .json(json!({"text": "hi"}))
        .await
        .is_bad("room", "This field is required.");
    assert_eq!(
        ada.history(room).await.len(),
        1,
        "only the room's own beginning"
    );
}

async fn a_text_is_no_file(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await.to_string();
    let told = "The submitted data was not a file. Check the encoding type on the form.";
    let fields = [("room", room.as_str()), ("text", "look"), ("file", "meow")];
    ada.post(MESSAGES)
        .multipart(&fields)
        .await
        .is_bad("file", told);
    ada.post(MESSAGES).form(&fields).await.is_bad("file", told);
    let body = json!({"room": room, "text": "look", "file": "meow"});
    ada.post(MESSAGES).json(body).await.is_bad("file", told);
    // No file may be said in words.
    let body = json!({"room": room, "text": "look", "file": null, "file_type": "image/png"});
    assert_eq!(
        ada.post(MESSAGES).json(body).await.ok(201)["file"],
        json!(null)
    );
}

async fn lists_and_their_filter(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (tea, cake) = (ada.room("Tea").await, ada.room("Cake").await);
    bob.join(tea).await;
    let one = id(&ada.say(tea, "1").await);
    let two = id(&ada.say(cake, "2").await);
    let three = id(&bob.say(tea, "3").await);
    let of = |query: &str| format!("{MESSAGES}{query}");
    assert_eq!(
        ids(&ada.get(MESSAGES).await.rows()),
        [three, two, one],
        "newest first"
    );
    assert_eq!(
        ids(&ada.get(&of(&format!("?room={tea}"))).await.rows()),
        [three, one]
    );
    assert_eq!(
        ids(&ada.get(&of("?room=")).await.rows()),
        [three, two, one],
        "no filter"
    );
    assert_eq!(ids(&bob.get(MESSAGES).await.rows()), [three, one]);
    assert!(
        bob.get(&of(&format!("?room={cake}")))
            .await
            .rows()
            .is_empty(),
        "not in that room"
    );
    let told = "Select a valid choice. That choice is not one of the available choices.";
    for room in [
        "999",
        "abc",
        "0",
        "-1",
        "99999999999999999999",
        "1.5",
        "%00",
    ] {
        ada.get(&of(&format!("?room={room}")))
            .await
            .is_bad("room", told);
    }
    bob.leave(tea).await;
    assert!(bob.get(MESSAGES).await.rows().is_empty());
    assert_eq!(
        ids(&ada.get(&of("?page_size=1&page=2")).await.rows()),
        [two]
    );
}

async fn who_reads_a_message(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let message = bob.say(room, "hi").await;
    let path = message_path(id(&message));
    ada.get(&path).await.is(200, &message);
    bob.get(&path).await.is(200, &message);
    eve.get(&path)
        .await
        .is_detail(403, "Access Denied: Owner user only");
    eve.get(&message_path(999))
        .await
        .is_detail(404, "Not found.");
}

async fn editing(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let (room, other) = (ada.room("Tea").await, ada.room("Cake").await);
    bob.join(room).await;
    bob.join(other).await;
    let message = bob.say(room, "hi").await;
    let path = message_path(id(&message));
    for user in [&ada, &eve] {
        for method in ["PATCH", "PUT"] {
            let body = json!({"text": "x", "room": room});
            let answer = user.call(method, &path).json(body).await;
            answer.is_detail(403, "Access Denied: Owner user only");
        }
    }
    let edited = bob
        .patch(&path)
        .json(json!({"text": " hello "}))
        .await
        .ok(200);
    assert_eq!(edited["text"], "hello");
    for kept in ["id", "room", "owner", "created_at", "seq"] {
        assert_eq!(edited[kept], message[kept], "{kept}");
    }
    assert!(edited["updated_at"].as_str() > message["updated_at"].as_str());
    let body = json!({"text": "again", "room": room, "nonce": "x"});
    assert_eq!(bob.put(&path).json(body).await.ok(200)["text"], "again");
    bob.put(&path)
        .json(json!({"text": "x"}))
        .await
        .is_bad("room", "This field is required.");
    let fixed = bob.patch(&path).json(json!({"room": other})).await;
    assert_eq!(fixed.status, 400, "{}", fixed.text());
    assert!(fixed.json()["room"].is_array(), "D-16: {}", fixed.text());
    bob.patch(&path)
        .json(json!({"text": " "}))
        .await
        .is_bad("text", "A message needs text or a file.");
    assert_eq!(
        bob.patch(&path).form(&[("text", "form")]).await.ok(200)["text"],
        "form"
    );
    assert_eq!(
        bob.patch(&path)
            .multipart(&[("text", "part")])
            .await
            .ok(200)["text"],
        "part"
    );
    let told = "Ensure this field has no more than 10000 characters.";
    bob.patch(&path)
        .json(json!({"text": "x".repeat(10_001)}))
        .await
        .is_bad("text", told);
    bob.patch(&message_path(999))
        .json(json!({"text": "x"}))
        .await
        .is_detail(404, "Not found.");
    assert_eq!(ada.get(&path).await.ok(200)["text"], "part");
}

/// The author, also after leaving, and the room's owner; nobody else.
async fn deleting(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room("Tea").await;
    bob.join(room).await;
    eve.join(room).await;
    let (one, two) = (id(&bob.say(room, "1").await), id(&bob.say(room, "2").await));
    eve.delete(&message_path(one))
        .await
        .is_detail(403, "Access Denied: Owner user only");
    bob.delete(&message_path(one)).await.is_empty();
    ada.delete(&message_path(two)).await.is_empty();
    for user in [&ada, &bob, &eve] {
        for message in [one, two] {
            user.get(&message_path(message))
                .await
                .is_detail(404, "Not found.");
            user.delete(&message_path(message))
                .await
                .is_detail(404, "Not found.");
        }
        assert!(user.get(MESSAGES).await.rows().is_empty());
    }
    let hers = id(&ada.say(room, "3").await);
    bob.delete(&message_path(hers))
        .await
        .is_detail(403, "Access Denied: Owner user only");
}

/// Leaving ends writing and editing (D-11), but not the right to take one's words back.
async fn after_leaving(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    for (kind, refused) in [("GROUP", 403), ("PRIVATE", 404)] {
        let room = ada.room_of(json!({"name": kind, "type": kind})).await;
        ada.invite(room, &bob).await;
        bob.join(room).await;
        let message = id(&bob.say(room, "mine").await);
        let hers = id(&ada.say(room, "hers").await);
        bob.leave(room).await;
        let path = message_path(message);
        for method in ["PATCH", "PUT"] {
            let answer = bob
                .call(method, &path)
                .json(json!({"text": "x", "room": room}))
                .await;
            assert_eq!(answer.status, refused, "{kind} {method}: {}", answer.text());
        }
        assert_eq!(
            bob.get(&path).await.status,
            200,
            "{kind}: the author reads their own"
        );
        assert_eq!(bob.get(&message_path(hers)).await.status, refused, "{kind}");
        assert_eq!(
            bob.get(&room_path(room, "history/")).await.status,
            refused,
            "{kind}"
        );
        bob.delete(&path).await.is_empty();
        ada.get(&path).await.is_detail(404, "Not found.");
    }
}
