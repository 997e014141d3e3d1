//! Lists of rooms.

use crate::{
    engine::Conn,
    fault::Fault,
    rows,
    sql::{Arg, Sql, args, sql},
};
use parlour_core::{
    RoomId, UserId,
    model::{Page, PageRequest, Room},
    ports::Hearing,
};

macro_rules! mine {
    () => {
        "r.id IN (SELECT id FROM rooms WHERE owner_id = $1 AND ended_at IS NULL \
         UNION SELECT room_id FROM room_users WHERE user_id = $1 AND state = 'member') \
         AND r.ended_at IS NULL"
    };
}

const MINE_COUNT: Sql = sql!("SELECT COUNT(*) FROM rooms r WHERE " [text mine!()]);

const MINE: Sql = sql!(
    "SELECT " [room] " FROM rooms r WHERE " [text mine!()]
    " ORDER BY r.updated_at DESC, r.id DESC LIMIT $2 OFFSET $3"
);

/// Times are never negative: the last condition leads SQLite to the index that holds these rooms.
const OPEN_COUNT: Sql = sql!(
    "SELECT COUNT(*) FROM rooms WHERE kind = 'GROUP' AND ended_at IS NULL AND updated_at >= 0"
);

const OPEN: Sql = sql!(
    "SELECT " [room] " FROM rooms r WHERE r.kind = 'GROUP' AND r.ended_at IS NULL \
     ORDER BY r.updated_at DESC, r.id DESC LIMIT $1 OFFSET $2"
);

const ALL_COUNT: Sql = sql!("SELECT COUNT(*) FROM rooms WHERE ended_at IS NULL");

const ALL: Sql = sql!(
    "SELECT " [room] " FROM rooms r WHERE r.ended_at IS NULL \
     ORDER BY r.id DESC LIMIT $1 OFFSET $2"
);

const INVITATIONS: Sql = sql!(
    "SELECT " [room] " FROM rooms r WHERE r.ended_at IS NULL AND r.id IN \
     (SELECT room_id FROM room_users WHERE user_id = $1 AND state = 'invited') \
     ORDER BY r.id DESC LIMIT 100"
);

/// One statement, hence one snapshot: first who owns, then who has joined the room of somebody else.
const HEARINGS: Sql = sql!(
    "SELECT r.owner_id, r.id, r.last_seq, r.owner_id, \
     CASE WHEN m.user_id IS NULL THEN 0 ELSE 1 END FROM rooms r \
     LEFT JOIN room_users m ON m.room_id = r.id AND m.user_id = r.owner_id AND m.state = 'member' \
     WHERE r.owner_id" [any 1] " AND r.ended_at IS NULL \
     UNION ALL \
     SELECT m.user_id, r.id, r.last_seq, r.owner_id, 1 FROM room_users m \
     JOIN rooms r ON r.id = m.room_id \
     WHERE m.user_id" [any 1] " AND m.state = 'member' AND r.ended_at IS NULL \
     AND r.owner_id <> m.user_id ORDER BY 1, 2"
);

const POSITIONS: Sql =
    sql!("SELECT id, last_seq FROM rooms WHERE id" [any 1] " AND ended_at IS NULL");

pub(super) async fn rooms_of(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
) -> Result<Option<Page<Room>>, Fault> {
    let count = count(conn, &MINE_COUNT, args![user]).await?;
    let Some(offset) = page.offset(count) else {
        return Ok(None);
    };
    let items = rooms(conn, &MINE, args![user, page.size, offset]).await?;
    Ok(Some(listed(items, count, page)))
}

pub(super) async fn open_rooms(
    conn: &mut Conn,
    page: PageRequest,
) -> Result<Option<Page<Room>>, Fault> {
    let count = count(conn, &OPEN_COUNT, args![]).await?;
    let Some(offset) = page.offset(count) else {
        return Ok(None);
    };
    let items = rooms(conn, &OPEN, args![page.size, offset]).await?;
    Ok(Some(listed(items, count, page)))
}

pub(super) async fn all_rooms(
    conn: &mut Conn,
    page: PageRequest,
) -> Result<Option<Page<Room>>, Fault> {
    let count = count(conn, &ALL_COUNT, args![]).await?;
    let Some(offset) = page.offset(count) else {
        return Ok(None);
    };
    let items = rooms(conn, &ALL, args![page.size, offset]).await?;
    Ok(Some(listed(items, count, page)))
}

pub(super) async fn invitations(conn: &mut Conn, user: UserId) -> Result<Vec<Room>, Fault> {
    rooms(conn, &INVITATIONS, args![user]).await
}

const fn listed(items: Vec<Room>, count: i64, page: PageRequest) -> Page<Room> {
    Page {
        items,
        count,
        size: page.size,
    }
}

async fn count(conn: &mut Conn, sql: &Sql, args: Vec<Arg>) -> Result<i64, Fault> {
    conn.row(sql, args).await?.map_or(Ok(0), |row| row.int(0))
}

async fn rooms(conn: &mut Conn, sql: &Sql, args: Vec<Arg>) -> Result<Vec<Room>, Fault> {
    let rows = conn.rows(sql, args).await?;
    rows.iter()
        .map(|row| rows::room(row).map(|(room, _, _)| room))
        .collect()
}

pub(super) async fn hearings(
    conn: &mut Conn,
    ids: Vec<i64>,
) -> Result<Vec<(UserId, Hearing)>, Fault> {
    let rows = conn.rows(&HEARINGS, args![ids]).await?;
    rows.iter()
        .map(|row| {
            let hearing = Hearing {
                room: RoomId::new(row.int(1)?),
                seq: row.int(2)?,
                owner: row.user(3)?,
                is_member: row.int(4)? == 1,
            };
            Ok((row.user(0)?, hearing))
        })
        .collect()
}

pub(super) async fn positions(conn: &mut Conn, ids: Vec<i64>) -> Result<Vec<(RoomId, i64)>, Fault> {
    let rows = conn.rows(&POSITIONS, args![ids]).await?;
    rows.iter()
        .map(|row| Ok((RoomId::new(row.int(0)?), row.int(1)?)))
        .collect()
}
