//! React to a message.

use super::find::find;
use crate::{
    Actor, App, Error, MessageId,
    error::{NOT_FOUND, NOT_IN_ROOM, Problem, TOO_MANY_REACTIONS},
    markup,
    model::Message,
    ports::{NewReaction, React},
    rates::Key,
    rooms::{self, Right},
};
use std::sync::Arc;

/// Most different emoji on one message.
pub const MAX_REACTIONS: i64 = 20;

/// A reaction that was asked for.
#[derive(Clone, Debug)]
pub struct Reacting {
    /// The message as it is now.
    pub message: Arc<Message>,
    /// Position of the event; `None` when nothing changed.
    pub seq: Option<i64>,
}

/// Adds (`on`) or takes back the actor's reaction; doing it again changes nothing.
///
/// # Errors
/// [`NOT_FOUND`]; [`NOT_IN_ROOM`]; a text that is not one emoji; [`TOO_MANY_REACTIONS`].
pub async fn react(
    app: &App,
    actor: &Actor,
    id: MessageId,
    emoji: &str,
    on: bool,
) -> Result<Reacting, Error> {
    app.limits().send.take(&Key::User(actor.user))?;
    let (_, view) = find(app, actor, id).await?;
    rooms::can(&view, Right::Talk)?;
    let emoji = markup::emoji(emoji).ok_or_else(|| Error::field("emoji", Problem::NotEmoji))?;
    let reaction = NewReaction {
        user: actor.user,
        emoji: emoji.to_owned(),
        on,
        at: app.now(),
    };
    match app.store().react(id, reaction, MAX_REACTIONS).await? {
        React::Done { message, seq } => Ok(Reacting { message, seq }),
        React::TooMany => Err(TOO_MANY_REACTIONS.into()),
        React::NotIn => Err(NOT_IN_ROOM.into()),
        React::Gone => Err(NOT_FOUND.into()),
    }
}
