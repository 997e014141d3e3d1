//! Reading rooms.

use super::access::{self, Right};
use crate::{
    Actor, App, Error, RoomId, UserId,
    error::{ADMIN_ONLY, INVALID_PAGE, NOT_FOUND},
    model::{Page, PageRequest, Room, RoomKind, Tombstone},
    ports::{History, Span},
};
use std::sync::Arc;

/// Which rooms a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those the actor joined or owns.
    Mine,
    /// All GROUP rooms.
    Open,
}

/// A list of rooms, latest change first.
///
/// # Errors
/// [`INVALID_PAGE`].
pub async fn list(
    app: &App,
    actor: &Actor,
    scope: Scope,
    page: Option<PageRequest>,
) -> Result<Page<Room>, Error> {
    let page = page.ok_or(INVALID_PAGE)?;
    let found = match scope {
        Scope::Mine => app.store().rooms_of(actor.user, page).await?,
        Scope::Open => app.store().open_rooms(page).await?,
    };
    Ok(found.ok_or(INVALID_PAGE)?)
}

/// All GROUP rooms, latest change first: the landing page shows them to everybody. Names, topics and
/// counts only: who is in them is not for visitors.
///
/// # Errors
/// [`INVALID_PAGE`].
pub async fn list_open(app: &App, page: PageRequest) -> Result<Page<Room>, Error> {
    Ok(app.store().open_rooms(page).await?.ok_or(INVALID_PAGE)?)
}

/// All rooms, PRIVATE ones too (their names, owners and counts): for administrators.
///
/// # Errors
/// [`ADMIN_ONLY`], [`INVALID_PAGE`].
pub async fn list_all(
    app: &App,
    actor: &Actor,
    page: Option<PageRequest>,
) -> Result<Page<Room>, Error> {
    if !actor.is_admin {
        return Err(ADMIN_ONLY.into());
    }
    let page = page.ok_or(INVALID_PAGE)?;
    Ok(app.store().all_rooms(page).await?.ok_or(INVALID_PAGE)?)
}

/// The name of any living room: for administrators.
///
/// # Errors
/// [`ADMIN_ONLY`], [`NOT_FOUND`].
pub async fn name_as_admin(app: &App, actor: &Actor, room: RoomId) -> Result<String, Error> {
    if !actor.is_admin {
        return Err(ADMIN_ONLY.into());
    }
    let view = app.store().room(room, actor.user).await?.ok_or(NOT_FOUND)?;
    Ok(view.room.name.clone())
}

/// The rooms to which the actor is invited.
///
/// # Errors
/// When the store does not answer.
pub async fn invitations(app: &App, actor: &Actor) -> Result<Vec<Room>, Error> {
    app.store().invitations(actor.user).await
}

/// Who is invited to a room of the actor and has not joined.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::OWNER_ONLY`].
pub async fn invited(app: &App, actor: &Actor, room: RoomId) -> Result<Vec<UserId>, Error> {
    let view = access::view(app, actor, room).await?;
    access::can(&view, Right::Host)?;
    app.store().invited(room).await
}

/// What is left of a room that ended, for those who may know it: everybody for a GROUP room, former
/// members and the owner for a PRIVATE one (contract 7c).
///
/// # Errors
/// When the store does not answer.
pub async fn tombstone(
    app: &App,
    actor: Option<&Actor>,
    room: RoomId,
) -> Result<Option<Tombstone>, Error> {
    let user = actor.map(|actor| actor.user);
    let found = app.store().tombstone(room, user).await?;
    Ok(found.filter(|stone| {
        stone.kind == RoomKind::Group || stone.was_member || user == Some(stone.owner)
    }))
}

/// One room, for its owner, members and invited people.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::OWNER_ONLY`] for strangers.
pub async fn get(app: &App, actor: &Actor, room: RoomId) -> Result<Arc<Room>, Error> {
    let view = access::view(app, actor, room).await?;
    access::can(&view, Right::See)?;
    Ok(view.room)
}

/// Most events of one answer.
pub const MAX_HISTORY: i64 = 200;

/// A piece of the room's stream in order of seq, without holes. `limit` is brought into
/// 1 to [`MAX_HISTORY`].
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::NOT_IN_ROOM`].
pub async fn history(
    app: &App,
    actor: &Actor,
    room: RoomId,
    span: Span,
    limit: i64,
) -> Result<History, Error> {
    let view = access::view(app, actor, room).await?;
    access::can(&view, Right::Talk)?;
    let limit = limit.clamp(1, MAX_HISTORY);
    Ok(app
        .store()
        .history(room, span, limit)
        .await?
        .ok_or(NOT_FOUND)?)
}
