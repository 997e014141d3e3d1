//! `rust_socketio` against a running server: connects by each transport, joins, sends and hears. Prints a
//! line per transport; anything that goes wrong ends it with a status.
//!
//! Arguments: the server's URL, a token, a room.

use rust_socketio::{ClientBuilder, Event, Payload, TransportType};
use serde_json::{Value, json};
use std::{
    error::Error,
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the client was told: the name of an event, and its argument.
type Told = (String, Value);

/// The next event of this name that fits.
fn next(
    told: &Receiver<Told>,
    name: &str,
    fits: impl Fn(&Value) -> bool,
) -> Result<Value, Box<dyn Error>> {
    let until = Instant::now() + PATIENCE;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let (other, argument) = told.recv_timeout(left).map_err(|_| format!("no {name}"))?;
        if other == name && fits(&argument) {
            return Ok(argument);
        }
    }
}

fn first(payload: Payload) -> Value {
    match payload {
        Payload::Text(mut values) if !values.is_empty() => values.remove(0),
        _ => Value::Null,
    }
}

/// An acknowledgement comes as a list of its arguments.
fn answer(payload: Payload) -> Value {
    match first(payload) {
        Value::Array(mut values) if !values.is_empty() => values.remove(0),
        other => other,
    }
}

fn run(
    url: &str,
    space: &str,
    token: &str,
    room: i64,
    transport: TransportType,
) -> Result<(), Box<dyn Error>> {
    let (tell, told) = mpsc::channel();
    let socket = ClientBuilder::new(url)
        .namespace(space)
        .auth(json!({ "token": token }))
        .transport_type(transport)
        .reconnect(false)
        .on_any(move |event, payload, _| {
            let name = match event {
                Event::Custom(name) => name,
                Event::Message => "message".to_owned(),
                Event::Error => "error".to_owned(),
                _ => return,
            };
            // Nobody listens any more when the test is over.
            let _ = tell.send((name, first(payload)));
        })
        .connect()?;
    next(&told, "hello", |hello| {
        hello["cursors"][room.to_string()].is_i64()
    })?;
    for number in 0..10 {
        let text = format!("Hello from Rust {number}");
        let (acknowledge, acknowledged) = mpsc::channel();
        let said = json!({ "room": room, "text": text });
        socket.emit_with_ack("message", said, PATIENCE, move |payload, _| {
            let _ = acknowledge.send(answer(payload));
        })?;
        let ack = acknowledged.recv_timeout(PATIENCE)?;
        if ack["ok"] != true {
            return Err(format!("refused: {ack}").into());
        }
        let heard = next(&told, "message", |message| message["text"] == *text)?;
        if heard != ack["message"] {
            return Err(format!("{heard} is not {}", ack["message"]).into());
        }
    }
    socket.disconnect()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(url), Some(token), Some(room)) = (words.next(), words.next(), words.next()) else {
        return Err("a URL, a token and a room are wanted".into());
    };
    let room: i64 = room.parse()?;
    for (name, transport) in [
        ("polling", TransportType::Polling),
        ("websocket", TransportType::Websocket),
        ("upgrade", TransportType::Any),
    ] {
        for space in ["/".to_owned(), format!("/room-{room}")] {
            run(&url, &space, &token, room, transport.clone())?;
        }
        println!("{name} ok");
    }
    Ok(())
}
