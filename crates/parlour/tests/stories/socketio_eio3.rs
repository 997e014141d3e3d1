//! Old clients of Socket.IO (2.x over Engine.IO 3), where the setting says so. Packet by packet; the
//! client that others wrote is in `e2e/clients`.

use crate::support::{Answer, Engine, Server, Socket, User, Value, json, stories};

stories![
    requests_carry_packets_behind_their_lengths,
    a_websocket_takes_over,
    who_one_is_stands_in_the_request,
    it_is_off_by_default,
];

const POLLING: &str = "/socket.io/?EIO=3&transport=polling";

async fn start(engine: Engine) -> Server {
    engine.setup().env("SOCKETIO_EIO3", "on").start().await
}

/// The packets of a body.
fn packets(body: &str) -> Vec<String> {
    let units: Vec<u16> = body.encode_utf16().collect();
    let mut packets = Vec::new();
    let mut at = 0;
    while at < units.len() {
        let head = units[at..].iter().position(|unit| *unit == u16::from(b':'));
        let colon = at + head.expect("a colon");
        let len = String::from_utf16(&units[at..colon]).expect("digits");
        let begin = colon + 1;
        at = begin + len.parse::<usize>().expect("a length");
        packets.push(String::from_utf16(&units[begin..at]).expect("whole"));
    }
    packets
}

/// Packets as a body.
fn body(packets: &[&str]) -> String {
    let one = |packet: &&str| format!("{}:{packet}", packet.encode_utf16().count());
    packets.iter().map(one).collect()
}

struct Polling<'a> {
    server: &'a Server,
    path: String,
    sid: String,
}

impl<'a> Polling<'a> {
    async fn open(server: &'a Server, token: &str) -> Self {
        let path = format!("{POLLING}&token={token}");
        let opened = packets(&server.get(&path).await.text());
        assert_eq!(opened.len(), 1);
        let opening: Value =
            serde_json::from_str(opened[0].strip_prefix('0').expect("0")).expect("JSON");
        assert_eq!(opening["upgrades"], json!(["websocket"]));
        assert_eq!(opening["pingInterval"], 25_000);
        let sid = opening["sid"].as_str().expect("a sid").to_owned();
        Self {
            server,
            path: format!("{path}&sid={sid}"),
            sid,
        }
    }

    async fn connected(server: &'a Server, user: &User) -> Self {
        let polling = Self::open(server, &user.token).await;
        let packets = polling.get_until("hello").await;
        assert_eq!(packets[0], "40");
        polling
    }

    async fn raw(&self, body: String) -> Answer {
        let kind = "text/plain;charset=UTF-8";
        self.server.post(&self.path).body(kind, body).await
    }

    async fn post(&self, packets: &[&str]) {
        let answer = self.raw(body(packets)).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    }

    async fn get(&self) -> Vec<String> {
        let answer = self.server.get(&self.path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        packets(&answer.text())
    }

    async fn get_until(&self, what: &str) -> Vec<String> {
        let mut all = Vec::new();
        while !all.iter().any(|packet: &String| packet.contains(what)) {
            all.extend(self.get().await);
        }
        all
    }
}

fn message(room: i64, text: &str) -> String {
    format!("42{}", json!(["message", {"room": room, "text": text}]))
}

async fn requests_carry_packets_behind_their_lengths(engine: Engine) {
    let server = start(engine).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let polling = Polling::connected(&server, &ada).await;
    let (one, two) = (message(room, "안녕 👍"), message(room, "two"));
    polling.post(&[&one, "2", &two]).await;
    let packets = polling.get_until("\"two\"").await;
    assert!(packets.iter().any(|packet| packet == "3"), "{packets:?}");
    assert!(packets.concat().contains("안녕 👍"), "{packets:?}");
    // A whole body of bytes, as browsers send it when there are bytes in it.
    let event = json!(["message", {"room": room, "text": {"_placeholder": true, "num": 0}}]);
    let event = format!("451-7{event}");
    let digits = |len: usize| {
        len.to_string()
            .bytes()
            .map(|digit| digit - b'0')
            .collect::<Vec<_>>()
    };
    let bytes = [
        [&[0], &*digits(event.len()), &[0xff], event.as_bytes()].concat(),
        vec![1, 4, 0xff, 4, 1, 2, 3],
    ];
    let answer = server.post(&polling.path);
    let answer = answer
        .body("application/octet-stream", bytes.concat())
        .await;
    assert_eq!(answer.status, 200);
    let refused = polling.get_until("437").await.concat();
    assert!(refused.contains("437[{\"ok\":false"), "{refused}");
    for wrong in ["40", "9:2", "1:0", "", "x:2"] {
        let polling = Polling::connected(&server, &ada).await;
        let answer = polling.raw(wrong.to_owned()).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!(3)),
            "{wrong}"
        );
    }
    let polling = Polling::connected(&server, &ada).await;
    polling.post(&["1"]).await;
    assert_eq!(polling.get().await, ["6"]);
    assert!(server.is_well().await);
}

async fn a_websocket_takes_over(engine: Engine) {
    let server = start(engine).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let polling = Polling::connected(&server, &ada).await;
    let path = format!("/socket.io/?EIO=3&transport=websocket&sid={}", polling.sid);
    let mut socket = Socket::open_at(server.address(), &path, &[])
        .await
        .expect("a WebSocket beside");
    socket.send_text("2probe").await;
    assert_eq!(socket.next_text().await, "3probe");
    assert_eq!(polling.get().await, ["6"]);
    socket.send_text("5").await;
    socket.send_text(message(room, "over the WebSocket")).await;
    assert!(socket.next_text().await.contains("over the WebSocket"));
    socket.send_text("2").await;
    assert_eq!(socket.next_text().await, "3");
    ada.post("/api/v1/auth/logout/").await.is_empty();
    assert_eq!(socket.close_code().await, 4401);
}

async fn who_one_is_stands_in_the_request(engine: Engine) {
    let server = start(engine).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let open = async |query: &str, headers: &[(&'static str, &str)]| {
        let path = format!("/socket.io/?EIO=3&transport=websocket{query}");
        let socket = Socket::open_at(server.address(), &path, headers).await;
        let mut socket = socket.expect("open to anybody");
        assert!(socket.next_text().await.starts_with("0{\"sid\":"));
        socket.next_text().await
    };
    let bearer = format!("Token {}", ada.token);
    assert_eq!(open(&format!("&token={}", ada.token), &[]).await, "40");
    assert_eq!(open("", &[("authorization", &bearer)]).await, "40");
    for (query, refusal) in [
        ("", "44\"unauthenticated: "),
        ("&token=x", "44\"invalid_token: "),
    ] {
        let answer = open(query, &[]).await;
        assert!(answer.starts_with(refusal), "{answer}");
    }
    // The id of a session is for its own account, and for its own version.
    let polling = Polling::connected(&server, &ada).await;
    for (path, code) in [
        (
            format!("{POLLING}&sid={}&token={}", polling.sid, bob.token),
            4,
        ),
        (
            format!("/socket.io/?EIO=4&transport=polling&sid={}", polling.sid),
            3,
        ),
        (format!("{POLLING}&parser=msgpack"), 3),
    ] {
        assert_eq!(server.get(&path).await.json()["code"], code, "{path}");
    }
}

async fn it_is_off_by_default(engine: Engine) {
    let server = engine.setup().start().await;
    let ada = server.user("ada").await;
    let answer = server.get(&format!("{POLLING}&token={}", ada.token)).await;
    assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(5)));
    // And what its clients have in the query counts for no other.
    let path = format!("/socket.io/?EIO=4&transport=websocket&token={}", ada.token);
    let mut socket = Socket::open_at(server.address(), &path, &[])
        .await
        .expect("open");
    assert!(socket.next_text().await.starts_with("0{\"sid\":"));
    socket.send_text("40").await;
    let refusal = socket.next_text().await;
    assert!(
        refusal.starts_with("44{\"message\":\"unauthenticated: "),
        "{refusal}"
    );
}
