//! Messages: queued, read, changed, listed.

use crate::{
    engine::Conn,
    fault::Fault,
    files,
    hot::entry::Cut,
    living, mentions, reactions,
    rows::{self, Authors, MessageRow, author, message_columns},
    sql::{Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use parlour_core::{
    Error, MessageId, RoomId, Time, UserId, What,
    model::{Html, Message, Page, PageRequest},
    ports::{EditMessage, MessageChange, Messages, NewMessage, NewReaction, Pending, React},
};
use std::sync::Arc;

const ONE: Sql = sql!(
    "SELECT " [text message_columns!()] " FROM messages m" [text author!()] "\
     JOIN rooms r ON r.id = m.room_id AND r.ended_at IS NULL WHERE m.id = $1 AND m.deleted = FALSE"
);

const MANY: Sql = sql!(
    "SELECT " [array message_columns!()] " FROM messages m" [text author!()] "\
     JOIN rooms r ON r.id = m.room_id AND r.ended_at IS NULL \
     WHERE m.id" [any 1] " AND m.deleted = FALSE"
);

const EDIT: Sql =
    sql!("UPDATE messages SET text = $2, updated_at = $3, mentions = $4, files = $5 WHERE id = $1");

const WIPE: Sql = sql!(
    "UPDATE messages SET text = '', reply_to = NULL, mentions = NULL, files = NULL, deleted = TRUE, \
     updated_at = $2 WHERE id = $1"
);

/// The page is found in the index alone; only its own rows are read.
const PAGE_FROM_NEWEST: Sql = sql!(
    "SELECT r.message_count, (SELECT " [array message_columns!()] " FROM (SELECT * FROM messages \
       WHERE room_id = $1 AND deleted = FALSE AND seq <= (SELECT seq FROM messages \
         WHERE room_id = $1 AND deleted = FALSE ORDER BY seq DESC LIMIT 1 OFFSET $2) \
       ORDER BY seq DESC LIMIT $3) m" [text author!()] ") \
     FROM rooms r WHERE r.id = $1 AND r.ended_at IS NULL"
);

const PAGE_FROM_OLDEST: Sql = sql!(
    "SELECT r.message_count, (SELECT " [array message_columns!()] " FROM (SELECT * FROM messages \
       WHERE room_id = $1 AND deleted = FALSE AND seq >= (SELECT seq FROM messages \
         WHERE room_id = $1 AND deleted = FALSE ORDER BY seq LIMIT 1 OFFSET $2) \
       ORDER BY seq LIMIT $3) m" [text author!()] ") \
     FROM rooms r WHERE r.id = $1 AND r.ended_at IS NULL"
);

const MY_ROOMS: Sql = sql!(
    "SELECT r.id, r.message_count, (SELECT MAX(id) FROM messages) FROM rooms r \
     WHERE r.id IN (SELECT id FROM rooms WHERE owner_id = $1 AND ended_at IS NULL \
       UNION SELECT room_id FROM room_users WHERE user_id = $1 AND state = 'member') \
     AND r.ended_at IS NULL"
);

/// Walks all messages from the newest: good when most of them are in the user's rooms.
/// The plus keeps the planner from another way.
const ALL_BY_ID: Sql = sql!(
    "SELECT " [array message_columns!()] " FROM (SELECT * FROM messages \
       WHERE +room_id" [any 1] " AND deleted = FALSE ORDER BY id DESC LIMIT $2 OFFSET $3) m" [text author!()]
);

/// Sorts the ids of all messages of the user's rooms: good when there are few.
const ALL_BY_ROOM: Sql = sql!(
    "SELECT " [array message_columns!()] " FROM messages m" [text author!()] "WHERE m.id IN (SELECT id FROM messages \
       WHERE room_id" [any 1] " AND deleted = FALSE ORDER BY +id DESC LIMIT $2 OFFSET $3)"
);

#[async_trait]
impl Messages for SqlStore {
    fn append(&self, message: NewMessage) -> Result<Pending, Error> {
        self.inner.check_open()?;
        self.queues[self.inner.lane_of(message.room)].push(message)
    }

    async fn message(&self, id: MessageId) -> Result<Option<Arc<Message>>, Error> {
        self.inner.read(|conn| Box::pin(one(conn, id))).await
    }

    async fn messages_page(
        &self,
        user: UserId,
        room: Option<RoomId>,
        page: PageRequest,
    ) -> Result<Option<Page<Arc<Message>>>, Error> {
        match room {
            Some(room) => self.room_page(user, room, page).await,
            None => {
                self.inner
                    .read(|conn| Box::pin(all_rooms_page(conn, user, page)))
                    .await
            }
        }
    }

    async fn edit_message(
        &self,
        id: MessageId,
        change: MessageChange,
    ) -> Result<EditMessage, Error> {
        let Some(message) = self.message(id).await? else {
            return Ok(EditMessage::Gone);
        };
        let room = message.room;
        let edit = Arc::new(Edit { room, id, change });
        self.inner
            .write(Scope::Room(room), move |conn| {
                let edit = Arc::clone(&edit);
                Box::pin(async move { edit.store(conn).await })
            })
            .await
    }

    async fn messages_by_id(&self, ids: &[MessageId]) -> Result<Vec<Arc<Message>>, Error> {
        let ids: Arc<[i64]> = ids.iter().map(|id| id.get()).collect();
        self.inner
            .read(move |conn| {
                let ids = ids.to_vec();
                Box::pin(many(conn, ids))
            })
            .await
    }

    async fn react(&self, id: MessageId, reaction: NewReaction, most: i64) -> Result<React, Error> {
        let Some(message) = self.message(id).await? else {
            return Ok(React::Gone);
        };
        let room = message.room;
        let reaction = Arc::new(reaction);
        self.inner
            .write(Scope::Room(room), move |conn| {
                let reaction = Arc::clone(&reaction);
                Box::pin(async move { reactions::react(conn, room, id, &reaction, most).await })
            })
            .await
    }

    async fn delete_message(&self, id: MessageId, at: Time) -> Result<bool, Error> {
        let Some(message) = self.message(id).await? else {
            return Ok(false);
        };
        let room = message.room;
        self.inner
            .write(Scope::Room(room), move |conn| {
                Box::pin(delete(conn, room, id, at))
            })
            .await
    }
}

impl SqlStore {
    async fn room_page(
        &self,
        user: UserId,
        room: RoomId,
        page: PageRequest,
    ) -> Result<Option<Page<Arc<Message>>>, Error> {
        let cut = self
            .inner
            .recall(room, |entry| entry.page(user, page))
            .await?;
        let (count, items) = match cut {
            None | Some(Cut::NotIn) => (0, page.offset(0).map(|_| Vec::new())),
            Some(Cut::Known(count, items)) => (count, items),
            Some(Cut::Elsewhere { count, offset }) => {
                let far = self
                    .inner
                    .read(|conn| Box::pin(far_page(conn, room, page, (count, offset))))
                    .await?;
                // Ended between the two reads.
                far.unwrap_or_else(|| (0, page.offset(0).map(|_| Vec::new())))
            }
        };
        Ok(items.map(|items| Page {
            items,
            count,
            size: page.size,
        }))
    }
}

/// A message that is not deleted, of a room that lives.
pub(crate) async fn one(conn: &mut Conn, id: MessageId) -> Result<Option<Arc<Message>>, Fault> {
    match conn.row(&ONE, args![id]).await? {
        Some(row) => Authors::default().message(MessageRow::of(&row)?),
        None => Ok(None),
    }
}

async fn many(conn: &mut Conn, ids: Vec<i64>) -> Result<Vec<Arc<Message>>, Fault> {
    match conn.row(&MANY, args![ids]).await? {
        Some(row) => rows::messages(row.array(0)?),
        None => Ok(Vec::new()),
    }
}

/// How many messages a room has, and those on the page (`None`: no such page).
type CountedPage = (i64, Option<Vec<Arc<Message>>>);

/// A page that is read from whichever end of the room is nearer.
async fn far_page(
    conn: &mut Conn,
    room: RoomId,
    page: PageRequest,
    (mut count, mut offset): (i64, i64),
) -> Result<Option<CountedPage>, Fault> {
    loop {
        let rows = page.size.min(count - offset).max(0);
        let from_oldest = count - offset - rows;
        let (sql, skip) = if from_oldest < offset {
            (&PAGE_FROM_OLDEST, from_oldest)
        } else {
            (&PAGE_FROM_NEWEST, offset)
        };
        let Some(row) = conn.row(sql, args![room, skip, rows]).await? else {
            return Ok(None);
        };
        let now = row.int(0)?;
        if now == count {
            return Ok(Some((count, Some(newest_first(row.array(1)?)?))));
        }
        // Messages came or went since the count was taken: cut the page again.
        let Some(moved) = page.offset(now) else {
            return Ok(Some((now, None)));
        };
        (count, offset) = (now, moved);
    }
}

async fn all_rooms_page(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
) -> Result<Option<Page<Arc<Message>>>, Fault> {
    let mut rooms = Vec::new();
    let (mut count, mut newest_id) = (0, 0);
    for row in conn.rows(&MY_ROOMS, args![user]).await? {
        rooms.push(row.int(0)?);
        count += row.int(1)?;
        newest_id = row.opt_int(2)?.unwrap_or(0);
    }
    let Some(offset) = page.offset(count) else {
        return Ok(None);
    };
    let mut items = Vec::new();
    if count > 0 {
        // Rows that a walk over all messages would meet until the page is full, on average.
        let walk = i128::from(offset + page.size) * i128::from(newest_id) / i128::from(count);
        let sql = if walk < i128::from(count) {
            &ALL_BY_ID
        } else {
            &ALL_BY_ROOM
        };
        if let Some(row) = conn.row(sql, args![rooms, page.size, offset]).await? {
            items = newest_first(row.array(0)?)?;
        }
    }
    Ok(Some(Page {
        items,
        count,
        size: page.size,
    }))
}

fn newest_first(rows: Vec<MessageRow>) -> Result<Vec<Arc<Message>>, Fault> {
    let mut messages = rows::messages(rows)?;
    messages.sort_unstable_by_key(|message| std::cmp::Reverse(message.id));
    Ok(messages)
}

/// A change of a message.
struct Edit {
    room: RoomId,
    id: MessageId,
    change: MessageChange,
}

impl Edit {
    async fn store(&self, conn: &mut Conn) -> Result<Done<EditMessage>, Fault> {
        let Some(mut living) = living::enter(conn, self.room).await? else {
            return Ok(Done::unchanged(EditMessage::Gone));
        };
        let Some(before) = one(conn, self.id).await? else {
            return Ok(Done::unchanged(EditMessage::Gone));
        };
        let MessageChange {
            text, mentions, at, ..
        } = &self.change;
        let (id, at) = (self.id, *at);
        if before.text == *text && self.change.files.is_none() {
            return Ok(Done::unchanged(EditMessage::Done(before)));
        }
        let mut hanging = before.files.clone();
        if let Some(new) = &self.change.files {
            if !files::attachable(conn, before.owner, new).await? {
                return Ok(Done::unchanged(EditMessage::NoFile));
            }
            files::release_of_message(conn, id, at).await?;
            files::attach(conn, (self.room, id), new).await?;
            hanging = new.iter().map(|kept| Arc::clone(&kept.file)).collect();
        }
        let kept = rows::kept_mentions(mentions)?;
        let kept_files = rows::kept_files(&hanging)?;
        conn.run(&EDIT, args![id, text, at, kept, kept_files])
            .await?;
        mentions::erase(conn, self.room, before.seq).await?;
        let addressed = mentions::rows(self.room, before.seq, before.owner, mentions);
        mentions::write(conn, addressed).await?;
        let message = Arc::new(Message {
            text: text.clone(),
            mentions: mentions.clone(),
            files: hanging,
            updated_at: at,
            html: Html::default(),
            ..(*before).clone()
        });
        living.note(at, What::MessageUpdated(Arc::clone(&message)));
        let (_, events) = living.save(conn).await?;
        Ok(Done::changed(EditMessage::Done(message)).events(events))
    }
}

async fn delete(
    conn: &mut Conn,
    room: RoomId,
    id: MessageId,
    at: Time,
) -> Result<Done<bool>, Fault> {
    let Some(mut living) = living::enter(conn, room).await? else {
        return Ok(Done::unchanged(false));
    };
    let Some(message) = one(conn, id).await? else {
        return Ok(Done::unchanged(false));
    };
    conn.run(&WIPE, args![id, at]).await?;
    reactions::erase(conn, id).await?;
    mentions::erase(conn, room, message.seq).await?;
    if !message.files.is_empty() {
        files::release_of_message(conn, id, at).await?;
    }
    living.room.messages -= 1;
    living.note(at, What::MessageDeleted(id));
    let (_, events) = living.save(conn).await?;
    Ok(Done::changed(true).events(events))
}
