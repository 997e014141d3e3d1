//! Taking files for messages, and letting them go: inside the transactions that change messages.

use crate::{
    engine::Conn,
    fault::Fault,
    sql::{Sql, args, sql},
};
use parlour_core::{MessageId, RoomId, Time, UserId, model::KeptFile};
use rusqlite::Connection;

/// In order of id, so that two writers never wait for each other.
const ATTACHABLE: Sql = sql!(
    "SELECT id FROM files WHERE id" [any 1] " AND owner_id = $2 AND message_id IS NULL \
     AND released_at IS NULL ORDER BY id" [lock]
);

const STAGED: Sql = sql!(
    "SELECT id, owner_id FROM files WHERE id" [any 1] " AND message_id IS NULL \
     AND released_at IS NULL ORDER BY id" [lock]
);

const ATTACH: Sql = sql!(
    "UPDATE files SET room_id = $2, message_id = $3 WHERE id" [any 1]
);

const RELEASE_OF_MESSAGE: Sql =
    sql!("UPDATE files SET released_at = $2 WHERE message_id = $1 AND released_at IS NULL");

const RELEASE_OF_OWNER: Sql =
    sql!("UPDATE files SET released_at = $2 WHERE owner_id = $1 AND released_at IS NULL");

const IS_ATTACHABLE: &str = "SELECT 1 FROM files WHERE id = ?1 AND owner_id = ?2 \
     AND message_id IS NULL AND released_at IS NULL";

const ATTACH_ONE: &str = "UPDATE files SET room_id = ?2, message_id = ?3 WHERE id = ?1";

/// Those of these files that are staged by these owners; nobody else takes them before the commit.
pub(crate) async fn attachable_pairs(
    conn: &mut Conn,
    files: Vec<(i64, i64)>,
) -> Result<Vec<(i64, i64)>, Fault> {
    if files.is_empty() {
        return Ok(files);
    }
    let ids = files.iter().map(|file| file.0).collect::<Vec<_>>();
    let mut found = Vec::new();
    for row in conn.rows(&STAGED, args![ids]).await? {
        let pair = (row.int(0)?, row.int(1)?);
        if files.contains(&pair) {
            found.push(pair);
        }
    }
    Ok(found)
}

/// The same for one file, on the connection of the thread that commits messages.
pub(crate) fn is_attachable(conn: &Connection, file: i64, owner: i64) -> Result<bool, Fault> {
    Ok(conn.prepare_cached(IS_ATTACHABLE)?.exists([file, owner])?)
}

/// [`attach`] on the connection of the thread that commits messages.
pub(crate) fn attach_own(
    conn: &Connection,
    (room, message): (i64, i64),
    files: &[KeptFile],
) -> Result<(), Fault> {
    for kept in files {
        conn.prepare_cached(ATTACH_ONE)?
            .execute([kept.file.id.get(), room, message])?;
    }
    Ok(())
}

/// Whether all of these are staged files of this account; nobody else takes them before the commit.
pub(crate) async fn attachable(
    conn: &mut Conn,
    owner: UserId,
    files: &[KeptFile],
) -> Result<bool, Fault> {
    let mut ids = ids(files);
    let rows = conn.rows(&ATTACHABLE, args![ids.clone(), owner]).await?;
    ids.sort_unstable();
    ids.dedup();
    // One that is named twice cannot be taken twice.
    Ok(rows.len() == files.len() && ids.len() == files.len())
}

/// Takes files, found [`attachable`] in the same transaction, for a message.
pub(crate) async fn attach(
    conn: &mut Conn,
    (room, message): (RoomId, MessageId),
    files: &[KeptFile],
) -> Result<(), Fault> {
    if !files.is_empty() {
        conn.run(&ATTACH, args![ids(files), room, message]).await?;
    }
    Ok(())
}

/// Releases what hangs on a message.
pub(crate) async fn release_of_message(
    conn: &mut Conn,
    message: MessageId,
    at: Time,
) -> Result<(), Fault> {
    conn.run(&RELEASE_OF_MESSAGE, args![message, at]).await?;
    Ok(())
}

/// Releases all that an account uploaded.
pub(crate) async fn release_of_owner(
    conn: &mut Conn,
    owner: UserId,
    at: Time,
) -> Result<(), Fault> {
    conn.run(&RELEASE_OF_OWNER, args![owner, at]).await?;
    Ok(())
}

fn ids(files: &[KeptFile]) -> Vec<i64> {
    files.iter().map(|kept| kept.file.id.get()).collect()
}
