//! What a pump needs of the one it serves.

use crate::{
    close::Close,
    dialect::Input,
    outbox::Outbox,
    session::{Flow, Session},
};
use bytes::Bytes;
use std::{
    sync::Arc,
    task::{Context, Poll},
};

/// The question whether a client is there.
pub(crate) enum Ping {
    /// A ping of the WebSocket.
    Frame,
    /// A packet of its own.
    Packet(Bytes),
    /// The client asks by itself.
    None,
}

/// One client without any socket in sight: frames in, and what is said to it in its outbox.
pub(crate) trait Talk: Send {
    /// A number that no other client of this process has.
    fn number(&self) -> u64;

    /// What waits for the client.
    fn shared_outbox(&self) -> Arc<Outbox>;

    /// Whether the next frame may be read.
    fn wants_frame(&self) -> bool;

    /// Whether something that the client asked for is not stored or acknowledged yet.
    fn is_busy(&self) -> bool;

    /// Whether [`poll_progress`](Self::poll_progress) has something to wait for.
    fn has_work(&self) -> bool;

    /// Takes a frame; only while [`wants_frame`](Self::wants_frame).
    ///
    /// # Errors
    /// How to close the socket.
    fn handle(&mut self, input: Input<'_>) -> Flow;

    /// Goes on with what is under way; ready when something was done.
    ///
    /// # Errors
    /// How to close the socket.
    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Flow>;

    /// How it is found out whether the client is there.
    fn ping(&self) -> Ping {
        Ping::Frame
    }

    /// Frames that go out before a socket is closed so, even when everything that waited is dropped.
    fn last_words(&mut self, _close: &'static Close) -> Vec<Bytes> {
        Vec::new()
    }
}

impl Talk for Session {
    fn number(&self) -> u64 {
        self.registration().id().get()
    }

    fn shared_outbox(&self) -> Arc<Outbox> {
        self.registration().shared_outbox()
    }

    fn wants_frame(&self) -> bool {
        Self::wants_frame(self)
    }

    fn is_busy(&self) -> bool {
        Self::is_busy(self)
    }

    fn has_work(&self) -> bool {
        Self::has_work(self)
    }

    fn handle(&mut self, input: Input<'_>) -> Flow {
        Self::handle(self, input)
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Flow> {
        Self::poll_progress(self, cx)
    }
}
