//! The TCP connection under a WebSocket, shared by who reads it and whoever has something to write:
//! see [`parlour_realtime::outbox`].

use bytes::{Buf as _, Bytes};
use parlour_realtime::{Flushed, Line, Outbox};
use std::{
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection that several tasks write to.
pub(super) struct TcpLine(TcpStream);

impl Line for TcpLine {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(pieces)
    }
}

/// The reading side, for the WebSocket library. What the library writes (answers to pings, the closing
/// handshake; each write is of whole frames) goes to the outbox, to be in order with all the rest.
pub(super) struct TcpIo {
    line: Arc<TcpLine>,
    outbox: Arc<Outbox>,
    /// What was read before the upgrade: nothing, unless the client was in a hurry.
    early: Bytes,
}

impl TcpIo {
    pub(super) fn new(tcp: TcpStream, early: &[u8], outbox: Arc<Outbox>) -> Self {
        Self {
            line: Arc::new(TcpLine(tcp)),
            outbox,
            // A copy: the original is a piece of the large buffer that the request was read into.
            early: Bytes::copy_from_slice(early),
        }
    }

    pub(super) fn line(&self) -> Arc<TcpLine> {
        Arc::clone(&self.line)
    }

    /// Ready when the connection may take something again; what becomes of it shows when writing.
    pub(super) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.line.0.poll_write_ready(cx).map(drop)
    }
}

impl AsyncRead for TcpIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let len = self.early.len().min(buffer.remaining());
            buffer.put_slice(&self.early[..len]);
            self.early.advance(len);
            if self.early.is_empty() {
                self.early = Bytes::new();
            }
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(self.line.0.poll_read_ready(cx))?;
            match self.line.0.try_read(buffer.initialize_unfilled()) {
                Ok(len) => {
                    buffer.advance(len);
                    return Poll::Ready(Ok(()));
                }
                // It was ready for somebody else, or not really.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for TcpIo {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.outbox.push_control(Bytes::copy_from_slice(bytes));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.outbox.flush() {
                Some(Flushed::All) => return Poll::Ready(Ok(())),
                Some(Flushed::Blocked) => ready!(self.line.0.poll_write_ready(cx))?,
                Some(Flushed::Gone) | None => {
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                }
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Poll::Ready(socket2::SockRef::from(&self.line.0).shutdown(Shutdown::Write))
    }
}
