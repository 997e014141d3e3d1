//! The batch's statements on SQLite: small ones, prepared once and run for each room, author and nonce.
//!
//! The thread that runs them owns the connection, so a statement costs what SQLite needs for it and
//! nothing else.

use super::batch::{Asked, Facts, Fresh, Known};
use crate::{
    engine::sqlite::Worked,
    fault::Fault,
    files, mentions,
    rows::{MESSAGE_COLUMNS, MessageRow, author, message_columns},
};
use parlour_core::{
    MessageId,
    ports::{Append, NewMessage},
};
use rusqlite::{Connection, OptionalExtension as _, Statement, params};
use std::sync::LazyLock;

const ROOM: &str = "SELECT last_seq, owner_id FROM rooms WHERE id = ?1 AND ended_at IS NULL";

const MEMBER: &str =
    "SELECT 1 FROM room_users WHERE room_id = ?1 AND user_id = ?2 AND state = 'member'";

const KNOWN: &str = concat!(
    "SELECT ",
    message_columns!(),
    ", m.body_hash, r.id IS NULL FROM messages m \
     LEFT JOIN rooms r ON r.id = m.room_id AND r.ended_at IS NULL",
    author!(),
    "WHERE m.author_id = ?1 AND m.nonce = ?2"
);

const RELEASE: &str = "UPDATE messages SET nonce = NULL WHERE id = ?1";

/// Rows of one large insert. Each statement reads and writes the counter of ids once, so this costs a
/// third less than row by row.
const WIDTH: usize = 16;

static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insert_of(1));
static INSERT_MANY: LazyLock<String> = LazyLock::new(|| insert_of(WIDTH));

/// How many parameters a row of [`insert_of`] has.
const PARAMETERS: usize = 9;

/// A row that is refused takes the whole transaction back, which is what follows anyway; so SQLite needs
/// no journal for one statement of many rows.
fn insert_of(rows: usize) -> String {
    let row = |row: usize| {
        let [room, seq, author, text, nonce, hash, at, reply_to, mentions]: [String; PARAMETERS] =
            std::array::from_fn(|column| format!("?{}", row * PARAMETERS + column + 1));
        format!(
            "({room}, {seq}, {author}, {text}, {nonce}, {hash}, {at}, {at}, FALSE, {reply_to}, {mentions})"
        )
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT OR ROLLBACK INTO messages (room_id, seq, author_id, text, nonce, body_hash, \
           created_at, updated_at, deleted, reply_to, mentions) VALUES {}",
        values.join(", ")
    )
}

const HANG: &str = "UPDATE messages SET files = ?2 WHERE id = ?1";

const ADVANCE: &str =
    "UPDATE rooms SET last_seq = ?2, message_count = message_count + ?3 WHERE id = ?1";

/// Stores a batch; the answers are in the order of the messages. Nothing needs to be committed when
/// none of them is [`Append::Stored`].
pub(super) fn store(conn: &Connection, messages: &[NewMessage]) -> Worked<Vec<Append>> {
    let mut facts = read(conn, &Asked::about(messages))?;
    let decided = facts.decide_all(messages)?;
    if decided.fresh.is_empty() {
        return Ok((decided.answers(Vec::new()), false));
    }
    let ids = write(conn, &facts, &decided.fresh)?;
    Ok((decided.answers(ids), true))
}

fn read(conn: &Connection, asked: &Asked<'_>) -> Result<Facts, Fault> {
    let mut facts = Facts::default();
    let mut room = conn.prepare_cached(ROOM)?;
    for id in &asked.rooms {
        let found = room.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)));
        if let Some((seq, owner)) = found.optional()? {
            facts.room(*id, seq, owner);
        }
    }
    let mut member = conn.prepare_cached(MEMBER)?;
    for (room, user) in &asked.pairs {
        if member.exists([room, user])? {
            facts.member(*room, *user);
        }
    }
    for (file, owner) in &asked.files {
        if files::is_attachable(conn, *file, *owner)? {
            facts.file(*file, *owner);
        }
    }
    if asked.nonces.is_empty() {
        return Ok(facts);
    }
    let mut known = conn.prepare_cached(KNOWN)?;
    for (author, nonce) in &asked.nonces {
        let mut rows = known.query(params![author, nonce])?;
        if let Some(row) = rows.next()? {
            let (hash, ended) = (row.get(MESSAGE_COLUMNS)?, row.get(MESSAGE_COLUMNS + 1)?);
            facts.nonce(Known::of(MessageRow::of(row)?, hash, ended)?);
        }
    }
    Ok(facts)
}

/// Writes the batch; the new ids are in the order of the rows.
fn write(conn: &Connection, facts: &Facts, fresh: &[Fresh<'_>]) -> Result<Vec<i64>, Fault> {
    for id in &facts.released {
        conn.prepare_cached(RELEASE)?.execute([id])?;
    }
    let ids = insert(conn, fresh)?;
    let mut advance = conn.prepare_cached(ADVANCE)?;
    for (room, seq, added) in facts.moved() {
        if advance.execute([room, seq, added])? != 1 {
            return Err(Fault::broken("a room went away inside of a transaction"));
        }
    }
    hang(conn, fresh, &ids)?;
    mentions::write_own(conn, fresh.iter().flat_map(Fresh::addressed))?;
    Ok(ids)
}

/// Hangs files on the new rows; few have any, so the insert knows nothing of them.
fn hang(conn: &Connection, fresh: &[Fresh<'_>], ids: &[i64]) -> Result<(), Fault> {
    for (row, id) in fresh.iter().zip(ids) {
        if row.files.is_some() {
            conn.prepare_cached(HANG)?.execute(params![id, row.files])?;
            files::attach_own(conn, (row.message.room.get(), *id), &row.message.files)?;
        }
    }
    Ok(())
}

/// Inserts the rows. The ids of one statement follow each other, as the column's AUTOINCREMENT says.
fn insert(conn: &Connection, fresh: &[Fresh<'_>]) -> Result<Vec<i64>, Fault> {
    let mut ids = Vec::with_capacity(fresh.len());
    let (many, rest) = fresh.as_chunks::<WIDTH>();
    if !many.is_empty() {
        let mut statement = conn.prepare_cached(&INSERT_MANY)?;
        for rows in many {
            let last = insert_rows(conn, &mut statement, rows)?;
            let first = last + 1 - i64::try_from(WIDTH).map_err(Fault::broken)?;
            ids.extend(first..=last);
        }
    }
    let mut statement = conn.prepare_cached(&INSERT_ONE)?;
    for row in rest {
        ids.push(insert_rows(
            conn,
            &mut statement,
            std::slice::from_ref(row),
        )?);
    }
    Ok(ids)
}

/// Runs an insert of so many rows; the last id.
fn insert_rows(
    conn: &Connection,
    statement: &mut Statement<'_>,
    rows: &[Fresh<'_>],
) -> Result<i64, Fault> {
    for (index, row) in rows.iter().enumerate() {
        let message = row.message;
        let values = params![
            message.room.get(),
            row.seq,
            message.author.get(),
            message.text,
            message.nonce,
            row.hash,
            message.at.as_micros(),
            message.reply_to.map(MessageId::get),
            row.mentions,
        ];
        for (column, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(index * PARAMETERS + column + 1, value)?;
        }
    }
    if statement.raw_execute()? != rows.len() {
        return Err(Fault::broken("not every row of the batch was written"));
    }
    Ok(conn.last_insert_rowid())
}
