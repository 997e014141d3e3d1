//! Contract 4: rooms, their owners and who may join.

use crate::support::{
    Engine, ROOMS, Server, USERS, Value, json,
    people::{id, ids, room_path},
    stories,
};
use futures_util::future::join_all;

const OWNER_ONLY: &str = "Access Denied: Owner user only";

stories![
    a_room_and_its_defaults,
    names_are_unique_among_group_rooms,
    seats_have_limits,
    the_owner_is_no_member_but_always_inside,
    joining_and_leaving,
    a_full_room_refuses_newcomers_only,
    parallel_joins_never_overfill_a_room,
    members_and_strangers_by_id,
    only_the_owner_changes_and_deletes,
    fewer_seats_than_members_put_nobody_out,
    lists_show_ones_own_rooms_latest_change_first,
    open_rooms_are_listed_for_everybody,
    the_settings_of_the_operator,
];

async fn a_room_and_its_defaults(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.post(ROOMS).json(json!({"name": " Tea "})).await.ok(201);
    for (field, value) in [
        ("name", json!("Tea")),
        ("max_users", json!(50)),
        ("type", json!("GROUP")),
        ("owner", json!(ada.id)),
        ("users", json!([])),
        ("topic", json!("")),
    ] {
        assert_eq!(room[field], value, "{field}");
    }
    assert!(room["expires_at"].is_string(), "{room}");
    assert_eq!(ada.get(&room_path(id(&room), "")).await.ok(200), room);
    let body = json!({"name": "Cake", "type": "PRIVATE", "max_users": 2, "topic": " of cakes "});
    let room = ada.post(ROOMS).json(body).await.ok(201);
    assert_eq!(
        (&room["type"], &room["topic"]),
        (&json!("PRIVATE"), &json!("of cakes"))
    );
    let answer = ada
        .post(ROOMS)
        .json(json!({"name": "x", "type": "group"}))
        .await;
    answer.is_bad("type", "\"group\" is not a valid choice.");
}

/// Among GROUP rooms, case apart, and free again once the room is gone.
async fn names_are_unique_among_group_rooms(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let taken = "room with this name already exists.";
    let room = ada.room("Tea").await;
    for user in [&ada, &bob] {
        for name in ["Tea", " Tea ", "Ｔea"] {
            user.post(ROOMS)
                .json(json!({"name": name}))
                .await
                .is_bad("name", taken);
        }
    }
    let other = bob.room("tea").await;
    bob.patch(&room_path(other, ""))
        .json(json!({"name": "Tea"}))
        .await
        .is_bad("name", taken);
    ada.patch(&room_path(room, ""))
        .json(json!({"name": "Tea"}))
        .await
        .ok(200);
    // A PRIVATE room has its name for itself.
    bob.private_room("Tea").await;
    ada.private_room("Tea").await;
    let body = json!({"name": "Tea", "type": "PRIVATE"});
    ada.post(ROOMS).json(body).await.is_bad("name", taken);
    ada.delete(&room_path(room, "")).await.is_empty();
    bob.patch(&room_path(other, ""))
        .json(json!({"name": "Tea"}))
        .await
        .ok(200);
    let numbers: Vec<_> = (0..8)
        .map(|_| ada.post(ROOMS).json(json!({"name": "Race"})))
        .collect();
    let answers = join_all(numbers.into_iter().map(IntoFuture::into_future)).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 400).count();
    assert_eq!((made, refused), (1, 7), "one name, one room");
}

async fn seats_have_limits(server: Server) {
    let ada = server.user("ada").await;
    for seats in [0, -1, i64::MIN] {
        let answer = ada
            .post(ROOMS)
            .json(json!({"name": "x", "max_users": seats}))
            .await;
        let text = "Ensure this value is greater than or equal to 1.";
        answer.is_bad("max_users", text);
    }
    for seats in [251, 1_000_000, i64::MAX] {
        let answer = ada
            .post(ROOMS)
            .json(json!({"name": "x", "max_users": seats}))
            .await;
        answer.is_bad("max_users", "System max users limit is 250");
    }
    let room = ada
        .post(ROOMS)
        .json(json!({"name": "x", "max_users": 250}))
        .await
        .ok(201);
    let path = room_path(id(&room), "");
    let answer = ada.patch(&path).json(json!({"max_users": 251})).await;
    answer.is_bad("max_users", "System max users limit is 250");
    assert_eq!(
        ada.patch(&path).json(json!({"max_users": 1})).await.ok(200)["max_users"],
        1
    );
}

/// Sees, reads, writes and counts nowhere until joining (D-09).
async fn the_owner_is_no_member_but_always_inside(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room_of(json!({"name": "Tea", "max_users": 1})).await;
    assert_eq!(ids(&ada.get(ROOMS).await.rows()), [room]);
    ada.say(room, "hello?").await;
    assert_eq!(ada.history(room).await.len(), 2);
    assert_eq!(
        bob.join(room).await["users"],
        json!([bob.id]),
        "the seat is free"
    );
    ada.put(&room_path(room, "join/"))
        .await
        .is(400, json!(["Max users limit for group reached."]));
    bob.leave(room).await;
    assert_eq!(ada.join(room).await["users"], json!([ada.id]));
    assert_eq!(ada.leave(room).await["users"], json!([]));
    ada.say(room, "still here").await;
}

async fn joining_and_leaving(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    let before = ada.get(&room_path(room, "")).await.ok(200);
    let joined = bob
        .put(&room_path(room, "join/"))
        .json(json!({"x": [1]}))
        .await
        .ok(200);
    assert_eq!(joined["users"], json!([bob.id]));
    assert!(joined["updated_at"].as_str() > before["updated_at"].as_str());
    let again = bob.patch(&room_path(room, "join/")).await.ok(200);
    assert_eq!(again, joined, "joining again changes nothing");
    bob.say(room, "hi").await;
    let after = ada.get(&room_path(room, "")).await.ok(200);
    assert_eq!(
        after["updated_at"], joined["updated_at"],
        "messages do not move it"
    );
    let left = bob.patch(&room_path(room, "leave/")).await.ok(200);
    assert_eq!(left["users"], json!([]));
    assert!(left["updated_at"].as_str() > joined["updated_at"].as_str());
    for path in [
        room_path(room, "leave/"),
        room_path(999, "leave/"),
        room_path(999, "join/"),
    ] {
        bob.put(&path).await.is_detail(404, "Not found.");
    }
    for what in ["join/", "leave/"] {
        let path = room_path(room, what);
        let broken = bob.put(&path).body("application/json", "{").await;
        assert_eq!(broken.status, 400, "{what}");
        assert!(
            broken.text().contains("JSON parse error - "),
            "{}",
            broken.text()
        );
        for method in ["GET", "POST", "DELETE"] {
            let text = format!("Method \"{method}\" not allowed.");
            bob.call(method, &path).await.is_detail(405, &text);
        }
    }
    assert_eq!(
        ada.get(&room_path(room, "")).await.ok(200)["users"],
        json!([])
    );
}

async fn a_full_room_refuses_newcomers_only(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room_of(json!({"name": "Tea", "max_users": 1})).await;
    bob.join(room).await;
    let full = json!(["Max users limit for group reached."]);
    for method in ["PUT", "PATCH"] {
        eve.call(method, &room_path(room, "join/"))
            .await
            .is(400, &full);
    }
    assert_eq!(
        bob.join(room).await["users"],
        json!([bob.id]),
        "who is in is not refused (D-13)"
    );
    bob.leave(room).await;
    eve.join(room).await;
}

/// The check of the limit and the insert are one step (D-13).
async fn parallel_joins_never_overfill_a_room(server: Server) {
    let ada = server.user("ada").await;
    let mut people = Vec::new();
    for number in 0..64 {
        people.push(server.user(&format!("user{number}")).await);
    }
    for (round, seats) in [1, 2, 7].into_iter().enumerate() {
        let body = json!({"name": format!("Race {round}"), "max_users": seats});
        let room = ada.room_of(body).await;
        let path = room_path(room, "join/");
        let calls = people.iter().map(|user| user.put(&path).into_future());
        let answers = join_all(calls).await;
        let joined = answers.iter().filter(|answer| answer.status == 200).count();
        let full = answers.iter().filter(|answer| answer.status == 400).count();
        assert_eq!((joined, full), (seats, 64 - seats));
        let users = ada.get(&room_path(room, "")).await.ok(200)["users"].clone();
        assert_eq!(users.as_array().map(Vec::len), Some(seats), "{users}");
    }
}

async fn members_and_strangers_by_id(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let path = room_path(room, "");
    assert_eq!(ada.get(&path).await.status, 200);
    assert_eq!(
        bob.get(&path).await.ok(200)["users"],
        json!([bob.id]),
        "D-10"
    );
    eve.get(&path).await.is_detail(403, OWNER_ONLY);
    eve.get(&room_path(999, ""))
        .await
        .is_detail(404, "Not found.");
    bob.leave(room).await;
    bob.get(&path).await.is_detail(403, OWNER_ONLY);
}

async fn only_the_owner_changes_and_deletes(server: Server) {
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let path = room_path(room, "");
    for user in [&bob, &eve] {
        for method in ["PATCH", "PUT", "DELETE"] {
            let answer = user.call(method, &path).json(json!({"name": "Mine"})).await;
            answer.is_detail(403, OWNER_ONLY);
        }
        user.delete(&room_path(999, ""))
            .await
            .is_detail(404, "Not found.");
    }
    let before = ada.get(&path).await.ok(200);
    let patched = ada
        .patch(&path)
        .json(json!({"name": " Cake ", "topic": "t"}))
        .await
        .ok(200);
    assert_eq!(
        (&patched["name"], &patched["topic"]),
        (&json!("Cake"), &json!("t"))
    );
    assert!(patched["updated_at"].as_str() > before["updated_at"].as_str());
    assert_eq!(patched["created_at"], before["created_at"]);
    ada.put(&path)
        .json(json!({}))
        .await
        .is_bad("name", "This field is required.");
    // A client may send back what it read.
    ada.put(&path).json(&patched).await.ok(200);
    let message = id(&bob.say(room, "hi").await);
    ada.delete(&path).await.is_empty();
    for user in [&ada, &bob, &eve] {
        user.delete(&path).await.is_detail(404, "Not found.");
        user.get(&path).await.is_detail(404, "Not found.");
        user.put(&room_path(room, "join/"))
            .await
            .is_detail(404, "Not found.");
        let path = crate::support::people::message_path(message);
        user.get(&path).await.is_detail(404, "Not found.");
        assert!(user.get(ROOMS).await.rows().is_empty());
    }
}

async fn fewer_seats_than_members_put_nobody_out(server: Server) {
    let (ada, bob, eve, joe) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
        server.user("joe").await,
    );
    let room = ada.room("Tea").await;
    bob.join(room).await;
    eve.join(room).await;
    let patched = ada
        .patch(&room_path(room, ""))
        .json(json!({"max_users": 1}))
        .await
        .ok(200);
    assert_eq!(patched["users"].as_array().map(Vec::len), Some(2));
    bob.say(room, "still in").await;
    assert_eq!(joe.put(&room_path(room, "join/")).await.status, 400);
    bob.leave(room).await;
    assert_eq!(
        joe.put(&room_path(room, "join/")).await.status,
        400,
        "one seat, one member"
    );
    eve.leave(room).await;
    joe.join(room).await;
}

async fn lists_show_ones_own_rooms_latest_change_first(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let mut rooms = Vec::new();
    for name in ["a", "b", "c"] {
        rooms.push(ada.room(name).await);
    }
    let theirs = bob.room("d").await;
    assert_eq!(
        ids(&ada.get(ROOMS).await.rows()),
        [rooms[2], rooms[1], rooms[0]]
    );
    ada.patch(&room_path(rooms[0], ""))
        .json(json!({"topic": "t"}))
        .await
        .ok(200);
    assert_eq!(
        ids(&ada.get(ROOMS).await.rows()),
        [rooms[0], rooms[2], rooms[1]]
    );
    ada.join(theirs).await;
    assert_eq!(ids(&ada.get(ROOMS).await.rows())[0], theirs);
    ada.say(rooms[1], "hi").await;
    assert_eq!(
        ids(&ada.get(ROOMS).await.rows())[0],
        theirs,
        "messages do not move a room"
    );
    ada.leave(theirs).await;
    assert_eq!(ada.get(ROOMS).await.rows().len(), 3);
    assert_eq!(ids(&bob.get(ROOMS).await.rows()), [theirs]);
    let page = ada.get(&format!("{ROOMS}?page_size=2&page=2")).await;
    assert_eq!(page.rows().len(), 1);
}

async fn open_rooms_are_listed_for_everybody(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let open = ada.room("open").await;
    let hidden = ada.private_room("hidden").await;
    let list = bob.get(&format!("{ROOMS}?scope=open")).await;
    assert_eq!(ids(&list.rows()), [open]);
    assert!(!list.text().contains("hidden"), "{}", list.text());
    assert!(bob.get(ROOMS).await.rows().is_empty());
    let own = ids(&ada.get(&format!("{ROOMS}?scope=open")).await.rows());
    assert_eq!(own, [open], "{hidden} is not open, not even for its owner");
    assert_eq!(bob.get(&format!("{ROOMS}?scope=all")).await.status, 400);
    assert_eq!(server.get(&format!("{ROOMS}?scope=open")).await.status, 401);
}

async fn the_settings_of_the_operator(engine: Engine) {
    let setup = engine
        .setup()
        .env("MAX_USERS_IN_ROOM", "5")
        .env("ROOM_LIFETIME", "never")
        .env("MAX_TEXT_CHARS", "20");
    let server = setup.start().await;
    let ada = server.user("ada").await;
    let room = ada.post(ROOMS).json(json!({"name": "Tea"})).await.ok(201);
    assert_eq!(room["max_users"], 5, "the default is never above the limit");
    assert_eq!(room["expires_at"], Value::Null);
    let answer = ada
        .post(ROOMS)
        .json(json!({"name": "x", "max_users": 6}))
        .await;
    answer.is_bad("max_users", "System max users limit is 5");
    let answer = ada.try_say(id(&room), &"x".repeat(21)).await;
    answer.is_bad("text", "Ensure this field has no more than 20 characters.");
    ada.say(id(&room), &"\u{1f44b}".repeat(20)).await;
    assert_eq!(server.get(USERS).await.status, 200);
}
