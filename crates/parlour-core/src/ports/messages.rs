//! Messages that are kept.

use crate::{
    Error, MessageId, RoomId, Time, UserId,
    model::{KeptFile, Mention, Message, Page, PageRequest, Sender},
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::{sync::oneshot, time::timeout};

/// A message to be stored.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The room.
    pub room: RoomId,
    /// The author.
    pub author: UserId,
    /// How the author is shown.
    pub sender: Arc<Sender>,
    /// The text, checked.
    pub text: String,
    /// The message of the same room that this one answers.
    pub reply_to: Option<MessageId>,
    /// Whether that message is there. One that is gone matters only to a message that was not stored
    /// before: a retry of a nonce answers the first one all the same.
    pub reply_is_there: bool,
    /// People of the room whom the text addresses.
    pub mentions: Vec<Mention>,
    /// Staged files of the author, in the order in which they are shown. A message without files
    /// costs nothing for them.
    pub files: Vec<KeptFile>,
    /// The client's own id, 1 to 64 characters.
    pub nonce: Option<String>,
    /// Now.
    pub at: Time,
}

/// Answer to storing a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Append {
    /// Stored durably.
    Stored(Arc<Message>),
    /// The same nonce with the same body was stored before; this is that message as it is now.
    Repeated(Arc<Message>),
    /// The nonce was used with another body, or its message was deleted. Nothing changed.
    NonceReused,
    /// The author is neither member nor owner. Nothing changed.
    NotIn,
    /// What it answers is gone. Nothing changed.
    NoReply,
    /// One of its files is not staged (any more), or not the author's. Nothing changed.
    NoFile,
    /// No such living room. Nothing changed.
    Gone,
}

/// How long anybody waits for a commit: longer than a healthy database ever takes under a full
/// queue, shorter than people's patience.
const PATIENCE: Duration = Duration::from_secs(5);

/// A message on its way to the disk.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Append, Error>>);

impl Pending {
    /// The two ends of a pending message.
    #[must_use]
    pub fn new() -> (oneshot::Sender<Result<Append, Error>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Waits for the durable commit.
    ///
    /// # Errors
    /// What the store says; [`crate::error::STORE_UNAVAILABLE`] when the writer stopped first, or takes
    /// longer than five seconds (a disk that hangs). In
    /// both cases the message may or may not be stored: a retry with the same nonce is safe.
    pub async fn wait(self) -> Result<Append, Error> {
        match timeout(PATIENCE, self.0).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::unavailable("the writer stopped")),
            Err(_) => Err(Error::unavailable("the commit takes too long")),
        }
    }
}

/// A change of a message.
#[derive(Clone, Debug)]
pub struct MessageChange {
    /// The new text, checked.
    pub text: String,
    /// Whom it addresses.
    pub mentions: Vec<Mention>,
    /// Staged files of the author that take the place of those that hang there; `None`: they stay.
    pub files: Option<Vec<KeptFile>>,
    /// Now.
    pub at: Time,
}

/// Answer to changing a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditMessage {
    /// Changed.
    Done(Arc<Message>),
    /// One of the new files is not staged (any more), or not the author's. Nothing changed.
    NoFile,
    /// No such message (any more), or its room ended.
    Gone,
}

/// A reaction to be added or taken back.
#[derive(Clone, Debug)]
pub struct NewReaction {
    /// Who.
    pub user: UserId,
    /// One emoji in its canonical form.
    pub emoji: String,
    /// Added, or taken back.
    pub on: bool,
    /// Now.
    pub at: Time,
}

/// Answer to reacting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum React {
    /// Done, or was so already.
    Done {
        /// The message as it is now.
        message: Arc<Message>,
        /// Position of the event; `None` when nothing changed.
        seq: Option<i64>,
    },
    /// The message has as many different reactions as it may.
    TooMany,
    /// The user is neither member nor owner of the room.
    NotIn,
    /// No such message (any more), or its room ended.
    Gone,
}

/// Messages.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Queues a message for the group commit. Messages of one room are stored in the order of the
    /// calls. The body's identity for the nonce is its room, text, `reply_to`
    /// and what its files were when they came.
    /// Event: `MessageCreated`.
    ///
    /// # Errors
    /// [`crate::error::BUSY`] at once when the queue is full.
    fn append(&self, message: NewMessage) -> Result<Pending, Error>;
    /// A message that is not deleted, of a room that lives.
    async fn message(&self, id: MessageId) -> Result<Option<Arc<Message>>, Error>;
    /// Messages of all rooms the user joined or owns (or of one such room), newest first; `None`
    /// when there is no such page. A room the user is not in gives an empty list. Consistent with
    /// everything this process committed before the call.
    async fn messages_page(
        &self,
        user: UserId,
        room: Option<RoomId>,
        page: PageRequest,
    ) -> Result<Option<Page<Arc<Message>>>, Error>;
    /// Those of these messages that are not deleted, of rooms that live, in no order.
    async fn messages_by_id(&self, ids: &[MessageId]) -> Result<Vec<Arc<Message>>, Error>;
    /// Changes a message's text, whom it addresses, and what hangs on it. Event: `MessageUpdated`. An
    /// equal text without new files changes nothing and makes no event.
    async fn edit_message(
        &self,
        id: MessageId,
        change: MessageChange,
    ) -> Result<EditMessage, Error>;
    /// Adds (`on`) or takes back a reaction; at most `most` different emoji on one message, also in
    /// parallel. `MemberLeft` leaves reactions as they are; deleting the message or the account
    /// removes them. Event: `ReactionAdded` or `ReactionRemoved`, only when something changed.
    async fn react(&self, id: MessageId, reaction: NewReaction, most: i64) -> Result<React, Error>;
    /// Deletes a message. Event: `MessageDeleted`. Answers whether this call did it.
    async fn delete_message(&self, id: MessageId, at: Time) -> Result<bool, Error>;
}
