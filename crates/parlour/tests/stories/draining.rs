//! Going out of service in order: by `POST /drain`, by SIGTERM, and one node after the other.

use crate::support::{
    Client, Engine, MESSAGES, Server, Socket, User, Value, eventually, json,
    people::{id, room_path},
    sio::Sio,
    stories,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

stories![
    a_drained_server_answers_but_has_no_sockets,
    readiness_goes_off_before_anything_else,
    restarts_one_after_the_other_lose_nothing,
];

/// The operators' address, from the log.
async fn operators(server: &Server) -> Client {
    let limit = Instant::now() + Duration::from_secs(10);
    loop {
        let log = server.log();
        let line = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line.to_string().contains("operators' listener"));
        if let Some(address) = line.as_ref().and_then(|line| line["address"].as_str()) {
            let address: SocketAddr = address.parse().expect("an address");
            return Client::new(address);
        }
        assert!(Instant::now() < limit, "no address in {log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn version_2(user: &User, address: SocketAddr) -> Result<Socket, u16> {
    let path = format!("/?token={}&v=2", user.token);
    Socket::open_at(address, &path, &[]).await
}

async fn a_drained_server_answers_but_has_no_sockets(engine: Engine) {
    let setup = engine
        .setup()
        .env("PARLOUR_OPS_LISTEN", "127.0.0.1:0")
        .env("PARLOUR_DRAIN_PAUSE", "1s");
    let mut server = setup.start().await;
    let operators = operators(&server).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut plain = ada.socket().await;
    let mut rich = version_2(&ada, server.address()).await.expect("a socket");
    assert_eq!(rich.next().await["type"], "hello");
    let mut sio = Sio::open(&server, &ada.token).await;
    assert_eq!(
        server.post("/drain").await.status,
        404,
        "for operators only"
    );
    assert_eq!(operators.call("GET", "/drain").await.status, 405);
    assert_eq!(server.get("/readyz").await.status, 200);

    let asked = operators.call("POST", "/drain").await;
    assert_eq!((asked.status, asked.text().as_str()), (202, "draining\n"));
    for client in [&operators, server.client()] {
        let ready = client.call("GET", "/readyz").await;
        assert_eq!((ready.status, ready.text().as_str()), (503, "draining\n"));
        assert_eq!(client.call("GET", "/healthz").await.status, 200);
    }
    // Nobody was told yet: load balancers look first.
    ada.say(room, "in the pause").await;
    assert_eq!(plain.next_said().await, "in the pause");
    let mut told = None;
    while let Some(frame) = rich.next_within(Duration::from_secs(10)).await {
        if frame["type"] == "reconnect" {
            told = frame["after_ms"].as_i64();
        }
    }
    assert!(
        told.is_some_and(|after| (500..=4_000).contains(&after)),
        "{told:?}"
    );
    assert_eq!(plain.close_code().await, 1012);
    assert_eq!(sio.socket.close_code().await, 1012);
    // It goes on for those who hold on to it, until it is stopped.
    ada.say(room, "drained").await;
    let refused = version_2(&ada, server.address()).await;
    assert_eq!(refused.map(drop), Err(503));
    // Clients of Socket.IO come back after this, but not after a refused namespace.
    let refused = server.get("/socket.io/?EIO=4&transport=polling").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    let refused = Socket::open_at(server.address(), crate::support::sio::PATH, &[]).await;
    assert_eq!(refused.map(drop), Err(503));
    assert_eq!(operators.call("POST", "/drain").await.status, 202);
    let (status, _) = server.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");
}

async fn readiness_goes_off_before_anything_else(engine: Engine) {
    let mut server = engine
        .setup()
        .env("PARLOUR_DRAIN_PAUSE", "2s")
        .start()
        .await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let address = server.address();
    let client = Client::new(address);
    let mut before = version_2(&ada, address).await.expect("a socket");
    assert_eq!(before.next().await["type"], "hello");
    server.process().signal("TERM");
    eventually("readiness goes off", async || {
        client.call("GET", "/readyz").await.status == 503
    })
    .await;
    // Whoever the load balancer still sends here is let in.
    ada.say(room, "still here").await;
    let mut late = version_2(&ada, address).await.expect("a socket");
    assert_eq!(late.next().await["type"], "hello");
    for socket in [&mut before, &mut late] {
        assert_eq!(socket.close_code().await, 1012);
    }
    let (status, _) = server.process().ended().await;
    assert_eq!(status.code(), Some(0), "{status}");
}

/// What a client at a socket saw: room events by seq, and how often it was led elsewhere.
#[derive(Default)]
struct Seen {
    events: BTreeMap<i64, Value>,
    moves: usize,
}

impl Seen {
    /// Up to where nothing is missing.
    fn whole(&self) -> i64 {
        let mut whole = 0;
        for seq in self.events.keys() {
            if *seq != whole + 1 {
                break;
            }
            whole = *seq;
        }
        whole
    }
}

/// Listens from the beginning of the room until everything up to `end` was heard, which is known late;
/// reconnects to whoever answers.
async fn listener(user: User, client: Client, room: i64, end: Arc<AtomicI64>) -> Seen {
    let mut seen = Seen::default();
    let mut epoch = Value::Null;
    let limit = Instant::now() + Duration::from_secs(90);
    while seen.whole() < end.load(Ordering::Relaxed) {
        assert!(Instant::now() < limit, "only {} were heard", seen.whole());
        let Ok(mut socket) = version_2(&user, client.address()).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(hello) = socket.next_within(Duration::from_secs(5)).await else {
            continue;
        };
        assert!(epoch.is_null() || epoch == hello["epoch"], "{hello}");
        epoch = hello["epoch"].clone();
        let cursors = json!({room.to_string(): seen.whole()});
        socket
            .send(json!({"type": "resume", "epoch": epoch, "cursors": cursors}))
            .await;
        let mut is_moving = false;
        while seen.whole() < end.load(Ordering::Relaxed) {
            let Some(frame) = socket.next_within(Duration::from_millis(700)).await else {
                // Closed, or just silent.
                if is_moving || !socket.send(json!({"type": "ping"})).await {
                    break;
                }
                continue;
            };
            assert_ne!(frame["type"], "resync", "{frame}");
            if frame["type"] == "reconnect" {
                is_moving = true;
                seen.moves += 1;
            } else if let Some(seq) = frame["seq"].as_i64()
                && frame["type"] != "recovered"
                && frame["type"] != "read"
                && frame["room"] == room
            {
                // Live events may overtake the answer to a resume.
                seen.events.insert(seq, frame);
            }
        }
    }
    seen
}

/// Sends one message after the other; what is not answered is sent again with the same nonce.
async fn sender(user: User, room: i64, done: Arc<AtomicBool>) -> Vec<(i64, String)> {
    let mut acked = Vec::new();
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let text = format!("{} {number}", user.name);
        let body = json!({"room": room, "text": text, "nonce": text});
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            assert!(Instant::now() < limit, "{text} is never answered");
            match user.post(MESSAGES).json(&body).attempt().await {
                Ok(answer) if answer.status == 201 => {
                    acked.push((answer.json()["seq"].as_i64().expect("a seq"), text));
                    break;
                }
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    acked
}

async fn restarts_one_after_the_other_lose_nothing(engine: Engine) {
    let mut server = engine
        .setup()
        .env("PARLOUR_DRAIN_PAUSE", "200ms")
        .start_all()
        .await;
    let mut people = Vec::new();
    for number in 0..6 {
        people.push(server.user(&format!("user{number}")).await);
    }
    let room = people[0].room("Busy").await;
    for user in &people[1..] {
        user.join(room).await;
    }
    let (done, end) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicI64::new(i64::MAX)),
    );
    let listeners: Vec<_> = (0..24)
        .map(|number| {
            let user = people[number % people.len()].clone();
            let client = server.client().clone();
            tokio::spawn(listener(user, client, room, Arc::clone(&end)))
        })
        .collect();
    let senders: Vec<_> = people[..4]
        .iter()
        .map(|user| tokio::spawn(sender(user.clone(), room, Arc::clone(&done))))
        .collect();
    for number in 0..server.clients().len() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (status, took) = server.restart_one(number).await;
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    done.store(true, Ordering::Relaxed);
    let mut acked = Vec::new();
    for sender in senders {
        acked.extend(sender.await.expect("the sender ends by itself"));
    }
    assert!(acked.len() > 50, "only {} messages: too quiet", acked.len());
    let stream = history(&people[0], room).await;
    end.store(stream.len() as i64, Ordering::Relaxed);
    let mut moves = 0;
    let mut heard = Vec::new();
    for listener in listeners {
        let seen = listener.await.expect("the listener ends by itself");
        moves += seen.moves;
        heard.push(seen.events);
    }
    assert!(moves >= 24, "everybody was led elsewhere: {moves}");
    for (seq, text) in &acked {
        let event = &stream[usize::try_from(seq - 1).expect("small")];
        assert_eq!(
            event["message"]["text"],
            text.as_str(),
            "acknowledged: {seq}"
        );
    }
    for events in &heard {
        assert_eq!(events.len(), stream.len(), "everything once");
        for (seq, event) in events {
            let stored = &stream[usize::try_from(seq - 1).expect("small")];
            assert_eq!(event["type"], stored["type"], "{seq}");
            if event["type"] == "message.created" {
                assert_eq!(id(&event["message"]), id(&stored["message"]), "{seq}");
            }
        }
    }
}

/// The whole stream; the event with seq n is at n - 1.
async fn history(user: &User, room: i64) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = events.len();
        let path = room_path(room, &format!("history/?after={after}&limit=200"));
        let body = user.get(&path).await.ok(200);
        let more = body["events"].as_array().cloned().unwrap_or_default();
        for event in more {
            assert_eq!(event["seq"], events.len() as i64 + 1, "{event}");
            events.push(event);
        }
        if body["has_more"] != true {
            return events;
        }
    }
}
