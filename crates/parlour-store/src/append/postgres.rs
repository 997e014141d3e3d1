//! The batch's statements on PostgreSQL: arrays in, rows out, a constant number of statements.

use super::batch::{Asked, Facts, Fresh, Known};
use crate::{
    engine::Conn,
    fault::Fault,
    files, mentions,
    rows::{MESSAGE_COLUMNS, MessageRow, author, message_columns},
    sql::{Arg, Sql, args, sql},
};
use parlour_core::{
    MessageId, RoomId,
    ports::{Append, NewMessage},
};
use std::collections::HashMap;

/// Locked in order of id, so that two batches never wait for each other. What is read after it cannot
/// change before the commit.
const ROOMS: Sql = sql!(
    "SELECT id, last_seq, owner_id FROM rooms WHERE id" [any 1]
    " AND ended_at IS NULL ORDER BY id" [lock]
);

const MEMBERS: Sql = sql!(
    "SELECT ru.room_id, ru.user_id FROM unnest($1::bigint[], $2::bigint[]) AS p(room_id, user_id) \
     JOIN room_users ru ON ru.room_id = p.room_id AND ru.user_id = p.user_id \
     WHERE ru.state = 'member'"
);

const KNOWN: Sql = sql!(
    "SELECT " [text message_columns!()] ", m.body_hash, CASE WHEN r.id IS NULL THEN 1 ELSE 0 END::bigint \
     FROM unnest($1::bigint[], $2::text[]) AS p(author, nonce) \
     JOIN messages m ON m.author_id = p.author AND m.nonce = p.nonce" [text author!()] "\
     LEFT JOIN rooms r ON r.id = m.room_id AND r.ended_at IS NULL"
);

const RELEASE: Sql = sql!("UPDATE messages SET nonce = NULL WHERE id" [any 1]);

/// The sort comes before the ids are drawn, so ids grow with seq.
const INSERT: Sql = sql!(
    "INSERT INTO messages (room_id, seq, author_id, text, nonce, body_hash, created_at, \
       updated_at, deleted, reply_to, mentions, files) \
     SELECT t.room_id, t.seq, t.author_id, t.text, t.nonce, t.body_hash, t.at, t.at, FALSE, \
       NULLIF(t.reply_to, 0), t.mentions, t.files \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], \
       $7::bigint[], $8::bigint[], $9::text[], $10::text[]) WITH ORDINALITY \
       AS t(room_id, seq, author_id, text, nonce, body_hash, at, reply_to, mentions, files, n) \
     ORDER BY t.n RETURNING id, room_id, seq"
);

const ADVANCE: Sql = sql!(
    "UPDATE rooms SET last_seq = v.seq, message_count = message_count + v.n \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS v(id, seq, n) WHERE rooms.id = v.id"
);

/// Stores a batch; the answers are in the order of the messages. Nothing needs to be committed when
/// none of them is [`Append::Stored`].
pub(super) async fn store(conn: &mut Conn, messages: &[NewMessage]) -> Result<Vec<Append>, Fault> {
    let mut facts = read(conn, Asked::about(messages)).await?;
    let decided = facts.decide_all(messages)?;
    let ids = if decided.fresh.is_empty() {
        Vec::new()
    } else {
        write(conn, &facts, &decided.fresh).await?
    };
    Ok(decided.answers(ids))
}

async fn read(conn: &mut Conn, asked: Asked<'_>) -> Result<Facts, Fault> {
    let mut facts = Facts::default();
    for row in conn.rows(&ROOMS, args![asked.rooms]).await? {
        facts.room(row.int(0)?, row.int(1)?, row.int(2)?);
    }
    let (rooms, users): (Vec<i64>, Vec<i64>) = asked.pairs.into_iter().unzip();
    for row in conn.rows(&MEMBERS, args![rooms, users]).await? {
        facts.member(row.int(0)?, row.int(1)?);
    }
    for (file, owner) in files::attachable_pairs(conn, asked.files).await? {
        facts.file(file, owner);
    }
    if asked.nonces.is_empty() {
        return Ok(facts);
    }
    let (authors, nonces): (Vec<i64>, Vec<Option<String>>) = asked
        .nonces
        .into_iter()
        .map(|(author, nonce)| (author, Some(nonce.to_owned())))
        .unzip();
    for row in conn.rows(&KNOWN, args![authors, nonces]).await? {
        let (hash, ended) = (
            row.opt_text(MESSAGE_COLUMNS)?,
            row.int(MESSAGE_COLUMNS + 1)? == 1,
        );
        facts.nonce(Known::of(MessageRow::of(&row)?, hash, ended)?);
    }
    Ok(facts)
}

/// Writes the batch; the new ids are in the order of the rows.
async fn write(conn: &mut Conn, facts: &Facts, fresh: &[Fresh<'_>]) -> Result<Vec<i64>, Fault> {
    let moved = facts.moved();
    if !facts.released.is_empty() {
        conn.run(&RELEASE, args![facts.released.clone()]).await?;
    }
    let ids = insert(conn, fresh).await?;
    let column = |get: fn(&(i64, i64, i64)) -> i64| Arg::Ints(moved.iter().map(get).collect());
    let args = vec![
        column(|row| row.0),
        column(|row| row.1),
        column(|row| row.2),
    ];
    let changed = conn.run(&ADVANCE, args).await?;
    if usize::try_from(changed) != Ok(moved.len()) {
        return Err(Fault::broken("a locked room went away"));
    }
    for (row, id) in fresh.iter().zip(&ids) {
        let place = (row.message.room, MessageId::new(*id));
        files::attach(conn, place, &row.message.files).await?;
    }
    mentions::write(conn, fresh.iter().flat_map(Fresh::addressed)).await?;
    Ok(ids)
}

async fn insert(conn: &mut Conn, fresh: &[Fresh<'_>]) -> Result<Vec<i64>, Fault> {
    let ints = |get: fn(&Fresh<'_>) -> i64| Arg::Ints(fresh.iter().map(get).collect());
    let texts = |get: fn(&Fresh<'_>) -> Option<String>| Arg::Texts(fresh.iter().map(get).collect());
    let args = vec![
        ints(|row| row.message.room.get()),
        ints(|row| row.seq),
        ints(|row| row.message.author.get()),
        texts(|row| Some(row.message.text.clone())),
        texts(|row| row.message.nonce.clone()),
        texts(|row| row.hash.clone()),
        ints(|row| row.message.at.as_micros()),
        // Ids are positive: 0 is none.
        ints(|row| row.message.reply_to.map_or(0, MessageId::get)),
        texts(|row| row.mentions.clone()),
        texts(|row| row.files.clone()),
    ];
    let mut ids = HashMap::with_capacity(fresh.len());
    for row in conn.rows(&INSERT, args).await? {
        ids.insert((row.int(1)?, row.int(2)?), row.int(0)?);
    }
    let mut newest: HashMap<RoomId, i64> = HashMap::new();
    let in_order = fresh.iter().map(|row| {
        let room = row.message.room;
        let id = ids.get(&(room.get(), row.seq)).copied();
        let id = id.ok_or_else(|| Fault::broken("a row was not inserted"))?;
        if newest.insert(room, id).is_some_and(|before| before >= id) {
            return Err(Fault::broken("ids do not grow with seq"));
        }
        Ok(id)
    });
    in_order.collect()
}
