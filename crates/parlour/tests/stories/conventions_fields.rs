//! Contract 1: what a field may hold, and how all bad ones are told at once.

use crate::support::{MESSAGES, ROOMS, Server, USERS, json, people::room_path, stories};

/// `2026-11-20T23:40:14.876871Z`, the fraction left out only when it is zero.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00.000000Z" || shape == "0000-00-00T00:00:00Z"
}

stories![
    all_bad_fields_are_told_at_once,
    texts_of_the_contract,
    numbers_and_texts,
    unknown_and_read_only_fields_are_ignored,
    times_are_utc_with_microseconds,
    objects_have_the_fields_of_the_contract,
];

async fn all_bad_fields_are_told_at_once(server: Server) {
    let ada = server.user("ada").await;
    let body = json!({
        "name": "", "topic": "x".repeat(251), "type": "SECRET", "max_users": "many",
    });
    ada.post(ROOMS).json(body).await.is(
        400,
        json!({
            "name": ["This field may not be blank."],
            "topic": ["Ensure this field has no more than 250 characters."],
            "type": ["\"SECRET\" is not a valid choice."],
            "max_users": ["A valid integer is required."],
        }),
    );
    let body = json!({"username": null, "password": "", "email": "x", "first_name": [1]});
    server.post(USERS).json(body).await.is(
        400,
        json!({
            "username": ["This field may not be null."],
            "password": ["This field may not be blank."],
            "email": ["Enter a valid email address."],
            "first_name": ["Not a valid string."],
        }),
    );
    ada.post(MESSAGES).json(json!({})).await.is(
        400,
        json!({
            "room": ["This field is required."],
            "text": ["A message needs text or a file."],
        }),
    );
}

async fn texts_of_the_contract(server: Server) {
    let ada = server.user("ada").await;
    for (name, text) in [
        (json!(""), "This field may not be blank."),
        (json!(" \t\n "), "This field may not be blank."),
        (json!(null), "This field may not be null."),
        (json!(true), "Not a valid string."),
        (json!([]), "Not a valid string."),
        (json!({"a": 1}), "Not a valid string."),
        (
            json!("x".repeat(51)),
            "Ensure this field has no more than 50 characters.",
        ),
        (json!("a\u{0}b"), "Null characters are not allowed."),
    ] {
        ada.post(ROOMS)
            .json(json!({"name": name}))
            .await
            .is_bad("name", text);
    }
    for (seats, text) in [
        (json!(2.5), "A valid integer is required."),
        (json!("abc"), "A valid integer is required."),
        (json!("2.5"), "A valid integer is required."),
        (json!(true), "A valid integer is required."),
        (json!([]), "A valid integer is required."),
        (json!(null), "This field may not be null."),
    ] {
        let body = json!({"name": "x", "max_users": seats});
        ada.post(ROOMS).json(&body).await.is_bad("max_users", text);
    }
    let body = |text: &str| format!("{{\"name\":\"x\",\"max_users\":{text}}}");
    for huge in [
        "9223372036854775808",
        "99999999999999999999999",
        "1e300",
        "-9999999999999999999",
    ] {
        let answer = ada.post(ROOMS).body("application/json", body(huge)).await;
        assert_eq!(answer.status, 400, "{huge}: {}", answer.text());
        assert!(
            answer.json()["max_users"].is_array(),
            "{huge}: {}",
            answer.text()
        );
    }
}

/// Numbers are taken for texts and texts for numbers, booleans and lists are not.
async fn numbers_and_texts(server: Server) {
    let ada = server.user("ada").await;
    let room = ada
        .post(ROOMS)
        .json(json!({"name": 5, "max_users": "7"}))
        .await
        .ok(201);
    assert_eq!(
        (&room["name"], &room["max_users"]),
        (&json!("5"), &json!(7))
    );
    let room = ada
        .post(ROOMS)
        .json(json!({"name": "b", "max_users": 3.0}))
        .await
        .ok(201);
    assert_eq!(room["max_users"], 3);
    let room = ada
        .post(ROOMS)
        .json(json!({"name": "  c \n"}))
        .await
        .ok(201);
    assert_eq!(room["name"], "c");
    let number = room["id"].as_i64().expect("an id");
    let said = json!({"room": number.to_string(), "text": 12});
    assert_eq!(ada.post(MESSAGES).json(said).await.ok(201)["text"], "12");
}

async fn unknown_and_read_only_fields_are_ignored(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let body = json!({
        "name": "Tea", "id": 77, "owner": bob.id, "users": [bob.id], "created_at": "1999",
        "seq": 9, "colour": {"deep": [1, 2]},
    });
    let room = ada.post(ROOMS).json(body).await.ok(201);
    assert_eq!(room["owner"], ada.id);
    assert_eq!(room["users"], json!([]));
    assert_ne!(room["id"], 77);
    let number = room["id"].as_i64().expect("an id");
    let patch = json!({"owner": bob.id, "users": [bob.id], "updated_at": "1999"});
    let patched = ada.patch(&room_path(number, "")).json(patch).await.ok(200);
    assert_eq!(
        (&patched["owner"], &patched["users"]),
        (&json!(ada.id), &json!([]))
    );
    let body = json!({
        "room": number, "text": "hi", "owner": bob.id, "file_type": "x/y", "seq": 99, "id": 1,
    });
    let message = ada.post(MESSAGES).json(body).await.ok(201);
    assert_eq!(message["owner"], ada.id);
    assert!(message["file_type"].is_null());
}

async fn times_are_utc_with_microseconds(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let room_object = ada.get(&room_path(room, "")).await.ok(200);
    let message = ada.say(room, "hi").await;
    let user = ada
        .get(&crate::support::people::user_path(ada.id))
        .await
        .ok(200);
    for (object, field) in [
        (&room_object, "created_at"),
        (&room_object, "updated_at"),
        (&room_object, "expires_at"),
        (&message, "created_at"),
        (&message, "updated_at"),
        (&user, "created_at"),
    ] {
        let text = object[field].as_str().unwrap_or_default();
        assert!(is_time(text), "{field}: {text:?}");
    }
    assert_eq!(message["created_at"], message["updated_at"]);
}

/// The exact objects: nothing of the contract is missing, nothing private is there.
async fn objects_have_the_fields_of_the_contract(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let keys = |value: &crate::support::Value| -> Vec<String> {
        value
            .as_object()
            .map(|o| o.keys().cloned().collect())
            .unwrap_or_default()
    };
    let object = ada.get(&room_path(room, "")).await.ok(200);
    for key in [
        "id",
        "name",
        "max_users",
        "type",
        "owner",
        "users",
        "created_at",
        "updated_at",
        "expires_at",
        "topic",
    ] {
        assert!(keys(&object).iter().any(|k| k == key), "{key} in {object}");
    }
    let message = ada.say(room, "hi").await;
    for key in [
        "id",
        "room",
        "text",
        "file",
        "file_type",
        "owner",
        "created_at",
        "updated_at",
        "seq",
        "reply_to",
        "mentions",
        "reactions",
        "sender",
        "hue",
    ] {
        assert!(
            keys(&message).iter().any(|k| k == key),
            "{key} in {message}"
        );
    }
    assert!(message["file"].is_null() && message["file_type"].is_null());
    let user = server
        .get(&crate::support::people::user_path(ada.id))
        .await
        .ok(200);
    let mut names = keys(&user);
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "avatar_hue",
            "created_at",
            "first_name",
            "id",
            "is_active",
            "last_name",
            "nickname",
            "username",
        ]
    );
}
