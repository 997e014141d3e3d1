//! Rows into nouns.

use crate::{fault::Fault, sql::Row};
use parlour_core::{
    Event, MessageId, RoomId, Time, UserId, What,
    event::{EndReason, LeaveReason},
    model::{Message, Room, User},
};
use std::{str::FromStr, sync::Arc};

/// The columns that [`user`] reads, from `users u`.
macro_rules! user_columns {
    () => {
        "u.id, u.username, u.nickname, u.email, u.first_name, u.last_name, u.is_active, \
         u.is_admin, u.created_at"
    };
}

/// The columns of a [`MessageTuple`], from `messages m`. A deleted message has no text.
macro_rules! message_columns {
    () => {
        "m.id, m.room_id, m.author_id, m.seq, CASE WHEN m.deleted THEN NULL ELSE m.text END, \
         m.nonce, m.created_at, m.updated_at"
    };
}

/// The columns of an [`EventTuple`], from `events e LEFT JOIN messages m`.
macro_rules! event_columns {
    () => {
        "e.seq, e.at, e.kind, e.message_id, e.user_id, e.data, m.author_id, m.seq, \
         CASE WHEN m.deleted THEN NULL ELSE m.text END, m.nonce, m.created_at, m.updated_at"
    };
}

pub(crate) use {event_columns, message_columns, user_columns};

pub(crate) fn user(row: &Row) -> Result<User, Fault> {
    Ok(User {
        id: row.user(0)?,
        username: row.text(1)?,
        nickname: row.text(2)?,
        email: row.opt_text(3)?,
        first_name: row.text(4)?,
        last_name: row.text(5)?,
        is_active: row.bool(6)?,
        is_admin: row.bool(7)?,
        created_at: row.time(8)?,
    })
}

/// How many columns `[room]` has; further columns of a statement begin here.
pub(crate) const ROOM_COLUMNS: usize = 14;

/// A room with its name's comparison form and its revision.
pub(crate) fn room(row: &Row) -> Result<(Room, String, i64), Fault> {
    let room = Room {
        id: RoomId::new(row.int(0)?),
        name: row.text(1)?,
        topic: row.text(2)?,
        kind: word(&row.text(3)?)?,
        owner: row.user(4)?,
        max_users: row.int(5)?,
        created_at: row.time(6)?,
        updated_at: row.time(7)?,
        expires_at: row.opt_time(8)?,
        seq: row.int(9)?,
        messages: row.int(10)?,
        users: ids(row.opt_text(11)?.as_deref())?,
    };
    Ok((room, row.text(12)?, row.int(13)?))
}

fn ids(list: Option<&str>) -> Result<Vec<UserId>, Fault> {
    list.into_iter()
        .flat_map(|list| list.split(','))
        .map(|id| id.parse().map(UserId::new).map_err(Fault::broken))
        .collect()
}

/// A word of an enumeration.
pub(crate) fn word<T: FromStr<Err = parlour_core::model::Unknown>>(word: &str) -> Result<T, Fault> {
    word.parse()
        .map_err(|_| Fault::broken(format!("unknown word {word:?} in the database")))
}

/// [`message_columns`] as JSON: id, room, author, seq, text, nonce, created, updated.
pub(crate) type MessageTuple = (i64, i64, i64, i64, Option<String>, Option<String>, i64, i64);

/// A message, or `None` when it was deleted.
pub(crate) fn message(tuple: MessageTuple) -> Option<Arc<Message>> {
    let (id, room, owner, seq, text, nonce, created, updated) = tuple;
    Some(Arc::new(Message {
        id: MessageId::new(id),
        room: RoomId::new(room),
        owner: UserId::new(owner),
        seq,
        text: text?,
        nonce,
        created_at: Time::from_micros(created),
        updated_at: Time::from_micros(updated),
    }))
}

/// A message from a row that begins with [`message_columns`].
pub(crate) fn message_row(row: &Row) -> Result<Option<Arc<Message>>, Fault> {
    Ok(message((
        row.int(0)?,
        row.int(1)?,
        row.int(2)?,
        row.int(3)?,
        row.opt_text(4)?,
        row.opt_text(5)?,
        row.int(6)?,
        row.int(7)?,
    )))
}

/// The event of a message's creation as it reads now.
pub(crate) fn creation(tuple: MessageTuple) -> Event {
    let (id, room, _, seq, _, _, created, _) = tuple;
    let what = message(tuple).map_or(
        What::MessageDeleted(MessageId::new(id)),
        What::MessageCreated,
    );
    Event {
        room: RoomId::new(room),
        seq,
        at: Time::from_micros(created),
        what,
    }
}

/// [`event_columns`] as JSON: seq, at, kind, message, user, data, then the message's author, seq,
/// text, nonce, created, updated.
pub(crate) type EventTuple = (
    i64,
    i64,
    String,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

/// The words of the column `events.kind`.
pub(crate) mod kind {
    pub(crate) const CREATED: &str = "created";
    pub(crate) const UPDATED: &str = "updated";
    pub(crate) const ENDED: &str = "ended";
    pub(crate) const JOINED: &str = "joined";
    pub(crate) const LEFT: &str = "left";
    pub(crate) const EDITED: &str = "edited";
    pub(crate) const DELETED: &str = "deleted";
    pub(crate) const PURGED: &str = "purged";
}

/// An event as it reads now. `now` is the room as it is now.
pub(crate) fn event(room: RoomId, now: &Arc<Room>, tuple: EventTuple) -> Result<Event, Fault> {
    let (seq, at, word, message_id, user, data, author, first, text, nonce, created, updated) =
        tuple;
    let lacks = || Fault::broken(format!("event {seq} of room {room} is incomplete"));
    let user = user.map(UserId::new).ok_or_else(lacks);
    let id = message_id.ok_or_else(lacks);
    let data = data.as_deref();
    let what = match word.as_str() {
        kind::CREATED => What::RoomCreated(Arc::clone(now)),
        kind::UPDATED => What::RoomUpdated(Arc::clone(now)),
        kind::ENDED => What::RoomDeleted(match data {
            Some("expired") => EndReason::Expired,
            _ => EndReason::Deleted,
        }),
        kind::JOINED => What::MemberJoined(user?),
        kind::LEFT => What::MemberLeft(user?, leave_reason(data)),
        kind::DELETED => What::MessageDeleted(MessageId::new(id?)),
        kind::PURGED => What::MessagesPurged(user?),
        kind::EDITED => {
            let (id, Some(author), Some(first), Some(created), Some(updated)) =
                (id?, author, first, created, updated)
            else {
                return Err(lacks());
            };
            let tuple = (id, room.get(), author, first, text, nonce, created, updated);
            message(tuple).map_or(
                What::MessageDeleted(MessageId::new(id)),
                What::MessageUpdated,
            )
        }
        other => return Err(Fault::broken(format!("unknown kind of event {other:?}"))),
    };
    Ok(Event {
        room,
        seq,
        at: Time::from_micros(at),
        what,
    })
}

fn leave_reason(word: Option<&str>) -> LeaveReason {
    [
        LeaveReason::Removed,
        LeaveReason::AccountDeleted,
        LeaveReason::BecameHost,
    ]
    .into_iter()
    .find(|reason| Some(reason.as_str()) == word)
    .unwrap_or(LeaveReason::Left)
}
