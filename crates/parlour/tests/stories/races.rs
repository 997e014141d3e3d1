//! What happens at the same moment: one of the possible orders, never an error of the server's own.

use crate::support::{
    Answer, MESSAGES, PASSWORD, ROOMS, Server, USERS, User, json,
    people::{id, message_path, room_path, user_path},
    stories,
};
use futures_util::future::join_all;

stories![
    one_name_one_account,
    a_room_ends_while_people_write_and_join,
    an_account_goes_while_it_writes,
    joining_and_leaving_at_once,
    editing_and_deleting_at_once,
    a_room_is_handed_over_while_its_owner_goes,
    messages_and_joins_share_one_stream,
];

#[track_caller]
fn none_is_the_servers_fault(answers: &[Answer]) {
    for answer in answers {
        assert!(answer.status < 500, "{}: {}", answer.status, answer.text());
    }
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

async fn crowd(server: &Server, size: usize) -> Vec<User> {
    let mut users = Vec::new();
    for number in 0..size {
        users.push(server.user(&format!("user{number}")).await);
    }
    users
}

async fn one_name_one_account(server: Server) {
    let spellings = ["ada", "ADA", "Ada", "aDa", "ada", "Ａda", "ada", "ADA"];
    let calls = spellings.into_iter().map(|name| {
        let body = json!({"username": name, "password": PASSWORD});
        server.post(USERS).json(body).into_future()
    });
    let answers = join_all(calls).await;
    assert_eq!((count(&answers, 201), count(&answers, 400)), (1, 7));
    // Names that are cut to the same nickname get one each.
    let calls = (0..8).map(|number| {
        let body = json!({"username": format!("{}{number}", "x".repeat(60)), "password": PASSWORD});
        server.post(USERS).json(body).into_future()
    });
    let answers = join_all(calls).await;
    assert_eq!(count(&answers, 201), 8, "{answers:?}");
    let mut nicknames: Vec<String> = answers
        .iter()
        .map(|answer| answer.json()["nickname"].to_string())
        .collect();
    nicknames.sort_unstable();
    nicknames.dedup();
    assert_eq!(nicknames.len(), 8);
}

async fn a_room_ends_while_people_write_and_join(server: Server) {
    let users = crowd(&server, 6).await;
    let owner = &users[0];
    for round in 0..5 {
        let room = owner.room(&format!("Tea {round}")).await;
        for user in &users[1..4] {
            user.join(room).await;
        }
        let mut calls = Vec::new();
        for number in 0..30 {
            let user = &users[1 + number % 3];
            let body = json!({"room": room, "text": "hi", "nonce": format!("{round}-{number}")});
            calls.push(user.post(MESSAGES).json(body).into_future());
            if number == 10 {
                calls.push(owner.delete(&room_path(room, "")).into_future());
                calls.push(owner.delete(&room_path(room, "")).into_future());
            }
            if number % 7 == 0 {
                calls.push(users[4].put(&room_path(room, "join/")).into_future());
                calls.push(users[5].put(&room_path(room, "leave/")).into_future());
            }
        }
        let answers = join_all(calls).await;
        none_is_the_servers_fault(&answers);
        assert_eq!(count(&answers, 204), 1, "one of two deletions did it");
        owner
            .get(&room_path(room, ""))
            .await
            .is_detail(404, "Not found.");
        assert!(users[1].get(MESSAGES).await.rows().is_empty());
    }
}

async fn an_account_goes_while_it_writes(server: Server) {
    let users = crowd(&server, 2).await;
    let room = users[0].room("Tea").await;
    users[1].join(room).await;
    let mut calls = Vec::new();
    for number in 0..40 {
        let body = json!({"room": room, "text": number});
        calls.push(users[1].post(MESSAGES).json(body).into_future());
        if number == 20 {
            calls.push(users[1].delete(&user_path(users[1].id)).into_future());
        }
    }
    let answers = join_all(calls).await;
    none_is_the_servers_fault(&answers);
    assert_eq!(count(&answers, 204), 1);
    users[1].get(ROOMS).await.is_detail(401, "Invalid token.");
    assert!(
        users[0].get(MESSAGES).await.rows().is_empty(),
        "their messages are gone, all of them"
    );
    users[0].say(room, "the room lives on").await;
}

async fn joining_and_leaving_at_once(server: Server) {
    let users = crowd(&server, 2).await;
    let room = users[0].room("Tea").await;
    let calls = (0..60).map(|number| {
        let what = if number % 2 == 0 { "join/" } else { "leave/" };
        users[1].put(&room_path(room, what)).into_future()
    });
    let answers = join_all(calls).await;
    none_is_the_servers_fault(&answers);
    let events = users[0].history(room).await;
    let mut inside = false;
    for event in &events[1..] {
        let joined = event["type"] == "member.joined";
        assert_ne!(joined, inside, "joins and leaves take turns: {event}");
        inside = joined;
    }
    let object = users[0].get(&room_path(room, "")).await.ok(200);
    let wanted = if inside {
        json!([users[1].id])
    } else {
        json!([])
    };
    assert_eq!(object["users"], wanted);
}

async fn editing_and_deleting_at_once(server: Server) {
    let users = crowd(&server, 1).await;
    let room = users[0].room("Tea").await;
    for _ in 0..5 {
        let path = message_path(id(&users[0].say(room, "hi").await));
        let calls = (0..20).map(|number| {
            if number % 5 == 4 {
                users[0].delete(&path).into_future()
            } else {
                users[0]
                    .patch(&path)
                    .json(json!({"text": number}))
                    .into_future()
            }
        });
        let answers = join_all(calls).await;
        none_is_the_servers_fault(&answers);
        assert_eq!(count(&answers, 204), 1, "one deletion did it");
        users[0].get(&path).await.is_detail(404, "Not found.");
    }
    let events = users[0].history(room).await;
    let seqs: Vec<i64> = events
        .iter()
        .filter_map(|event| event["seq"].as_i64())
        .collect();
    assert_eq!(
        seqs,
        (1..=i64::try_from(seqs.len()).unwrap_or(0)).collect::<Vec<_>>()
    );
    // After a message's deletion nothing more is told of it.
    let mut gone = Vec::new();
    for event in &events {
        assert!(
            !gone.contains(&event["message"]["id"]) || event["message"].is_null(),
            "{event}"
        );
        if event["type"] == "message.deleted" {
            gone.push(event["id"].clone());
        }
    }
}

async fn a_room_is_handed_over_while_its_owner_goes(server: Server) {
    for round in 0..5 {
        let ada = server.user(&format!("ada{round}")).await;
        let bob = server.user(&format!("bob{round}")).await;
        let room = ada.room(&format!("Tea {round}")).await;
        bob.join(room).await;
        let (handed, gone) = tokio::join!(
            ada.about(room, "hand-over/", &bob),
            ada.delete(&user_path(ada.id)).into_future(),
        );
        none_is_the_servers_fault(&[handed.clone(), gone.clone()]);
        let object = bob.get(&room_path(room, "")).await.ok(200);
        let owner = if handed.status == 200 { bob.id } else { ada.id };
        assert_eq!(object["owner"], owner, "{handed:?} {gone:?}");
        assert!(
            !(gone.status == 204 && owner == ada.id),
            "a room without an owner"
        );
    }
}

/// Sixteen people do everything at once; whoever listened saw what the history says, in its order.
async fn messages_and_joins_share_one_stream(server: Server) {
    let users = crowd(&server, 16).await;
    let room = users[0].room("Tea").await;
    let mut listener = users[0].socket().await;
    let tasks = users[1..].iter().map(|user| async move {
        for number in 0..5 {
            user.join(room).await;
            user.say(room, &format!("{} {number}", user.name)).await;
            user.leave(room).await;
        }
    });
    join_all(tasks).await;
    let events = users[0].history(room).await;
    let seqs: Vec<i64> = events
        .iter()
        .filter_map(|event| event["seq"].as_i64())
        .collect();
    let all = 1 + 15 * 5 * 3;
    assert_eq!(seqs, (1..=200.min(all)).collect::<Vec<_>>());
    let mut last = 0;
    for _ in 0..15 * 5 {
        let frame = listener.next().await;
        let seq = frame["seq"].as_i64().unwrap_or_default();
        assert!(seq > last, "{seq} after {last}");
        last = seq;
        if let Some(event) = events.iter().find(|event| event["seq"] == seq) {
            assert_eq!(event["message"], frame);
        }
    }
    listener.expect_silence().await;
}
