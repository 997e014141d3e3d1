//! The account socket, version 1: the seed's dialect, byte for byte (contract 6a).

use super::{
    Ack, Dialect, Input,
    fields::{self, Fields, Keys, Top},
    write::{self, json, json_with_room},
};
use crate::{
    command::{Command, NewSend, Refusal},
    view::MessageView,
};
use bytes::Bytes;
use parlour_core::{
    Event, MessageId, RoomId, What, error::INVALID, given::Problems, model::Message,
};
use serde::Serialize;

/// The keys it knows.
const KEYS: Keys = &["text", "room", "nonce"];

/// The account socket, version 1.
///
/// Message frames have `text` and no `type`; error frames have `error`; every other frame has `type`.
#[derive(Clone, Copy, Debug)]
pub struct Account;

impl Dialect for Account {
    fn decode(&self, input: Input<'_>) -> Result<Command, Refusal> {
        send(object(input, KEYS)?)
    }

    fn encode(&self, event: &Event) -> Option<Bytes> {
        match &event.what {
            What::MessageCreated(written) | What::MessageUpdated(written) => {
                Some(message(written, &MessageView::from(&**written)))
            }
            _ => notice(event),
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Bytes {
        refuse(refusal, |field| field)
    }

    fn acknowledge(&self, _: &Ack<'_>) -> Option<Bytes> {
        // The sender's sockets get the message itself, like everybody's.
        None
    }
}

/// The frame of a message.
pub(super) fn message(message: &Message, view: &MessageView<'_>) -> Bytes {
    json_with_room(message.text.len(), view)
}

/// The object in a frame.
pub(super) fn object(input: Input<'_>, keys: Keys) -> Result<Fields, Refusal> {
    let bytes = match input {
        Input::Text(bytes) => bytes,
        Input::Binary(_) => {
            let text = "Binary frames are not understood; send JSON as text.";
            return Err(write::invalid(text).into());
        }
    };
    match fields::read(bytes, keys) {
        Ok(Top::Object(fields)) => Ok(fields),
        Ok(Top::Other(kind)) => Err(write::invalid(format!(
            "Invalid data. Expected a dictionary, but got {kind}."
        ))
        .into()),
        Err(error) => Err(write::invalid(format!("JSON parse error - {error}")).into()),
    }
}

/// The error frame of the dialects without types.
pub(super) fn refuse(refusal: &Refusal, name: impl Fn(&'static str) -> &'static str) -> Bytes {
    let error = &refusal.error;
    json(&ErrorFrame {
        error: write::headline(error.kind()),
        detail: &write::detail(error, name),
        code: error.code(),
        nonce: refusal.nonce.as_deref(),
        retry_ms: write::retry_ms(error),
    })
}

/// What such dialects say of an event that is no message; `None` when they say nothing.
pub(super) fn notice(event: &Event) -> Option<Bytes> {
    let notice = match event.what {
        What::MessageDeleted(id) => Notice {
            kind: "message.deleted",
            id: Some(id),
            room: event.room,
        },
        What::RoomDeleted(_) => Notice {
            kind: "room.deleted",
            id: None,
            room: event.room,
        },
        _ => return None,
    };
    Some(json(&notice))
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
fn send(mut fields: Fields) -> Result<Command, Refusal> {
    let mut problems = Problems::default();
    let text = fields::text(fields.take("text")).required("text", &mut problems);
    let room = fields::room(fields.take("room")).required("room", &mut problems);
    let nonce = fields::text(fields.take("nonce")).optional("nonce", &mut problems);
    if let Err(error) = problems.check() {
        return Err(Refusal::new(error, write::echo(nonce.as_ref())));
    }
    match (text, room) {
        (Some(text), Some(room)) => Ok(Command::Send(NewSend {
            room,
            text,
            nonce,
            reply_to: None,
            files: Vec::new(),
        })),
        // Not reached: what is missing is a problem. Said in a way that needs no proof.
        _ => Err(Refusal::new(INVALID.into(), write::echo(nonce.as_ref()))),
    }
}
