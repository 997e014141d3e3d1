//! Deleting an account, with everything it wrote.

use crate::{
    engine::Conn,
    fault::Fault,
    files, living, sessions,
    sql::{Sql, args, sql},
    store::Done,
    uploads,
};
use parlour_core::{
    RoomId, Time, UserId, What,
    event::LeaveReason,
    ports::{DeleteUser, EndWhich},
};

const LOCK: Sql = sql!("SELECT id FROM users WHERE id = $1"[lock]);

const OWNED: Sql =
    sql!("SELECT id FROM rooms WHERE owner_id = $1 AND ended_at IS NULL ORDER BY id");

/// The living rooms it is a member of, wrote or reacted in, in the order in which everybody locks rooms.
const TOUCHED: Sql = sql!(
    "SELECT r.id FROM rooms r WHERE r.ended_at IS NULL AND r.id IN \
     (SELECT room_id FROM room_users WHERE user_id = $1 AND state = 'member' \
      UNION SELECT room_id FROM messages WHERE author_id = $1 \
      UNION SELECT room_id FROM reactions WHERE user_id = $1) ORDER BY r.id"
);

/// How many messages it wrote, and how often it reacted. The plus keeps the planner from walking the
/// whole room.
const LEFT_BEHIND: Sql = sql!(
    "SELECT (SELECT COUNT(*) FROM messages WHERE author_id = $1 AND +room_id = $2) + \
     (SELECT COUNT(*) FROM reactions WHERE user_id = $1 AND room_id = $2)"
);

const WIPE: Sql = sql!(
    "UPDATE messages SET text = '', reply_to = NULL, mentions = NULL, files = NULL, \
     deleted = TRUE, \
     updated_at = $3 WHERE author_id = $1 AND +room_id = $2 AND deleted = FALSE"
);

/// What others made of its messages, in ended rooms too.
const ERASE_REACTIONS: Sql = sql!(
    "DELETE FROM reactions WHERE message_id IN (SELECT id FROM messages WHERE author_id = $1)"
);

const ERASE_MENTIONS: Sql = sql!(
    "DELETE FROM mentions WHERE (room_id, seq) IN \
     (SELECT room_id, seq FROM messages WHERE author_id = $1 AND mentions IS NOT NULL)"
);

const ERASE_OWN_MENTIONS: Sql = sql!("DELETE FROM mentions WHERE user_id = $1");

/// Memberships, reactions, read positions, credentials and names go with the row.
const DELETE: Sql = sql!("DELETE FROM users WHERE id = $1");

pub(super) async fn delete(
    conn: &mut Conn,
    id: UserId,
    at: Time,
) -> Result<Done<DeleteUser>, Fault> {
    // From here on nobody joins a room or gets a credential for this account.
    if conn.row(&LOCK, args![id]).await?.is_none() {
        return Ok(Done::unchanged(DeleteUser::Gone));
    }
    let owned = room_ids(conn, &OWNED, id).await?;
    if !owned.is_empty() {
        return Ok(Done::unchanged(DeleteUser::OwnsRooms(owned)));
    }
    // Before the texts go, and with them the knowledge of whom they addressed.
    conn.run(&ERASE_MENTIONS, args![id]).await?;
    let mut events = Vec::new();
    for room in room_ids(conn, &TOUCHED, id).await? {
        let Some(mut living) = living::enter(conn, room).await? else {
            continue;
        };
        if living.room.owner == id {
            // Another process handed it over a moment ago.
            return Ok(Done::unchanged(DeleteUser::OwnsRooms(vec![room])));
        }
        if living.room.users.contains(&id) {
            living
                .unseat(conn, id, LeaveReason::AccountDeleted, at)
                .await?;
        }
        let left = conn.row(&LEFT_BEHIND, args![id, room]).await?;
        if left.map_or(Ok(0), |row| row.int(0))? > 0 {
            let wiped = conn.run(&WIPE, args![id, room, at]).await?;
            living.room.messages -= i64::try_from(wiped).unwrap_or(0);
            living.note(at, What::MessagesPurged(id));
        }
        events.extend(living.save(conn).await?.1);
    }
    // Under the rooms' locks: nobody reacts to those messages any more, or addresses this account.
    conn.run(&ERASE_REACTIONS, args![id]).await?;
    conn.run(&ERASE_OWN_MENTIONS, args![id]).await?;
    files::release_of_owner(conn, id, at).await?;
    uploads::forget_of_owner(conn, id).await?;
    let ended = sessions::end(conn, id, EndWhich::All).await?;
    let mut signals = Vec::new();
    if !ended.is_empty() {
        signals.push(sessions::log_ended(conn, id, &ended, at).await?);
    }
    signals.push(sessions::log_changed(conn, id, at).await?);
    conn.run(&DELETE, args![id]).await?;
    Ok(Done::changed(DeleteUser::Deleted { ended })
        .events(events)
        .signals(signals))
}

async fn room_ids(conn: &mut Conn, sql: &Sql, user: UserId) -> Result<Vec<RoomId>, Fault> {
    let rows = conn.rows(sql, args![user]).await?;
    rows.iter().map(|row| row.int(0).map(RoomId::new)).collect()
}
