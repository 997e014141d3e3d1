//! An event as clients see it: `{type, room, seq, at, …}` (realtime.md, version 2; REST history).

use crate::{file_view::Signer, view::MessageView};
use parlour_core::{
    Event, MessageId, RoomId, Time, UserId, What,
    event::Reacted,
    model::{Message, Room, RoomKind},
};
use serde::Serialize;

/// An event of a room's stream.
#[derive(Clone, Debug, Serialize)]
pub struct EventView<'a> {
    /// What happened, as a word.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The room.
    pub room: RoomId,
    /// Position in the room's stream.
    pub seq: i64,
    /// When it was stored.
    pub at: Time,
    /// What belongs to that word.
    #[serde(flatten)]
    pub what: Details<'a>,
}

/// What belongs to an event besides its place.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Details<'a> {
    /// Of `message.created` and `message.updated`.
    Message {
        /// The message.
        message: MessageView<'a>,
    },
    /// Of `message.deleted`.
    Deleted {
        /// The message's id.
        id: MessageId,
    },
    /// Of `reaction.added` and `reaction.removed`.
    Reacted {
        /// The message's id.
        id: MessageId,
        /// One emoji.
        emoji: &'a str,
        /// Who.
        user: UserId,
    },
    /// Of `messages.purged`.
    Purged {
        /// Whose messages.
        owner: UserId,
    },
    /// Of `member.joined` and `member.left`.
    Member {
        /// Who.
        member: Member,
        /// Why, of `member.left`.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    /// Of `room.created` and `room.updated`.
    Room {
        /// The room.
        details: RoomDetails<'a>,
    },
    /// Of `room.deleted`.
    Ended {
        /// `deleted` or `expired`.
        reason: &'static str,
    },
}

/// Who joined or left.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Member {
    /// The account.
    pub id: UserId,
}

/// A room in an event.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RoomDetails<'a> {
    /// The id.
    pub id: RoomId,
    /// The name.
    pub name: &'a str,
    /// The topic.
    pub topic: &'a str,
    /// `GROUP` or `PRIVATE`.
    #[serde(rename = "type")]
    pub kind: RoomKind,
    /// The host.
    pub owner: UserId,
    /// Seats.
    pub max_users: i64,
    /// Seats taken.
    pub members: usize,
    /// When it ends.
    pub expires_at: Option<Time>,
}

impl<'a> From<&'a Room> for RoomDetails<'a> {
    fn from(room: &'a Room) -> Self {
        Self {
            id: room.id,
            name: &room.name,
            topic: &room.topic,
            kind: room.kind,
            owner: room.owner,
            max_users: room.max_users,
            members: room.users.len(),
            expires_at: room.expires_at,
        }
    }
}

impl<'a> From<&'a Room> for Details<'a> {
    fn from(room: &'a Room) -> Self {
        Self::Room {
            details: room.into(),
        }
    }
}

impl<'a> From<&'a Reacted> for Details<'a> {
    fn from(reacted: &'a Reacted) -> Self {
        Self::Reacted {
            id: reacted.message,
            emoji: &reacted.emoji,
            user: reacted.user,
        }
    }
}

impl<'a> From<&'a Event> for EventView<'a> {
    fn from(event: &'a Event) -> Self {
        Self::new(event, MessageView::from)
    }
}

impl<'a> EventView<'a> {
    /// The same with the texts of messages as HTML.
    #[must_use]
    pub fn with_html(event: &'a Event) -> Self {
        Self::new(event, MessageView::with_html)
    }

    /// The same for somebody who is given addresses of files that load as they stand.
    #[must_use]
    pub fn signed(event: &'a Event, signer: &'a Signer) -> Self {
        Self::new(event, |message| MessageView::signed(message, signer))
    }

    fn new(event: &'a Event, view: impl FnOnce(&'a Message) -> MessageView<'a>) -> Self {
        let member = |id, reason| Details::Member {
            member: Member { id },
            reason,
        };
        let (kind, what) = match &event.what {
            What::RoomCreated(room) => ("room.created", Details::from(&**room)),
            What::ReactionAdded(reacted) => ("reaction.added", Details::from(&**reacted)),
            What::ReactionRemoved(reacted) => ("reaction.removed", Details::from(&**reacted)),
            What::RoomUpdated(room) => ("room.updated", Details::from(&**room)),
            What::RoomDeleted(reason) => (
                "room.deleted",
                Details::Ended {
                    reason: reason.as_str(),
                },
            ),
            What::MemberJoined(user) => ("member.joined", member(*user, None)),
            What::MemberLeft(user, reason) => ("member.left", member(*user, Some(reason.as_str()))),
            What::MessageCreated(message) => (
                "message.created",
                Details::Message {
                    message: view(message),
                },
            ),
            What::MessageUpdated(message) => (
                "message.updated",
                Details::Message {
                    message: view(message),
                },
            ),
            What::MessageDeleted(id) => ("message.deleted", Details::Deleted { id: *id }),
            What::MessagesPurged(owner) => ("messages.purged", Details::Purged { owner: *owner }),
        };
        Self {
            kind,
            room: event.room,
            seq: event.seq,
            at: event.at,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::event::LeaveReason;

    #[test]
    fn flat_objects() {
        let event = Event {
            room: RoomId::new(1),
            seq: 5,
            at: Time::from_micros(1_795_304_414_000_000),
            what: What::MemberLeft(UserId::new(2), LeaveReason::Left),
        };
        assert_eq!(
            serde_json::to_string(&EventView::from(&event)).expect("serialises"),
            r#"{"type":"member.left","room":1,"seq":5,"at":"2026-11-21T23:40:14Z","member":{"id":2},"reason":"left"}"#
        );
    }
}
