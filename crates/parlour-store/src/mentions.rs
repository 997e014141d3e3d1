//! The rows by which it is counted how often somebody was addressed.

use crate::{
    engine::Conn,
    fault::Fault,
    sql::{Sql, args, sql},
};
use parlour_core::{RoomId, UserId, model::Mention};
use rusqlite::Connection;

/// Accounts that went away meanwhile get no row.
const WRITE: Sql = sql!(
    "INSERT INTO mentions (user_id, room_id, seq) \
     SELECT u.id, CAST(v.value->>1 AS BIGINT), CAST(v.value->>2 AS BIGINT) FROM " [each 1] " v \
     JOIN users u ON u.id = CAST(v.value->>0 AS BIGINT) WHERE TRUE ON CONFLICT DO NOTHING"
);

/// [`WRITE`] for one row on SQLite.
const WRITE_ONE: &str = "INSERT INTO mentions (user_id, room_id, seq) \
     SELECT id, ?2, ?3 FROM users WHERE id = ?1 ON CONFLICT DO NOTHING";

const ERASE: Sql = sql!("DELETE FROM mentions WHERE room_id = $1 AND seq = $2");

/// The rows of one message: user, room, seq. Nobody is told of addressing themselves.
pub(crate) fn rows(
    room: RoomId,
    seq: i64,
    author: UserId,
    mentions: &[Mention],
) -> impl Iterator<Item = (i64, i64, i64)> + '_ {
    mentions
        .iter()
        .filter(move |mention| mention.user != author)
        .map(move |mention| (mention.user.get(), room.get(), seq))
}

/// Writes rows; most messages have none.
pub(crate) async fn write(
    conn: &mut Conn,
    rows: impl Iterator<Item = (i64, i64, i64)>,
) -> Result<(), Fault> {
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        let list = serde_json::to_string(&rows).map_err(Fault::broken)?;
        conn.run(&WRITE, args![list]).await?;
    }
    Ok(())
}

/// [`write`] on the connection of the thread that commits messages.
pub(crate) fn write_own(
    conn: &Connection,
    rows: impl Iterator<Item = (i64, i64, i64)>,
) -> Result<(), Fault> {
    for (user, room, seq) in rows {
        conn.prepare_cached(WRITE_ONE)?.execute([user, room, seq])?;
    }
    Ok(())
}

/// Removes the rows of one message.
pub(crate) async fn erase(conn: &mut Conn, room: RoomId, seq: i64) -> Result<(), Fault> {
    conn.run(&ERASE, args![room, seq]).await?;
    Ok(())
}
