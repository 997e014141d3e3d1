//! Answers to messages, and people addressed in them.

use crate::support::{
    Answer, MESSAGES, Server, User, Value, json,
    people::{id, message_path, room_path},
    stories,
};

stories![
    a_reply,
    replies_stay_in_their_room,
    a_reply_outlives_its_original,
    the_nonce_covers_what_is_answered,
    bad_replies,
    names_in_texts,
    names_that_change,
    an_edit_changes_whom_it_addresses,
    senders_and_colours,
    texts_as_html,
];

fn no_such(pk: impl std::fmt::Display) -> String {
    format!("Invalid pk \"{pk}\" - object does not exist.")
}

async fn reply(user: &User, room: i64, reply_to: impl Into<Value>) -> Answer {
    let body = json!({"room": room, "text": "re", "reply_to": reply_to.into()});
    user.post(MESSAGES).json(body).await
}

async fn a_reply(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let first = ada.say(room, "hi").await;
    assert_eq!(first["reply_to"], Value::Null);
    let (number, target) = (room.to_string(), id(&first).to_string());
    let fields = [
        ("room", number.as_str()),
        ("text", "re"),
        ("reply_to", target.as_str()),
    ];
    for call in [
        bob.post(MESSAGES)
            .json(json!({"room": room, "text": "re", "reply_to": first["id"]})),
        bob.post(MESSAGES)
            .json(json!({"room": room, "text": "re", "reply_to": target})),
        bob.post(MESSAGES).form(&fields),
        bob.post(MESSAGES).multipart(&fields),
    ] {
        let answer = call.await.ok(201);
        assert_eq!(answer["reply_to"], first["id"]);
        ada.get(&message_path(id(&answer))).await.is(200, &answer);
    }
    // One may answer oneself, and an answer.
    let own = reply(&ada, room, id(&first)).await.ok(201);
    let deeper = reply(&bob, room, id(&own)).await.ok(201);
    assert_eq!(deeper["reply_to"], own["id"]);
    // No answer may be said in three ways.
    for fields in [
        json!({"room": room, "text": "re", "reply_to": null}),
        json!({"room": room, "text": "re", "reply_to": ""}),
    ] {
        let plain = ada.post(MESSAGES).json(fields).await.ok(201);
        assert_eq!(plain["reply_to"], Value::Null);
    }
    let fields = [("room", number.as_str()), ("text", "re"), ("reply_to", "")];
    let plain = ada.post(MESSAGES).form(&fields).await.ok(201);
    assert_eq!(plain["reply_to"], Value::Null);
    // An edit keeps it.
    let edited = ada
        .patch(&message_path(id(&own)))
        .json(json!({"text": "other", "reply_to": null}))
        .await
        .ok(200);
    assert_eq!(edited["reply_to"], first["id"]);
    let events = ada.history(room).await;
    assert_eq!(events[3]["message"]["reply_to"], first["id"]);
}

async fn replies_stay_in_their_room(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (room, other) = (ada.room("Tea").await, ada.room("Cake").await);
    let hidden = ada.private_room("Hidden").await;
    bob.join(room).await;
    let elsewhere = id(&ada.say(other, "cake").await);
    let secret = id(&ada.say(hidden, "psst").await);
    let deleted = id(&ada.say(room, "oops").await);
    ada.delete(&message_path(deleted)).await.is_empty();
    for user in [&ada, &bob] {
        for target in [elsewhere, secret, deleted, 999_999] {
            let answer = reply(user, room, target).await;
            answer.is_bad("reply_to", &no_such(target));
        }
    }
    assert_eq!(ada.get(&room_path(room, "")).await.ok(200)["seq"], 4);
    // Of a room that may not be written to, only the room is told.
    let eve = server.user("eve").await;
    let answer = reply(&eve, other, elsewhere).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json().get("reply_to").is_none(), "{}", answer.text());
}

async fn a_reply_outlives_its_original(mut server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let first = id(&ada.say(room, "hi").await);
    let answer = reply(&ada, room, first).await.ok(201);
    ada.delete(&message_path(first)).await.is_empty();
    let path = message_path(id(&answer));
    ada.get(&path).await.is(200, &answer);
    assert_eq!(answer["reply_to"], first);
    server.kill().await;
    server.start_again().await;
    ada.get(&path).await.is(200, &answer);
    assert_eq!(ada.get(MESSAGES).await.rows(), [answer]);
}

async fn the_nonce_covers_what_is_answered(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let (one, two) = (ada.say(room, "1").await, ada.say(room, "2").await);
    let send = async |reply_to: &Value| {
        let body = json!({"room": room, "text": "re", "nonce": "n", "reply_to": reply_to});
        ada.post(MESSAGES).json(body).await
    };
    let first = send(&one["id"]).await.ok(201);
    send(&one["id"]).await.is(201, &first);
    for other in [&two["id"], &Value::Null] {
        let text = "This nonce was already used for another message.";
        send(other).await.is_detail(409, text);
    }
    assert_eq!(ada.get(MESSAGES).await.rows().len(), 3);
}

async fn bad_replies(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let wrong = |kind| format!("Incorrect type. Expected pk value, received {kind}.");
    for (given, text) in [
        (json!("abc"), wrong("str")),
        (json!("a\u{0}b"), wrong("str")),
        (json!("👍".repeat(10_000)), wrong("str")),
        (json!(true), wrong("bool")),
        (json!([1]), wrong("list")),
        (json!({"id": 1}), wrong("dict")),
        (json!(1.5), wrong("float")),
        (json!(0), no_such(0)),
        (json!(-1), no_such(-1)),
        (json!(u64::MAX), no_such(u64::MAX)),
        (json!("9".repeat(30)), no_such("9".repeat(30))),
    ] {
        reply(&ada, room, given).await.is_bad("reply_to", &text);
    }
    let body = json!({"room": "x", "text": "", "reply_to": {}});
    ada.post(MESSAGES).json(body).await.is(
        400,
        json!({
            "room": [wrong("str")],
            "text": ["A message needs text or a file."],
            "reply_to": [wrong("dict")],
        }),
    );
}

/// Whom the message addresses.
async fn addressed(user: &User, room: i64, text: &str) -> Value {
    user.say(room, text).await["mentions"].clone()
}

async fn names_in_texts(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (mina, eve) = (server.user("mina").await, server.user("eve").await);
    let room = ada.room("Tea").await;
    bob.rename("Bob the Builder").await;
    mina.rename("미나").await;
    bob.join(room).await;
    mina.join(room).await;
    for (text, wanted) in [
        ("nobody", json!([])),
        ("@Bob the Builder, look", json!([bob.id])),
        ("look @Bob the Builder!", json!([bob.id])),
        ("@미나는 어디 있어요?", json!([mina.id])),
        ("이건 @미나 님이", json!([mina.id])),
        ("@미나에게 @Bob the Builder", json!([mina.id, bob.id])),
        ("@Bob is somebody else", json!([])),
        ("mail bob@ada.example", json!([])),
        ("Bob the Builder without the sign", json!([])),
        ("@eve is not here", json!([])),
    ] {
        assert_eq!(addressed(&mina, room, text).await, wanted, "{text}");
    }
    // The host is of the room also without a seat; who comes later can be addressed later.
    assert_eq!(addressed(&bob, room, "@ada").await, json!([ada.id]));
    eve.join(room).await;
    assert_eq!(addressed(&bob, room, "@eve").await, json!([eve.id]));
    eve.leave(room).await;
    assert_eq!(addressed(&bob, room, "@eve").await, json!([]));
    let mut crowd = "@ada ".repeat(1_500);
    crowd.truncate(7_499);
    assert_eq!(addressed(&bob, room, &crowd).await, json!([ada.id]), "once");
    assert_eq!(addressed(&bob, room, &"@".repeat(9_000)).await, json!([]));
}

async fn names_that_change(mut server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let before = ada.say(room, "@bob").await;
    assert_eq!(before["mentions"], json!([bob.id]));
    bob.rename("Robert").await;
    assert_eq!(addressed(&ada, room, "@Robert").await, json!([bob.id]));
    assert_eq!(addressed(&ada, room, "@bob").await, json!([]));
    let path = message_path(id(&before));
    assert_eq!(ada.get(&path).await.ok(200)["mentions"], json!([bob.id]));
    server.kill().await;
    server.start_again().await;
    assert_eq!(ada.get(&path).await.ok(200)["mentions"], json!([bob.id]));
    assert_eq!(addressed(&ada, room, "@Robert").await, json!([bob.id]));
}

async fn an_edit_changes_whom_it_addresses(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let path = message_path(id(&ada.say(room, "hi").await));
    let edit = async |text: &str| {
        let body = json!({ "text": text });
        let edited = ada.patch(&path).json(body).await.ok(200);
        ada.get(&path).await.is(200, &edited);
        edited["mentions"].clone()
    };
    assert_eq!(edit("hi @bob").await, json!([bob.id]));
    assert_eq!(bob.unread(room).await["mentions"], 1);
    assert_eq!(edit("hi @ada").await, json!([ada.id]));
    assert_eq!(bob.unread(room).await["mentions"], 0);
    assert_eq!(edit("hi").await, json!([]));
}

async fn senders_and_colours(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let message = bob.say(room, "hi").await;
    assert_eq!(message["sender"], "bob");
    assert_eq!(message["hue"], bob.id % 12);
    bob.rename("Robert").await;
    let path = crate::support::people::user_path(bob.id);
    let hue = (bob.id + 5) % 12;
    bob.patch(&path)
        .json(json!({"avatar_hue": hue}))
        .await
        .ok(200);
    // Old messages are shown with the name and colour of now.
    for message in [
        ada.get(&message_path(id(&message))).await.ok(200),
        ada.get(MESSAGES).await.rows()[0].clone(),
        ada.history(room).await[2]["message"].clone(),
        bob.say(room, "new").await,
    ] {
        let shown = (&message["sender"], &message["hue"]);
        assert_eq!(shown, (&json!("Robert"), &json!(hue)), "{message}");
    }
}

async fn texts_as_html(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let message = ada.say(room, "<b>1 & 2</b>").await;
    assert!(message.get("html").is_none());
    ada.patch(&message_path(id(&message)))
        .json(json!({"text": "<i>3</i>"}))
        .await
        .ok(200);
    let events = async |query: &str| {
        let path = room_path(room, &format!("history/?{query}"));
        let body = ada.get(&path).await.ok(200);
        body["events"].as_array().cloned().expect("events")
    };
    for query in ["html=1", "html=true&limit=200", "after=0&html=1"] {
        for event in &events(query).await[1..] {
            let html = event["message"]["html"].as_str().unwrap_or_default();
            assert!(html.contains("&lt;i&gt;3"), "{query}: {event}");
            assert!(!html.contains("<i>"), "{query}: {event}");
            assert_eq!(event["message"]["text"], "<i>3</i>");
        }
    }
    for query in ["", "html=", "html=0", "html=false"] {
        for event in events(query).await {
            assert!(event["message"].get("html").is_none(), "{query}: {event}");
        }
    }
    let told = "Select a valid choice. That choice is not one of the available choices.";
    let path = room_path(room, "history/?html=maybe&after=x");
    ada.get(&path).await.is(
        400,
        json!({"html": [told], "after": ["A valid integer is required."]}),
    );
}
