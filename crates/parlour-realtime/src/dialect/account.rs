//! The account socket, version 1: the seed's dialect, byte for byte (contract 6a).

use super::{
    Dialect, Input,
    fields::{self, Fields, Top},
};
use crate::{
    command::{Command, NewSend, Refusal},
    view::MessageView,
};
use bytes::Bytes;
use parlour_core::{
    Error, Event, Kind, MessageId, RoomId, What, error::INVALID, given::Problems, model::Message,
};
use serde::Serialize;
use std::time::Duration;

/// Longest nonce that is echoed in an error frame, in code points: the longest that can be right.
const MAX_NONCE: usize = 64;

/// The account socket, version 1.
///
/// Message frames have `text` and no `type`; error frames have `error`; every other frame has `type`.
#[derive(Clone, Copy, Debug)]
pub struct Account;

impl Dialect for Account {
    fn decode(&self, input: Input<'_>) -> Result<Command, Refusal> {
        let bytes = match input {
            Input::Text(bytes) => bytes,
            Input::Binary(_) => {
                return Err(invalid("Binary frames are not understood; send JSON as text.").into());
            }
        };
        match serde_json::from_slice(bytes) {
            Ok(Top::Object(fields)) => send(fields),
            Ok(Top::Other(kind)) => Err(invalid(format!(
                "Invalid data. Expected a dictionary, but got {kind}."
            ))
            .into()),
            Err(error) => Err(invalid(format!("JSON parse error - {error}")).into()),
        }
    }

    fn encode(&self, event: &Event) -> Option<Bytes> {
        match &event.what {
            What::MessageCreated(message) | What::MessageUpdated(message) => Some(json_with_room(
                message.text.len(),
                &MessageView::from(&**message),
            )),
            What::MessageDeleted(id) => Some(json(&Notice {
                kind: "message.deleted",
                id: Some(*id),
                room: event.room,
            })),
            What::RoomDeleted(_) => Some(json(&Notice {
                kind: "room.deleted",
                id: None,
                room: event.room,
            })),
            What::RoomCreated(_)
            | What::RoomUpdated(_)
            | What::MemberJoined(_)
            | What::MemberLeft(..)
            | What::ReactionAdded(_)
            | What::ReactionRemoved(_)
            | What::MessagesPurged(_) => None,
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Bytes {
        let error = &refusal.error;
        let retry_ms = error.retry_hint().map(|wait| {
            // Never 0: a client that takes it by its word would spin.
            u64::try_from(wait.max(Duration::from_millis(1)).as_millis()).unwrap_or(u64::MAX)
        });
        json(&ErrorFrame {
            error: headline(error.kind()),
            detail: &detail(error),
            code: error.code(),
            nonce: refusal.nonce.as_deref(),
            retry_ms,
        })
    }

    fn acknowledge(&self, _: &Message) -> Option<Bytes> {
        // The sender's sockets get the message itself, like everybody's.
        None
    }
}

/// A frame with a `type`.
#[derive(Serialize)]
struct Notice {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    room: RoomId,
}

/// An error frame. `error` and `detail` are for people, `code` is for programs.
#[derive(Serialize)]
struct ErrorFrame<'a> {
    error: &'static str,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_ms: Option<u64>,
}

/// The command in a frame's fields.
fn send(fields: Fields) -> Result<Command, Refusal> {
    let mut problems = Problems::default();
    let text = fields::text(fields.text).required("text", &mut problems);
    let room = fields::room(fields.room).required("room", &mut problems);
    let nonce = fields::text(fields.nonce).optional("nonce", &mut problems);
    let echo = || {
        nonce
            .clone()
            .filter(|nonce| nonce.chars().take(MAX_NONCE + 1).count() <= MAX_NONCE)
    };
    if let Err(error) = problems.check() {
        return Err(Refusal {
            error,
            nonce: echo(),
        });
    }
    match (text, room) {
        (Some(text), Some(room)) => Ok(Command::Send(NewSend { room, text, nonce })),
        // Not reached: what is missing is a problem. Said in a way that needs no proof.
        _ => Err(Refusal {
            error: INVALID.into(),
            nonce: echo(),
        }),
    }
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::from(INVALID).saying(text)
}

/// What the seed's clients look for, and its like for errors that the seed does not know.
const fn headline(kind: Kind) -> &'static str {
    match kind {
        Kind::TooMany => "rate limited",
        Kind::Unavailable => "temporarily unavailable",
        Kind::Internal => "internal error",
        Kind::Unauthenticated => "not authenticated",
        Kind::Invalid
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Gone
        | Kind::TooLarge => "validation error",
    }
}

/// The bad fields as a sentence each, or the error's text.
fn detail(error: &Error) -> String {
    if error.field_errors().is_empty() {
        return error.text().to_owned();
    }
    let sentences: Vec<_> = error
        .field_errors()
        .iter()
        .map(|field| format!("{}: {}", field.field, field.problem))
        .collect();
    sentences.join(" ")
}

fn json(value: &impl Serialize) -> Bytes {
    json_with_room(0, value)
}

/// The bytes of a value, made in one go. `more`: how much larger than a small frame it will be.
fn json_with_room(more: usize, value: &impl Serialize) -> Bytes {
    let mut bytes = Vec::with_capacity(256 + more + more / 16);
    // Writing strings and integers to memory cannot fail.
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        tracing::error!(%error, "a frame could not be written");
    }
    bytes.into()
}
