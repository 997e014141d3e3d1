//! Contract 4 and D-32: rooms end by themselves.

use crate::support::{
    Engine, ROOMS, Server, Value, eventually, json,
    people::{id, message_path, room_path},
    stories,
};
use std::time::Duration;

stories![
    the_end_of_a_room_is_chosen_within_the_lifetime,
    renewing_a_room,
    rooms_end_by_themselves,
    a_room_whose_end_was_chosen_ends_then,
    rooms_end_when_the_process_that_ends_them_was_killed,
];

async fn the_end_of_a_room_is_chosen_within_the_lifetime(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.post(ROOMS).json(json!({"name": "Tea"})).await.ok(201);
    let (made, end) = (&room["created_at"], &room["expires_at"]);
    let day = |value: &Value| value.as_str().unwrap_or_default()[..10].to_owned();
    assert_ne!(day(made), day(end));
    let path = room_path(id(&room), "");
    assert_eq!(
        ada.patch(&path)
            .json(json!({"expires_at": end}))
            .await
            .ok(200)["expires_at"],
        *end
    );
    for (bad, what) in [
        (json!("2001-01-01T00:00:00Z"), "past"),
        (json!("2999-01-01T00:00:00Z"), "beyond the lifetime"),
        (json!("tomorrow"), "no time"),
        (json!(null), "never"),
        (json!([1]), "a list"),
        (json!(7), "a number"),
    ] {
        for call in [
            ada.post(ROOMS)
                .json(json!({"name": "x", "expires_at": bad})),
            ada.patch(&path).json(json!({"expires_at": bad})),
            ada.post(&room_path(id(&room), "renew/"))
                .json(json!({"expires_at": bad})),
        ] {
            let answer = call.await;
            assert_eq!(answer.status, 400, "{what}: {}", answer.text());
            assert!(
                answer.json()["expires_at"].is_array(),
                "{what}: {}",
                answer.text()
            );
        }
    }
}

async fn renewing_a_room(engine: Engine) {
    let server = engine.setup().env("ROOM_LIFETIME", "1h").start().await;
    let ada = server.user("ada").await;
    let room = ada.post(ROOMS).json(json!({"name": "Tea"})).await.ok(201);
    let path = room_path(id(&room), "renew/");
    let renewed = ada.post(&path).await.ok(200);
    assert!(renewed["expires_at"].as_str() > room["expires_at"].as_str());
    let mut sooner = renewed["expires_at"].as_str().expect("a time").to_owned();
    // The same moment in another zone, one hour back: some minutes from now at most.
    sooner = sooner.replace('Z', "+00:30");
    let nearer = ada
        .post(&path)
        .json(json!({"expires_at": sooner}))
        .await
        .ok(200);
    assert!(
        nearer["expires_at"].as_str() < renewed["expires_at"].as_str(),
        "{nearer}"
    );
    ada.post(&room_path(999, "renew/"))
        .await
        .is_detail(404, "Not found.");
}

/// 404, `room.deleted` on sockets, messages gone, the name free again.
async fn rooms_end_by_themselves(engine: Engine) {
    let server = engine.setup().env("ROOM_LIFETIME", "2s").start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (mut hers, mut his) = (ada.socket().await, bob.socket().await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let message = id(&bob.say(room, "hi").await);
    for socket in [&mut hers, &mut his] {
        assert_eq!(socket.next_said().await, "hi");
        let frame = socket.next().await;
        assert_eq!(frame, json!({"type": "room.deleted", "room": room}));
    }
    for user in [&ada, &bob] {
        user.get(&room_path(room, ""))
            .await
            .is_detail(404, "Not found.");
        user.get(&room_path(room, "history/"))
            .await
            .is_detail(404, "Not found.");
        user.put(&room_path(room, "join/"))
            .await
            .is_detail(404, "Not found.");
        user.get(&message_path(message))
            .await
            .is_detail(404, "Not found.");
        assert!(user.get(ROOMS).await.rows().is_empty());
        let text = format!("Invalid pk \"{room}\" - object does not exist.");
        user.try_say(room, "too late").await.is_bad("room", &text);
    }
    bob.room("Tea").await;
    hers.expect_silence().await;
    assert!(server.is_well().await);
}

async fn a_room_whose_end_was_chosen_ends_then(engine: Engine) {
    let server = engine.setup().env("ROOM_LIFETIME", "3s").start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    // Renewed again and again it lives on.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ada.post(&room_path(room, "renew/")).await.ok(200);
    }
    assert_eq!(ada.get(&room_path(room, "")).await.status, 200);
    let path = room_path(room, "");
    eventually("the room ends when nobody renews it", || async {
        ada.get(&path).await.status == 404
    })
    .await;
}

/// Of several processes one does the recurring work; another follows it (docs/decisions/0017).
async fn rooms_end_when_the_process_that_ends_them_was_killed(engine: Engine) {
    let setup = engine.setup().env("ROOM_LIFETIME", "2s");
    let mut server = setup.start_all().await;
    let ada = server.user("ada").await;
    let path = room_path(ada.room("Tea").await, "");
    let gone = || async { ada.get(&path).await.status == 404 };
    eventually("a room ends", gone).await;
    if server.clients().len() == 1 {
        return;
    }
    let works = |log: &str| log.contains("does the recurring work from now on");
    let killed = server.kill_those(|process| works(&process.log())).await;
    assert_eq!(killed, 1, "one was on duty");
    let path = room_path(ada.room("Coffee").await, "");
    let gone = || async { ada.get(&path).await.status == 404 };
    eventually("a room ends after the other took the duty", gone).await;
    assert!(works(&server.log()));
    assert!(server.is_well().await);
}
