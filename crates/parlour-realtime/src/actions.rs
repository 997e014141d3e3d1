//! What sockets need of the actions: the seam to `parlour_core`'s.

use crate::command::NewSend;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use parlour_core::{
    Actor, App, Error,
    given::Given,
    messages::{self, SendMessage},
    model::Message,
};
use std::sync::Arc;

/// A message on its way to the disk: resolves after the durable commit.
///
/// Its errors are outcomes of a race (the sender was put out meanwhile, the nonce was used, the store
/// went away); they do not count as bad frames.
pub type Submitted = BoxFuture<'static, Result<Arc<Message>, Error>>;

/// The actions behind the commands of a socket.
#[async_trait]
pub trait Actions: Send + Sync {
    /// Checks a message and queues it for the commit. Calls of one socket are made one after the
    /// other in the order of its frames, each after the last one returned, so messages of one room
    /// are stored in that order.
    ///
    /// # Errors
    /// Whatever the rules say; an error of the client's making counts as a bad frame.
    async fn submit(&self, actor: &Actor, send: NewSend) -> Result<Submitted, Error>;
}

#[async_trait]
impl Actions for App {
    async fn submit(&self, actor: &Actor, send: NewSend) -> Result<Submitted, Error> {
        let input = SendMessage {
            room: Given::Value(send.room),
            text: Given::Value(send.text),
            nonce: send.nonce.map_or(Given::Missing, Given::Value),
            ..SendMessage::default()
        };
        let sending = messages::submit(self, actor, input).await?;
        Ok(Box::pin(async move { Ok(sending.stored().await?.message) }))
    }
}
