//! Edit a message.

use super::{
    find::find,
    send::{body, mentioned},
};
use crate::{
    Actor, App, Error, MessageId, RoomId,
    error::{NOT_FOUND, OWNER_ONLY, Problem},
    files::{self, Attachment},
    given::{Given, Problems},
    model::Message,
    ports::{self, MessageChange},
    rates::Key,
    rooms::{self, Right},
};
use std::sync::Arc;

/// New values; what is missing stays as it is.
#[derive(Debug, Default)]
pub struct EditMessage {
    /// The text.
    pub text: Given<String>,
    /// May be repeated, not changed (D-16).
    pub room: Given<RoomId>,
    /// Whether the room must be there (`PUT`).
    pub whole: bool,
    /// What takes the place of the files that hang there; nothing: those stay.
    pub files: Vec<Attachment>,
}

/// Changes the text, or replaces the files, of one's own message in a room one is in.
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
    files::check(app, &input.files, &mut problems);
    let has_files = !(input.files.is_empty() && message.files.is_empty());
    let text = match input.text {
        Given::Missing => Some(message.text.clone()),
        given => body(app, given, has_files, &mut problems),
    };
    problems.check()?;
    let text = text.unwrap_or_default();
    let mentions = mentioned(app, &view.room, &text).await?;
    let files::Kept { files, fresh } = files::keep_all(app, actor, input.files).await?;
    let change = MessageChange {
        text,
        mentions,
        files: (!files.is_empty()).then_some(files),
        at: app.now(),
    };
    let answer = app.store().edit_message(id, change).await?;
    if !matches!(answer, ports::EditMessage::Done(_)) {
        files::drop_unused(app, actor, &fresh).await;
    }
    match answer {
        ports::EditMessage::Done(message) => Ok(message),
        ports::EditMessage::NoFile => Err(Error::field("file", Problem::FileGone)),
        ports::EditMessage::Gone => Err(NOT_FOUND.into()),
    }
}
