//! How rooms end, and what becomes of what they leave behind.

use crate::{
    engine::Conn,
    fault::Fault,
    living,
    sql::{Arg, Sql, args, sql},
    store::{Done, Inner, Scope},
};
use parlour_core::{Error, Event, RoomId, Time, What, event::EndReason};
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

const PURGE_MEMBERS: Sql = sql!(
    "DELETE FROM room_users WHERE room_id = $1 AND user_id IN \
     (SELECT user_id FROM room_users WHERE room_id = $1 ORDER BY user_id LIMIT $2)"
);

const PURGED: Sql = sql!("UPDATE rooms SET purged = TRUE WHERE id = $1");

const FORGET: Sql = sql!(
    "DELETE FROM rooms WHERE id IN (SELECT id FROM rooms WHERE ended_at IS NOT NULL \
     AND ended_at < $1 AND purged = TRUE ORDER BY ended_at LIMIT $2)"
);

const MORE: Sql = sql!(
    "SELECT id FROM rooms WHERE ended_at IS NOT NULL AND (purged = FALSE OR ended_at < $1) LIMIT 1"
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
        for sql in [&PURGE_MESSAGES, &PURGE_EVENTS, &PURGE_MEMBERS] {
            if left > 0 {
                left -= delete(conn, sql, args![room, left]).await?;
            }
        }
        if left > 0 {
            conn.run(&PURGED, args![room]).await?;
        }
    }
    if left > 0 {
        delete(conn, &FORGET, args![forget_before, left]).await?;
    }
    let more = conn.row(&MORE, args![forget_before]).await?.is_some();
    Ok(Done::changed(more))
}

async fn delete(conn: &mut Conn, sql: &Sql, args: Vec<Arg>) -> Result<i64, Fault> {
    let count = conn.run(sql, args).await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}
