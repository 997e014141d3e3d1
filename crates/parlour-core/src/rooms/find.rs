//! Reading rooms.

use super::access::{self, Right};
use crate::{
    Actor, App, Error, RoomId,
    error::{INVALID_PAGE, NOT_FOUND},
    model::{Page, PageRequest, Room},
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
