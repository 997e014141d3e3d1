//! Facts that sockets may learn. Their serialised form travels between the processes that share a
//! database; it is kept nowhere.

use crate::{
    MessageId, RoomId, Time, TokenId, UserId,
    model::{Message, Room},
    rates::shared::Taken,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A fact of a room's stream. Within a room, `seq` counts 1, 2, 3, … without holes, and every
/// listener gets the events in that order (realtime.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The room.
    pub room: RoomId,
    /// Position in the room's stream.
    pub seq: i64,
    /// When it was stored.
    pub at: Time,
    /// What happened.
    pub what: What,
}

/// What happened in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// The room was made; always seq 1.
    RoomCreated(Arc<Room>),
    /// Name, topic, kind, seats, end or owner changed. Read back from the store this carries the
    /// room as it is now.
    RoomUpdated(Arc<Room>),
    /// The room ended; always the last event of its stream.
    RoomDeleted(EndReason),
    /// A user became a member.
    MemberJoined(UserId),
    /// A user is no member any more.
    MemberLeft(UserId, LeaveReason),
    /// A message was stored.
    MessageCreated(Arc<Message>),
    /// A message's text changed. Read back from the store this carries the message as it is now.
    MessageUpdated(Arc<Message>),
    /// A message was deleted. Read back from the store, the place of its creation and of its edits
    /// in the stream holds this too, because the text is gone.
    MessageDeleted(MessageId),
    /// Somebody reacted to a message.
    ReactionAdded(Arc<Reacted>),
    /// Somebody took a reaction back.
    ReactionRemoved(Arc<Reacted>),
    /// All messages of this author were deleted with the account.
    MessagesPurged(UserId),
}

/// A reaction that was added or taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reacted {
    /// The message.
    pub message: MessageId,
    /// One emoji.
    pub emoji: String,
    /// Who.
    pub user: UserId,
}

/// Why a room ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// Its owner (or an administrator) deleted it.
    Deleted,
    /// Its time was up.
    Expired,
}

impl EndReason {
    /// The word kept in the database and sent to clients.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Expired => "expired",
        }
    }
}

/// Why somebody is no member any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaveReason {
    /// Left.
    Left,
    /// The owner removed them.
    Removed,
    /// The account was deleted.
    AccountDeleted,
    /// Became the host and gave the seat to the former host.
    BecameHost,
}

impl LeaveReason {
    /// The word kept in the database and sent to clients.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Removed => "removed",
            Self::AccountDeleted => "account_deleted",
            Self::BecameHost => "became_host",
        }
    }
}

/// News outside the rooms' streams: without a seq, perhaps lost. Signals are idempotent: hearing one
/// twice is the same as hearing it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// These tokens and sessions ended: their sockets close with 4401 and nothing later is delivered.
    CredentialsEnded {
        /// Whose they were.
        user: UserId,
        /// Which.
        ended: Vec<TokenId>,
    },
    /// The account's rights changed: whatever was remembered of it must be read again.
    UserChanged(UserId),
    /// Somebody is writing in a room. Told to those who are in it, then forgotten.
    Typing {
        /// The room.
        room: RoomId,
        /// Who writes.
        user: UserId,
    },
    /// Somebody has read a room up to here (or marked it unread from here).
    Read {
        /// The room.
        room: RoomId,
        /// Who.
        user: UserId,
        /// How far they have read now.
        seq: i64,
    },
    /// Somebody came to a room, or is there no more. Told by the process that knows to the others.
    Presence {
        /// The room.
        room: RoomId,
        /// Who.
        user: UserId,
        /// Whether they are here.
        here: bool,
    },
    /// The server's look changed.
    SiteChanged,
    /// What another process gave of the rate limits. Whispered between processes, for their limits only.
    Taken(Vec<Taken>),
}
