//! Messages and what hangs on them.

use super::{File, Sender};
use crate::{MessageId, RoomId, Time, UserId, markup};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The id; grows with `seq` within a room.
    pub id: MessageId,
    /// The room.
    pub room: RoomId,
    /// The author.
    pub owner: UserId,
    /// The author as they were shown when this was read.
    pub sender: Arc<Sender>,
    /// Position of its creation in the room's stream; kept for ever.
    pub seq: i64,
    /// The text, trimmed.
    pub text: String,
    /// The client's own id, if it gave one.
    pub nonce: Option<String>,
    /// The message of the same room that this one answers; it may be deleted by now.
    pub reply_to: Option<MessageId>,
    /// People addressed with `@nickname`.
    pub mentions: Vec<Mention>,
    /// Reactions, in the order of their first use.
    pub reactions: Vec<Reaction>,
    /// What hangs on it, in the order given.
    pub files: Vec<Arc<File>>,
    /// When it was stored.
    pub created_at: Time,
    /// When its text or files were last changed.
    pub updated_at: Time,
    /// What [`Message::html`] remembers.
    #[serde(skip)]
    pub html: Html,
}

impl Message {
    /// The text as safe HTML ([`markup::html`]); made once.
    pub fn html(&self) -> &str {
        self.html
            .0
            .get_or_init(|| markup::html(&self.text, &self.mentions).into())
    }

    /// Whether the text was changed after it was sent.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.updated_at != self.created_at
    }
}

/// Somebody addressed in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Who.
    pub user: UserId,
    /// Their nickname as it is written in the text after the `@`.
    pub name: String,
}

/// Who reacted to a message with an emoji.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// One emoji.
    pub emoji: String,
    /// Who, in the order of reacting; never empty.
    pub users: Vec<UserId>,
}

/// A text's HTML, made when it is first asked for. It follows from the text, so it plays no part in
/// comparisons.
#[derive(Clone, Debug, Default)]
pub struct Html(OnceLock<Arc<str>>);

impl PartialEq for Html {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Html {}
