//! Contract 7d and realtime.md: rates. Stories run with `RATE_LIMITS=off` but these.

use crate::support::{
    Answer, Engine, MESSAGES, PASSWORD, Server, USERS, User, json, people::LOGIN, stories,
};
use futures_util::future::join_all;
use std::time::{Duration, Instant};

stories![
    guessing_one_password_is_slowed_down,
    guessing_from_one_address_is_slowed_down,
    forwarded_addresses_count_only_from_trusted_proxies,
    a_flood_of_messages_is_slowed_down,
    a_flood_on_the_socket_is_slowed_down_then_closed,
    a_flood_of_sign_ups_is_slowed_down,
    guessing_tokens_is_slowed_down,
    bad_log_ins_never_slow_messages,
    without_limits_nothing_is_refused,
    who_spreads_a_flood_over_processes_gains_little,
];

/// The latest attempt that must be refused.
const MOST: usize = 20;

#[track_caller]
fn is_too_many(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.text());
    let wait = answer.header("retry-after").parse::<u64>();
    assert!(wait.as_ref().is_ok_and(|seconds| *seconds >= 1), "{wait:?}");
    assert!(answer.json()["detail"].is_string(), "{}", answer.text());
}

async fn limited(engine: Engine) -> Server {
    engine.setup().env("RATE_LIMITS", "on").start().await
}

/// Sends by turns to each process; how many were stored in how long.
async fn flood(server: &Server, user: &User, room: i64, rounds: usize) -> (u32, Duration) {
    let (start, mut stored) = (Instant::now(), 0);
    for number in 0..rounds {
        for client in server.clients() {
            let call = client.call("POST", MESSAGES).token(&user.token);
            let answer = call.json(json!({"room": room, "text": number})).await;
            if answer.status == 201 {
                stored += 1;
            } else {
                is_too_many(&answer);
            }
        }
    }
    (stored, start.elapsed())
}

/// Processes tell each other what they gave (docs/decisions/0017).
async fn who_spreads_a_flood_over_processes_gains_little(engine: Engine) {
    let server = engine.setup().env("RATE_LIMITS", "on").start_all().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let (stored, took) = flood(&server, &ada, room, 150).await;
    // 60 at once and 20 a second (docs/guide/settings.md), and what was not told yet.
    let one = 60 + took.as_millis() / 50;
    assert!(
        u128::from(stored) <= one + 20,
        "{stored} in {took:?}, one process gives {one}"
    );
    assert!(
        u128::from(stored) + 20 >= one.min(150),
        "{stored} in {took:?}"
    );
    // Wrong passwords as well: the latest refusal is the same as of one process.
    server.user("bob").await;
    let clients = server.clients();
    let mut guesses = 0;
    for number in 0..3 * MOST {
        let body = json!({"username": "bob", "password": "not it at all"});
        let client = &clients[number % clients.len()];
        if client.call("POST", LOGIN).json(body).await.status != 400 {
            break;
        }
        guesses += 1;
    }
    assert!(guesses <= MOST, "{guesses}");
}

/// Wrong log-ins until the first 429; how many it took.
async fn guess(
    server: &Server,
    name: impl Fn(usize) -> String,
    from: impl Fn(usize) -> String,
) -> usize {
    for number in 1..=3 * MOST {
        let body = json!({"username": name(number), "password": "not it at all"});
        let call = server.post(LOGIN).header("x-forwarded-for", &from(number));
        let answer = call.json(body).await;
        if answer.status != 400 {
            is_too_many(&answer);
            return number;
        }
    }
    usize::MAX
}

async fn guessing_one_password_is_slowed_down(engine: Engine) {
    let setup = engine
        .setup()
        .env("RATE_LIMITS", "on")
        .env("TRUSTED_PROXIES", "127.0.0.1");
    let server = setup.start().await;
    server.user("ada").await;
    server.user("bob").await;
    let first = guess(
        &server,
        |_| "ada".into(),
        |number| format!("192.0.2.{number}"),
    )
    .await;
    assert!(first <= MOST, "{first}");
    // Another spelling is the same account, and the right password does not help either.
    for (name, password) in [("ADA", "not it at all"), (" ada ", "x"), ("ada", PASSWORD)] {
        is_too_many(&server.login(name, password).await.answer);
    }
    server.login("bob", PASSWORD).await.token();
    // Whether the account exists makes no difference.
    let nobody = guess(
        &server,
        |_| "nobody".into(),
        |number| format!("192.0.3.{number}"),
    )
    .await;
    assert_eq!(nobody, first);
}

async fn guessing_from_one_address_is_slowed_down(engine: Engine) {
    let server = limited(engine).await;
    let ada = server.user("ada").await;
    let first = guess(&server, |number| format!("user{number}"), |_| String::new()).await;
    assert!(first <= MOST, "{first}");
    // Who is logged in goes on.
    assert_eq!(ada.get(MESSAGES).await.status, 200);
}

async fn forwarded_addresses_count_only_from_trusted_proxies(engine: Engine) {
    let names = |number| format!("user{number}");
    let other = |number| format!("198.51.100.{number}");
    let server = limited(engine).await;
    let first = guess(&server, names, other).await;
    assert!(first <= MOST, "the header of a stranger counts: {first}");
    let setup = engine
        .setup()
        .env("RATE_LIMITS", "on")
        .env("TRUSTED_PROXIES", "127.0.0.0/8");
    let server = setup.start().await;
    assert_eq!(
        guess(&server, names, other).await,
        usize::MAX,
        "each has an address of its own"
    );
    // What the client wrote before the proxy's own entry is not believed.
    let forged = |number| format!("10.0.0.{number}, 203.0.113.9");
    let first = guess(&server, |number| format!("other{number}"), forged).await;
    assert!(first <= MOST, "{first}");
}

async fn a_flood_of_messages_is_slowed_down(engine: Engine) {
    let server = limited(engine).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut socket = bob.socket().await;
    let (mut stored, mut refused) = (0, 0);
    for _ in 0..10 {
        let calls = (0..40).map(|number| {
            let body = json!({"room": room, "text": number});
            ada.post(MESSAGES).json(body).into_future()
        });
        for answer in join_all(calls).await {
            if answer.status == 201 {
                stored += 1;
            } else {
                is_too_many(&answer);
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "400 messages at once");
    for _ in 0..stored {
        socket.next_said().await;
    }
    socket.expect_silence().await;
    bob.say(room, "I am fine").await;
}

async fn a_flood_on_the_socket_is_slowed_down_then_closed(engine: Engine) {
    let server = limited(engine).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    for number in 0..600 {
        if !socket.say(room, &number.to_string()).await {
            break;
        }
    }
    let mut refused = 0;
    while let Some(frame) = socket.next_within(Duration::from_secs(5)).await {
        if frame.get("error").is_some() {
            assert_eq!(frame["code"], "rate_limited", "{frame}");
            assert!(frame["retry_ms"].as_u64() > Some(0), "{frame}");
            refused += 1;
        }
    }
    assert!(refused > 0, "warned first");
    // The close frame itself: another flood on a new socket.
    let mut socket = ada.socket().await;
    for number in 0..600 {
        if !socket.say(room, &number.to_string()).await {
            break;
        }
    }
    assert_eq!(socket.close_code().await, 4029);
    assert!(server.is_well().await);
}

async fn a_flood_of_sign_ups_is_slowed_down(engine: Engine) {
    let server = limited(engine).await;
    for number in 0..200 {
        // A refused name costs as much as a good one.
        let body = json!({"username": format!("user{number}"), "password": "short"});
        let answer = server.post(USERS).json(body).await;
        if answer.status != 400 {
            is_too_many(&answer);
            return;
        }
    }
    panic!("200 sign-ups in a row");
}

/// Hashing has threads of its own and a bounded queue: 429 or 503 for log-ins, nothing for others.
async fn bad_log_ins_never_slow_messages(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    let client = server.client().clone();
    let flood = tokio::spawn(join_all((0..200).map(move |number| {
        let body = json!({"username": format!("user{number}"), "password": "not it at all"});
        client.call("POST", LOGIN).json(body).into_future()
    })));
    let mut slowest = Duration::ZERO;
    let mut sent = 0;
    while !flood.is_finished() || sent < 20 {
        let start = Instant::now();
        ada.say(room, &sent.to_string()).await;
        slowest = slowest.max(start.elapsed());
        assert_eq!(socket.next_said().await, sent.to_string());
        sent += 1;
    }
    let answers = flood.await.expect("the flood ends");
    for answer in &answers {
        assert!(
            matches!(answer.status, 400 | 429 | 503),
            "{}",
            answer.text()
        );
        if answer.status != 400 {
            assert!(
                !answer.header("retry-after").is_empty(),
                "{}",
                answer.text()
            );
        }
    }
    assert!(
        answers.iter().any(|answer| answer.status != 400),
        "the queue is bounded"
    );
    // Generous: other stories run beside this one.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    server.login("ada", PASSWORD).await.token();
}

async fn without_limits_nothing_is_refused(server: Server) {
    let ada = server.user("ada").await;
    for _ in 0..30 {
        server.login("ada", "not it at all").await.is_refused();
    }
    let room = ada.room("Tea").await;
    for _ in 0..150 {
        ada.say(room, "x").await;
    }
    assert!(
        server.log().contains("RATE_LIMITS"),
        "the server warns at start"
    );
}

async fn guessing_tokens_is_slowed_down(engine: Engine) {
    let server = limited(engine).await;
    let guesses = async |many: usize| {
        let mut refused = 0;
        for number in 0..many {
            let token = format!("plr_{number:043}");
            let answer = server.get(MESSAGES).token(&token).await;
            match answer.status {
                401 => {}
                _ => {
                    is_too_many(&answer);
                    refused += 1;
                }
            }
        }
        refused
    };
    assert!(guesses(600).await > 0, "600 guesses at once");
}
