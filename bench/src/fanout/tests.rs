//! The generator against a small broadcast server whose faults are known.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

/// What the server does to a message for one of its clients: how often it sends it.
type Copies = fn(client: usize, message: usize) -> usize;

#[derive(Default)]
struct Hall {
    sockets: Vec<TcpStream>,
    messages: usize,
}

/// Answers the upgrade; a client sends nothing before it has the answer.
fn upgrade(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a request");
        head.push(byte[0]);
    }
    let answer = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    stream.write_all(answer.as_bytes()).expect("answered");
}

/// Reads one short masked frame; None when the client has gone.
fn read_frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).ok()?;
    let mut content = vec![0; usize::from(head[1] & 0x7f)];
    stream.read_exact(&mut content).ok()?;
    let masks = head[2..].iter().cycle();
    Some(
        content
            .iter()
            .zip(masks)
            .map(|(byte, key)| byte ^ key)
            .collect(),
    )
}

fn broadcast(hall: &Mutex<Hall>, content: &[u8], copies: Copies) {
    let mut frame = vec![0x81, content.len() as u8];
    frame.extend_from_slice(content);
    // One at a time, so that all clients see one order.
    let mut hall = hall.lock().expect("no thread died");
    hall.messages += 1;
    let message = hall.messages;
    for (client, socket) in hall.sockets.iter_mut().enumerate() {
        for _ in 0..copies(client, message) {
            // A client that has gone needs nothing.
            drop(socket.write_all(&frame));
        }
    }
}

fn server(copies: Copies) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    let hall = Arc::new(Mutex::new(Hall::default()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            // Listed before the answer: whoever has it hears everything.
            let copy = stream.try_clone().expect("a copy");
            // Listed before the answer: nobody sends before all clients have theirs.
            hall.lock().expect("no thread died").sockets.push(copy);
            upgrade(&mut stream);
            let hall = Arc::clone(&hall);
            thread::spawn(move || {
                while let Some(content) = read_frame(&mut stream) {
                    broadcast(&hall, &content, copies);
                }
            });
        }
    });
    addr
}

fn measure(copies: Copies, more: &[&str]) -> Measured {
    let addr = server(copies).to_string();
    let pid = std::process::id().to_string();
    let mut arguments = vec![
        "fanout", "--addr", &addr, "--wire", "plain", "--shape", "1x3",
    ];
    arguments.extend(["--senders", "2", "--seconds", "0.2", "--warm-up", "0.05"]);
    arguments.extend(["--server-pid", &pid]);
    arguments.extend(more);
    let cli = Cli::try_parse_from(arguments).expect("arguments");
    run(&cli.options).expect("measured")
}

#[test]
fn every_pace_counts_every_delivery_and_finds_no_fault() {
    for more in [
        &["--outstanding", "2"][..],
        &["--mode", "rate", "--rate", "500"],
        &["--mode", "rounds", "--per-round", "5"],
    ] {
        let seen = measure(|_, _| 1, more);
        assert!(seen.delivered >= 30, "{seen:?}");
        let faults = seen.lost + seen.duplicated + seen.out_of_order + seen.strays + seen.closed;
        assert_eq!(faults, 0, "{seen:?}");
        assert!(seen.p50_us > 0.0 && seen.p50_us <= seen.p99_us, "{seen:?}");
        assert!(seen.batch >= 1.0 && seen.server_cpu_share.is_some());
    }
}

#[test]
fn what_a_server_loses_and_repeats_is_found() {
    let by_rate = ["--mode", "rate", "--rate", "500"];
    let seen = measure(
        |client, message| match (client, message % 10) {
            (1, 0) => 0,
            (2, 5) => 2,
            _ => 1,
        },
        &by_rate,
    );
    assert!(seen.lost > 0 && seen.duplicated > 0, "{seen:?}");
    // Both happen once in ten messages, each to one client.
    assert!(seen.lost.abs_diff(seen.duplicated) <= 1, "{seen:?}");
    assert_eq!(seen.out_of_order, 0, "{seen:?}");
}

#[test]
fn silent_connections_are_only_weighed() {
    let seen = measure(|_, _| 1, &["--mode", "idle", "--connections", "5"]);
    assert_eq!((seen.connections, seen.delivered), (5, 0));
    assert!(seen.memory_per_connection.is_some());
}

#[test]
fn half_of_a_room_can_be_at_a_second_node() {
    let near = server(|_, _| 1).to_string();
    let pid = std::process::id().to_string();
    let arguments = |senders| {
        let fixed = ["fanout", "--addr", &near, "--far", &near, "--wire", "plain"];
        let more = ["--shape", "1x4", "--seconds", "0.2", "--warm-up", "0.05"];
        let last = ["--senders", senders, "--watch", &pid];
        let all = fixed.into_iter().chain(more).chain(last);
        let all: Vec<String> = all.map(str::to_owned).collect();
        Cli::try_parse_from(all).expect("arguments").options
    };
    let seen = run(&arguments("2")).expect("measured");
    assert_eq!(seen.lost, 0, "{seen:?}");
    let far = seen.far.as_ref().expect("a second node");
    assert!(
        far.delivered > 0 && far.delivered < seen.delivered,
        "{seen:?}"
    );
    assert_eq!(seen.watched_cpu_share.len(), 1);
    // The third sender would be at the second node.
    assert!(run(&arguments("3")).is_err());
}
