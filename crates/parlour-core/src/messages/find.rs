//! Reading messages.

use crate::{
    Actor, App, Error, MessageId, RoomId,
    error::{INVALID_PAGE, NOT_FOUND, OWNER_ONLY, Problem},
    given::{Given, Problems},
    model::{Message, Page, PageRequest, RoomView},
    rooms::{self, Right},
};
use std::sync::Arc;

/// Messages of all rooms the actor is in, newest first, or of one room. A known room that the actor
/// is not in gives an empty list.
///
/// # Errors
/// A filter that names no room the actor may know; [`INVALID_PAGE`].
pub async fn list(
    app: &App,
    actor: &Actor,
    room: Given<RoomId>,
    page: Option<PageRequest>,
) -> Result<Page<Arc<Message>>, Error> {
    let mut problems = Problems::default();
    let room = room.optional("room", &mut problems);
    if let Some(room) = room
        && rooms::find_known(app, actor, room).await?.is_none()
    {
        problems.add("room", Problem::NoSuchChoice);
    }
    problems.check()?;
    let page = page.ok_or(INVALID_PAGE)?;
    Ok(app
        .store()
        .messages_page(actor.user, room, page)
        .await?
        .ok_or(INVALID_PAGE)?)
}

/// Those of these messages that are left, of one room: what replies quote.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::NOT_IN_ROOM`].
pub async fn by_id(
    app: &App,
    actor: &Actor,
    room: RoomId,
    ids: &[MessageId],
) -> Result<Vec<Arc<Message>>, Error> {
    let view = rooms::view(app, actor, room).await?;
    rooms::can(&view, Right::Talk)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = app.store().messages_by_id(ids).await?;
    found.retain(|message| message.room == room);
    Ok(found)
}

/// One message: for its author, and for those who are in its room.
///
/// # Errors
/// [`NOT_FOUND`], [`OWNER_ONLY`] for others.
pub async fn get(app: &App, actor: &Actor, id: MessageId) -> Result<Arc<Message>, Error> {
    let (message, view) = find(app, actor, id).await?;
    if message.owner != actor.user {
        rooms::can(&view, Right::Know)?;
        rooms::can(&view, Right::Talk).map_err(|_| OWNER_ONLY)?;
    }
    Ok(message)
}

/// A message and how the actor stands in its room.
pub(super) async fn find(
    app: &App,
    actor: &Actor,
    id: MessageId,
) -> Result<(Arc<Message>, RoomView), Error> {
    let Some(message) = app.store().message(id).await? else {
        rooms::take_as_long_as_nothing(app, actor).await?;
        return Err(NOT_FOUND.into());
    };
    let found = app.store().room(message.room, actor.user).await?;
    let view = found.ok_or(NOT_FOUND)?;
    if rooms::can(&view, Right::Know).is_err() {
        rooms::take_as_long_as_nothing(app, actor).await?;
    }
    Ok((message, view))
}
