//! Socket.IO (docs/protocol/socket-io.md): version 2 in packets. The name of an event is the `type` of
//! version 2, its argument is that frame, or the message itself where the frame carries one.

pub(crate) mod event;
pub(crate) mod old;
pub(crate) mod pack;
pub(crate) mod packet;

use super::{
    AccountV2, Dialect as _,
    write::{self, json},
};
use crate::{close::Close, command::Refusal, view::MessageView};
use bytes::Bytes;
use packet::Space;
use parlour_core::{Error, Event, MessageId, RoomId, Time, What, model::Message};
use serde::Serialize;

/// In a frame of version 2: its message begins behind this.
const MESSAGE: &[u8] = b",\"message\":";
/// In a message: the HTML of the text, which comes last and is not told here.
const HTML: &[u8] = b",\"html\":\"";
/// In a frame of version 2: its seq is behind this.
const SEQ: &[u8] = b",\"seq\":";

/// An event as a namespace tells it: `/`, or the one of this room.
pub(crate) fn encode(event: &Event, room: Option<RoomId>) -> Option<Bytes> {
    let space = Space::of(room);
    match &event.what {
        What::MessageCreated(message) => Some(told(space, "message", message, None)),
        What::MessageUpdated(message) => {
            Some(told(space, "message.updated", message, Some(event.seq)))
        }
        _ => Some(of_v2(&AccountV2.encode(event)?, room)),
    }
}

/// A message in an event of this name. `seq`: of the event, where it is not the message's.
fn told(space: Space, name: &str, message: &Message, seq: Option<i64>) -> Bytes {
    let mut packet = begin(
        space,
        name,
        512 + message.text.len() + message.text.len() / 16,
    );
    // Writing strings and integers to memory cannot fail.
    if let Err(error) = serde_json::to_writer(&mut packet, &MessageView::from(message)) {
        tracing::error!(%error, "a packet could not be written");
    }
    if let Some(seq) = seq {
        packet.pop();
        packet.extend_from_slice(event_seq(seq).as_bytes());
    }
    packet.push(b']');
    packet.into()
}

fn event_seq(seq: impl std::fmt::Display) -> String {
    format!(",\"event_seq\":{seq}}}")
}

/// A packet up to its argument.
fn begin(space: Space, name: &str, room: usize) -> Vec<u8> {
    let mut packet = Vec::with_capacity(room);
    packet.extend_from_slice(b"42");
    space.write(&mut packet);
    packet.extend_from_slice(b"[\"");
    packet.extend_from_slice(name.as_bytes());
    packet.extend_from_slice(b"\",");
    packet
}

/// A frame of version 2 as a namespace says it. The frame is one of ours, so where its parts are is
/// known: `"type"` comes first, the message last, and its HTML last in that. None of what is looked for
/// can be inside a text, where quotation marks are escaped.
pub(crate) fn of_v2(frame: &[u8], room: Option<RoomId>) -> Bytes {
    let space = Space::of(room);
    let name = frame
        .strip_prefix(b"{\"type\":\"")
        .and_then(|rest| Some(&rest[..rest.iter().position(|byte| *byte == b'"')?]))
        .and_then(|name| std::str::from_utf8(name).ok())
        .unwrap_or("error");
    let is_created = name == "message.created";
    let name = if is_created { "message" } else { name };
    let mut packet = begin(space, name, frame.len() + 32);
    let message = (is_created || name == "message.updated")
        .then(|| find(frame, MESSAGE))
        .flatten();
    if let Some(at) = message {
        let (head, message) = (&frame[..at], &frame[at + MESSAGE.len()..frame.len() - 1]);
        let end = find_last(message, HTML).unwrap_or(message.len() - 1);
        packet.extend_from_slice(&message[..end]);
        let seq = find(head, SEQ).map(|at| digits(&head[at + SEQ.len()..]));
        match seq {
            Some(seq) if !is_created => packet.extend_from_slice(event_seq(seq).as_bytes()),
            _ => packet.push(b'}'),
        }
    } else {
        packet.extend_from_slice(frame);
    }
    packet.push(b']');
    packet.into()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|some| some == what)
}

fn find_last(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|some| some == what)
}

/// The number that this begins with, as it is written.
fn digits(bytes: &[u8]) -> &str {
    let len = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    std::str::from_utf8(&bytes[..len.count()]).unwrap_or_default()
}

/// The namespace is connected, under this id.
pub(crate) fn connected(space: Space, sid: &str) -> Bytes {
    #[derive(Serialize)]
    struct Connected<'a> {
        sid: &'a str,
    }
    packet(b"40", space, None, &Connected { sid })
}

/// The namespace is not connected, as the client named it. The text begins with the error's code.
pub(crate) fn connect_error(name: &str, error: &Error) -> Bytes {
    #[derive(Serialize)]
    struct ConnectError<'a> {
        message: &'a str,
        data: Data,
    }
    #[derive(Serialize)]
    struct Data {
        code: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    }
    let detail = write::detail(error, |field| field);
    let error = ConnectError {
        message: &format!("{}: {detail}", error.code()),
        data: Data {
            code: error.code(),
            retry_ms: write::retry_ms(error),
        },
    };
    named(b"44", name, &json(&error))
}

/// There is no such namespace: in the words of the reference.
pub(crate) fn no_such_space(name: &str) -> Bytes {
    named(b"44", name, b"{\"message\":\"Invalid namespace\"}")
}

fn named(kind: &[u8], name: &str, json: &[u8]) -> Bytes {
    let mut packet = kind.to_vec();
    if name != "/" {
        packet.extend_from_slice(name.as_bytes());
        packet.push(b',');
    }
    packet.extend_from_slice(json);
    packet.into()
}

/// The namespace of this room, or `/`, is not connected any more.
pub(crate) fn disconnect(room: Option<RoomId>) -> Bytes {
    let mut packet = b"41".to_vec();
    Space::of(room).write(&mut packet);
    packet.into()
}

/// Why the connection is closed, to a client that would otherwise learn nothing of it.
pub(crate) fn closing(room: Option<RoomId>, close: &Close) -> Bytes {
    #[derive(Serialize)]
    struct Closing<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        error: &'a str,
        code: &'a str,
    }
    let frame = Closing {
        kind: "error",
        error: close.meaning,
        code: close.reason,
    };
    of_v2(&json(&frame), room)
}

/// Why a wish was not carried out, to a client that asked for no acknowledgement.
pub(crate) fn refuse(space: Space, refusal: &Refusal) -> Bytes {
    of_v2(&AccountV2.refuse(refusal), space.room())
}

/// What an acknowledgement says.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Answer<'a> {
    /// A message is stored.
    Message { ok: bool, message: MessageView<'a> },
    /// Something of a message changed.
    Changed {
        ok: bool,
        id: MessageId,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<i64>,
        at: Time,
    },
    /// Joined or left; `seq` is where the room's stream stands.
    Room { ok: bool, room: RoomId, seq: i64 },
    /// A piece of the room's messages, in order.
    History {
        ok: bool,
        room: RoomId,
        epoch: &'a str,
        messages: Vec<MessageView<'a>>,
        /// Where the next piece begins: the `after` or `before` of the next call.
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<i64>,
        seq: i64,
        has_more: bool,
    },
    /// Carried out, and there is nothing to say about it.
    Done { ok: bool },
    /// Not carried out.
    Refused {
        ok: bool,
        error: &'a str,
        code: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
}

/// The acknowledgement with this id.
pub(crate) fn acknowledge(space: Space, id: u64, answer: &Answer<'_>) -> Bytes {
    packet(b"43", space, Some(id), &[answer])
}

/// The acknowledgement of a wish that was not carried out.
pub(crate) fn acknowledge_refusal(space: Space, id: u64, refusal: &Refusal) -> Bytes {
    let error = &refusal.error;
    let answer = Answer::Refused {
        ok: false,
        error: &write::detail(error, |field| field),
        code: error.code(),
        nonce: refusal.nonce.as_deref(),
        retry_ms: write::retry_ms(error),
    };
    acknowledge(space, id, &answer)
}

fn packet(kind: &[u8], space: Space, id: Option<u64>, data: &impl Serialize) -> Bytes {
    let mut packet = Vec::with_capacity(256);
    packet.extend_from_slice(kind);
    space.write(&mut packet);
    if let Some(id) = id {
        packet.extend_from_slice(id.to_string().as_bytes());
    }
    packet.extend_from_slice(&json(data));
    packet.into()
}

#[cfg(test)]
mod tests;
