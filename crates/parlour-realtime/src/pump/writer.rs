//! What is on its way to the wire.

use super::{Frame, Transport, TransportError};
use bytes::Bytes;
use futures_util::SinkExt as _;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;

/// Frames that were taken from the outbox, fed one after the other and flushed once. Holds no buffer
/// while idle.
#[derive(Debug, Default)]
pub(super) struct Writer {
    frames: std::vec::IntoIter<Bytes>,
    ping: bool,
    unflushed: bool,
    stalled: Option<Instant>,
}

impl Writer {
    pub(super) fn is_idle(&self) -> bool {
        !self.unflushed && !self.ping && self.frames.as_slice().is_empty()
    }

    /// Takes frames; only while idle or before the last ones are written.
    pub(super) fn load(&mut self, frames: Vec<Bytes>) {
        self.frames = frames.into_iter();
    }

    /// Sends a ping before the next frame.
    pub(super) const fn ping(&mut self) {
        self.ping = true;
    }

    /// Since when the peer has taken nothing.
    pub(super) const fn stalled_since(&self) -> Option<Instant> {
        self.stalled
    }

    /// Notes that the peer takes nothing; answers whether that is news.
    pub(super) fn notice_stall(&mut self) -> bool {
        let is_news = self.stalled.is_none();
        if is_news {
            self.stalled = Some(Instant::now());
        }
        is_news
    }

    /// Writes on; ready when everything is written.
    pub(super) fn poll_write<T: Transport>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), TransportError>> {
        while self.ping || !self.frames.as_slice().is_empty() {
            ready!(transport.poll_ready_unpin(cx))?;
            let frame = if self.ping {
                self.ping = false;
                Some(Frame::Ping(Bytes::new()))
            } else {
                self.frames.next().map(Frame::of)
            };
            if let Some(frame) = frame {
                transport.start_send_unpin(frame)?;
                self.unflushed = true;
                self.stalled = None;
            }
        }
        ready!(transport.poll_flush_unpin(cx))?;
        *self = Self::default();
        Poll::Ready(Ok(()))
    }
}
