//! How rooms end, and what becomes of what they leave behind.

use crate::{
    engine::Conn,
    fault::Fault,
    living, rows,
    sql::{Arg, Sql, args, sql},
    store::{Done, Inner, Scope},
};
use parlour_core::{Error, Event, RoomId, Time, UserId, What, event::EndReason, model::Tombstone};
use std::sync::Arc;

/// Rooms that one call ends at most.
const EXPIRE_MOST: i64 = 100;

/// Rows that one transaction of the purge deletes at most.
const PURGE_MOST: i64 = 1_000;

const DUE: Sql = sql!(
    "SELECT id FROM rooms WHERE ended_at IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT 1"
);

/// Locked in order of id, so that nobody waits for each other; the condition is asked again under the
/// lock.
const STILL_DUE: Sql = sql!(
    "SELECT id, last_seq FROM rooms WHERE ended_at IS NULL AND expires_at <= $1 AND id IN \
     (SELECT id FROM rooms WHERE ended_at IS NULL AND expires_at <= $1 \
      ORDER BY expires_at LIMIT $2) ORDER BY id"[lock]
);

const END: Sql =
    sql!("UPDATE rooms SET ended_at = $2, end_reason = $3, last_seq = $4 WHERE id = $1");

const UNPURGED: Sql = sql!(
    "SELECT id FROM rooms WHERE ended_at IS NOT NULL AND purged = FALSE ORDER BY id LIMIT 1"[lock]
);

const PURGE_MESSAGES: Sql =
    sql!("DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE room_id = $1 LIMIT $2)");

const PURGE_EVENTS: Sql = sql!(
    "DELETE FROM events WHERE room_id = $1 AND seq IN \
     (SELECT seq FROM events WHERE room_id = $1 ORDER BY seq LIMIT $2)"
);

const PURGE_REACTIONS: Sql = sql!(
    "DELETE FROM reactions WHERE (message_id, emoji, user_id) IN \
     (SELECT message_id, emoji, user_id FROM reactions WHERE room_id = $1 LIMIT $2)"
);

const PURGE_MENTIONS: Sql = sql!(
    "DELETE FROM mentions WHERE (user_id, room_id, seq) IN \
     (SELECT user_id, room_id, seq FROM mentions WHERE room_id = $1 LIMIT $2)"
);

const PURGE_FILES: Sql = sql!(
    "UPDATE files SET released_at = (SELECT ended_at FROM rooms WHERE id = $1) WHERE id IN \
     (SELECT id FROM files WHERE room_id = $1 AND released_at IS NULL LIMIT $2)"
);

const PURGE_READS: Sql = sql!(
    "DELETE FROM reads WHERE room_id = $1 AND user_id IN \
     (SELECT user_id FROM reads WHERE room_id = $1 LIMIT $2)"
);

/// The members of a PRIVATE room stay with the tombstone, so that they can be told what became of it.
const PURGE_MEMBERS: Sql = sql!(
    "DELETE FROM room_users WHERE room_id = $1 AND user_id IN \
     (SELECT ru.user_id FROM room_users ru JOIN rooms r ON r.id = ru.room_id \
      WHERE ru.room_id = $1 AND (r.kind = 'GROUP' OR ru.state <> 'member') LIMIT $2)"
);

const PURGED: Sql = sql!("UPDATE rooms SET purged = TRUE WHERE id = $1");

const FORGET_MEMBERS: Sql = sql!(
    "DELETE FROM room_users WHERE (room_id, user_id) IN \
     (SELECT ru.room_id, ru.user_id FROM rooms r JOIN room_users ru ON ru.room_id = r.id \
      WHERE r.ended_at IS NOT NULL AND r.ended_at < $1 AND r.purged = TRUE LIMIT $2)"
);

const FORGET: Sql = sql!(
    "DELETE FROM rooms WHERE id IN (SELECT r.id FROM rooms r WHERE r.ended_at IS NOT NULL \
     AND r.ended_at < $1 AND r.purged = TRUE \
     AND NOT EXISTS (SELECT 1 FROM room_users ru WHERE ru.room_id = r.id) \
     ORDER BY r.ended_at LIMIT $2)"
);

const MORE: Sql = sql!(
    "SELECT id FROM rooms WHERE ended_at IS NOT NULL AND (purged = FALSE OR ended_at < $1) LIMIT 1"
);

const TOMBSTONE: Sql = sql!(
    "SELECT r.name, r.kind, r.owner_id, r.ended_at, r.end_reason, (SELECT COUNT(*) \
       FROM room_users ru WHERE ru.room_id = r.id AND ru.user_id = $2 AND ru.state = 'member') \
     FROM rooms r WHERE r.id = $1 AND r.ended_at IS NOT NULL"
);

pub(super) async fn end(
    conn: &mut Conn,
    id: RoomId,
    reason: EndReason,
    at: Time,
) -> Result<Done<bool>, Fault> {
    let Some(living) = living::enter(conn, id).await? else {
        return Ok(Done::unchanged(false));
    };
    let event = end_locked(conn, id, living.room.seq, reason, at).await?;
    Ok(Done::changed(true).events(vec![event]))
}

/// The tombstone keeps name, owner, end and reason; nobody reads the stream any more.
async fn end_locked(
    conn: &mut Conn,
    room: RoomId,
    last_seq: i64,
    reason: EndReason,
    at: Time,
) -> Result<Arc<Event>, Fault> {
    let seq = last_seq + 1;
    conn.run(&END, args![room, at, reason.as_str(), seq])
        .await?;
    Ok(Arc::new(Event {
        room,
        seq,
        at,
        what: What::RoomDeleted(reason),
    }))
}

impl Inner {
    /// Ends the rooms whose time is up. Asks first without locking anything, because mostly there
    /// are none.
    pub(super) async fn expire(self: &Arc<Self>, now: Time) -> Result<Vec<RoomId>, Error> {
        let due = self
            .read(|conn| Box::pin(async move { conn.row(&DUE, args![now]).await }))
            .await?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        self.write(Scope::Rooms, move |conn| Box::pin(expire(conn, now)))
            .await
    }
}

async fn expire(conn: &mut Conn, now: Time) -> Result<Done<Vec<RoomId>>, Fault> {
    let mut events = Vec::new();
    for row in conn.rows(&STILL_DUE, args![now, EXPIRE_MOST]).await? {
        let room = RoomId::new(row.int(0)?);
        events.push(end_locked(conn, room, row.int(1)?, EndReason::Expired, now).await?);
    }
    let ended: Vec<RoomId> = events.iter().map(|event| event.room).collect();
    Ok(if ended.is_empty() {
        Done::unchanged(ended)
    } else {
        Done::changed(ended).events(events)
    })
}

pub(super) async fn purge(conn: &mut Conn, forget_before: Time) -> Result<Done<bool>, Fault> {
    let mut left = PURGE_MOST;
    if let Some(row) = conn.row(&UNPURGED, args![]).await? {
        let room = row.int(0)?;
        for sql in [
            // First of all: bytes are the largest thing that a room leaves behind.
            &PURGE_FILES,
            &PURGE_REACTIONS,
            &PURGE_MENTIONS,
            &PURGE_READS,
            &PURGE_MESSAGES,
            &PURGE_EVENTS,
            &PURGE_MEMBERS,
        ] {
            if left > 0 {
                left -= delete(conn, sql, args![room, left]).await?;
            }
        }
        if left > 0 {
            conn.run(&PURGED, args![room]).await?;
        }
    }
    if left > 0 {
        left -= delete(conn, &FORGET_MEMBERS, args![forget_before, left]).await?;
    }
    if left > 0 {
        delete(conn, &FORGET, args![forget_before, left]).await?;
    }
    let more = conn.row(&MORE, args![forget_before]).await?.is_some();
    Ok(Done::changed(more))
}

/// What is left of a room that ended.
pub(super) async fn tombstone(
    conn: &mut Conn,
    room: RoomId,
    user: Option<UserId>,
) -> Result<Option<Tombstone>, Fault> {
    // Ids are positive: 0 is nobody.
    let user = user.map_or(0, UserId::get);
    let Some(row) = conn.row(&TOMBSTONE, args![room, user]).await? else {
        return Ok(None);
    };
    Ok(Some(Tombstone {
        room,
        name: row.text(0)?,
        kind: rows::word(&row.text(1)?)?,
        owner: row.user(2)?,
        ended_at: row.time(3)?,
        reason: rows::end_reason(row.opt_text(4)?.as_deref()),
        was_member: row.int(5)? > 0,
    }))
}

async fn delete(conn: &mut Conn, sql: &Sql, args: Vec<Arg>) -> Result<i64, Fault> {
    let count = conn.run(sql, args).await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}
