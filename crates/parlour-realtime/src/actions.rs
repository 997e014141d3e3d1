//! What sockets need of the actions: the seam to `parlour_core`'s.

use crate::command::{ChangeKind, NewChange, NewSend};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use parlour_core::{
    Actor, App, Error, MessageId, RoomId, Time, What,
    files::Attachment,
    given::Given,
    messages::{self, EditMessage, SendMessage},
    model::Message,
    ports::{History, Span},
    rates::Key,
    rooms::{self, MarkRead},
};
use std::sync::Arc;

/// How far back the event of a change is looked for: more than can follow it at once.
const LOOK_BACK: i64 = 200;

/// A message on its way to the disk: resolves after the durable commit. Sockets ask in the order of
/// their frames only, so the commit must not wait for being asked about.
///
/// Its errors are outcomes of a race (the sender was put out meanwhile, the nonce was used, the store
/// went away); they do not count as bad frames.
pub type Submitted = BoxFuture<'static, Result<Arc<Message>, Error>>;

/// A change that is stored durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The message.
    pub id: MessageId,
    /// Position of the event; `None` when nothing had to change.
    pub seq: Option<i64>,
    /// When.
    pub at: Time,
}

/// The actions behind the commands of a socket. Calls of one socket are made one after the other in
/// the order of its frames, each after the last one returned.
///
/// Errors are whatever the rules say; one of the client's making counts as a bad frame.
#[async_trait]
pub trait Actions: Send + Sync {
    /// Checks a message and queues it for the commit; messages of one socket to one room are stored
    /// in the order of these calls.
    async fn submit(&self, actor: &Actor, send: NewSend) -> Result<Submitted, Error>;
    /// Changes a message; answers after the durable commit. The seq of an edit or a deletion is
    /// looked up only for a change with a nonce.
    async fn change(&self, actor: &Actor, change: NewChange) -> Result<Changed, Error>;
    /// Notes how far the user has read.
    async fn read(&self, actor: &Actor, room: RoomId, seq: i64, back: bool) -> Result<(), Error>;
    /// Tells the others that the user is writing.
    async fn typing(&self, actor: &Actor, room: RoomId) -> Result<(), Error>;
    /// Makes the user a member; answers where the room's stream stands.
    async fn join(&self, actor: &Actor, room: RoomId) -> Result<i64, Error>;
    /// Ends the user's membership; answers where the room's stream stands.
    async fn leave(&self, actor: &Actor, room: RoomId) -> Result<i64, Error>;
    /// A piece of a room's stream.
    async fn history(
        &self,
        actor: &Actor,
        room: RoomId,
        span: Span,
        limit: i64,
    ) -> Result<History, Error>;
}

#[async_trait]
impl Actions for App {
    async fn submit(&self, actor: &Actor, send: NewSend) -> Result<Submitted, Error> {
        let input = SendMessage {
            room: Given::Value(send.room),
            text: Given::Value(send.text),
            nonce: send.nonce.map_or(Given::Missing, Given::Value),
            reply_to: send.reply_to.map_or(Given::Missing, Given::Value),
            files: send.files.into_iter().map(Attachment::Uploaded).collect(),
        };
        let sending = messages::submit(self, actor, input).await?;
        Ok(Box::pin(async move { Ok(sending.stored().await?.message) }))
    }

    async fn change(&self, actor: &Actor, change: NewChange) -> Result<Changed, Error> {
        let NewChange { id, what, nonce } = change;
        match what {
            ChangeKind::Edit(text) => {
                let input = EditMessage {
                    text: Given::Value(text),
                    ..EditMessage::default()
                };
                let message = messages::edit(self, actor, id, input).await?;
                let seq = match nonce {
                    Some(_) => event_of(self, message.room, id, true).await?,
                    None => None,
                };
                let at = message.updated_at;
                Ok(Changed { id, seq, at })
            }
            ChangeKind::Delete => {
                // Where it was: afterwards nobody can tell.
                let room = match nonce {
                    Some(_) => self.store().message(id).await?.map(|found| found.room),
                    None => None,
                };
                messages::delete(self, actor, id).await?;
                let seq = match room {
                    Some(room) => event_of(self, room, id, false).await?,
                    None => None,
                };
                let at = self.now();
                Ok(Changed { id, seq, at })
            }
            ChangeKind::React { emoji, on } => {
                let done = messages::react(self, actor, id, &emoji, on).await?;
                let (seq, at) = (done.seq, self.now());
                Ok(Changed { id, seq, at })
            }
        }
    }

    async fn read(&self, actor: &Actor, room: RoomId, seq: i64, back: bool) -> Result<(), Error> {
        let input = MarkRead {
            seq: Given::Value(seq),
            back: back.into(),
        };
        rooms::mark_read(self, actor, room, input).await.map(drop)
    }

    async fn typing(&self, actor: &Actor, room: RoomId) -> Result<(), Error> {
        rooms::typing(self, actor, room).await
    }

    async fn join(&self, actor: &Actor, room: RoomId) -> Result<i64, Error> {
        rooms::join(self, actor, room).await.map(|room| room.seq)
    }

    async fn leave(&self, actor: &Actor, room: RoomId) -> Result<i64, Error> {
        rooms::leave(self, actor, room).await.map(|room| room.seq)
    }

    async fn history(
        &self,
        actor: &Actor,
        room: RoomId,
        span: Span,
        limit: i64,
    ) -> Result<History, Error> {
        self.limits().read.take(&Key::User(actor.user))?;
        rooms::history(self, actor, room, span, limit).await
    }
}

/// The seq of the newest edit of a message, or of its deletion, among the room's newest events.
async fn event_of(
    app: &App,
    room: RoomId,
    id: MessageId,
    edit: bool,
) -> Result<Option<i64>, Error> {
    let history = app.store().history(room, Span::Newest, LOOK_BACK).await?;
    let is_it = |what: &What| match what {
        What::MessageUpdated(message) => edit && message.id == id,
        What::MessageDeleted(deleted) => !edit && *deleted == id,
        _ => false,
    };
    Ok(history.and_then(|history| {
        let event = history.events.into_iter().rfind(|event| is_it(&event.what));
        event.map(|event| event.seq)
    }))
}
