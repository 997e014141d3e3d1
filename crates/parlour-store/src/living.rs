//! A living room inside a transaction: read under its lock, changed, noted in its stream, saved.

use crate::{
    engine::Conn,
    fault::Fault,
    reading,
    rows::{self, kind},
    sql::{Sql, args, sql},
};
use parlour_core::{
    Event, MessageId, RoomId, Time, UserId, What,
    event::Reacted,
    model::{Room, Standing},
};
use std::sync::Arc;

const LOCK: Sql = sql!("SELECT id FROM rooms WHERE id = $1 AND ended_at IS NULL"[lock]);

const READ: Sql = sql!(
    "SELECT " [room] " FROM rooms r WHERE r.id = $1 AND r.ended_at IS NULL"
);

const SAVE: Sql = sql!(
    "UPDATE rooms SET name = $2, name_key = $3, topic = $4, kind = $5, owner_id = $6, \
     max_users = $7, updated_at = $8, expires_at = $9, last_seq = $10, message_count = $11, \
     member_count = $12, revision = $13 WHERE id = $1"
);

const NOTE: Sql = sql!(
    "INSERT INTO events (room_id, seq, at, kind, message_id, user_id, data) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)"
);

const STANDING: Sql = sql!("SELECT state FROM room_users WHERE room_id = $1 AND user_id = $2");

const STAND: Sql = sql!(
    "INSERT INTO room_users (room_id, user_id, state, since, at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (room_id, user_id) DO UPDATE \
     SET state = excluded.state, since = excluded.since, at = excluded.at"
);

const FORGET: Sql = sql!("DELETE FROM room_users WHERE room_id = $1 AND user_id = $2");

/// A room that is locked by the transaction at hand.
pub(crate) struct Living {
    pub(crate) room: Room,
    pub(crate) name_key: String,
    revision: i64,
    events: Vec<Arc<Event>>,
}

/// Locks and reads a room. `None`: it does not exist (any more).
pub(crate) async fn enter(conn: &mut Conn, id: RoomId) -> Result<Option<Living>, Fault> {
    // The lock comes first: what is read after it cannot change until the commit.
    if !conn.is_sqlite() && conn.row(&LOCK, args![id]).await?.is_none() {
        return Ok(None);
    }
    let Some(row) = conn.row(&READ, args![id]).await? else {
        return Ok(None);
    };
    let (room, name_key, revision) = rows::room(&row)?;
    Ok(Some(Living {
        room,
        name_key,
        revision,
        events: Vec::new(),
    }))
}

impl Living {
    /// Gives an event the room's next seq.
    pub(crate) fn note(&mut self, at: Time, what: What) {
        self.room.seq += 1;
        self.events.push(Arc::new(Event {
            room: self.room.id,
            seq: self.room.seq,
            at,
            what,
        }));
    }

    /// Notes that the room changed to what it is now.
    pub(crate) fn note_updated(&mut self, at: Time) {
        self.room.updated_at = at;
        let mut now = self.room.clone();
        now.seq += 1;
        self.note(at, What::RoomUpdated(Arc::new(now)));
    }

    /// What the room knows of a user.
    pub(crate) async fn standing(&self, conn: &mut Conn, user: UserId) -> Result<Standing, Fault> {
        match conn.row(&STANDING, args![self.room.id, user]).await? {
            Some(row) => rows::word(&row.text(0)?),
            None => Ok(Standing::Stranger),
        }
    }

    /// Gives a user a seat and notes it.
    pub(crate) async fn seat(
        &mut self,
        conn: &mut Conn,
        user: UserId,
        at: Time,
    ) -> Result<(), Fault> {
        self.note(at, What::MemberJoined(user));
        self.room.users.push(user);
        self.room.updated_at = at;
        self.stand(conn, user, Standing::Member, at).await?;
        reading::seat(conn, self.room.id, user, self.room.seq, at).await
    }

    /// Takes a user's seat and notes it. `then`: what the room knows of the user afterwards.
    pub(crate) async fn unseat(
        &mut self,
        conn: &mut Conn,
        user: UserId,
        reason: parlour_core::event::LeaveReason,
        at: Time,
    ) -> Result<(), Fault> {
        let removed = reason == parlour_core::event::LeaveReason::Removed;
        self.note(at, What::MemberLeft(user, reason));
        self.room.users.retain(|member| *member != user);
        self.room.updated_at = at;
        let then = if removed {
            Standing::Removed
        } else {
            Standing::Stranger
        };
        self.stand(conn, user, then, at).await
    }

    /// Changes what the room knows of a user, without an event of its own.
    pub(crate) async fn stand(
        &self,
        conn: &mut Conn,
        user: UserId,
        standing: Standing,
        at: Time,
    ) -> Result<(), Fault> {
        if standing == Standing::Stranger {
            conn.run(&FORGET, args![self.room.id, user]).await?;
        } else {
            let since = self.room.seq;
            let args = args![self.room.id, user, standing.as_str(), since, at];
            conn.run(&STAND, args).await?;
        }
        Ok(())
    }

    /// Marks a change that no event tells of, so that other processes notice.
    pub(crate) const fn revise(&mut self) {
        self.revision += 1;
    }

    /// Writes the room and its new events.
    pub(crate) async fn save(self, conn: &mut Conn) -> Result<(Arc<Room>, Vec<Arc<Event>>), Fault> {
        for event in &self.events {
            note(conn, event).await?;
        }
        let room = self.room;
        let members = i64::try_from(room.users.len()).unwrap_or(i64::MAX);
        let args = args![
            room.id,
            &room.name,
            self.name_key,
            &room.topic,
            room.kind.as_str(),
            room.owner,
            room.max_users,
            room.updated_at,
            room.expires_at,
            room.seq,
            room.messages,
            members,
            self.revision,
        ];
        conn.run(&SAVE, args).await?;
        Ok((Arc::new(room), self.events))
    }
}

/// The kind, message, user and data of an event.
type Noted<'a> = (&'a str, Option<MessageId>, Option<UserId>, Option<&'a str>);

fn reaction<'a>(word: &'a str, reacted: &'a Reacted) -> Noted<'a> {
    let (message, user) = (Some(reacted.message), Some(reacted.user));
    (word, message, user, Some(&reacted.emoji))
}

/// Writes an event to its room's stream.
pub(crate) async fn note(conn: &mut Conn, event: &Event) -> Result<(), Fault> {
    let (word, message, user, data): Noted<'_> = match &event.what {
        What::RoomCreated(_) => (kind::CREATED, None, None, None),
        What::RoomUpdated(_) => (kind::UPDATED, None, None, None),
        What::RoomDeleted(reason) => (kind::ENDED, None, None, Some(reason.as_str())),
        What::MemberJoined(user) => (kind::JOINED, None, Some(*user), None),
        What::MemberLeft(user, reason) => (kind::LEFT, None, Some(*user), Some(reason.as_str())),
        What::MessageUpdated(message) => (kind::EDITED, Some(message.id), None, None),
        What::MessageDeleted(id) => (kind::DELETED, Some(*id), None, None),
        What::MessagesPurged(user) => (kind::PURGED, None, Some(*user), None),
        What::ReactionAdded(reacted) => reaction(kind::REACTED, reacted),
        What::ReactionRemoved(reacted) => reaction(kind::UNREACTED, reacted),
        What::MessageCreated(_) => {
            return Err(Fault::broken("a message's creation is its own row"));
        }
    };
    let args = args![
        event.room,
        event.seq,
        event.at,
        word,
        message.map(MessageId::get),
        user.map(UserId::get),
        data.map(str::to_owned),
    ];
    conn.run(&NOTE, args).await?;
    Ok(())
}
