//! Everything a client may ask over a socket, whatever dialect it speaks.

use parlour_core::{Error, FileId, MessageId, RoomId};
use std::collections::BTreeMap;

/// A client's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send a message.
    Send(NewSend),
    /// Send a message to the room of the socket, for sockets of one room.
    Say {
        /// The text as given.
        text: String,
        /// The client's own id, if it gave one.
        nonce: Option<String>,
    },
    /// Change or delete a message, or react to it.
    Change(NewChange),
    /// Note how far the user has read.
    Read {
        /// Which room.
        room: RoomId,
        /// The seq of the last event read.
        seq: i64,
        /// Whether the position may move backwards.
        back: bool,
    },
    /// Tell the others that the user is writing.
    Typing(RoomId),
    /// Go on where an earlier socket ended.
    Resume(Resume),
    /// Answer with a pong.
    Ping {
        /// Given back.
        nonce: Option<String>,
    },
}

/// A message to be sent. Types are checked, rules (blank or long texts, membership, the nonce's
/// length, rates) are not: they are the action's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSend {
    /// Where to.
    pub room: RoomId,
    /// The text as given.
    pub text: String,
    /// The client's own id, if it gave one.
    pub nonce: Option<String>,
    /// The message of the same room that it answers.
    pub reply_to: Option<MessageId>,
    /// Files that the sender uploaded before.
    pub files: Vec<FileId>,
}

/// A change of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChange {
    /// Which message.
    pub id: MessageId,
    /// What becomes of it.
    pub what: ChangeKind,
    /// The client's own id of this wish; with it, the wish is acknowledged.
    pub nonce: Option<String>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Another text.
    Edit(String),
    /// Nothing is left.
    Delete,
    /// A reaction.
    React {
        /// One emoji.
        emoji: String,
        /// Added, or taken back.
        on: bool,
    },
}

/// What a client has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The epoch in which it saw it.
    pub epoch: String,
    /// The seq of the last event it saw, per room.
    pub cursors: BTreeMap<RoomId, i64>,
}

/// Why a command was not carried out.
#[derive(Debug)]
pub struct Refusal {
    /// What is wrong.
    pub error: Error,
    /// The nonce of the wish concerned, so that the client knows which one.
    pub nonce: Option<String>,
    /// The room concerned, where no nonce can tell.
    pub room: Option<RoomId>,
}

impl Refusal {
    /// A refusal of the wish with this nonce.
    #[must_use]
    pub const fn new(error: Error, nonce: Option<String>) -> Self {
        Self {
            error,
            nonce,
            room: None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(error, None)
    }
}
