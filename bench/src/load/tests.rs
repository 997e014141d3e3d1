//! The generator against a server of a few lines, which counts what it answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Load;
use crate::scenario::{Fixture, Scenario, User};
use crate::setup;

/// Gives the answer to the n-th request: status line and body.
type Answer = fn(u64, &str) -> (&'static str, String);

struct Server {
    addr: SocketAddr,
    answered: Arc<AtomicU64>,
}

async fn serve(answer: Answer) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let addr = listener.local_addr().expect("address");
    let answered = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&answered);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("set");
            tokio::spawn(talk(stream, answer, Arc::clone(&count)));
        }
    });
    Server { addr, answered }
}

/// Reads requests with and without bodies and answers each in two writes, to test the reader.
async fn talk(mut stream: TcpStream, answer: Answer, count: Arc<AtomicU64>) {
    let mut buffer = Vec::new();
    loop {
        let request = loop {
            if let Some(request) = complete(&mut buffer) {
                break request;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let number = count.fetch_add(1, Ordering::Relaxed);
        let (status, body) = answer(number, &request);
        if status == "drop" {
            return;
        }
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
        let (first, second) = head.split_at(20);
        for part in [first, second, &body] {
            if stream.write_all(part.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

fn complete(buffer: &mut Vec<u8>) -> Option<String> {
    let text = String::from_utf8(buffer.clone()).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().expect("a number"));
    if body.len() < length {
        return None;
    }
    let end = head.len() + 4 + length;
    buffer.drain(..end);
    Some(text[..end].to_owned())
}

fn load(addr: SocketAddr, connections: usize, requests: u64) -> Load {
    Load {
        addr,
        far: None,
        connections,
        warm_up: Duration::ZERO,
        length: Duration::from_secs(20),
        requests: Some(requests),
        server_pid: Some(std::process::id()),
    }
}

fn fixture() -> Fixture {
    Fixture {
        room: 1,
        messages: 1000,
        last_seq: 1000,
        users: vec![User::default()],
    }
}

fn message(_: u64, request: &str) -> (&'static str, String) {
    let (_, body) = request.split_once("\r\n\r\n").expect("a body");
    let sent: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let answer = serde_json::json!({"id": 1, "seq": 9, "text": sent["text"]});
    ("201 Created", answer.to_string())
}

#[tokio::test]
async fn exactly_the_wanted_requests_are_sent_and_measured() {
    let server = serve(message).await;
    let load = load(server.addr, 8, 500);
    let seen = load.run(Scenario::Send, &fixture()).await.expect("ran");
    assert_eq!((seen.requests, seen.errors, seen.refused), (500, 0, 0));
    assert_eq!(server.answered.load(Ordering::Relaxed), 500);
    assert!(seen.p50_us > 0.0 && seen.p50_us <= seen.p99_us && seen.p99_us <= seen.max_us);
    assert!(seen.per_second > 0.0);
    assert!(seen.cpu_us_per_request.is_some());
}

#[tokio::test]
async fn errors_are_counted_and_the_first_is_kept() {
    let server = serve(|number, request| match number {
        3 => ("500 Oops", "sorry".to_owned()),
        5 => ("drop", String::new()),
        _ => message(number, request),
    })
    .await;
    let load = load(server.addr, 1, 50);
    let seen = load.run(Scenario::Send, &fixture()).await.expect("ran");
    assert_eq!((seen.requests, seen.errors), (48, 2));
    assert_eq!(seen.first_error.as_deref(), Some("status 500: sorry"));
}

#[tokio::test]
async fn a_wrong_body_is_an_error_although_the_status_is_good() {
    let server = serve(|_, _| ("200 OK", "{\"results\":[]}".to_owned())).await;
    let load = load(server.addr, 1, 3);
    let seen = load.run(Scenario::Newest, &fixture()).await.expect("ran");
    assert_eq!((seen.requests, seen.errors), (0, 3));
}

#[tokio::test]
async fn refused_logins_are_no_errors_but_refused_messages_are() {
    let server = serve(|number, _| match number % 2 {
        0 => ("503 Busy", String::new()),
        _ => ("200 OK", "{\"token\":\"t\"}".to_owned()),
    })
    .await;
    let one = load(server.addr, 1, 10);
    let seen = one.run(Scenario::Login, &fixture()).await.expect("ran");
    assert_eq!((seen.requests, seen.errors, seen.refused), (5, 0, 5));

    let server = serve(|_, _| ("429 Slow down", String::new())).await;
    let one = load(server.addr, 1, 4);
    let seen = one.run(Scenario::Send, &fixture()).await.expect("ran");
    assert_eq!((seen.requests, seen.errors, seen.refused), (0, 4, 0));
}

#[tokio::test]
async fn time_ends_a_run_and_the_warm_up_is_not_measured() {
    let server = serve(message).await;
    let load = Load {
        requests: None,
        warm_up: Duration::from_millis(100),
        length: Duration::from_millis(100),
        ..load(server.addr, 2, 0)
    };
    let seen = load.run(Scenario::Send, &fixture()).await.expect("ran");
    assert!(seen.requests > 0);
    assert!(seen.requests < server.answered.load(Ordering::Relaxed));
    assert!(seen.seconds >= 0.1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_and_no_hang() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let addr = listener.local_addr().expect("address");
    drop(listener);
    let seen = load(addr, 2, 6).run(Scenario::Send, &fixture()).await;
    assert_eq!(seen.expect("ran").errors, 6);
}

#[tokio::test]
async fn setup_makes_users_a_room_and_messages() {
    let server = serve(|number, request| {
        let (line, _) = request.split_once("\r\n").expect("a line");
        match line {
            "POST /api/v1/users/ HTTP/1.1" => ("201 Created", "{\"id\":1}".to_owned()),
            "POST /api/v1/auth/login/ HTTP/1.1" => {
                ("200 OK", format!("{{\"token\":\"t{number}\"}}"))
            }
            "POST /api/v1/chats/rooms/ HTTP/1.1" => ("201 Created", "{\"id\":42}".to_owned()),
            "PUT /api/v1/chats/rooms/42/join/ HTTP/1.1" => ("200 OK", "{}".to_owned()),
            "POST /api/v1/chats/messages/ HTTP/1.1" => message(number, request),
            _ => ("404 Not Found", line.to_owned()),
        }
    })
    .await;
    let made = setup::setup(server.addr, 100, 3).await.expect("set up");
    assert_eq!((made.room, made.messages, made.last_seq), (42, 101, 9));
    assert_eq!(made.users.len(), 3);
    // Sign-up, log-in and join for each, the room, the messages, and one more for its seq.
    assert_eq!(server.answered.load(Ordering::Relaxed), 3 * 3 + 1 + 100 + 1);
}
