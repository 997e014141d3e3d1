//! Who is in a room. Each change is decided under the room's lock.

use super::name_is_taken;
use crate::{
    engine::Conn,
    fault::Fault,
    living::{self, Living},
    sql::{Sql, args, sql},
    store::Done,
};
use parlour_core::{
    RoomId, Time, UserId,
    event::LeaveReason,
    model::{RoomKind, Standing},
    ports::{Change, Join},
};
use std::sync::Arc;

const ACCOUNT: Sql = sql!("SELECT id FROM users WHERE id = $1");

async fn account_exists(conn: &mut Conn, user: UserId) -> Result<bool, Fault> {
    // If the account goes away now, the foreign key of its membership refuses the insert, and the
    // work is done again.
    Ok(conn.row(&ACCOUNT, args![user]).await?.is_some())
}

pub(super) async fn join(
    conn: &mut Conn,
    id: RoomId,
    user: UserId,
    cap: i64,
    at: Time,
) -> Result<Done<Join>, Fault> {
    let Some(mut living) = living::enter(conn, id).await? else {
        return Ok(Done::unchanged(Join::Gone));
    };
    let room = &living.room;
    let standing = living.standing(conn, user).await?;
    let is_owner = room.owner == user;
    let seats = room.max_users.min(cap);
    let full = i64::try_from(room.users.len()).is_ok_and(|taken| taken >= seats);
    let refusal = match standing {
        Standing::Member => {
            return Ok(Done::unchanged(Join::AlreadyIn(Arc::new(living.room))));
        }
        Standing::Removed if !is_owner => Some(Join::Removed),
        Standing::Stranger if room.kind == RoomKind::Private && !is_owner => Some(Join::NotInvited),
        _ if full => Some(Join::Full),
        _ => None,
    };
    if let Some(refusal) = refusal {
        return Ok(Done::unchanged(refusal));
    }
    if !account_exists(conn, user).await? {
        return Ok(Done::unchanged(Join::Gone));
    }
    living.seat(conn, user, at).await?;
    let (room, events) = living.save(conn).await?;
    Ok(Done::changed(Join::Joined(room)).events(events))
}

pub(super) async fn leave(
    conn: &mut Conn,
    id: RoomId,
    user: UserId,
    at: Time,
) -> Result<Done<Change>, Fault> {
    let Some(mut living) = living::enter(conn, id).await? else {
        return Ok(Done::unchanged(Change::Gone));
    };
    match living.standing(conn, user).await? {
        Standing::Member => {
            living.unseat(conn, user, LeaveReason::Left, at).await?;
            saved(conn, living).await
        }
        Standing::Invited | Standing::Stranger | Standing::Removed => {
            Ok(Done::unchanged(Change::NoSuchUser))
        }
    }
}

pub(super) async fn invite(
    conn: &mut Conn,
    id: RoomId,
    user: UserId,
    at: Time,
) -> Result<Done<Change>, Fault> {
    let Some(living) = living::enter(conn, id).await? else {
        return Ok(Done::unchanged(Change::Gone));
    };
    let standing = living.standing(conn, user).await?;
    let needs_none = living.room.owner == user && standing == Standing::Stranger;
    if needs_none || matches!(standing, Standing::Member | Standing::Invited) {
        return Ok(Done::unchanged(Change::Done(Arc::new(living.room))));
    }
    if !account_exists(conn, user).await? {
        return Ok(Done::unchanged(Change::NoSuchUser));
    }
    quietly(conn, living, user, Standing::Invited, at).await
}

pub(super) async fn remove(
    conn: &mut Conn,
    id: RoomId,
    user: UserId,
    at: Time,
) -> Result<Done<Change>, Fault> {
    let Some(mut living) = living::enter(conn, id).await? else {
        return Ok(Done::unchanged(Change::Gone));
    };
    match living.standing(conn, user).await? {
        Standing::Member => {
            living.unseat(conn, user, LeaveReason::Removed, at).await?;
            saved(conn, living).await
        }
        Standing::Invited => quietly(conn, living, user, Standing::Removed, at).await,
        Standing::Removed | Standing::Stranger => Ok(Done::unchanged(Change::NoSuchUser)),
    }
}

pub(super) async fn hand_over(
    conn: &mut Conn,
    id: RoomId,
    to: UserId,
    at: Time,
) -> Result<Done<Change>, Fault> {
    let Some(mut living) = living::enter(conn, id).await? else {
        return Ok(Done::unchanged(Change::Gone));
    };
    let former = living.room.owner;
    if to == former {
        return Ok(Done::unchanged(Change::Done(Arc::new(living.room))));
    }
    if !living.room.users.contains(&to) {
        return Ok(Done::unchanged(Change::NoSuchUser));
    }
    let kind = living.room.kind;
    if kind == RoomKind::Private
        && name_is_taken(conn, &living.name_key, kind, to, id.get()).await?
    {
        return Ok(Done::unchanged(Change::NameTaken));
    }
    living.room.owner = to;
    living.note_updated(at);
    if !living.room.users.contains(&former) {
        living.unseat(conn, to, LeaveReason::BecameHost, at).await?;
        living.seat(conn, former, at).await?;
    }
    saved(conn, living).await
}

async fn saved(conn: &mut Conn, living: Living) -> Result<Done<Change>, Fault> {
    let (room, events) = living.save(conn).await?;
    Ok(Done::changed(Change::Done(room)).events(events))
}

/// A change of standing that has no event.
async fn quietly(
    conn: &mut Conn,
    mut living: Living,
    user: UserId,
    standing: Standing,
    at: Time,
) -> Result<Done<Change>, Fault> {
    living.stand(conn, user, standing, at).await?;
    living.revise();
    let id = living.room.id;
    Ok(saved(conn, living).await?.forget(id))
}
