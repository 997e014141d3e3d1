//! Reactions to messages over REST.

use crate::support::{
    Answer, MESSAGES, Server, User, Value, json,
    people::{id, message_path, reaction_path},
    stories,
};
use futures_util::future::join_all;
use std::future::IntoFuture as _;

stories![
    a_reaction_of_each_is_one,
    emoji_of_every_kind,
    what_is_no_emoji,
    twenty_different_ones,
    twenty_also_in_parallel,
    who_may_react,
    the_history_shows_them,
    they_outlive_a_restart_and_go_with_the_account,
    the_call_itself,
];

/// Twenty-two that differ.
const MANY: [&str; 22] = [
    "😀", "😃", "😄", "😁", "😆", "😅", "🤣", "😂", "🙂", "🙃", "😉", "😊", "😇", "🥰", "😍", "🤩",
    "😘", "😗", "😚", "😙", "👍", "👎",
];
const TOO_MANY: &str = "This message has as many different reactions as it can.";
const NOT_IN: &str = "You're not authorized to perform any actions in this room";

/// A room of ada's with bob in it, and a message of hers.
async fn scene(server: &Server) -> (User, User, i64, i64) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let message = id(&ada.say(room, "hi").await);
    (ada, bob, room, message)
}

fn reaction(emoji: &str, users: &[&User]) -> Value {
    let users: Vec<_> = users.iter().map(|user| user.id).collect();
    json!({ "emoji": emoji, "users": users })
}

async fn a_reaction_of_each_is_one(server: Server) {
    let (ada, bob, room, message) = scene(&server).await;
    let plain = ada.get(&message_path(message)).await.ok(200);
    assert_eq!(plain["reactions"], json!([]));
    let first = bob.react(message, "👍").await;
    assert_eq!(first["reactions"], json!([reaction("👍", &[&bob])]));
    assert_eq!(bob.react(message, "👍").await, first, "again");
    ada.react(message, "🎉").await;
    let both = ada.react(message, "👍").await;
    let of_both = reaction("👍", &[&bob, &ada]);
    assert_eq!(
        both["reactions"],
        json!([of_both, reaction("🎉", &[&ada])]),
        "in the order of first use"
    );
    for user in [&ada, &bob] {
        user.get(&message_path(message)).await.is(200, &both);
    }
    assert_eq!(bob.get(MESSAGES).await.rows(), [both]);
    for _ in 0..2 {
        bob.delete(&reaction_path(message, "👍")).await.is_empty();
        let now = ada.get(&message_path(message)).await.ok(200);
        assert_eq!(now["reactions"][0], reaction("👍", &[&ada]));
    }
    // One's own reaction only: ada's are ada's.
    bob.delete(&reaction_path(message, "🎉")).await.is_empty();
    ada.delete(&reaction_path(message, "👍")).await.is_empty();
    let now = ada.get(&message_path(message)).await.ok(200);
    assert_eq!(now["reactions"], json!([reaction("🎉", &[&ada])]));
    ada.delete(&reaction_path(message, "🎉")).await.is_empty();
    ada.get(&message_path(message)).await.is(200, &plain);
    assert_eq!(ada.history(room).await.len(), 3 + 6, "six changes");
}

/// Variation selectors, skin tones, joined ones, flags, keycaps.
async fn emoji_of_every_kind(server: Server) {
    let (ada, bob, _, message) = scene(&server).await;
    let kinds = [
        "👍",
        "👍🏽",
        "❤️",
        "👩‍👩‍👧",
        "🏳️‍🌈",
        "🇰🇷",
        "#️⃣",
        "*️⃣",
        "1️⃣",
        "👩🏿‍🚀",
        "☕",
        "🫶🏻",
    ];
    for emoji in kinds {
        let now = bob.react(message, emoji).await;
        let last = now["reactions"].as_array().and_then(|all| all.last());
        assert_eq!(last, Some(&reaction(emoji, &[&bob])), "{emoji}");
    }
    // The same emoji in other spellings.
    let lower = reaction_path(message, "👍🏽").to_lowercase();
    let bare = format!("{MESSAGES}{message}/reactions/👍🏽/");
    let slashless = format!("{MESSAGES}{message}/reactions/👍🏽");
    for path in [lower, bare, slashless, reaction_path(message, "👍🏽")] {
        let now = ada.put(&path).await.ok(200);
        assert_eq!(now["reactions"][1], reaction("👍🏽", &[&bob, &ada]), "{path}");
    }
    let now = ada.react(message, "❤").await;
    assert_eq!(
        now["reactions"][2],
        reaction("❤️", &[&bob, &ada]),
        "one heart"
    );
    ada.delete(&reaction_path(message, "❤")).await.is_empty();
    for emoji in kinds {
        bob.delete(&reaction_path(message, emoji)).await.is_empty();
    }
    let now = bob.get(&message_path(message)).await.ok(200);
    assert_eq!(now["reactions"], json!([reaction("👍🏽", &[&ada])]));
}

async fn what_is_no_emoji(server: Server) {
    let (ada, _, room, message) = scene(&server).await;
    let path = |raw: &str| format!("{MESSAGES}{message}/reactions/{raw}/");
    let crowd = "%F0%9F%91%8D".repeat(1_000);
    for raw in [
        "",
        "a",
        "1",
        "%23",
        "0",
        "null",
        "thumbsup",
        ":+1:",
        "%2F",
        "%00",
        "%ff",
        "%F0%9F",
        "%20",
        "%E2%80%8D",
        "%EF%B8%8F",
        "%F0%9F%8F%BDx",
        "%ED%95%9C",
        "%3Cscript%3E",
        "-1",
        "%F0%9F%91%8D%F0%9F%91%8D",
        "%F0%9F%91%8Dx",
        "x%F0%9F%91%8D",
        "%F0%9F%91%8D%00",
        &crowd,
    ] {
        for method in ["PUT", "DELETE"] {
            let answer: Answer = ada.call(method, &path(raw)).await;
            assert_eq!(
                (answer.status, answer.json()),
                (400, json!({"emoji": ["Not an emoji."]})),
                "{method} {raw:.40}"
            );
        }
    }
    // A path has an end.
    let answer = ada
        .put(&path(&"%F0%9F%91%8D".repeat(5_000)))
        .attempt()
        .await;
    let status = answer.map_or(414, |answer| answer.status);
    assert!(matches!(status, 400 | 414 | 431), "{status}");
    assert!(server.is_well().await);
    let now = ada.get(&message_path(message)).await.ok(200);
    assert_eq!(now["reactions"], json!([]));
    assert_eq!(ada.history(room).await.len(), 3);
}

async fn twenty_different_ones(server: Server) {
    let (ada, bob, _, message) = scene(&server).await;
    for emoji in &MANY[..20] {
        ada.react(message, emoji).await;
    }
    for user in [&ada, &bob] {
        let path = reaction_path(message, MANY[20]);
        user.put(&path).await.is_detail(409, TOO_MANY);
    }
    // What is there already may be joined, and repeated.
    let now = bob.react(message, MANY[0]).await;
    assert_eq!(now["reactions"][0], reaction(MANY[0], &[&ada, &bob]));
    ada.react(message, MANY[0]).await;
    // A place is free when nobody uses its emoji any more.
    ada.delete(&reaction_path(message, MANY[0]))
        .await
        .is_empty();
    let path = reaction_path(message, MANY[20]);
    bob.put(&path).await.is_detail(409, TOO_MANY);
    bob.delete(&reaction_path(message, MANY[0]))
        .await
        .is_empty();
    let now = bob.react(message, MANY[20]).await;
    assert_eq!(now["reactions"].as_array().map(Vec::len), Some(20));
    assert_eq!(now["reactions"][19], reaction(MANY[20], &[&bob]));
    let path = reaction_path(message, MANY[21]);
    bob.put(&path).await.is_detail(409, TOO_MANY);
}

async fn twenty_also_in_parallel(server: Server) {
    let (ada, bob, room, message) = scene(&server).await;
    let calls = MANY.iter().flat_map(|emoji| {
        let path = reaction_path(message, emoji);
        [&ada, &bob, &ada].map(|user| user.put(&path).into_future())
    });
    let answers = join_all(calls).await;
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 409), "{}", answer.text());
    }
    let now = ada.get(&message_path(message)).await.ok(200);
    let reactions = now["reactions"].as_array().expect("reactions");
    assert_eq!(reactions.len(), 20);
    let mut places = 0;
    for reaction in reactions {
        let mut users: Vec<_> = reaction["users"].as_array().expect("users").clone();
        places += users.len();
        users.sort_by_key(Value::as_i64);
        users.dedup();
        assert_eq!(
            Some(users.len()),
            reaction["users"].as_array().map(Vec::len)
        );
    }
    let events = ada.history(room).await;
    assert_eq!(events.len(), 3 + places, "one event for each change");
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!(refused, 6, "two emoji, three times each");
}

async fn who_may_react(server: Server) {
    let (ada, bob, room, message) = scene(&server).await;
    let eve = server.user("eve").await;
    let refused = async |user: &User, message: i64, status: u16, text: &str| {
        for method in ["PUT", "DELETE"] {
            let path = reaction_path(message, "👍");
            user.call(method, &path).await.is_detail(status, text);
            // Who may not react does not learn what an emoji is.
            let path = reaction_path(message, "x");
            user.call(method, &path).await.is_detail(status, text);
        }
    };
    refused(&eve, message, 403, NOT_IN).await;
    bob.react(message, "🎉").await;
    bob.leave(room).await;
    refused(&bob, message, 403, NOT_IN).await;
    let now = ada.get(&message_path(message)).await.ok(200);
    assert_eq!(
        now["reactions"],
        json!([reaction("🎉", &[&bob])]),
        "it stays"
    );
    refused(&ada, 999, 404, "Not found.").await;

    let hidden = ada.private_room("Hidden").await;
    let secret = id(&ada.say(hidden, "psst").await);
    refused(&eve, secret, 404, "Not found.").await;
    ada.invite(hidden, &eve).await;
    refused(&eve, secret, 403, NOT_IN).await;
    eve.join(hidden).await;
    eve.react(secret, "👍").await;
    eve.leave(hidden).await;
    refused(&eve, secret, 404, "Not found.").await;

    ada.delete(&message_path(message)).await.is_empty();
    refused(&ada, message, 404, "Not found.").await;
    for id in ["abc", "0", "-1", "9223372036854775808", "%ff", "1%20"] {
        let path = format!("{MESSAGES}{id}/reactions/%F0%9F%91%8D/");
        ada.put(&path).await.is_detail(404, "Not found.");
    }
}

async fn the_history_shows_them(server: Server) {
    let (ada, bob, room, message) = scene(&server).await;
    bob.react(message, "👍🏽").await;
    bob.react(message, "👍🏽").await;
    ada.delete(&reaction_path(message, "👍🏽")).await.is_empty();
    bob.delete(&reaction_path(message, "👍🏽")).await.is_empty();
    bob.delete(&reaction_path(message, "👍🏽")).await.is_empty();
    let said = ada.say(room, "next").await;
    assert_eq!(said["seq"], 6, "only what changed something has a seq");
    let events = ada.history(room).await;
    assert_eq!(events.len(), 6);
    for (event, kind, seq) in [
        (&events[3], "reaction.added", 4),
        (&events[4], "reaction.removed", 5),
    ] {
        let at = event["at"].as_str().unwrap_or_default();
        assert!(at.ends_with('Z'), "{event}");
        let whole = json!({
            "type": kind, "room": room, "seq": seq, "at": at,
            "id": message, "emoji": "👍🏽", "user": bob.id,
        });
        assert_eq!(*event, whole);
    }
    assert_eq!(events[2]["message"]["reactions"], json!([]), "as it is now");
    ada.react(message, "🎉").await;
    let events = ada.history(room).await;
    let shown = &events[2]["message"]["reactions"];
    assert_eq!(*shown, json!([reaction("🎉", &[&ada])]));
    let object = &events[2]["message"];
    assert_eq!(object["created_at"], object["updated_at"], "no edit");
}

async fn they_outlive_a_restart_and_go_with_the_account(mut server: Server) {
    let (ada, bob, room, message) = scene(&server).await;
    ada.react(message, "🎉").await;
    bob.react(message, "👍").await;
    let now = bob.react(message, "🎉").await;
    let events = ada.history(room).await;
    server.kill().await;
    server.start_again().await;
    ada.get(&message_path(message)).await.is(200, &now);
    assert_eq!(ada.history(room).await, events);
    let path = crate::support::people::user_path(bob.id);
    bob.delete(&path).await.is_empty();
    let now = ada.get(&message_path(message)).await.ok(200);
    assert_eq!(now["reactions"], json!([reaction("🎉", &[&ada])]));
}

/// The body does not matter, unless it is broken; the conventions hold.
async fn the_call_itself(server: Server) {
    let (ada, _, _, message) = scene(&server).await;
    let path = reaction_path(message, "👍");
    ada.put(&path).json(json!({"emoji": 5})).await.ok(200);
    let broken = ada.put(&path).body("application/json", "{").await;
    assert_eq!(broken.status, 400);
    assert!(broken.json()["detail"].is_string(), "{}", broken.text());
    for method in ["PUT", "DELETE"] {
        let text = "Authentication credentials were not provided.";
        server.call(method, &path).await.is_detail(401, text);
    }
    let redirect = ada.get(path.trim_end_matches('/')).await;
    assert_eq!(redirect.status, 301);
    assert!(redirect.header("location").ends_with(&path));
}
