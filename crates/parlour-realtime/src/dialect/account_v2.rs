//! The account socket, version 2: objects with a `type` in both directions (`realtime.md`,
//! docs/protocol/account-socket-v2.md).

mod decode;

use super::{
    Ack, Dialect, Input,
    write::{self, json, json_with_room},
};
use crate::{
    command::{Command, Refusal},
    event_view::{EventView, RoomDetails},
    hub::Greeting,
};
use bytes::Bytes;
use parlour_core::{Event, MessageId, RoomId, Time, UserId, What, error::NOT_FOUND, model};
use serde::{Serialize, Serializer};
use std::time::Duration;

/// The account socket, version 2.
#[derive(Clone, Copy, Debug)]
pub struct AccountV2;

impl Dialect for AccountV2 {
    fn decode(&self, input: Input<'_>) -> Result<Command, Refusal> {
        decode::decode(input)
    }

    fn encode(&self, event: &Event) -> Option<Bytes> {
        let more = match &event.what {
            What::MessageCreated(message) | What::MessageUpdated(message) => {
                256 + message.text.len() + message.html().len()
            }
            _ => 0,
        };
        Some(json_with_room(more, &EventView::with_html(event)))
    }

    fn refuse(&self, refusal: &Refusal) -> Bytes {
        let error = &refusal.error;
        json(&Frame::Error {
            error: &write::detail(error, |field| field),
            code: error.code(),
            nonce: refusal.nonce.as_deref(),
            room: refusal.room,
            retry_ms: write::retry_ms(error),
        })
    }

    fn acknowledge(&self, ack: &Ack<'_>) -> Option<Bytes> {
        let Ack { nonce, id, seq, at } = *ack;
        Some(json(&Frame::Ack {
            nonce: nonce?,
            id,
            seq,
            at,
        }))
    }

    fn pong(&self, nonce: Option<&str>) -> Option<Bytes> {
        Some(json(&Frame::Pong { nonce }))
    }
}

/// What the server says besides events.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Frame<'a> {
    #[serde(rename = "hello")]
    Hello {
        epoch: &'a str,
        heartbeat_ms: u64,
        max_frame: usize,
        user: UserId,
        #[serde(serialize_with = "as_map")]
        cursors: &'a [(RoomId, i64)],
    },
    #[serde(rename = "ack")]
    Ack {
        nonce: &'a str,
        id: MessageId,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<i64>,
        at: Time,
    },
    #[serde(rename = "error")]
    Error {
        error: &'a str,
        code: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    #[serde(rename = "recovered")]
    Recovered {
        room: RoomId,
        recovered: bool,
        seq: i64,
    },
    #[serde(rename = "resync")]
    Resync { room: RoomId, seq: i64 },
    #[serde(rename = "typing")]
    Typing { room: RoomId, user: UserId },
    #[serde(rename = "presence")]
    Presence {
        room: RoomId,
        user: UserId,
        here: bool,
    },
    #[serde(rename = "read")]
    Read {
        room: RoomId,
        user: UserId,
        seq: i64,
    },
    #[serde(rename = "reconnect")]
    Reconnect { after_ms: u64 },
    #[serde(rename = "pong")]
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
    },
}

fn as_map<S: Serializer>(cursors: &&[(RoomId, i64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(cursors.iter().map(|(room, seq)| (room.to_string(), seq)))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The first frame of a socket.
pub(crate) fn hello(greeting: &Greeting, user: UserId, cursors: &[(RoomId, i64)]) -> Bytes {
    let frame = Frame::Hello {
        epoch: &greeting.epoch,
        heartbeat_ms: millis(greeting.heartbeat),
        max_frame: greeting.max_frame,
        user,
        cursors,
    };
    json_with_room(24 * cursors.len(), &frame)
}

/// Nothing of the room is missing up to this seq.
pub(crate) fn recovered(room: RoomId, seq: i64) -> Bytes {
    json(&Frame::Recovered {
        room,
        recovered: true,
        seq,
    })
}

/// What comes up to this seq is to be read from the history.
pub(crate) fn resync(room: RoomId, seq: i64) -> Bytes {
    json(&Frame::Resync { room, seq })
}

/// The room that the client wants to go on with is not heard (any more).
pub(crate) fn not_heard(room: RoomId) -> Bytes {
    AccountV2.refuse(&Refusal {
        error: NOT_FOUND.into(),
        nonce: None,
        room: Some(room),
    })
}

/// Somebody is writing.
pub(crate) fn typing(room: RoomId, user: UserId) -> Bytes {
    json(&Frame::Typing { room, user })
}

/// Somebody came or went.
pub(crate) fn presence(room: RoomId, user: UserId, here: bool) -> Bytes {
    json(&Frame::Presence { room, user, here })
}

/// Somebody has read up to here.
pub(crate) fn read(room: RoomId, user: UserId, seq: i64) -> Bytes {
    json(&Frame::Read { room, user, seq })
}

/// The server goes; come back then.
pub(crate) fn reconnect(after: Duration) -> Bytes {
    let after_ms = millis(after);
    json(&Frame::Reconnect { after_ms })
}

/// News of a GROUP room for those who are not in it: without a seq, because they have no place in its
/// stream.
#[derive(Serialize)]
struct RoomNews<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    room: RoomId,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<RoomDetails<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// `room.created` or `room.updated` for those who are not in the room.
pub(crate) fn room_news(kind: &'static str, room: &model::Room) -> Bytes {
    json(&RoomNews {
        kind,
        room: room.id,
        details: Some(room.into()),
        reason: None,
    })
}

/// `room.deleted` for those who are not in the room.
pub(crate) fn room_gone(room: RoomId, reason: &'static str) -> Bytes {
    json(&RoomNews {
        kind: "room.deleted",
        room,
        details: None,
        reason: Some(reason),
    })
}
