//! How far people have read.

use crate::{
    engine::Conn,
    fault::Fault,
    sql::{Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use parlour_core::{Error, RoomId, Time, UserId, model::Unread, ports::Reading};

/// Who hears in a living room `r`, and how far the user has read in it.
macro_rules! heard {
    () => {
        "FROM rooms r LEFT JOIN reads p ON p.room_id = r.id AND p.user_id = $1 \
         WHERE r.ended_at IS NULL "
    };
}

/// Where the user is, if the user hears in the room, and the room's newest seq.
const LOOK: Sql = sql!(
    "SELECT p.seq, r.last_seq " [text heard!()] " AND r.id = $2 AND (r.owner_id = $1 OR EXISTS \
     (SELECT 1 FROM room_users ru \
      WHERE ru.room_id = r.id AND ru.user_id = $1 AND ru.state = 'member'))"
);

/// One statement: positions move only forwards however many call, unless `$4` says otherwise.
const MOVE: Sql = sql!(
    "INSERT INTO reads (room_id, user_id, seq, at) \
     SELECT r.id, $1, CASE WHEN $3 > r.last_seq THEN r.last_seq ELSE $3 END, $5 FROM rooms r \
     WHERE r.id = $2 AND r.ended_at IS NULL AND (r.owner_id = $1 OR EXISTS \
      (SELECT 1 FROM room_users ru \
       WHERE ru.room_id = r.id AND ru.user_id = $1 AND ru.state = 'member')) \
     ON CONFLICT (room_id, user_id) DO UPDATE SET at = excluded.at, \
       seq = CASE WHEN $4 OR excluded.seq > reads.seq THEN excluded.seq ELSE reads.seq END \
     RETURNING seq"
);

const SEAT: Sql = sql!(
    "INSERT INTO reads (room_id, user_id, seq, at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (room_id, user_id) DO UPDATE SET seq = excluded.seq, at = excluded.at"
);

const POSITIONS: Sql = sql!(
    "SELECT " [array "p.user_id, p.seq"] " FROM rooms r JOIN reads p ON p.room_id = r.id \
     WHERE r.id = $1 AND r.ended_at IS NULL AND (p.user_id = r.owner_id OR EXISTS \
      (SELECT 1 FROM room_users ru \
       WHERE ru.room_id = r.id AND ru.user_id = p.user_id AND ru.state = 'member'))"
);

/// Counting stops at `$2`, and looks at indexes only.
macro_rules! unread_columns {
    () => {
        "r.id, r.last_seq, COALESCE(p.seq, 0), \
         (SELECT COUNT(*) FROM (SELECT 1 FROM messages m WHERE m.room_id = r.id \
            AND m.seq > COALESCE(p.seq, 0) AND m.deleted = FALSE AND m.author_id <> $1 \
            LIMIT $2) AS counted), \
         (SELECT COUNT(*) FROM (SELECT 1 FROM mentions x WHERE x.user_id = $1 \
            AND x.room_id = r.id AND x.seq > COALESCE(p.seq, 0) LIMIT $2) AS counted)"
    };
}

const UNREAD: Sql = sql!(
    "SELECT " [text unread_columns!()] " " [text heard!()]
    "AND r.id IN (SELECT id FROM rooms WHERE owner_id = $1 AND ended_at IS NULL \
      UNION SELECT room_id FROM room_users WHERE user_id = $1 AND state = 'member') ORDER BY r.id"
);

const UNREAD_ONE: Sql = sql!(
    "SELECT " [text unread_columns!()] " " [text heard!()]
    "AND r.id = $3 AND (r.owner_id = $1 OR EXISTS (SELECT 1 FROM room_users ru \
      WHERE ru.room_id = r.id AND ru.user_id = $1 AND ru.state = 'member'))"
);

#[async_trait]
impl Reading for SqlStore {
    async fn mark_read(
        &self,
        room: RoomId,
        user: UserId,
        seq: i64,
        back: bool,
        at: Time,
    ) -> Result<Option<i64>, Error> {
        let seq = seq.max(0);
        // Most calls move nothing (a second window, an old tab): they need no commit.
        let look = self
            .inner
            .read(|conn| Box::pin(look(conn, room, user)))
            .await?;
        match look {
            None => return Ok(None),
            Some((Some(before), newest)) => {
                let asked = seq.min(newest);
                if before == asked || (!back && before > asked) {
                    return Ok(Some(before));
                }
            }
            Some((None, _)) => {}
        }
        // It has no event and nothing remembers it: no room's order is touched.
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let args = args![user, room, seq, back, at];
                Box::pin(async move {
                    let row = conn.row(&MOVE, args).await?;
                    let moved = row.map(|row| row.int(0)).transpose()?;
                    Ok(Done::changed(moved))
                })
            })
            .await
    }

    async fn read_positions(&self, room: RoomId) -> Result<Vec<(UserId, i64)>, Error> {
        let row = self
            .inner
            .read(|conn| Box::pin(async move { conn.row(&POSITIONS, args![room]).await }))
            .await?;
        let list = row.map_or_else(|| Ok(Vec::new()), |row| row.array(0));
        list.map_err(Fault::into_error)
    }

    async fn unread(&self, user: UserId, room: Option<RoomId>) -> Result<Vec<Unread>, Error> {
        self.inner
            .read(|conn| Box::pin(unread(conn, user, room)))
            .await
    }
}

async fn look(
    conn: &mut Conn,
    room: RoomId,
    user: UserId,
) -> Result<Option<(Option<i64>, i64)>, Fault> {
    match conn.row(&LOOK, args![user, room]).await? {
        Some(row) => Ok(Some((row.opt_int(0)?, row.int(1)?))),
        None => Ok(None),
    }
}

async fn unread(conn: &mut Conn, user: UserId, room: Option<RoomId>) -> Result<Vec<Unread>, Fault> {
    let rows = match room {
        None => conn.rows(&UNREAD, args![user, Unread::MOST]).await?,
        Some(room) => {
            conn.rows(&UNREAD_ONE, args![user, Unread::MOST, room])
                .await?
        }
    };
    rows.iter()
        .map(|row| {
            Ok(Unread {
                room: RoomId::new(row.int(0)?),
                seq: row.int(1)?,
                read_seq: row.int(2)?,
                messages: row.int(3)?,
                mentions: row.int(4)?,
            })
        })
        .collect()
}

/// Who just got a seat has read everything up to then.
pub(crate) async fn seat(
    conn: &mut Conn,
    room: RoomId,
    user: UserId,
    seq: i64,
    at: Time,
) -> Result<(), Fault> {
    conn.run(&SEAT, args![room, user, seq, at]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{UNREAD, UNREAD_ONE};
    use crate::schema::tests::fresh;
    use sqlx::Row as _;

    /// What SQLite would do.
    async fn plan(sql: &str) -> Vec<String> {
        let mut conn = fresh().await;
        let text = format!("EXPLAIN QUERY PLAN {sql}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut conn);
        let rows = rows.await.expect("a plan");
        rows.iter().map(|row| row.get("detail")).collect()
    }

    #[tokio::test]
    async fn unread_messages_are_counted_in_indexes() {
        for sql in [&UNREAD, &UNREAD_ONE] {
            let plan = plan(sql.sqlite).await;
            for part in [
                "SEARCH m USING COVERING INDEX messages_stream (room_id=? AND seq>?)",
                "SEARCH x USING COVERING INDEX",
                "SEARCH p USING INDEX",
                "SEARCH r USING INTEGER PRIMARY KEY",
            ] {
                let found = plan.iter().any(|step| step.contains(part));
                assert!(found, "{part}: {plan:#?}");
            }
        }
    }
}
