//! Pieces of a room's stream.

use crate::{
    engine::{Conn, Engine},
    fault::Fault,
    hot::entry::{Entry, Piece},
    recall::check_gapless,
    rows::{self, Authors, EventRow, MessageRow, author, edited, kind, message_columns},
    sql::{Sql, args, sql},
    store::Inner,
};
use parlour_core::{
    Error, Event, RoomId,
    model::Room,
    ports::{History, Span},
};
use std::sync::Arc;

/// One statement, hence one snapshot. A seq is either a message's or an event's.
const STREAM: Sql = sql!(
    "SELECT r.last_seq, \
     (SELECT " [array message_columns!()] " FROM messages m" [text author!()] "\
        WHERE m.room_id = r.id AND m.seq > $2 AND m.seq <= $3), \
     (SELECT " [events] " FROM events e" [text edited!()] "\
        WHERE e.room_id = r.id AND e.seq > $2 AND e.seq <= $3) \
     FROM rooms r WHERE r.id = $1 AND r.ended_at IS NULL"
);

impl Inner {
    /// A piece of a room's stream: from memory when it is recent enough.
    pub(crate) async fn history(
        &self,
        room: RoomId,
        span: Span,
        limit: i64,
    ) -> Result<Option<History>, Error> {
        let limit = limit.clamp(1, 1_000);
        let found = self
            .recall(room, |entry| (entry.history(span, limit), entry.room()))
            .await?;
        let (after, upto, seq, now) = match found {
            None => return Ok(None),
            Some((Piece::Known(history), _)) => return Ok(Some(history)),
            Some((Piece::Elsewhere { after, upto, seq }, now)) => (after, upto, seq, now),
        };
        let piece = match self.of_replica(&now, after, upto, seq).await {
            Some(piece) => Some(piece),
            None => {
                self.read(|conn| Box::pin(stream(conn, Arc::clone(&now), after, upto)))
                    .await?
            }
        };
        let Some((events, last, names_room)) = piece else {
            return Ok(None);
        };
        let events = if names_room {
            self.with_room_as_of_now(room, events).await?
        } else {
            events
        };
        Ok(Some(match span {
            Span::After(_) => History {
                events,
                has_more: upto < last,
                seq: last,
            },
            // Complete up to the seq that was the newest when the span was cut.
            Span::Newest => History {
                events,
                has_more: after > 0,
                seq,
            },
            Span::Before(_) => History {
                events,
                has_more: after > 0,
                seq: last,
            },
        }))
    }

    /// The piece from the replica, if there is one that has come as far as the room had here: then all
    /// edits and deletions up to now are in it.
    async fn of_replica(&self, now: &Arc<Room>, after: i64, upto: i64, seq: i64) -> Option<Stream> {
        let Engine::Postgres(open) = &self.engine else {
            return None;
        };
        let replica = open.replica.as_ref()?;
        let reading = async {
            let mut conn = replica.conn().await?;
            stream(&mut conn, Arc::clone(now), after, upto).await
        };
        replica.read(reading, |(_, last, _)| *last >= seq).await
    }

    /// The room may have changed between the two reads.
    async fn with_room_as_of_now(
        &self,
        room: RoomId,
        mut events: Vec<Event>,
    ) -> Result<Vec<Event>, Error> {
        use parlour_core::What;
        if let Some(now) = self.recall(room, Entry::room).await? {
            for event in &mut events {
                if let What::RoomCreated(room) | What::RoomUpdated(room) = &mut event.what {
                    *room = Arc::clone(&now);
                }
            }
        }
        Ok(events)
    }
}

/// The events, the room's newest seq, and whether one of them carries the room.
type Stream = (Vec<Event>, i64, bool);

async fn stream(
    conn: &mut Conn,
    now: Arc<Room>,
    after: i64,
    upto: i64,
) -> Result<Option<Stream>, Fault> {
    let args = args![now.id, after, upto];
    let Some(row) = conn.row(&STREAM, args).await? else {
        return Ok(None);
    };
    let mut authors = Authors::default();
    let created = row.array::<MessageRow>(1)?.into_iter();
    let mut events = created
        .map(|row| authors.creation(row))
        .collect::<Result<Vec<Event>, _>>()?;
    let mut names_room = false;
    for row in row.array::<EventRow>(2)? {
        names_room |= matches!(row.kind.as_str(), kind::CREATED | kind::UPDATED);
        events.push(rows::event(&now, &mut authors, row)?);
    }
    events.sort_unstable_by_key(|event| event.seq);
    check_gapless(&events, after, upto)?;
    Ok(Some((events, row.int(0)?, names_room)))
}
