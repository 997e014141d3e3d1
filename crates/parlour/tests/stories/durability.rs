//! The promise: an acknowledged message is never lost and never there twice, through crashes.

use crate::support::{
    Engine, MESSAGES, Server, Socket, User, Value, json,
    people::{id, room_path},
    stories,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

stories![
    crashes_lose_nothing_that_was_acknowledged,
    a_stop_under_load_loses_nothing
];

const CLIENTS: usize = 8;
const ROUNDS: usize = 4;

/// What a client knows of a message it tried to send.
#[derive(Clone, Debug, Default)]
struct Attempt {
    text: String,
    /// Id and seq, once the server has promised.
    acked: Option<(i64, i64)>,
}

/// What all clients know, by author and nonce.
type Attempts = BTreeMap<(i64, String), Attempt>;

/// Between 200 and 1400 ms; the standard library's hasher has a random key.
fn some_moment() -> Duration {
    let random = RandomState::new().hash_one("a moment");
    Duration::from_millis(200 + random % 1_200)
}

fn promised(object: &Value) -> Option<(i64, i64)> {
    Some((object["id"].as_i64()?, object["seq"].as_i64()?))
}

/// Sends over REST until the connection breaks or the server turns it away.
async fn rest_client(user: User, room: i64, round: usize) -> Attempts {
    let mut attempts = Attempts::new();
    for number in 0.. {
        let (nonce, text) = (
            format!("r{round}-{number}"),
            format!("rest {round} {number}"),
        );
        let attempt = attempts.entry((user.id, nonce.clone())).or_default();
        attempt.text.clone_from(&text);
        let body = json!({"room": room, "text": text, "nonce": nonce});
        match user.post(MESSAGES).json(body).attempt().await {
            Ok(answer) if answer.status == 201 => attempt.acked = promised(&answer.json()),
            Ok(answer) => {
                // Nothing but "not now" is an answer to a good message.
                assert_eq!(answer.status, 503, "{}", answer.text());
                break;
            }
            Err(_) => break,
        }
    }
    attempts
}

/// Sends over the socket, a few ahead of what was acknowledged; the message's own frame is the promise.
async fn socket_client(user: User, room: i64, round: usize, mut socket: Socket) -> Attempts {
    let mut attempts = Attempts::new();
    for burst in 0.. {
        for number in 0..5 {
            let nonce = format!("s{round}-{burst}-{number}");
            let text = format!("socket {round} {burst} {number}");
            let frame = json!({"room": room, "text": text, "nonce": nonce});
            attempts.insert((user.id, nonce), Attempt { text, acked: None });
            if !socket.send(frame).await {
                return attempts;
            }
        }
        let mut open = 5;
        while open > 0 {
            let Some(frame) = socket.next_within(Duration::from_secs(20)).await else {
                return attempts;
            };
            let nonce = frame["nonce"].as_str().unwrap_or_default().to_owned();
            if frame.get("error").is_some() {
                open -= 1;
            } else if frame["owner"] == user.id {
                if let Some(attempt) = attempts.get_mut(&(user.id, nonce)) {
                    attempt.acked = promised(&frame);
                    open -= 1;
                }
            }
        }
    }
    attempts
}

/// Everybody sends while `end` brings the server down.
async fn a_busy_time(
    server: &mut Server,
    users: &[User],
    room: i64,
    round: usize,
    end: impl AsyncFnOnce(&mut Server),
) -> Attempts {
    let mut tasks = Vec::new();
    for (number, user) in users.iter().enumerate() {
        let user = user.clone();
        tasks.push(if number % 2 == 0 {
            tokio::spawn(rest_client(user, room, round))
        } else {
            let socket = user.socket().await;
            tokio::spawn(socket_client(user, room, round, socket))
        });
    }
    tokio::time::sleep(some_moment()).await;
    end(server).await;
    let mut attempts = Attempts::new();
    for task in tasks {
        attempts.extend(task.await.expect("the client ends by itself"));
    }
    attempts
}

/// The room's whole stream, read page by page.
async fn stream(user: &User, room: i64) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = events
            .last()
            .map_or(0, |event| event["seq"].as_i64().unwrap_or(0));
        let path = room_path(room, &format!("history/?after={after}&limit=200"));
        let body = user.get(&path).await.ok(200);
        events.extend(body["events"].as_array().cloned().unwrap_or_default());
        if body["has_more"] != true {
            return events;
        }
    }
}

/// Contiguous from 1, nothing twice, everything that was acknowledged.
async fn check(user: &User, room: i64, attempts: &Attempts) {
    let events = stream(user, room).await;
    let seqs: Vec<i64> = events
        .iter()
        .filter_map(|event| event["seq"].as_i64())
        .collect();
    let wanted: Vec<i64> = (1..=i64::try_from(events.len()).unwrap_or(0)).collect();
    assert_eq!(seqs, wanted, "the stream has no hole");
    let mut stored = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for event in events
        .iter()
        .filter(|event| event["type"] == "message.created")
    {
        let message = &event["message"];
        let owner = message["owner"].as_i64().unwrap_or_default();
        let nonce = message["nonce"].as_str().unwrap_or_default().to_owned();
        assert!(numbers.insert(id(message)), "twice: {message}");
        let attempt = attempts.get(&(owner, nonce.clone()));
        let attempt = attempt.unwrap_or_else(|| panic!("nobody sent {message}"));
        assert_eq!(message["text"], attempt.text.as_str());
        let earlier = stored.insert((owner, nonce), promised(message));
        assert!(earlier.is_none(), "the same nonce twice: {message}");
    }
    for (key, attempt) in attempts {
        if attempt.acked.is_some() {
            assert_eq!(
                stored.get(key),
                Some(&attempt.acked),
                "acknowledged: {key:?} {attempt:?}"
            );
        }
    }
}

/// Sends again with the same nonce what was acknowledged and what was not.
async fn retry(users: &[User], room: i64, attempts: &mut Attempts) {
    for ((owner, nonce), attempt) in attempts.iter_mut() {
        let user = users
            .iter()
            .find(|user| user.id == *owner)
            .expect("one of the users");
        let body = json!({"room": room, "text": attempt.text, "nonce": nonce});
        let message = user.post(MESSAGES).json(body).await.ok(201);
        let now = promised(&message);
        assert!(
            attempt.acked.is_none() || attempt.acked == now,
            "{attempt:?}: {message}"
        );
        attempt.acked = now;
    }
}

async fn gather(server: &Server) -> (Vec<User>, i64) {
    let mut users = Vec::new();
    for number in 0..CLIENTS {
        users.push(server.user(&format!("user{number}")).await);
    }
    let room = users[0].room("Busy").await;
    for user in &users[1..] {
        user.join(room).await;
    }
    (users, room)
}

async fn crashes_lose_nothing_that_was_acknowledged(engine: Engine) {
    let mut server = engine.setup().start().await;
    let (users, room) = gather(&server).await;
    let mut all = Attempts::new();
    for round in 0..ROUNDS {
        let mut attempts = a_busy_time(&mut server, &users, room, round, async |server| {
            server.kill().await
        })
        .await;
        server.start_again().await;
        all.extend(attempts.clone());
        check(&users[0], room, &all).await;
        // The open ones and some of the acknowledged.
        let mut turn = 0;
        attempts.retain(|_, attempt| {
            turn += 1;
            attempt.acked.is_none() || turn % 10 == 0
        });
        retry(&users, room, &mut attempts).await;
        all.extend(attempts);
        check(&users[0], room, &all).await;
    }
    let acked = all
        .values()
        .filter(|attempt| attempt.acked.is_some())
        .count();
    assert!(acked > 50, "only {acked} messages: the story was too quiet");
}

async fn a_stop_under_load_loses_nothing(engine: Engine) {
    let mut server = engine.setup().start().await;
    let (users, room) = gather(&server).await;
    let attempts = a_busy_time(&mut server, &users, room, 0, async |server| {
        let (status, time) = server.terminate().await;
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(time < Duration::from_secs(10), "{time:?}");
    })
    .await;
    server.start_again().await;
    check(&users[0], room, &attempts).await;
}
