//! Delete a message.

use super::find::find;
use crate::{
    Actor, App, Error, MessageId,
    error::{NOT_FOUND, OWNER_ONLY},
    rates::Key,
    rooms::{self, Right},
};

/// Deletes a message: its author may, also after leaving, and the room's owner, as moderation.
///
/// # Errors
/// [`NOT_FOUND`], [`OWNER_ONLY`] for others.
pub async fn delete(app: &App, actor: &Actor, id: MessageId) -> Result<(), Error> {
    app.limits().send.take(&Key::User(actor.user))?;
    let (message, view) = find(app, actor, id).await?;
    if message.owner != actor.user && !view.is_owner {
        rooms::can(&view, Right::Know)?;
        return Err(OWNER_ONLY.into());
    }
    if app.store().delete_message(id, app.now()).await? {
        Ok(())
    } else {
        Err(NOT_FOUND.into())
    }
}
