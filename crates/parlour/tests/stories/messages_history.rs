//! Contract 4: a room's history is one stream without holes.

use crate::support::{
    Server, Value, json,
    people::{id, message_path, room_path},
    stories,
};

stories![
    every_event_takes_the_next_seq,
    pieces_of_the_history,
    bad_questions,
    history_is_for_people_in_the_room,
    the_epoch_is_of_the_database,
];

fn seqs(events: &[Value]) -> Vec<i64> {
    events
        .iter()
        .filter_map(|event| event["seq"].as_i64())
        .collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect()
}

async fn every_event_takes_the_next_seq(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let first = bob.say(room, "hi").await;
    let second = ada.say(room, "ho").await;
    bob.patch(&message_path(id(&first)))
        .json(json!({"text": "hi!"}))
        .await
        .ok(200);
    ada.delete(&message_path(id(&second))).await.is_empty();
    ada.patch(&room_path(room, ""))
        .json(json!({"topic": "t"}))
        .await
        .ok(200);
    bob.leave(room).await;
    let events = ada.history(room).await;
    assert_eq!(seqs(&events), (1..=8).collect::<Vec<_>>());
    assert_eq!(kinds(&events)[0], "room.created");
    assert_eq!(kinds(&events)[1], "member.joined");
    assert_eq!(events[1]["member"]["id"], bob.id);
    assert_eq!(
        kinds(&events)[4..],
        [
            "message.updated",
            "message.deleted",
            "room.updated",
            "member.left",
        ]
    );
    assert_eq!(
        events[2]["seq"], first["seq"],
        "an object's seq is that of its creation"
    );
    assert_eq!(events[4]["message"]["text"], "hi!");
    assert_eq!(events[4]["message"]["seq"], first["seq"]);
    assert_eq!(events[5]["id"], second["id"]);
    assert!(
        !json!(events).to_string().contains("\"ho\""),
        "deleted text is gone"
    );
    assert!(events.iter().all(|event| event["room"] == room));
    let object = ada.get(&room_path(room, "")).await.ok(200);
    assert_eq!(object["seq"], 8);
    // A join that changes nothing is no event.
    bob.join(room).await;
    bob.join(room).await;
    assert_eq!(ada.history(room).await.len(), 9);
}

async fn pieces_of_the_history(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for number in 2..=120 {
        ada.say(room, &number.to_string()).await;
    }
    for (query, from, to, more) in [
        ("", 71, 120, true),
        ("limit=200", 1, 120, false),
        ("limit=1000000", 1, 120, false),
        ("limit=0", 120, 120, true),
        ("limit=-5", 120, 120, true),
        ("limit=", 71, 120, true),
        ("after=0", 1, 50, true),
        ("after=0&limit=7", 1, 7, true),
        ("after=7&limit=7", 8, 14, true),
        ("after=-3&limit=7", 1, 7, true),
        ("after=110", 111, 120, false),
        ("after=119", 120, 120, false),
        ("before=121&limit=3", 118, 120, true),
        ("before=10&limit=3", 7, 9, true),
        ("before=4&limit=3", 1, 3, false),
        ("before=4", 1, 3, false),
        ("before=9223372036854775807&limit=2", 119, 120, true),
    ] {
        let body = ada
            .get(&room_path(room, &format!("history/?{query}")))
            .await
            .ok(200);
        let events = body["events"].as_array().cloned().unwrap_or_default();
        assert_eq!(seqs(&events), (from..=to).collect::<Vec<_>>(), "{query}");
        assert_eq!(body["has_more"], more, "{query}");
        assert_eq!(
            (&body["seq"], &body["room"]),
            (&json!(120), &json!(room)),
            "{query}"
        );
        assert!(
            body["epoch"]
                .as_str()
                .is_some_and(|epoch| !epoch.is_empty()),
            "{query}"
        );
    }
    for nothing in [
        "after=120",
        "after=9223372036854775807",
        "before=1",
        "before=0",
    ] {
        let body = ada
            .get(&room_path(room, &format!("history/?{nothing}")))
            .await
            .ok(200);
        assert_eq!(body["events"], json!([]), "{nothing}");
        assert_eq!(body["has_more"], false, "{nothing}");
    }
}

async fn bad_questions(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for query in [
        "after=x",
        "before=x",
        "limit=x",
        "after=1.5",
        "after=1&before=5",
        "after=99999999999999999999",
    ] {
        let answer = ada
            .get(&room_path(room, &format!("history/?{query}")))
            .await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(answer.json().is_object(), "{query}");
    }
}

async fn history_is_for_people_in_the_room(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    let path = room_path(room, "history/");
    assert_eq!(bob.get(&path).await.status, 403);
    bob.join(room).await;
    assert_eq!(bob.get(&path).await.status, 200);
    bob.leave(room).await;
    assert_eq!(bob.get(&path).await.status, 403);
    assert_eq!(server.get(&path).await.status, 401);
    assert_eq!(bob.get(&room_path(999, "history/")).await.status, 404);
}

async fn the_epoch_is_of_the_database(mut server: Server) {
    let ada = server.user("ada").await;
    let (tea, cake) = (ada.room("Tea").await, ada.room("Cake").await);
    let epoch = async |room| {
        let body = ada.get(&room_path(room, "history/")).await.ok(200);
        body["epoch"].as_str().unwrap_or_default().to_owned()
    };
    let before = epoch(tea).await;
    assert_eq!(epoch(cake).await, before);
    server.terminate().await;
    server.start_again().await;
    assert_eq!(epoch(tea).await, before, "a restart is no restore");
}
