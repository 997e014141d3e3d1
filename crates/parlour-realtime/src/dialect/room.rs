//! The socket of one room: the dialect of the second seed (contract 6b).

use super::{
    Ack, Dialect, Input,
    account::{notice, object, refuse},
    fields::{self, Keys},
    write::{self, json_with_room},
};
use crate::{
    command::{Command, Refusal},
    file_view::{FileUrl, Signer},
};
use bytes::Bytes;
use parlour_core::{
    Event, MessageId, RoomId, Time, UserId, What, error::INVALID, given::Problems, model::Message,
};
use serde::Serialize;

/// The keys it knows. `sender` is none of them: who sends is known.
const KEYS: Keys = &["message", "nonce"];

/// The socket of one room.
///
/// Message frames have `message` and `text` (the same) and no `type`; error frames have `error`; every
/// other frame has `type`.
#[derive(Clone, Copy, Debug)]
pub struct Room;

impl Dialect for Room {
    fn decode(&self, input: Input<'_>) -> Result<Command, Refusal> {
        let mut fields = object(input, KEYS)?;
        let mut problems = Problems::default();
        let text = fields::text(fields.take("message")).required("message", &mut problems);
        let nonce = fields::text(fields.take("nonce")).optional("nonce", &mut problems);
        match (problems.check(), text) {
            (Ok(()), Some(text)) => Ok(Command::Say { text, nonce }),
            (Err(error), _) => Err(Refusal::new(error, write::echo(nonce.as_ref()))),
            (Ok(()), None) => Err(Refusal::new(INVALID.into(), write::echo(nonce.as_ref()))),
        }
    }

    fn encode(&self, event: &Event) -> Option<Bytes> {
        match &event.what {
            What::MessageCreated(written) | What::MessageUpdated(written) => {
                Some(message(written, None))
            }
            _ => notice(event),
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Bytes {
        refuse(
            refusal,
            |field| if field == "text" { "message" } else { field },
        )
    }

    fn acknowledge(&self, _: &Ack<'_>) -> Option<Bytes> {
        // The sender gets the message itself, like everybody.
        None
    }
}

/// The frame of a message.
pub(super) fn message(message: &Message, signer: Option<&Signer>) -> Bytes {
    let mut view = RoomMessage::from(message);
    if let Some(signer) = signer {
        view.file = view.file.map(|url| url.signed(signer));
    }
    json_with_room(2 * message.text.len(), &view)
}

/// A message as this dialect tells it.
#[derive(Serialize)]
struct RoomMessage<'a> {
    sender: &'a str,
    message: &'a str,
    id: MessageId,
    seq: i64,
    room: RoomId,
    text: &'a str,
    owner: UserId,
    created_at: Time,
    file: Option<FileUrl<'a>>,
    file_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

impl<'a> From<&'a Message> for RoomMessage<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            sender: &message.sender.nickname,
            message: &message.text,
            id: message.id,
            seq: message.seq,
            room: message.room,
            text: &message.text,
            owner: message.owner,
            created_at: message.created_at,
            file: message.files.first().map(|file| FileUrl::of(&file.key)),
            file_type: message.files.first().map(|file| file.mime.as_str()),
            nonce: message.nonce.as_deref(),
        }
    }
}
