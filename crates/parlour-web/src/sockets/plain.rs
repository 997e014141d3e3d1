//! A WebSocket over a TCP connection of ours: reads by itself, and writes through the outbox, which
//! may be written to by whoever has something to say: see [`parlour_realtime::outbox`].

use super::frames::{Frames, Heard};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use parlour_realtime::{Flushed, Frame, Line, Outbox, Transport, TransportError};
use std::{
    future::Future as _,
    io::{self, IoSlice},
    net::Shutdown,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::AsyncReadExt as _,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// First bytes of control frames.
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// A connection that several tasks write to.
struct TcpLine(OwnedWriteHalf);

impl Line for TcpLine {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(pieces)
    }
}

/// A WebSocket over a TCP connection.
pub(crate) struct PlainSocket {
    reading: OwnedReadHalf,
    line: Arc<TcpLine>,
    outbox: Arc<Outbox>,
    frames: Frames,
    /// Either side has said good bye: we say nothing more.
    is_closing: bool,
    /// The answer to the client's good bye: it goes out last, when what waits was thrown away.
    answer: Option<Bytes>,
}

impl PlainSocket {
    /// The socket of a client that was answered 101. `early`: what was read before, which is nothing
    /// unless the client was in a hurry. `largest`: its longest message, in bytes.
    pub(super) fn new(tcp: TcpStream, early: &[u8], outbox: Arc<Outbox>, largest: usize) -> Self {
        let (reading, writing) = tcp.into_split();
        Self {
            reading,
            line: Arc::new(TcpLine(writing)),
            outbox,
            frames: Frames::new(early, largest),
            is_closing: false,
            answer: None,
        }
    }

    /// What the pump has to know; pings and good byes are answered here.
    fn note(&mut self, heard: Heard) -> Frame {
        match heard {
            Heard::Text(text) => Frame::Text(text),
            Heard::Binary(bytes) => Frame::Binary(bytes),
            Heard::Ping(payload) => {
                if !self.is_closing {
                    self.outbox.push_control(control(PONG, &payload));
                }
                Frame::Ping(payload)
            }
            Heard::Pong => Frame::Pong(Bytes::new()),
            Heard::Close(code) => {
                if !std::mem::replace(&mut self.is_closing, true) {
                    self.answer = Some(good_bye(code, ""));
                }
                Frame::Close(1000, "")
            }
        }
    }

    /// From now on it speaks through this outbox.
    pub(crate) fn adopt(&mut self, outbox: Arc<Outbox>) {
        self.outbox = outbox;
    }

    /// Writes past the outbox, for the time when that is not its own yet.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) async fn write_aside(&self, mut wire: &[u8]) -> io::Result<()> {
        while !wire.is_empty() {
            self.line.0.writable().await?;
            match self.line.try_write(wire) {
                Ok(written) => wire = &wire[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn tcp(&self) -> &TcpStream {
        self.reading.as_ref()
    }
}

/// A close frame (RFC 6455, section 5.5.1).
fn good_bye(code: Option<u16>, reason: &str) -> Bytes {
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend(code.map(u16::to_be_bytes).into_iter().flatten());
    payload.extend_from_slice(reason.as_bytes());
    control(CLOSE, &payload)
}

/// A control frame; its payload is never longer than [125 bytes](Frame::Close).
fn control(first: u8, payload: &[u8]) -> Bytes {
    let mut wire = Vec::with_capacity(2 + payload.len());
    wire.push(first);
    wire.push(u8::try_from(payload.len()).unwrap_or_default());
    wire.extend_from_slice(payload);
    wire.into()
}

impl Transport for PlainSocket {
    fn line(&self) -> Option<Arc<dyn Line>> {
        Some(Arc::clone(&self.line) as Arc<dyn Line>)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What became of the connection shows when writing.
        self.tcp().poll_write_ready(cx).map(drop)
    }
}

impl Stream for PlainSocket {
    type Item = Result<Frame, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match this.frames.next() {
                Ok(Some(heard)) => return Poll::Ready(Some(Ok(this.note(heard)))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            let Poll::Ready(read) = pin!(this.reading.read_buf(this.frames.room())).poll(cx) else {
                this.frames.rest();
                return Poll::Pending;
            };
            match read {
                Ok(0) if this.is_closing => return Poll::Ready(None),
                Ok(0) | Err(_) => return Poll::Ready(Some(Err(TransportError::Gone))),
                Ok(_) => {}
            }
        }
    }
}

impl Sink<Frame> for PlainSocket {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        let this = self.get_mut();
        match frame {
            Frame::Close(code, reason) => {
                if !std::mem::replace(&mut this.is_closing, true) {
                    this.outbox.push_control(good_bye(Some(code), reason));
                }
            }
            Frame::Ping(payload) => this.outbox.push_control(control(PING, &payload)),
            Frame::Pong(payload) => this.outbox.push_control(control(PONG, &payload)),
            // These go into the outbox in the first place.
            Frame::Text(_) | Frame::Binary(_) => return Err(TransportError::Protocol),
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        loop {
            match self.outbox.flush() {
                Some(Flushed::All) => return Poll::Ready(Ok(())),
                Some(Flushed::Blocked) => {
                    if ready!(self.tcp().poll_write_ready(cx)).is_err() {
                        return Poll::Ready(Err(TransportError::Gone));
                    }
                }
                Some(Flushed::Gone) | None => return Poll::Ready(Err(TransportError::Gone)),
            }
        }
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), TransportError>> {
        if let Some(answer) = self.answer.take() {
            self.outbox.push_control(answer);
        }
        ready!(self.as_mut().poll_flush(cx))?;
        let done = socket2::SockRef::from(self.tcp()).shutdown(Shutdown::Write);
        Poll::Ready(done.map_err(|_| TransportError::Gone))
    }
}
