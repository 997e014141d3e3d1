//! Asking the memory of active rooms, and filling it.

use crate::{
    engine::Conn,
    fault::Fault,
    hot::{
        Look,
        entry::{Entry, NEWEST},
    },
    options::PATIENCE,
    rows::{self, Authors, EventRow, MessageRow, ROOM_COLUMNS, author, edited, message_columns},
    sql::{Sql, args, sql},
    store::Inner,
};
use parlour_core::{Error, Event, MessageId, RoomId, Time, UserId, What, model::Standing};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::time::timeout;

/// One statement, hence one snapshot: the room, its people, its newest messages and events.
const SNAPSHOT: Sql = sql!(
    "SELECT " [room] ", \
     (SELECT " [array "ru.user_id, ru.state"] " FROM room_users ru WHERE ru.room_id = r.id), \
     (SELECT " [array message_columns!()] " FROM (SELECT * FROM messages \
        WHERE room_id = $1 AND deleted = FALSE ORDER BY seq DESC LIMIT $2) m" [text author!()] "), \
     (SELECT " [array "m.id, m.seq, m.created_at"] " FROM messages m \
        WHERE m.room_id = r.id AND m.seq > r.last_seq - $2 AND m.deleted = TRUE), \
     (SELECT " [events] " FROM events e" [text edited!()] "\
        WHERE e.room_id = r.id AND e.seq > r.last_seq - $2) \
     FROM rooms r WHERE r.id = $1 AND r.ended_at IS NULL"
);

const STAMP: Sql = sql!("SELECT last_seq, revision FROM rooms WHERE id = $1 AND ended_at IS NULL");

impl Inner {
    /// Answers a question about a living room from memory, reading the room first if it is not
    /// remembered. What is answered includes every commit of this process before the call.
    pub(crate) async fn recall<R, F>(&self, room: RoomId, ask: F) -> Result<Option<R>, Error>
    where
        R: Send,
        F: Fn(&Entry) -> R + Send + Sync,
    {
        self.check_open()?;
        // Looking, waiting for others and reading have one time together.
        timeout(PATIENCE, self.recall_whenever(room, ask))
            .await
            .unwrap_or_else(|late| Err(Error::unavailable(late)))
    }

    async fn recall_whenever<R, F>(&self, room: RoomId, ask: F) -> Result<Option<R>, Error>
    where
        R: Send,
        F: Fn(&Entry) -> R + Send + Sync,
    {
        if !self.options.exclusive {
            self.verify(room).await?;
        }
        for _ in 0..4 {
            match self.hot.look(room, &ask) {
                Look::Found(answer) => return Ok(Some(answer)),
                Look::Wait(filled) => {
                    // Whoever fills may fail or go away: then look again.
                    let _ = filled.await;
                }
                Look::Fill(ticket) => {
                    let Some(entry) = self.snapshot(room).await? else {
                        return Ok(None);
                    };
                    let answer = ask(&entry);
                    ticket.keep(entry);
                    return Ok(Some(answer));
                }
                Look::Blind => break,
            }
        }
        Ok(self.snapshot(room).await?.map(|entry| ask(&entry)))
    }

    /// Forgets the room when another process changed it.
    async fn verify(&self, room: RoomId) -> Result<(), Error> {
        let Look::Found(known) = self.hot.look(room, Entry::stamp) else {
            return Ok(());
        };
        let found = self
            .read(|conn| {
                Box::pin(async move {
                    match conn.row(&STAMP, args![room]).await? {
                        Some(row) => Ok(Some((row.int(0)?, row.int(1)?))),
                        None => Ok(None),
                    }
                })
            })
            .await?;
        if found != Some(known) {
            self.hot.forget(room);
        }
        Ok(())
    }

    async fn snapshot(&self, room: RoomId) -> Result<Option<Entry>, Error> {
        self.read(|conn| Box::pin(read_entry(conn, room))).await
    }
}

async fn read_entry(conn: &mut Conn, id: RoomId) -> Result<Option<Entry>, Fault> {
    let newest = i64::try_from(NEWEST).unwrap_or(i64::MAX);
    let Some(row) = conn.row(&SNAPSHOT, args![id, newest]).await? else {
        return Ok(None);
    };
    let (room, _, revision) = rows::room(&row)?;
    let mut standings = HashMap::new();
    for (user, state) in row.array::<(i64, String)>(ROOM_COLUMNS)? {
        standings.insert(UserId::new(user), rows::word::<Standing>(&state)?);
    }
    let mut messages = rows::messages(row.array::<MessageRow>(ROOM_COLUMNS + 1)?)?;
    messages.sort_unstable_by_key(|message| std::cmp::Reverse(message.seq));
    let oldest = room.seq - newest;
    let mut events: Vec<Event> = messages
        .iter()
        .filter(|message| message.seq > oldest)
        .map(|message| Event {
            room: id,
            seq: message.seq,
            at: message.created_at,
            what: What::MessageCreated(Arc::clone(message)),
        })
        .collect();
    for (message, seq, at) in row.array::<(i64, i64, i64)>(ROOM_COLUMNS + 2)? {
        events.push(Event {
            room: id,
            seq,
            at: Time::from_micros(at),
            what: What::MessageDeleted(MessageId::new(message)),
        });
    }
    let now = Arc::new(room.clone());
    let mut authors = Authors::default();
    for row in row.array::<EventRow>(ROOM_COLUMNS + 3)? {
        events.push(rows::event(&now, &mut authors, row)?);
    }
    events.sort_unstable_by_key(|event| event.seq);
    check_gapless(&events, oldest.max(0), room.seq)?;
    Ok(Some(Entry::new(
        room,
        revision,
        standings,
        VecDeque::from(messages),
        VecDeque::from(events),
    )))
}

/// A stream without holes is the store's promise: better no answer than one that breaks it.
pub(crate) fn check_gapless(events: &[Event], after: i64, upto: i64) -> Result<(), Fault> {
    let right = events
        .iter()
        .zip(after + 1..)
        .all(|(event, seq)| event.seq == seq);
    if !right || i64::try_from(events.len()) != Ok((upto - after).max(0)) {
        return Err(Fault::broken(format!(
            "the stream has a hole between {after} and {upto}"
        )));
    }
    Ok(())
}
