//! The batch's statements on PostgreSQL: arrays in, rows out, a constant number of statements.

use super::{
    batch::{Asked, Facts, Fresh, Known},
    guess::Guess,
};
use crate::{
    engine::Conn,
    fault::Fault,
    files, mentions,
    rows::{MESSAGE_COLUMNS, MessageRow, author, message_columns},
    sql::{Arg, Row, Sql, args, sql},
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

/// Moves the room on if it is as [`Guess`] has it, and writes the batch, or does neither: one statement, hence
/// one transaction. Whatever changes who may write in a room moves its stream on under the room's lock, so a
/// stream that ends where it did when this statement began has the same people, too. A nonce that another room
/// takes in this moment breaks the unique key.
const AT_ONCE: Sql = sql!(
    "WITH moved AS ( \
       UPDATE rooms SET last_seq = last_seq + $13, message_count = message_count + $13 \
       WHERE id = $11 AND last_seq = $12 AND ended_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM unnest($14::bigint[]) AS a(id) WHERE a.id <> rooms.owner_id \
           AND NOT EXISTS (SELECT 1 FROM room_users ru WHERE ru.room_id = $11 AND ru.user_id = a.id \
             AND ru.state = 'member')) \
         AND NOT EXISTS (SELECT 1 FROM unnest($15::bigint[], $16::text[]) AS p(author, nonce) \
           JOIN messages m ON m.author_id = p.author AND m.nonce = p.nonce) \
       RETURNING id) \
     INSERT INTO messages (room_id, seq, author_id, text, nonce, body_hash, created_at, \
       updated_at, deleted, reply_to, mentions, files) \
     SELECT t.room_id, t.seq, t.author_id, t.text, t.nonce, t.body_hash, t.at, t.at, FALSE, \
       NULLIF(t.reply_to, 0), t.mentions, t.files \
     FROM moved JOIN unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], \
       $7::bigint[], $8::bigint[], $9::text[], $10::text[]) WITH ORDINALITY \
       AS t(room_id, seq, author_id, text, nonce, body_hash, at, reply_to, mentions, files, n) \
       ON t.room_id = moved.id \
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

/// Stores a batch of which everything is expected, by one statement that commits by itself. `None`: something
/// is otherwise, and nothing was written.
pub(super) async fn store_at_once(
    conn: &mut Conn,
    guess: Guess,
    messages: &[NewMessage],
) -> Result<Option<Vec<Append>>, Fault> {
    let asked = Asked::about(messages);
    let Some(decided) = guess.decide(&asked, messages)? else {
        return Ok(None);
    };
    let mut args = columns(&decided.fresh);
    let count = i64::try_from(decided.fresh.len()).unwrap_or(i64::MAX);
    args.extend(args![guess.room, guess.seq, count]);
    args.push(Arg::Ints(
        asked.pairs.iter().map(|(_, user)| *user).collect(),
    ));
    args.extend(nonces(asked.nonces));
    let rows = conn.rows(&AT_ONCE, args).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let ids = in_order(rows, &decided.fresh)?;
    Ok(Some(decided.answers(ids)))
}

/// Authors and nonces as two columns.
fn nonces(asked: Vec<(i64, &str)>) -> [Arg; 2] {
    let (authors, nonces): (Vec<i64>, Vec<Option<String>>) = asked
        .into_iter()
        .map(|(author, nonce)| (author, Some(nonce.to_owned())))
        .unzip();
    [Arg::Ints(authors), Arg::Texts(nonces)]
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
    for row in conn.rows(&KNOWN, nonces(asked.nonces).into()).await? {
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
    let rows = conn.rows(&INSERT, columns(fresh)).await?;
    in_order(rows, fresh)
}

/// The rows as columns.
fn columns(fresh: &[Fresh<'_>]) -> Vec<Arg> {
    let ints = |get: fn(&Fresh<'_>) -> i64| Arg::Ints(fresh.iter().map(get).collect());
    let texts = |get: fn(&Fresh<'_>) -> Option<String>| Arg::Texts(fresh.iter().map(get).collect());
    vec![
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
    ]
}

/// The new ids in the order of the rows.
fn in_order(rows: Vec<Row>, fresh: &[Fresh<'_>]) -> Result<Vec<i64>, Fault> {
    let mut ids = HashMap::with_capacity(fresh.len());
    for row in rows {
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
