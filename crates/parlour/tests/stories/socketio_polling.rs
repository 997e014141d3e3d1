//! Engine.IO's long-polling and the way to a WebSocket, packet by packet. On one process: requests of a session have to go to
//! the same one.

use crate::support::{
    Answer, Engine, Server, Socket, User, Value, eventually, json,
    people::room_path,
    sio::{PATH, Sio},
    stories,
};
use std::time::Duration;

stories![
    requests_carry_packets,
    the_session_cookie_counts_from_our_own_pages_only,
    a_websocket_takes_over_without_a_gap,
    requests_behind_the_word_to_go_on_are_refused,
    what_requests_brought_is_not_lost_on_the_way,
    half_open_upgrades_change_nothing,
    two_requests_at_once_end_it,
    ids_of_nobody_of_others_and_of_elsewhere,
    bad_bodies,
    it_closes_in_order,
    other_sites_may_ask_with_a_token,
    a_flood_of_polls,
];

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// A connection that travels by requests.
struct Polling<'a> {
    server: &'a Server,
    path: String,
    sid: String,
}

impl<'a> Polling<'a> {
    async fn open(server: &'a Server) -> Self {
        let answer = server.get(POLLING).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.text();
        let opening: Value =
            serde_json::from_str(text.strip_prefix('0').expect("0")).expect("JSON");
        assert_eq!(opening["upgrades"], json!(["websocket"]));
        assert_eq!(
            (&opening["pingInterval"], &opening["pingTimeout"]),
            (&json!(25_000), &json!(10_000))
        );
        assert_eq!(opening["maxPayload"], 12 * 10_000 + 8 * 1_024);
        let sid = opening["sid"].as_str().expect("a sid").to_owned();
        Self {
            server,
            path: format!("{POLLING}&sid={sid}"),
            sid,
        }
    }

    async fn connected(server: &'a Server, user: &User) -> Self {
        let polling = Self::open(server).await;
        polling
            .post(&format!("40{}", json!({"token": user.token})))
            .await;
        let packets = polling.get_until("hello").await;
        assert!(packets[0].starts_with("40{\"sid\":"), "{packets:?}");
        polling
    }

    async fn raw(&self, body: &str) -> Answer {
        self.server
            .post(&self.path)
            .body("text/plain;charset=UTF-8", body.to_owned())
            .await
    }

    async fn post(&self, body: &str) {
        let answer = self.raw(body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    }

    async fn get(&self) -> Vec<String> {
        let answer = self.server.get(&self.path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "text/plain; charset=UTF-8");
        answer.text().split('\u{1e}').map(str::to_owned).collect()
    }

    /// Packets until one contains this.
    async fn get_until(&self, what: &str) -> Vec<String> {
        let mut all = Vec::new();
        while !all.iter().any(|packet: &String| packet.contains(what)) {
            all.extend(self.get().await);
        }
        all
    }

    /// Nobody has its id any more, at the latest when the server is through with its good bye.
    async fn is_over(&self) {
        crate::support::eventually("it is over", || async {
            let answer = self.server.get(&self.path).await;
            answer.status == 400 && answer.json()["code"] == 1
        })
        .await;
    }

    async fn socket(&self) -> Result<Socket, u16> {
        let path = format!("{PATH}&sid={}", self.sid);
        Socket::open_at(self.server.address(), &path, &[]).await
    }
}

fn message(room: i64, text: &str) -> String {
    format!("42{}", json!(["message", {"room": room, "text": text}]))
}

async fn requests_carry_packets(engine: Engine) {
    let server = engine.setup().start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let polling = Polling::connected(&server, &bob).await;
    let three = [
        message(room, "one"),
        message(room, "둘"),
        message(room, "three"),
    ]
    .join("\u{1e}");
    polling.post(&three).await;
    let packets = polling.get_until("three").await.concat();
    let at = |text: &str| {
        packets
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {packets}"))
    };
    assert!(at("one") < at("둘") && at("둘") < at("three"));
    // Bytes come as base64, and are counted.
    polling
        .post(&format!(
            "451-5{}\u{1e}bAQID",
            json!(["message", {"text": {"_placeholder": true, "num": 0}}])
        ))
        .await;
    let refused = polling.get_until("435").await.concat();
    assert!(refused.contains("435[{\"ok\":false"), "{refused}");
    // A request for packets waits for them.
    let waits = polling.get();
    let (_, packets) = tokio::join!(ada.say(room, "later"), waits);
    assert!(packets.concat().contains("later"));
    let refused = server.user("cem").await;
    let other = Polling::open(&server).await;
    other.post("40{\"token\":\"nobody\"}").await;
    assert!(other.get().await[0].starts_with("44{\"message\":\"invalid_token: "));
    other
        .post(&format!("40{}", json!({"token": refused.token})))
        .await;
    assert!(other.get().await[0].starts_with("40{"));
}

async fn the_session_cookie_counts_from_our_own_pages_only(engine: Engine) {
    let server = engine.setup().start().await;
    let browser = server.browser();
    server.user("ada").await;
    browser.log_in("ada").await;
    let cookie = format!("sessionid={}", browser.cookie("sessionid"));
    let own = format!("http://{}", server.address());
    for (origin, begins) in [
        (Some(own.as_str()), "40{\"sid\""),
        (
            Some("https://elsewhere.example"),
            "44{\"message\":\"unauthenticated: ",
        ),
        (None, "44{\"message\":\"unauthenticated: "),
    ] {
        let polling = Polling::open(&server).await;
        let mut post = server
            .post(&polling.path)
            .body("text/plain", "40")
            .header("cookie", &cookie);
        if let Some(origin) = origin {
            post = post.header("origin", origin);
        }
        assert_eq!(post.await.text(), "ok");
        let answer = polling.get().await.remove(0);
        assert!(answer.starts_with(begins), "{origin:?}: {answer}");
    }
}

async fn a_websocket_takes_over_without_a_gap(engine: Engine) {
    let server = engine.setup().start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let polling = Polling::connected(&server, &bob).await;
    let mut socket = polling.socket().await.expect("a WebSocket beside");
    let waiting = polling.get();
    let ask = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        socket.send_text("2probe").await;
        socket.next_text().await
    };
    let (packets, answer) = tokio::join!(waiting, ask);
    assert_eq!((packets, answer.as_str()), (vec!["6".to_owned()], "3probe"));
    // Between the last request and the word to go on nothing is lost.
    for number in 0..20 {
        ada.say(room, &format!("number {number}")).await;
    }
    socket.send_text("5").await;
    ada.say(room, "number 20").await;
    for number in 0..=20 {
        let packet = socket.next_text().await;
        assert!(packet.contains(&format!("\"number {number}\"")), "{packet}");
    }
    socket.send_text(message(room, "over the WebSocket")).await;
    assert!(socket.next_text().await.contains("over the WebSocket"));
    let answer = server.get(&polling.path).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (400, &json!(3)),
        "requests are over"
    );
    let mut another = polling.socket().await.expect("opens, as at the reference");
    assert_eq!(another.close_code().await, 0, "and is closed at once");
    bob.post("/api/v1/auth/logout/").await.is_empty();
    assert_eq!(socket.close_code().await, 4401);
    polling.is_over().await;
}

/// The word to go on and a request sent right after it come by different connections.
async fn requests_behind_the_word_to_go_on_are_refused(engine: Engine) {
    let server = engine.setup().start().await;
    let ada = server.user("ada").await;
    for round in 0..20 {
        let polling = Polling::connected(&server, &ada).await;
        let mut socket = polling.socket().await.expect("a WebSocket beside");
        socket.send_text("2probe").await;
        assert_eq!(socket.next_text().await, "3probe");
        socket.send_text("5").await;
        let answer = server.get(&polling.path).await;
        assert_eq!(answer.status, 400, "round {round}");
        let why = answer.json()["message"].to_string();
        assert!(why.contains("over a WebSocket"), "{why}");
    }
}

/// A request is answered when its packets wait to be read; the WebSocket may take over before they are.
async fn what_requests_brought_is_not_lost_on_the_way(engine: Engine) {
    let server = engine.setup().start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for round in 0..5 {
        let polling = Polling::connected(&server, &ada).await;
        let mut socket = polling.socket().await.expect("a WebSocket beside");
        socket.send_text("2probe").await;
        assert_eq!(socket.next_text().await, "3probe");
        // More than may be on their way to the disk.
        let texts: Vec<_> = (0..90).map(|number| format!("{round} {number}")).collect();
        let packets: Vec<_> = texts.iter().map(|text| message(room, text)).collect();
        polling.post(&packets.join("\u{1e}")).await;
        socket.send_text("5").await;
        let last = format!("{round} last");
        socket.send_text(message(room, &last)).await;
        for text in texts.iter().chain([&last]) {
            let packet = socket.next_text().await;
            assert!(packet.contains(&format!("\"{text}\"")), "{text}: {packet}");
        }
    }
}

async fn half_open_upgrades_change_nothing(engine: Engine) {
    let server = engine.setup().start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let polling = Polling::connected(&server, &ada).await;
    let silent = polling.socket().await.expect("a WebSocket beside");
    let later = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ada.say(room, "waited for").await
    };
    let (packets, _) = tokio::join!(polling.get(), later);
    assert!(packets.concat().contains("waited for"), "{packets:?}");
    drop(silent);
    for words in [
        &[][..],
        &["2probe"],
        &["2probe", "4hello"],
        &["5"],
        &["abc"],
    ] {
        // As soon as the server has seen the last one go.
        let mut socket = loop {
            if let Ok(socket) = polling.socket().await {
                break socket;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert_eq!(polling.socket().await.map(drop), Err(400), "one at a time");
        for word in words {
            socket.send_text(*word).await;
        }
        drop(socket);
        // Until the server has seen it go.
        crate::support::eventually("the next may ask", || async {
            polling.socket().await.is_ok()
        })
        .await;
        crate::support::eventually("requests wait again", || async {
            ada.say(room, "still here").await;
            polling.get().await.concat().contains("still here")
        })
        .await;
    }
}

async fn two_requests_at_once_end_it(engine: Engine) {
    let server = engine.setup().start().await;
    let ada = server.user("ada").await;
    let polling = Polling::connected(&server, &ada).await;
    let second = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.get(&polling.path).await
    };
    let (first, second) = tokio::join!(polling.get(), second);
    assert_eq!(first, ["1"]);
    assert_eq!(second.status, 400);
    let why = second.json()["message"].to_string();
    assert!(why.contains("another request of this kind"), "{why}");
    polling.is_over().await;
    // Who asks again before an answer came has given the first request up.
    let polling = Polling::connected(&server, &ada).await;
    let mut raw = server.raw().await;
    raw.write(format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", polling.path))
        .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(raw);
    assert_eq!(server.get(&polling.path).await.status, 400);
    polling.is_over().await;
}

async fn ids_of_nobody_of_others_and_of_elsewhere(engine: Engine) {
    let server = engine.setup().start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let mine = Polling::connected(&server, &ada).await;
    let coded = async |path: &str| {
        let answer = server.get(path).await;
        let body = answer.json();
        (
            answer.status,
            body["code"].as_u64(),
            body["message"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let unknown = coded(&format!("{POLLING}&sid=nobody")).await;
    assert_eq!(unknown, (400, Some(1), "Session ID unknown".to_owned()));
    let beginning = &mine.sid[..8];
    let never = coded(&format!("{POLLING}&sid={beginning}AAAAAAAAAAAAAAAAAAAA")).await;
    assert_eq!(never, unknown, "of this node, but nobody's");
    let elsewhere = coded(&format!("{POLLING}&sid=AAAAAAAA{}", &mine.sid[8..])).await;
    assert_eq!((elsewhere.0, elsewhere.1), (400, Some(1)));
    assert!(elsewhere.2.contains("not on this node") && elsewhere.2.contains("sticky"));
    let stolen = bob.get(&mine.path).await;
    assert_eq!((stolen.status, &stolen.json()["code"]), (403, &json!(4)));
    let stolen = server.get(&mine.path).token("nobody").await;
    assert_eq!(stolen.status, 403);
    let stolen = bob
        .post(&mine.path)
        .body("text/plain", message(1, "as ada"))
        .await;
    assert_eq!(stolen.status, 403);
    assert_eq!(
        ada.get(&mine.path).await.status,
        200,
        "its own token is fine"
    );
    let refused = server.post(POLLING).body("text/plain", "40").await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(2)));
    let put = server.call("PUT", &mine.path).await;
    assert_eq!((put.status, &put.json()["code"]), (400, &json!(3)));
}

async fn bad_bodies(engine: Engine) {
    let server = engine.setup().start().await;
    let ada = server.user("ada").await;
    let large = format!("4{}", "x".repeat(12 * 10_000 + 8 * 1_024));
    for (body, status) in [
        ("abc", 400),
        ("", 400),
        ("4\u{1e}", 400),
        ("b?", 400),
        (&large, 413),
    ] {
        let polling = Polling::connected(&server, &ada).await;
        let answer = polling.raw(body).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &json!(3)),
            "{body:.20}"
        );
        crate::support::eventually("it is over", || async {
            polling.raw("3").await.status == 400
        })
        .await;
    }
    // What is a packet of the engine, but none of Socket.IO.
    let polling = Polling::connected(&server, &ada).await;
    polling.post("4abc").await;
    let mut packets = polling.get_until("41").await;
    if packets.last().is_some_and(|packet| packet != "1") {
        // The good bye may come with the next answer.
        packets.extend(polling.get().await);
    }
    assert!(packets[0].contains("bad_payload"), "{packets:?}");
    assert_eq!(packets[1..], ["41", "1"]);
    let tiny = vec!["3"; 20_000].join("\u{1e}");
    let polling = Polling::connected(&server, &ada).await;
    polling.post(&tiny).await;
    assert!(server.is_well().await);
}

async fn it_closes_in_order(engine: Engine) {
    let mut server = engine.setup().start().await;
    let ada = server.user("ada").await;
    let polling = Polling::connected(&server, &ada).await;
    let good_bye = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        polling.post("1").await;
    };
    let (packets, ()) = tokio::join!(polling.get(), good_bye);
    assert_eq!(packets, ["6"]);
    polling.is_over().await;
    let polling = Polling::connected(&server, &ada).await;
    let (packets, _) = tokio::join!(polling.get(), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        ada.post("/api/v1/auth/logout/").await.is_empty();
    });
    let mut packets = packets;
    if packets.last().is_none_or(|last| last != "1") {
        packets.extend(polling.get().await);
    }
    assert!(packets[0].contains("credential_ended"), "{packets:?}");
    assert_eq!(packets[1..], ["41", "1"]);
    // A request that waits does not hold up the end of the server.
    let bob = server.user("bob").await;
    let polling = Polling::connected(&server, &bob).await;
    let _stranger = Polling::open(&server).await;
    let path = polling.path.clone();
    let mut raw = server.raw().await;
    raw.write(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
        .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (status, time) = server.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(time < Duration::from_secs(10), "{time:?}");
}

async fn other_sites_may_ask_with_a_token(engine: Engine) {
    let server = engine.setup().start().await;
    let origin = "https://elsewhere.example";
    let answer = server.get(POLLING).header("origin", origin).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let preflight = server
        .call("OPTIONS", POLLING)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization")
        .await;
    assert_eq!(preflight.status, 204);
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("authorization")
    );
}

async fn a_flood_of_polls(engine: Engine) {
    let server = engine.setup().start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut kept = Sio::open(&server, &ada.token).await;
    let address = server.address();
    let flood = (0..20).map(|_| {
        let client = crate::support::Client::new(address);
        tokio::spawn(async move {
            for round in 0..500 {
                let path = if round % 2 == 0 {
                    format!("{POLLING}&sid=nobody{round}")
                } else {
                    POLLING.to_owned()
                };
                let status = client.call("GET", &path).await.status;
                assert!(matches!(status, 200 | 400 | 503), "{status}");
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    for number in 0..20 {
        let ack = kept
            .ask("message", json!({"room": room, "text": number.to_string()}))
            .await;
        assert_eq!(ack["ok"], true);
    }
    for one in flood {
        one.await.expect("no panic");
    }
    assert!(server.is_well().await);
    assert_eq!(ada.get(&room_path(room, "")).await.status, 200);
    // Places come back when nobody says who they are, after ten seconds.
    tokio::time::sleep(Duration::from_secs(10)).await;
    eventually("there is room again", || async {
        server.get(POLLING).await.status == 200
    })
    .await;
}
