//! What travels: a line for everybody, then JSON. A process of another version that cannot read the
//! JSON still learns from the line that a room has come so far, and reads the rest from the database.

use crate::bus::News;
use parlour_core::{Event, RoomId, Signal};
use std::sync::Arc;

/// What came from another process.
#[derive(Debug)]
pub(super) enum Heard {
    /// News.
    News(News),
    /// A room has come this far; what happened cannot be read here.
    Moved(RoomId),
    /// Another process came or came back, and may have said what nobody heard.
    Peer,
    /// Our own word, heard before.
    Own,
    /// Nothing that anybody here knows.
    Unknown,
}

/// This process came, or came back, or could not say everything.
pub(super) fn peer(node: &str) -> Vec<u8> {
    format!("n {node} 0\n").into_bytes()
}

/// Events of one room.
pub(super) fn events(node: &str, events: &[Arc<Event>]) -> Vec<u8> {
    let room = events.first().map_or(0, |event| event.room.get());
    frame(format!("e {node} {room}\n"), &events)
}

/// A signal.
pub(super) fn signal(node: &str, signal: &Signal) -> Vec<u8> {
    frame(format!("s {node} 0\n"), signal)
}

fn frame(line: String, body: &impl serde::Serialize) -> Vec<u8> {
    let mut frame = line.into_bytes();
    if let Err(error) = serde_json::to_writer(&mut frame, body) {
        // Everything that travels has a form in JSON; a frame without one is a hint all the same.
        tracing::error!(%error, "news cannot be written");
    }
    frame
}

/// Reads a frame; `node` is this process.
pub(super) fn read(node: &str, frame: &[u8]) -> Heard {
    let Some(end) = frame.iter().position(|byte| *byte == b'\n') else {
        return Heard::Unknown;
    };
    let body = &frame[end + 1..];
    let Ok(line) = std::str::from_utf8(&frame[..end]) else {
        return Heard::Unknown;
    };
    let mut words = line.split(' ');
    let (kind, from, room) = (words.next(), words.next(), words.next());
    if from == Some(node) {
        return Heard::Own;
    }
    match kind {
        Some("e") => match serde_json::from_slice::<Vec<Arc<Event>>>(body) {
            Ok(events) => Heard::News(News::Events(events)),
            Err(_) => room
                .and_then(|room| room.parse().ok())
                .map_or(Heard::Unknown, Heard::Moved),
        },
        Some("n") => Heard::Peer,
        Some("s") => serde_json::from_slice(body)
            .map_or(Heard::Unknown, |signal| Heard::News(News::Signal(signal))),
        _ => Heard::Unknown,
    }
}
