//! One batch inside its transaction: a constant number of statements, however many messages.

use crate::{
    engine::Conn,
    fault::Fault,
    rows::{self, message_columns},
    sql::{Arg, Sql, args, sql},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_core::{
    Event, MessageId, RoomId, UserId, What,
    model::Message,
    ports::{Append, NewMessage},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// Locked in order of id, so that two batches never wait for each other.
const ROOMS: Sql = sql!(
    "SELECT id, last_seq, owner_id FROM rooms WHERE id" [any 1]
    " AND ended_at IS NULL ORDER BY id" [lock]
);

const MEMBERS: Sql = Sql {
    sqlite: "SELECT ru.room_id, ru.user_id FROM json_each($1) AS p JOIN room_users ru \
        ON ru.room_id = p.value AND ru.user_id = json_extract($2, '$[' || p.key || ']') \
        WHERE ru.state = 'member'",
    postgres: "SELECT ru.room_id, ru.user_id \
        FROM unnest($1::bigint[], $2::bigint[]) AS p(room_id, user_id) \
        JOIN room_users ru ON ru.room_id = p.room_id AND ru.user_id = p.user_id \
        WHERE ru.state = 'member'",
};

macro_rules! known {
    ($pairs:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            ", m.body_hash, CASE WHEN r.id IS NULL THEN 1 ELSE 0 END FROM ",
            $pairs,
            " JOIN messages m ON m.author_id = p.author AND m.nonce = p.nonce \
             LEFT JOIN rooms r ON r.id = m.room_id AND r.ended_at IS NULL"
        )
    };
}

/// The messages that have one of these nonces already, and whether their room ended.
const KNOWN: Sql = Sql {
    sqlite: known!(
        "(SELECT a.value AS author, n.value AS nonce FROM json_each($1) a \
          JOIN json_each($2) n ON n.key = a.key) AS p"
    ),
    postgres: known!("unnest($1::bigint[], $2::text[]) AS p(author, nonce)"),
};

/// A nonce is kept for the room's life only.
const RELEASE: Sql = sql!("UPDATE messages SET nonce = NULL WHERE id" [any 1]);

const LAST_ID: Sql = sql!("SELECT seq FROM sqlite_sequence WHERE name = 'messages'");

/// SQLite has one writer, so the ids are known before the insert and need not be read back row by
/// row.
const INSERT_SQLITE: Sql = sql!(
    "INSERT INTO messages (id, room_id, seq, author_id, text, nonce, body_hash, created_at, \
     updated_at, deleted) \
     SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, \
     value->>7, value->>7, FALSE FROM json_each($1)"
);

/// The sort comes before the ids are drawn, so ids grow with seq.
const INSERT_POSTGRES: Sql = sql!(
    "INSERT INTO messages (room_id, seq, author_id, text, nonce, body_hash, created_at, \
     updated_at, deleted) \
     SELECT t.room_id, t.seq, t.author_id, t.text, t.nonce, t.body_hash, t.at, t.at, FALSE \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], \
     $7::bigint[]) WITH ORDINALITY AS t(room_id, seq, author_id, text, nonce, body_hash, at, n) \
     ORDER BY t.n RETURNING id, room_id, seq"
);

const ADVANCE: Sql = Sql {
    sqlite: "UPDATE rooms SET last_seq = v.value->>1, \
        message_count = message_count + (v.value->>2) \
        FROM json_each($1) AS v WHERE rooms.id = v.value->>0",
    postgres: "UPDATE rooms SET last_seq = v.seq, message_count = message_count + v.n \
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS v(id, seq, n) \
        WHERE rooms.id = v.id",
};

/// The event of a message that was just stored.
pub(super) fn created(message: &Arc<Message>) -> Event {
    Event {
        room: message.room,
        seq: message.seq,
        at: message.created_at,
        what: What::MessageCreated(Arc::clone(message)),
    }
}

/// Stores a batch; the answers are in the order of the messages. Nothing needs to be committed when
/// none of them is [`Append::Stored`].
pub(super) async fn store(conn: &mut Conn, messages: &[NewMessage]) -> Result<Vec<Append>, Fault> {
    let mut facts = Facts::read(conn, messages).await?;
    let mut fresh = Vec::new();
    let plan: Vec<Plan> = messages
        .iter()
        .map(|message| facts.decide(message, &mut fresh))
        .collect();
    let stored = insert(conn, fresh).await?;
    facts.advance(conn).await?;
    Ok(plan
        .into_iter()
        .map(|plan| match plan {
            Plan::Answer(answer) => answer,
            Plan::Store(index) => Append::Stored(Arc::clone(&stored[index])),
            Plan::Same(index) => Append::Repeated(Arc::clone(&stored[index])),
        })
        .collect())
}

/// What happens to one message of the batch. Indexes are those of the new rows.
enum Plan {
    Answer(Append),
    Store(usize),
    Same(usize),
}

/// A row to be inserted.
struct Fresh<'a> {
    message: &'a NewMessage,
    seq: i64,
    hash: Option<String>,
}

struct RoomNow {
    seq: i64,
    owner: UserId,
    added: i64,
}

/// A nonce that is taken.
enum Taken {
    /// By a message in the database (`None`: deleted) with this body hash.
    Before(Option<Arc<Message>>, Option<String>),
    /// By a row of this batch.
    Here(usize),
}

/// What the database says about the batch.
struct Facts {
    rooms: BTreeMap<RoomId, RoomNow>,
    members: HashSet<(i64, i64)>,
    nonces: HashMap<(UserId, String), Taken>,
}

impl Facts {
    async fn read(conn: &mut Conn, messages: &[NewMessage]) -> Result<Self, Fault> {
        let mut ids: Vec<i64> = messages.iter().map(|message| message.room.get()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut rooms = BTreeMap::new();
        for row in conn.rows(&ROOMS, args![ids]).await? {
            let now = RoomNow {
                seq: row.int(1)?,
                owner: row.user(2)?,
                added: 0,
            };
            rooms.insert(RoomId::new(row.int(0)?), now);
        }
        let mut pairs: Vec<(i64, i64)> = messages
            .iter()
            .map(|message| (message.room.get(), message.author.get()))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let (of_rooms, of_users): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
        let mut members = HashSet::new();
        for row in conn.rows(&MEMBERS, args![of_rooms, of_users]).await? {
            members.insert((row.int(0)?, row.int(1)?));
        }
        Ok(Self {
            rooms,
            members,
            nonces: known_nonces(conn, messages).await?,
        })
    }

    fn decide<'a>(&mut self, message: &'a NewMessage, fresh: &mut Vec<Fresh<'a>>) -> Plan {
        let Some(room) = self.rooms.get_mut(&message.room) else {
            return Plan::Answer(Append::Gone);
        };
        let key = message
            .nonce
            .as_ref()
            .map(|nonce| (message.author, nonce.clone()));
        let hash = key.as_ref().map(|_| body_hash(message));
        let taken = key.as_ref().and_then(|key| self.nonces.get(key));
        match taken {
            Some(Taken::Before(Some(first), before)) if *before == hash => {
                return Plan::Answer(Append::Repeated(Arc::clone(first)));
            }
            Some(Taken::Here(index)) if fresh[*index].hash == hash => return Plan::Same(*index),
            _ => {}
        }
        let hears = room.owner == message.author
            || self
                .members
                .contains(&(message.room.get(), message.author.get()));
        if !hears {
            return Plan::Answer(Append::NotIn);
        }
        if taken.is_some() {
            return Plan::Answer(Append::NonceReused);
        }
        room.seq += 1;
        room.added += 1;
        let index = fresh.len();
        fresh.push(Fresh {
            message,
            seq: room.seq,
            hash,
        });
        if let Some(key) = key {
            self.nonces.insert(key, Taken::Here(index));
        }
        Plan::Store(index)
    }

    /// Moves the rooms on to their new positions.
    async fn advance(&self, conn: &mut Conn) -> Result<(), Fault> {
        let moved: Vec<(i64, i64, i64)> = self
            .rooms
            .iter()
            .filter(|(_, room)| room.added > 0)
            .map(|(id, room)| (id.get(), room.seq, room.added))
            .collect();
        if moved.is_empty() {
            return Ok(());
        }
        let count = moved.len();
        let args = if conn.is_sqlite() {
            args![json(&moved)?]
        } else {
            let ids: Vec<i64> = moved.iter().map(|row| row.0).collect();
            let seqs: Vec<i64> = moved.iter().map(|row| row.1).collect();
            let added: Vec<i64> = moved.iter().map(|row| row.2).collect();
            args![ids, seqs, added]
        };
        let changed = conn.run(&ADVANCE, args).await?;
        if usize::try_from(changed) != Ok(count) {
            return Err(Fault::broken("a locked room went away"));
        }
        Ok(())
    }
}

async fn known_nonces(
    conn: &mut Conn,
    messages: &[NewMessage],
) -> Result<HashMap<(UserId, String), Taken>, Fault> {
    let mut asked: Vec<(i64, &String)> = messages
        .iter()
        .filter_map(|message| Some((message.author.get(), message.nonce.as_ref()?)))
        .collect();
    asked.sort_unstable();
    asked.dedup();
    let mut nonces = HashMap::new();
    if asked.is_empty() {
        return Ok(nonces);
    }
    let (authors, words): (Vec<i64>, Vec<Option<String>>) = asked
        .into_iter()
        .map(|(author, nonce)| (author, Some(nonce.clone())))
        .unzip();
    let mut released = Vec::new();
    for row in conn.rows(&KNOWN, args![authors, words]).await? {
        if row.int(9)? == 1 {
            released.push(row.int(0)?);
            continue;
        }
        let nonce = row.text(5)?;
        let author = row.user(2)?;
        let taken = Taken::Before(rows::message_row(&row)?, row.opt_text(8)?);
        nonces.insert((author, nonce), taken);
    }
    if !released.is_empty() {
        conn.run(&RELEASE, args![released]).await?;
    }
    Ok(nonces)
}

async fn insert(conn: &mut Conn, fresh: Vec<Fresh<'_>>) -> Result<Vec<Arc<Message>>, Fault> {
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let ids = if conn.is_sqlite() {
        insert_sqlite(conn, &fresh).await?
    } else {
        insert_postgres(conn, &fresh).await?
    };
    let stored = fresh.into_iter().zip(ids).map(|(row, id)| {
        let message = row.message;
        Arc::new(Message {
            id: MessageId::new(id),
            room: message.room,
            owner: message.author,
            seq: row.seq,
            text: message.text.clone(),
            nonce: message.nonce.clone(),
            created_at: message.at,
            updated_at: message.at,
        })
    });
    Ok(stored.collect())
}

async fn insert_sqlite(conn: &mut Conn, fresh: &[Fresh<'_>]) -> Result<Vec<i64>, Fault> {
    let last = match conn.row(&LAST_ID, args![]).await? {
        Some(row) => row.int(0)?,
        None => 0,
    };
    let ids: Vec<i64> = (last + 1..).take(fresh.len()).collect();
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
            )
        })
        .collect();
    conn.run(&INSERT_SQLITE, args![json(&rows)?]).await?;
    Ok(ids)
}

async fn insert_postgres(conn: &mut Conn, fresh: &[Fresh<'_>]) -> Result<Vec<i64>, Fault> {
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
    ];
    let mut ids = HashMap::with_capacity(fresh.len());
    for row in conn.rows(&INSERT_POSTGRES, args).await? {
        ids.insert((row.int(1)?, row.int(2)?), row.int(0)?);
    }
    let mut newest: HashMap<RoomId, i64> = HashMap::new();
    fresh
        .iter()
        .map(|row| {
            let room = row.message.room;
            let id = ids
                .get(&(room.get(), row.seq))
                .copied()
                .ok_or_else(|| Fault::broken("a row was not inserted"))?;
            if newest.insert(room, id).is_some_and(|before| before >= id) {
                return Err(Fault::broken("ids do not grow with seq"));
            }
            Ok(id)
        })
        .collect()
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::broken)
}

/// The identity of a body: its room and its text.
fn body_hash(message: &NewMessage) -> String {
    let mut hash = Sha256::new();
    hash.update(message.room.get().to_be_bytes());
    hash.update(message.text.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}
