//! The batch's statements on SQLite: one that reads, one call that writes.
//!
//! Each statement, and each row it answers, crosses from the connection's thread to ours. So everything
//! is asked at once and answered as one row of JSON.

use super::batch::{Asked, Facts, Fresh, Known};
use crate::{
    engine::Conn,
    fault::Fault,
    rows::{MessageRow, author, message_columns},
    sql::{Sql, args, sql},
};

/// CROSS JOIN: SQLite walks what is asked for and looks each up.
const READ: Sql = sql!(
    "SELECT (SELECT json_group_array(json_array(id, last_seq, owner_id)) FROM rooms \
       WHERE id IN (SELECT value FROM json_each($1)) AND ended_at IS NULL), \
     (SELECT json_group_array(json_array(ru.room_id, ru.user_id)) \
       FROM json_each($2) AS p CROSS JOIN room_users ru \
       ON ru.room_id = p.value->>0 AND ru.user_id = p.value->>1 WHERE ru.state = 'member'), \
     (SELECT seq FROM sqlite_sequence WHERE name = 'messages'), \
     (SELECT json_group_array(json_array(" [object message_columns!()] ", m.body_hash, \
         CASE WHEN r.id IS NULL THEN 1 ELSE 0 END)) \
       FROM (SELECT value->>0 AS author, value->>1 AS nonce FROM json_each($3)) AS p \
       CROSS JOIN messages m LEFT JOIN rooms r ON r.id = m.room_id AND r.ended_at IS NULL"
       [text author!()] "\
       WHERE m.author_id = p.author AND m.nonce = p.nonce)"
);

const RELEASE: Sql = sql!("UPDATE messages SET nonce = NULL WHERE id" [any 1]);

/// Both statements in one call. SQLite has one writer, so the ids are known before the insert and need
/// not be read back.
macro_rules! batch_write {
    ($columns:literal, $values:literal) => {
        sql!(
            "INSERT INTO messages (id, room_id, seq, author_id, text, nonce, body_hash, \
               created_at, updated_at, deleted" $columns ") \
             SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, \
               value->>7, value->>7, FALSE" $values " FROM json_each($1); \
             UPDATE rooms SET last_seq = v.value->>1, message_count = message_count + (v.value->>2) \
               FROM json_each($2) AS v WHERE rooms.id = v.value->>0"
        )
    };
}

const WRITE: Sql = batch_write!(", reply_to, mentions", ", value->>8, value->>9");

/// For batches without replies and mentions: each value taken out of JSON costs a tenth of the insert.
const WRITE_PLAIN: Sql = batch_write!("", "");

/// A message, its body hash, and whether its room ended.
type KnownRow = (MessageRow, Option<String>, i64);

pub(super) async fn read(conn: &mut Conn, asked: Asked<'_>) -> Result<Facts, Fault> {
    let args = args![
        json(&asked.rooms)?,
        json(&asked.pairs)?,
        json(&asked.nonces)?,
    ];
    let Some(row) = conn.row(&READ, args).await? else {
        return Err(Fault::broken("a row of aggregates is always there"));
    };
    let mut facts = Facts::default();
    facts.last_id = row.opt_int(2)?.unwrap_or(0);
    for (id, seq, owner) in row.array(0)? {
        facts.room(id, seq, owner);
    }
    for (room, user) in row.array(1)? {
        facts.member(room, user);
    }
    for (message, hash, ended) in row.array::<KnownRow>(3)? {
        facts.nonce(Known::of(message, hash, ended == 1)?);
    }
    Ok(facts)
}

/// Writes the batch; the new ids are in the order of the rows.
pub(super) async fn write(
    conn: &mut Conn,
    facts: &Facts,
    fresh: &[Fresh<'_>],
    moved: &[(i64, i64, i64)],
) -> Result<Vec<i64>, Fault> {
    if !facts.released.is_empty() {
        conn.run(&RELEASE, args![facts.released.clone()]).await?;
    }
    let ids: Vec<i64> = (facts.last_id + 1..).take(fresh.len()).collect();
    let rows: Vec<_> = fresh
        .iter()
        .zip(&ids)
        .map(|(row, id)| {
            let message = row.message;
            (
                id,
                message.room,
                row.seq,
                message.author,
                &message.text,
                &message.nonce,
                &row.hash,
                message.at.as_micros(),
                message.reply_to,
                &row.mentions,
            )
        })
        .collect();
    let is_plain = |row: &Fresh<'_>| row.message.reply_to.is_none() && row.mentions.is_none();
    let sql = if fresh.iter().all(is_plain) {
        &WRITE_PLAIN
    } else {
        &WRITE
    };
    let changed = conn.run(sql, args![json(&rows)?, json(&moved)?]).await?;
    if usize::try_from(changed) != Ok(fresh.len() + moved.len()) {
        return Err(Fault::broken("not every row of the batch was written"));
    }
    Ok(ids)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::broken)
}
