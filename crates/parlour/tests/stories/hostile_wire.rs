//! Bytes that no HTTP client sends: the server answers or hangs up, and stays well.

use crate::support::{Raw, Server, User, eventually, stories};
use std::time::{Duration, Instant};

stories![
    sqlite only:
    heads_that_are_too_large,
    bytes_that_are_no_http,
    bodies_whose_length_is_a_lie,
    bodies_that_announce_too_much,
    a_refusal_reaches_who_writes_first_and_reads_later,
    a_chunked_body_without_end,
    frames_before_the_upgrade_has_ended,
    handshakes_that_are_none,
    broken_frames_end_their_own_socket_only,
    whoever_trickles_is_cut,
    hundreds_of_idle_connections,
];

const SOON: Duration = Duration::from_secs(10);

const UPGRADE: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

async fn heads_that_are_too_large(server: Server) {
    let many: Vec<String> = (0..10_000).map(|number| format!("X-{number}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut raw = server.raw().await;
    raw.head("GET /api/v1/users/", &many).await;
    assert_eq!(raw.status(SOON).await, 431, "10,000 headers");
    let large = format!("X-Large: {}", "y".repeat(1_000_000));
    let mut raw = server.raw().await;
    raw.head("GET /api/v1/users/", &[&large]).await;
    assert_eq!(raw.status(SOON).await, 431, "one header of 1 MB");
    let mut raw = server.raw().await;
    raw.head(
        &format!("GET /api/v1/users/?{}", "x".repeat(1_000_000)),
        &[],
    )
    .await;
    let status = raw.status(SOON).await;
    assert!(
        matches!(status, 414 | 431 | 400),
        "a path of 1 MB: {status}"
    );
    assert!(server.is_well().await);
}

async fn bytes_that_are_no_http(server: Server) {
    for bytes in [
        &b"\r\n\r\n\r\n"[..],
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /api/v1/users/ HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
        b"GET /api/v1/users/ HTTP/1.1\r\nHost: a\r\nX: \x00\x01\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\xff\x00\xff\r\n\r\n",
    ] {
        let mut raw = server.raw().await;
        raw.write(bytes).await;
        raw.half_close().await;
        let (text, closed) = raw.read_until_closed(Duration::from_secs(20)).await;
        assert!(closed, "{bytes:?}: {text}");
        let status = text.split(' ').nth(1).unwrap_or("400");
        assert!(
            status.starts_with('4') || status == "505",
            "{bytes:?}: {text}"
        );
    }
    assert!(server.is_well().await);
}

async fn post(server: &Server, user: &User, headers: &[&str], body: &str) -> Raw {
    let token = format!("Authorization: Token {}", user.token);
    let mut all = vec![token.as_str(), "Content-Type: application/json"];
    all.extend_from_slice(headers);
    let mut raw = server.raw().await;
    raw.head("POST /api/v1/chats/rooms/", &all).await;
    raw.write(body).await;
    raw
}

async fn bodies_whose_length_is_a_lie(server: Server) {
    let ada = server.user("ada").await;
    for (headers, body) in [
        (&["Content-Length: -1"][..], "{}"),
        (&["Content-Length: x"], "{}"),
        (&["Content-Length: 99999999999999999999999"], "{}"),
        (&["Content-Length: 2", "Content-Length: 3"], "{}x"),
        (&["Transfer-Encoding: chunked"], "zz\r\n{}\r\n0\r\n\r\n"),
        (&["Transfer-Encoding: chunked"], "ffffffffffffffffff\r\n{}"),
        (&["Transfer-Encoding: rot13"], "{}"),
        (&["Content-Length: 18446744073709551615"], "{}"),
    ] {
        let mut raw = post(&server, &ada, headers, body).await;
        raw.half_close().await;
        let (text, closed) = raw.read_until_closed(SOON).await;
        assert!(closed, "{headers:?}: {text}");
        let status = text.split(' ').nth(1).unwrap_or("400");
        assert!(
            status.starts_with('4') || status == "501",
            "{headers:?}: {text}"
        );
    }
    // Shorter than promised: nothing is made of half a body.
    let mut raw = post(
        &server,
        &ada,
        &["Content-Length: 100"],
        "{\"name\":\"half\"}",
    )
    .await;
    raw.half_close().await;
    let (text, closed) = raw.read_until_closed(SOON).await;
    assert!(closed && !text.starts_with("HTTP/1.1 2"), "{text}");
    assert_eq!(ada.get(crate::support::ROOMS).await.rows().len(), 0);
    // Two messages in one: a smuggled request is not served with the first one's token.
    let smuggled = "0\r\n\r\nGET /api/v1/users/ HTTP/1.1\r\nHost: a\r\n\r\n";
    let headers = ["Content-Length: 4", "Transfer-Encoding: chunked"];
    let mut raw = post(&server, &ada, &headers, smuggled).await;
    let status = raw.status(SOON).await;
    assert!((400..500).contains(&status), "{status}");
    assert!(server.is_well().await);
}

async fn bodies_that_announce_too_much(server: Server) {
    for length in ["30000000", "9223372036854775807"] {
        let mut raw = server.raw().await;
        let length = format!("Content-Length: {length}");
        let headers = ["Content-Type: application/json", length.as_str()];
        raw.head("POST /api/v1/users/", &headers).await;
        assert_eq!(raw.status(SOON).await, 413, "{length}: not waited for");
    }
    assert!(server.is_well().await);
}

async fn a_refusal_reaches_who_writes_first_and_reads_later(server: Server) {
    let large = vec![b' '; 3_000_000];
    let length = format!("Content-Length: {}", large.len());
    for (line, kind, wanted) in [
        ("POST /api/v1/users/", "application/json", 413),
        ("POST /api/v1/users/", "text/plain", 415),
        ("POST /api/v1/chats/rooms/", "application/json", 401),
    ] {
        for round in 0..10 {
            let mut raw = server.raw().await;
            let kind = format!("Content-Type: {kind}");
            raw.head(line, &[kind.as_str(), length.as_str()]).await;
            assert!(raw.write(&large).await, "{line} {wanted}, round {round}");
            assert_eq!(raw.status(SOON).await, wanted, "{line}, round {round}");
        }
    }
    assert!(server.is_well().await);
}

async fn a_chunked_body_without_end(mut server: Server) {
    let ada = server.user("ada").await;
    let before = server.process().memory();
    let mut raw = post(&server, &ada, &["Transfer-Encoding: chunked"], "").await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut sent = 0;
    while sent < 2_000 && raw.write(&chunk).await {
        sent += 1;
    }
    assert!(sent < 2_000, "the server goes on reading for ever");
    let after = server.process().memory();
    assert!(
        after < before + 100,
        "{before} MiB before, {after} MiB after"
    );
    assert!(server.is_well().await);
}

/// A masked text frame, as clients send them.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    assert!(length < 126);
    let mut bytes = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

async fn frames_before_the_upgrade_has_ended(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut listener = ada.socket().await;
    let mut bytes = format!("GET /?token={} HTTP/1.1\r\nHost: a\r\n", ada.token);
    for header in UPGRADE {
        bytes += header;
        bytes += "\r\n";
    }
    let mut bytes = (bytes + "\r\n").into_bytes();
    bytes.extend(frame(&format!("{{\"room\":{room},\"text\":\"early\"}}")));
    let mut raw = server.raw().await;
    assert!(raw.write(bytes).await);
    assert_eq!(raw.status(SOON).await, 101);
    assert_eq!(listener.next_said().await, "early", "the frame is not lost");
    // Frames after a refused handshake are no second request.
    let mut raw = server.raw().await;
    raw.head("GET /?token=nobody", &UPGRADE).await;
    raw.write(frame("{}")).await;
    let status = raw.status(SOON).await;
    assert!(matches!(status, 401 | 403), "{status}");
    assert!(server.is_well().await);
}

async fn handshakes_that_are_none(server: Server) {
    let ada = server.user("ada").await;
    let line = format!("GET /?token={}", ada.token);
    for headers in [
        &["Upgrade: websocket"][..],
        &["Connection: Upgrade", "Upgrade: websocket"],
        &["Connection: Upgrade", "Upgrade: h2c"],
        &[
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
        ],
        &[
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 8",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
        // Not 16 bytes; no base64.
        &[
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: c2hvcnQ=",
        ],
        &[
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: ************************",
        ],
    ] {
        let mut raw = server.raw().await;
        raw.head(&line, headers).await;
        let status = raw.status(SOON).await;
        assert!(
            status == 200 || (400..500).contains(&status),
            "{headers:?}: {status}"
        );
    }
    let mut raw = server.raw().await;
    raw.head(&format!("POST /?token={}", ada.token), &UPGRADE)
        .await;
    let status = raw.status(SOON).await;
    assert!((400..500).contains(&status), "{status}");
    assert!(server.is_well().await);
}

async fn broken_frames_end_their_own_socket_only(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut good = ada.socket().await;
    for bytes in [
        // Not masked.
        &b"\x81\x02{}"[..],
        // Reserved bits, an unknown kind, a control frame in pieces, a lone continuation.
        b"\xf1\x80\0\0\0\0",
        b"\x83\x80\0\0\0\0",
        b"\x09\x80\0\0\0\0",
        b"\x80\x80\0\0\0\0",
        // Text that is no UTF-8.
        b"\x81\x82\0\0\0\0\xff\xfe",
        // A length of 2^63.
        b"\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0",
        // A length of 1 GiB.
        b"\x81\xff\0\0\0\0\x40\0\0\0\0\0\0\0",
        // A close frame of one byte.
        b"\x88\x81\0\0\0\0\x03",
    ] {
        let mut raw = server.raw().await;
        raw.head(&format!("GET /?token={}", ada.token), &UPGRADE)
            .await;
        assert_eq!(raw.status(SOON).await, 101);
        raw.write(bytes).await;
        let (_, closed) = raw.read_until_closed(SOON).await;
        assert!(closed, "{bytes:x?}");
        // Each time: a client that is silent for long does not answer pings, and is closed for that.
        good.say(room, "not me").await;
        assert_eq!(good.next_said().await, "not me");
    }
    assert!(server.is_well().await);
}

/// Heads after 15 s, bodies after 60 s (contract 7d), sockets that answer no ping within 35 s. All at
/// once: the waits overlap.
async fn whoever_trickles_is_cut(server: Server) {
    let ada = server.user("ada").await;
    let trickle = async |mut raw: Raw, piece: &str, every: u64| {
        let start = Instant::now();
        let mut all = String::new();
        loop {
            raw.write(piece).await;
            let (text, closed) = raw.read_until_closed(Duration::from_secs(every)).await;
            all += &text;
            // A server that answered may leave the closing to us.
            if closed || all.contains("\r\n\r\n") || start.elapsed() > Duration::from_secs(90) {
                return (all, start.elapsed());
            }
        }
    };
    let mut slow_head = server.raw().await;
    slow_head.write("GET /api/v1/users/ HTTP/1.1\r\n").await;
    let silent = server.raw().await;
    let slow_body = post(&server, &ada, &["Content-Length: 10000"], "{").await;
    let silent_body = post(&server, &ada, &["Content-Length: 10000"], "{").await;
    let mut dead_socket = server.raw().await;
    dead_socket
        .head(&format!("GET /?token={}", ada.token), &UPGRADE)
        .await;
    let start = Instant::now();
    let cut = async {
        let (text, closed) = dead_socket.read_until_closed(Duration::from_secs(60)).await;
        (text, closed, start.elapsed())
    };
    let (head, silence, body, no_body, socket) = tokio::join!(
        trickle(slow_head, "X-Y: z\r\n", 1),
        trickle(silent, "", 2),
        trickle(slow_body, " ", 1),
        trickle(silent_body, "", 2),
        cut,
    );
    // A ping after 20 to 25 s, 10 s for the answer (realtime.md).
    let (text, closed, time) = socket;
    assert!(closed && text.contains("101 Switching Protocols"), "{text}");
    assert!(
        (25..=40).contains(&time.as_secs()),
        "a socket that never answers: {time:?}"
    );
    for (what, (text, time)) in [("a head", head), ("silence", silence)] {
        let seconds = time.as_secs();
        assert!((10..=25).contains(&seconds), "{what}: {seconds} s: {text}");
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 4"),
            "{what}: {text}"
        );
    }
    for (what, (text, time)) in [("a body", body), ("no body", no_body)] {
        let seconds = time.as_secs();
        assert!((45..=75).contains(&seconds), "{what}: {seconds} s: {text}");
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 4"),
            "{what}: {text}"
        );
    }
    assert!(server.is_well().await);
}

async fn hundreds_of_idle_connections(mut server: Server) {
    let ada = server.user("ada").await;
    let before = server.process().memory();
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(server.raw().await);
    }
    assert_eq!(ada.get(crate::support::ROOMS).await.status, 200);
    let after = server.process().memory();
    assert!(
        after < before + 60,
        "{before} MiB before, {after} MiB after"
    );
    drop(idle);
    eventually("the server is well", || server.is_well()).await;
}
