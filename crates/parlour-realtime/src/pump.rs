//! One task per socket: reads frames while the client has credit, writes all that waits in one go,
//! and finds out when nobody is there any more.

mod writer;

use crate::{
    close::{self, Close},
    dialect::Input,
    hub::spread,
    outbox::{Line, Outbox},
    session::Session,
    wire,
};
use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};
use writer::Writer;

/// How long a closing socket waits for the event of a message that it sent and that was committed.
const LINGER: Duration = Duration::from_millis(50);

/// A WebSocket frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// UTF-8 text.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
    /// Are you there? Transports answer the client's pings by themselves.
    Ping(Bytes),
    /// Yes.
    Pong(Bytes),
    /// Good bye: a code and a reason of at most 123 bytes.
    Close(u16, &'static str),
}

/// Why a transport cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// A frame or message was larger than the limit.
    TooBig,
    /// A text frame was not UTF-8.
    NotUtf8,
    /// The peer broke the WebSocket protocol.
    Protocol,
    /// The connection is gone.
    Gone,
}

/// A WebSocket connection. A client's close frame comes as [`Frame::Close`] (its code and reason do
/// not matter) and is answered by the transport itself.
///
/// A transport must not buffer without bound: `poll_ready` has to wait when the connection does not
/// take what was sent before.
pub trait Transport:
    Stream<Item = Result<Frame, TransportError>> + Sink<Frame, Error = TransportError> + Unpin + Send
{
    /// The connection itself, if the frames of the outbox may be written past the transport. Then
    /// the transport has to put its own frames into the outbox
    /// ([`push_control`](Outbox::push_control)), or two writers would mix theirs.
    fn line(&self) -> Option<Arc<dyn Line>> {
        None
    }

    /// Ready when the [`line`](Self::line) may take something again.
    fn poll_writable(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// Times of a socket (`realtime.md`, "Heartbeat").
#[derive(Clone, Copy, Debug)]
pub struct PumpConfig {
    /// Least pause between pings.
    pub ping_least: Duration,
    /// Longest pause between pings.
    pub ping_most: Duration,
    /// How long any answer to a ping may take.
    pub answer_within: Duration,
    /// How long the peer may take nothing of what is written.
    pub write_within: Duration,
    /// How long the exchange of close frames may take.
    pub close_within: Duration,
    /// How long commits under way may take when the server closes the socket.
    pub finish_within: Duration,
}

impl Default for PumpConfig {
    fn default() -> Self {
        Self {
            ping_least: Duration::from_secs(20),
            ping_most: Duration::from_secs(25),
            answer_within: Duration::from_secs(10),
            write_within: Duration::from_secs(10),
            close_within: Duration::from_secs(2),
            finish_within: Duration::from_secs(2),
        }
    }
}

/// How a conversation ended.
#[derive(Debug)]
enum End {
    /// We close.
    Close(&'static Close),
    /// The client closed.
    Closed,
    /// Nobody is there.
    Gone,
}

/// Serves a socket until it closes. The session's place in the hub is given back when this returns,
/// panics or is dropped. Not an `async fn`: that would keep room for the transport and the session
/// again in each future around it, some KiB per socket.
pub fn run<T: Transport>(
    transport: T,
    session: Session,
    config: PumpConfig,
) -> impl Future<Output = ()> + Send {
    let mut pump = Box::new(Pump::new(transport, session, config));
    async move {
        let end = pump.converse().await;
        tracing::debug!(
            session = pump.session.registration().id().get(),
            ?end,
            "socket ends"
        );
        // Nothing more for this one, and the memory of what waited is free.
        pump.outbox.cut(&close::NORMAL);
        pump.good_bye(&end).await;
    }
}

struct Pump<T> {
    transport: T,
    session: Session,
    /// The session's; apart, because the session is borrowed while it is waited for.
    outbox: Arc<Outbox>,
    config: PumpConfig,
    writer: Writer,
    /// The outbox writes by itself.
    has_line: bool,
    timer: Pin<Box<Sleep>>,
    next_ping: Instant,
    /// Until when something has to be heard after a ping.
    answer_by: Option<Instant>,
    /// Set when the socket is to be closed after what waits: until when that may take.
    closing: Option<(&'static Close, Instant)>,
    /// Until when a closing socket waits for the events of its own last commits.
    linger: Option<Instant>,
    pings: u64,
}

/// What happened on the wire.
enum Wire {
    /// Everything is written.
    Written,
    /// The peer does not take more for now; said once per stall.
    Stalled,
    /// The line may take more.
    Writable,
    Read(Frame),
    Failed(TransportError),
}

impl<T: Transport> Pump<T> {
    fn new(transport: T, session: Session, config: PumpConfig) -> Self {
        let first = spread(
            session.registration().id().get(),
            config.ping_least,
            config.ping_most,
        );
        let next_ping = Instant::now() + first;
        let outbox = session.registration().shared_outbox();
        let line = transport.line();
        let has_line = line.is_some();
        if let Some(line) = line {
            outbox.plug(line);
            outbox.wake();
        }
        Self {
            transport,
            outbox,
            session,
            has_line,
            config,
            writer: Writer::default(),
            timer: Box::pin(tokio::time::sleep_until(next_ping)),
            next_ping,
            answer_by: None,
            closing: None,
            linger: None,
            pings: 0,
        }
    }

    async fn converse(&mut self) -> End {
        loop {
            if let Some(end) = self.take() {
                return end;
            }
            let due = self.next_due();
            if due < self.timer.deadline() {
                self.timer.as_mut().reset(due);
            }
            let reading = self.closing.is_none() && self.session.wants_frame();
            let busy = self.session.has_work();
            let blocked = self.has_line && self.outbox.blocked_since().is_some();
            let Self {
                transport,
                session,
                outbox,
                writer,
                timer,
                ..
            } = self;
            let happening = tokio::select! {
                wire = poll_fn(|cx| on_wire(transport, writer, blocked, reading, cx)) => Happening::Wire(wire),
                () = outbox.ready() => Happening::News,
                flow = session.progress(), if busy => Happening::Progress(flow),
                () = timer => Happening::Time,
            };
            let end = match happening {
                Happening::Wire(wire) => self.on_wire(wire),
                Happening::News => None,
                Happening::Progress(flow) => {
                    if self.closing.is_some() {
                        self.linger = Some(Instant::now() + LINGER);
                    }
                    flow.err().map(End::Close)
                }
                Happening::Time => self.on_time(),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Looks what the outbox has: frames when the last ones are written, or the wish to close.
    fn take(&mut self) -> Option<End> {
        let closing = self.outbox.closing();
        if let Some(closing) = closing {
            let now = Instant::now();
            let until = now + self.config.finish_within;
            let (_, until) = self.closing.get_or_insert((closing.close, until));
            if closing.at_once || *until <= now {
                return Some(End::Close(closing.close));
            }
        }
        if self.has_line && self.outbox.is_broken() {
            return Some(End::Gone);
        }
        if self.is_idle()
            && let Some(closing) = closing
            && !self.session.is_busy()
            && self.linger.is_none_or(|until| until <= Instant::now())
        {
            // Everything is written, and nothing under way has anything to say any more.
            return Some(End::Close(closing.close));
        }
        None
    }

    /// Loads the writer unless the outbox writes by itself; answers whether everything is written.
    fn is_idle(&mut self) -> bool {
        if self.has_line {
            return self.outbox.is_empty();
        }
        if self.writer.is_idle() {
            self.writer.load(self.outbox.take());
        }
        self.writer.is_idle()
    }

    /// Since when the peer takes nothing.
    fn stalled_since(&self) -> Option<Instant> {
        if self.has_line {
            self.outbox.blocked_since()
        } else {
            self.writer.stalled_since()
        }
    }

    fn on_wire(&mut self, wire: Wire) -> Option<End> {
        match wire {
            Wire::Written | Wire::Stalled => None,
            Wire::Writable => {
                self.outbox.flush();
                None
            }
            Wire::Read(frame) => {
                self.answer_by = None;
                match frame {
                    Frame::Text(text) => self.handle(Input::Text(&text)),
                    Frame::Binary(bytes) => self.handle(Input::Binary(&bytes)),
                    Frame::Ping(_) | Frame::Pong(_) => None,
                    Frame::Close(..) => Some(End::Closed),
                }
            }
            Wire::Failed(error) => Some(match error {
                TransportError::TooBig => End::Close(&close::TOO_BIG),
                TransportError::NotUtf8 => End::Close(&close::NOT_UTF8),
                TransportError::Protocol => End::Close(&close::PROTOCOL),
                TransportError::Gone => End::Gone,
            }),
        }
    }

    fn handle(&mut self, input: Input<'_>) -> Option<End> {
        self.session.handle(input).err().map(End::Close)
    }

    /// When the clock has to be looked at.
    fn next_due(&self) -> Instant {
        let stalled = self.stalled_since();
        let write_by = stalled.map(|since| since + self.config.write_within);
        let close_by = self.closing.map(|(_, until)| until);
        [self.answer_by, write_by, close_by, self.linger]
            .into_iter()
            .flatten()
            .fold(self.next_ping, Instant::min)
    }

    fn on_time(&mut self) -> Option<End> {
        let now = Instant::now();
        if self.answer_by.is_some_and(|by| by <= now) {
            return Some(End::Gone);
        }
        if let Some(since) = self.stalled_since()
            && since + self.config.write_within <= now
        {
            return Some(End::Close(&close::SLOW));
        }
        if self.next_ping <= now {
            self.pings += 1;
            let seed = self.session.registration().id().get() ^ (self.pings << 32);
            self.next_ping = now + spread(seed, self.config.ping_least, self.config.ping_most);
            self.answer_by = Some(now + self.config.answer_within);
            if self.has_line {
                self.outbox.push_control(wire::PING);
            } else {
                self.writer.ping();
            }
        }
        // It passed: `take` no longer waits for it.
        self.linger = self.linger.filter(|until| *until > now);
        let due = self.next_due();
        self.timer.as_mut().reset(due);
        None
    }

    /// Exchanges close frames, for a bounded time.
    async fn good_bye(&mut self, end: &End) {
        let transport = &mut self.transport;
        let bye = async {
            match end {
                End::Close(close) => {
                    let frame = Frame::Close(close.code, close.reason);
                    if transport.send(frame).await.is_err() {
                        return;
                    }
                    // What else the client says is of no interest.
                    while let Some(Ok(frame)) = transport.next().await {
                        if matches!(frame, Frame::Close(..)) {
                            break;
                        }
                    }
                }
                End::Closed => {}
                End::Gone => return,
            }
            // Errors do not matter any more.
            let _ = transport.close().await;
        };
        if tokio::time::timeout(self.config.close_within, bye)
            .await
            .is_err()
        {
            tracing::debug!("a client did not say good bye");
        }
    }
}

/// What the pump woke up for.
enum Happening {
    Wire(Wire),
    News,
    Progress(crate::session::Flow),
    Time,
}

/// Writes what it can and reads at the same time, so that a client that writes without reading and a
/// server that writes to it do not wait for each other.
fn on_wire<T: Transport>(
    transport: &mut T,
    writer: &mut Writer,
    blocked: bool,
    reading: bool,
    cx: &mut Context<'_>,
) -> Poll<Wire> {
    if blocked && transport.poll_writable(cx).is_ready() {
        return Poll::Ready(Wire::Writable);
    }
    if !writer.is_idle() {
        match writer.poll_write(transport, cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(Wire::Written),
            Poll::Ready(Err(error)) => return Poll::Ready(Wire::Failed(error)),
            Poll::Pending if writer.notice_stall() => return Poll::Ready(Wire::Stalled),
            Poll::Pending => {}
        }
    }
    if !reading {
        return Poll::Pending;
    }
    transport.poll_next_unpin(cx).map(|frame| match frame {
        Some(Ok(frame)) => Wire::Read(frame),
        Some(Err(error)) => Wire::Failed(error),
        None => Wire::Failed(TransportError::Gone),
    })
}
