//! Rows into nouns.

mod message;

use crate::{fault::Fault, sql::Row};
use parlour_core::{
    Event, MessageId, RoomId, Time, UserId, What,
    event::{EndReason, LeaveReason, Reacted},
    model::{Room, User},
};
use serde::Deserialize;
use std::{str::FromStr, sync::Arc};

/// The columns that [`user`] reads, from `users u`.
macro_rules! user_columns {
    () => {
        "u.id, u.username, u.nickname, u.email, u.first_name, u.last_name, u.is_active, \
         u.is_admin, u.created_at, u.avatar_hue"
    };
}

/// The columns of an [`EventRow`], from `events e` and [`edited`].
macro_rules! event_columns {
    ($engine:ident) => {
        concat!(
            "e.seq, e.at, e.kind, e.message_id, e.user_id, e.data, CASE WHEN m.id IS NULL \
             THEN NULL ELSE ",
            $crate::sql::part!($engine [object $crate::rows::message_columns!()]),
            " END"
        )
    };
}

/// The join that [`event_columns`] needs after `events e`: edits carry the message.
macro_rules! edited {
    () => {
        concat!(
            " LEFT JOIN messages m ON m.id = e.message_id AND e.kind = 'edited' ",
            $crate::rows::author!()
        )
    };
}

pub(crate) use message::{
    Authors, MESSAGE_COLUMNS, MessageRow, author, kept_files, kept_mentions, message_columns,
    messages, sender,
};
pub(crate) use {edited, event_columns, user_columns};

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
        avatar_hue: row.opt_int(9)?.and_then(|hue| u8::try_from(hue).ok()),
    })
}

/// How many columns `user_columns!` has; further columns of a statement begin here.
pub(crate) const USER_COLUMNS: usize = 10;

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

/// [`event_columns`] of one event.
#[derive(Debug, Deserialize)]
pub(crate) struct EventRow {
    seq: i64,
    at: i64,
    pub(crate) kind: String,
    message_id: Option<i64>,
    user: Option<i64>,
    data: Option<String>,
    /// The message that was edited, as it is now.
    message: Option<MessageRow>,
}

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
    pub(crate) const REACTED: &str = "reacted";
    pub(crate) const UNREACTED: &str = "unreacted";
}

/// An event as it reads now. `now` is the room as it is now.
pub(crate) fn event(now: &Arc<Room>, authors: &mut Authors, row: EventRow) -> Result<Event, Fault> {
    let (room, seq) = (now.id, row.seq);
    let lacks = || Fault::broken(format!("event {seq} of room {room} is incomplete"));
    let user = row.user.map(UserId::new).ok_or_else(lacks);
    let id = row.message_id.map(MessageId::new).ok_or_else(lacks);
    let data = row.data.as_deref();
    let reacted = || {
        Ok::<_, Fault>(Arc::new(Reacted {
            message: row.message_id.map(MessageId::new).ok_or_else(lacks)?,
            emoji: data.ok_or_else(lacks)?.to_owned(),
            user: row.user.map(UserId::new).ok_or_else(lacks)?,
        }))
    };
    let what = match row.kind.as_str() {
        kind::CREATED => What::RoomCreated(Arc::clone(now)),
        kind::UPDATED => What::RoomUpdated(Arc::clone(now)),
        kind::ENDED => What::RoomDeleted(end_reason(data)),
        kind::JOINED => What::MemberJoined(user?),
        kind::LEFT => What::MemberLeft(user?, leave_reason(data)),
        kind::DELETED => What::MessageDeleted(id?),
        kind::PURGED => What::MessagesPurged(user?),
        kind::REACTED => What::ReactionAdded(reacted()?),
        kind::UNREACTED => What::ReactionRemoved(reacted()?),
        kind::EDITED => authors
            .message(row.message.ok_or_else(lacks)?)?
            .map_or(What::MessageDeleted(id?), What::MessageUpdated),
        other => return Err(Fault::broken(format!("unknown kind of event {other:?}"))),
    };
    Ok(Event {
        room,
        seq,
        at: Time::from_micros(row.at),
        what,
    })
}

/// The word of `rooms.end_reason` and of the event.
pub(crate) fn end_reason(word: Option<&str>) -> EndReason {
    if word == Some(EndReason::Expired.as_str()) {
        EndReason::Expired
    } else {
        EndReason::Deleted
    }
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
