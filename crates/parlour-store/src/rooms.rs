//! Rooms: made, found, changed. Who is in them: [`members`]; how they end: [`ends`].

mod ends;
mod lists;
mod members;

use crate::{
    engine::Conn,
    fault::Fault,
    hot::entry::Entry,
    living,
    sql::{Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use parlour_core::{
    Error, Event, RoomId, Time, UserId, What,
    event::EndReason,
    model::{Page, PageRequest, Room, RoomKind, RoomView, Tombstone},
    ports::{Change, Hearing, History, Join, NewRoom, RoomChange, Rooms, SaveRoom, Span},
};
use std::sync::Arc;

/// The share lock waits for the account's deletion under way and then finds nobody.
const OWNER: Sql = sql!("SELECT id FROM users WHERE id = $1"[share]);

const NAME_OPEN: Sql = sql!(
    "SELECT id FROM rooms WHERE name_key = $1 AND kind = 'GROUP' AND ended_at IS NULL AND id <> $2"
);

const NAME_PRIVATE: Sql = sql!(
    "SELECT id FROM rooms WHERE name_key = $1 AND kind = 'PRIVATE' AND ended_at IS NULL \
     AND id <> $2 AND owner_id = $3"
);

const CREATE: Sql = sql!(
    "INSERT INTO rooms (name, name_key, topic, kind, owner_id, max_users, created_at, updated_at, \
     expires_at, last_seq, message_count, member_count, revision, purged) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, 1, 0, 0, 0, FALSE) RETURNING id"
);

#[async_trait]
impl Rooms for SqlStore {
    async fn create_room(&self, new: NewRoom) -> Result<SaveRoom, Error> {
        let new = Arc::new(new);
        // Which lane it will be in is known only afterwards, and somebody may see it in a list and join
        // at once.
        self.inner
            .write(Scope::Rooms, move |conn| {
                Box::pin(create(conn, Arc::clone(&new)))
            })
            .await
    }

    async fn room(&self, room: RoomId, user: UserId) -> Result<Option<RoomView>, Error> {
        self.inner.recall(room, |entry| entry.view(user)).await
    }

    async fn rooms_of(&self, user: UserId, page: PageRequest) -> Result<Option<Page<Room>>, Error> {
        self.inner
            .read(|conn| Box::pin(lists::rooms_of(conn, user, page)))
            .await
    }

    async fn open_rooms(&self, page: PageRequest) -> Result<Option<Page<Room>>, Error> {
        self.inner
            .read(|conn| Box::pin(lists::open_rooms(conn, page)))
            .await
    }

    async fn all_rooms(&self, page: PageRequest) -> Result<Option<Page<Room>>, Error> {
        self.inner
            .read(|conn| Box::pin(lists::all_rooms(conn, page)))
            .await
    }

    async fn invitations(&self, user: UserId) -> Result<Vec<Room>, Error> {
        self.inner
            .read(|conn| Box::pin(lists::invitations(conn, user)))
            .await
    }

    async fn invited(&self, room: RoomId) -> Result<Vec<UserId>, Error> {
        let invited = self.inner.recall(room, Entry::invited).await?;
        Ok(invited.unwrap_or_default())
    }

    async fn tombstone(
        &self,
        room: RoomId,
        user: Option<UserId>,
    ) -> Result<Option<Tombstone>, Error> {
        self.inner
            .read(|conn| Box::pin(ends::tombstone(conn, room, user)))
            .await
    }

    async fn update_room(
        &self,
        room: RoomId,
        change: RoomChange,
        at: Time,
    ) -> Result<SaveRoom, Error> {
        let change = Arc::new(change);
        self.inner
            .write(Scope::Room(room), move |conn| {
                Box::pin(update(conn, room, Arc::clone(&change), at))
            })
            .await
    }

    async fn join(&self, room: RoomId, user: UserId, cap: i64, at: Time) -> Result<Join, Error> {
        self.inner
            .write(Scope::Room(room), move |conn| {
                Box::pin(members::join(conn, room, user, cap, at))
            })
            .await
    }

    async fn leave(&self, room: RoomId, user: UserId, at: Time) -> Result<Change, Error> {
        self.inner
            .write(Scope::Room(room), move |conn| {
                Box::pin(members::leave(conn, room, user, at))
            })
            .await
    }

    async fn invite(&self, room: RoomId, user: UserId, at: Time) -> Result<Change, Error> {
        self.inner
            .write(Scope::Room(room), move |conn| {
                Box::pin(members::invite(conn, room, user, at))
            })
            .await
    }

    async fn remove(&self, room: RoomId, user: UserId, at: Time) -> Result<Change, Error> {
        self.inner
            .write(Scope::Room(room), move |conn| {
                Box::pin(members::remove(conn, room, user, at))
            })
            .await
    }

    async fn hand_over(&self, room: RoomId, to: UserId, at: Time) -> Result<Change, Error> {
        self.inner
            .write(Scope::Room(room), move |conn| {
                Box::pin(members::hand_over(conn, room, to, at))
            })
            .await
    }

    async fn end_room(&self, room: RoomId, reason: EndReason, at: Time) -> Result<bool, Error> {
        self.inner
            .write(Scope::Room(room), move |conn| {
                Box::pin(ends::end(conn, room, reason, at))
            })
            .await
    }

    async fn expire_rooms(&self, now: Time) -> Result<Vec<RoomId>, Error> {
        self.inner.expire(now).await
    }

    async fn purge(&self, forget_before: Time) -> Result<bool, Error> {
        self.inner
            .write(Scope::NoRoom, move |conn| {
                Box::pin(ends::purge(conn, forget_before))
            })
            .await
    }

    async fn hearings_of(&self, users: &[UserId]) -> Result<Vec<(UserId, Hearing)>, Error> {
        let ids: Arc<[i64]> = users.iter().map(|user| user.get()).collect();
        self.inner
            .read(move |conn| {
                let ids = ids.to_vec();
                Box::pin(lists::hearings(conn, ids))
            })
            .await
    }

    async fn positions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, i64)>, Error> {
        let ids: Arc<[i64]> = rooms.iter().map(|room| room.get()).collect();
        self.inner
            .read(move |conn| {
                let ids = ids.to_vec();
                Box::pin(lists::positions(conn, ids))
            })
            .await
    }

    async fn history(
        &self,
        room: RoomId,
        span: Span,
        limit: i64,
    ) -> Result<Option<History>, Error> {
        self.inner.history(room, span, limit).await
    }
}

/// Whether another living room has this name where it must be unique.
async fn name_is_taken(
    conn: &mut Conn,
    key: &str,
    kind: RoomKind,
    owner: UserId,
    except: i64,
) -> Result<bool, Fault> {
    let row = match kind {
        RoomKind::Group => conn.row(&NAME_OPEN, args![key, except]).await?,
        RoomKind::Private => conn.row(&NAME_PRIVATE, args![key, except, owner]).await?,
    };
    Ok(row.is_some())
}

async fn create(conn: &mut Conn, new: Arc<NewRoom>) -> Result<Done<SaveRoom>, Fault> {
    if conn.row(&OWNER, args![new.owner]).await?.is_none() {
        return Ok(Done::unchanged(SaveRoom::Gone));
    }
    // A parallel call with the same name makes the insert fail; the work is then done again and
    // finds the name taken.
    if name_is_taken(conn, &new.name_key, new.kind, new.owner, 0).await? {
        return Ok(Done::unchanged(SaveRoom::NameTaken));
    }
    let args = args![
        &new.name,
        &new.name_key,
        &new.topic,
        new.kind.as_str(),
        new.owner,
        new.max_users,
        new.at,
        new.expires_at,
    ];
    let Some(row) = conn.row(&CREATE, args).await? else {
        return Err(Fault::broken("an insert without an id"));
    };
    let room = Arc::new(Room {
        id: RoomId::new(row.int(0)?),
        name: new.name.clone(),
        topic: new.topic.clone(),
        kind: new.kind,
        owner: new.owner,
        max_users: new.max_users,
        created_at: new.at,
        updated_at: new.at,
        expires_at: new.expires_at,
        seq: 1,
        messages: 0,
        users: Vec::new(),
    });
    let event = Event {
        room: room.id,
        seq: 1,
        at: new.at,
        what: What::RoomCreated(Arc::clone(&room)),
    };
    living::note(conn, &event).await?;
    Ok(Done::changed(SaveRoom::Saved(room)).events(vec![Arc::new(event)]))
}

async fn update(
    conn: &mut Conn,
    id: RoomId,
    change: Arc<RoomChange>,
    at: Time,
) -> Result<Done<SaveRoom>, Fault> {
    let Some(mut living) = living::enter(conn, id).await? else {
        return Ok(Done::unchanged(SaveRoom::Gone));
    };
    let room = &mut living.room;
    if let Some((name, key)) = &change.name {
        room.name.clone_from(name);
        living.name_key.clone_from(key);
    }
    if let Some(topic) = &change.topic {
        room.topic.clone_from(topic);
    }
    if let Some(max_users) = change.max_users {
        room.max_users = max_users;
    }
    if let Some(expires_at) = change.expires_at {
        room.expires_at = expires_at;
    }
    if let Some(kind) = change.kind {
        room.kind = kind;
    }
    let (kind, owner) = (room.kind, room.owner);
    if name_is_taken(conn, &living.name_key, kind, owner, id.get()).await? {
        return Ok(Done::unchanged(SaveRoom::NameTaken));
    }
    living.note_updated(at);
    let (room, events) = living.save(conn).await?;
    Ok(Done::changed(SaveRoom::Saved(room)).events(events))
}
