//! Edit a message.

use super::{
    find::find,
    send::{body, mentioned},
};
use crate::{
    Actor, App, Error, MessageId, RoomId,
    error::{NOT_FOUND, OWNER_ONLY, Problem},
    given::{Given, Problems},
    model::Message,
    ports,
    rates::Key,
    rooms::{self, Right},
};
use std::sync::Arc;

/// New values; what is missing stays as it is.
#[derive(Clone, Debug, Default)]
pub struct EditMessage {
    /// The text.
    pub text: Given<String>,
    /// May be repeated, not changed (D-16).
    pub room: Given<RoomId>,
    /// Whether the room must be there (`PUT`).
    pub whole: bool,
}

/// Changes the text of one's own message in a room one is in.
///
/// # Errors
/// [`NOT_FOUND`]; [`OWNER_ONLY`] for others; [`crate::error::NOT_IN_ROOM`] for an author who left
/// (D-11); all bad fields at once.
pub async fn edit(
    app: &App,
    actor: &Actor,
    id: MessageId,
    input: EditMessage,
) -> Result<Arc<Message>, Error> {
    app.limits().send.take(&Key::User(actor.user))?;
    let (message, view) = find(app, actor, id).await?;
    rooms::can(&view, Right::Know)?;
    if message.owner != actor.user {
        return Err(OWNER_ONLY.into());
    }
    rooms::can(&view, Right::Talk)?;

    let mut problems = Problems::default();
    let room = if input.whole {
        input.room.required("room", &mut problems)
    } else {
        input.room.optional("room", &mut problems)
    };
    if room.is_some_and(|room| room != message.room) {
        problems.add("room", Problem::RoomFixed);
    }
    let text = match input.text {
        Given::Missing => Some(message.text.clone()),
        given => body(app, given, &mut problems),
    };
    problems.check()?;
    let text = text.unwrap_or_default();
    let mentions = mentioned(app, &view.room, &text).await?;
    match app
        .store()
        .edit_message(id, text, mentions, app.now())
        .await?
    {
        ports::EditMessage::Done(message) => Ok(message),
        ports::EditMessage::Gone => Err(NOT_FOUND.into()),
    }
}
