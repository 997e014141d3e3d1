//! One task per socket: reads frames while the client has credit, writes all that waits in one go,
//! and finds out when nobody is there any more.

mod times;
mod writer;

use crate::{
    close::{self, Close},
    dialect::Input,
    outbox::{Line, Look, Outbox},
    talk::{Ping, Talk},
    wire,
};
use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use metrics::counter;
use std::{
    future::{Future as _, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
pub use times::PumpConfig;
use tokio::time::{Instant, Sleep};
use writer::Writer;

/// How long a closing socket waits for the event of a message that it sent and that was committed.
const LINGER: Duration = Duration::from_millis(50);

/// How many frames are taken in a row; then what they led to is written.
const FRAMES: usize = 64;
/// How often a socket goes round before the others get their time.
const ROUNDS: usize = 16;

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

impl Frame {
    /// The frame of a payload that waited in an outbox: bytes when it is msgpack, else text.
    #[must_use]
    pub fn of(payload: Bytes) -> Self {
        if wire::is_binary(&payload) {
            Self::Binary(payload)
        } else {
            Self::Text(payload)
        }
    }
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
pub(crate) fn run<T: Transport, S: Talk>(
    transport: T,
    session: S,
    config: Arc<PumpConfig>,
) -> impl Future<Output = ()> + Send {
    let mut pump = Box::new(Pump::new(transport, session, config));
    async move {
        let end = poll_fn(|cx| pump.converse(cx)).await;
        tracing::debug!(session = pump.session.number(), ?end, "socket ends");
        // Nothing more for this one, and the memory of what waited is free.
        pump.outbox.cut(&close::NORMAL);
        pump.good_bye(&end).await;
    }
}

struct Pump<T, S> {
    transport: T,
    session: S,
    /// The session's; apart, because the session is borrowed while it is waited for.
    outbox: Arc<Outbox>,
    config: Arc<PumpConfig>,
    /// Unless the outbox writes by itself.
    writer: Option<Box<Writer>>,
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

impl<T: Transport, S: Talk> Pump<T, S> {
    fn new(transport: T, session: S, config: Arc<PumpConfig>) -> Self {
        let next_ping = config.next_ping(session.number(), Instant::now());
        let outbox = session.shared_outbox();
        let writer = match transport.line() {
            Some(line) => {
                outbox.plug(line);
                outbox.wake();
                None
            }
            None => Some(Box::default()),
        };
        Self {
            transport,
            outbox,
            session,
            config,
            writer,
            timer: Box::pin(tokio::time::sleep_until(next_ping)),
            next_ping,
            answer_by: None,
            closing: None,
            linger: None,
            pings: 0,
        }
    }

    /// Goes on with everything until nothing moves any more.
    fn converse(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..ROUNDS {
            let look = self.outbox.look();
            if let Some(end) = self.take(&look) {
                return Poll::Ready(end);
            }
            let due = self.next_due(&look);
            if due != self.timer.deadline() {
                self.timer.as_mut().reset(due);
            }
            match self.go_round(look.blocked_since.is_some(), cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(end) => return Poll::Ready(end),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Looks after each thing once; answers whether anything moved.
    fn go_round(&mut self, blocked: bool, cx: &mut Context<'_>) -> Result<bool, End> {
        // Writing and reading at the same time: a client that writes without reading and a server
        // that writes to it do not wait for each other.
        let mut moved = self.write(blocked, cx)?;
        moved |= self.progress(cx)?;
        moved |= self.read(cx)?;
        moved |= self.outbox.poll_ready(cx).is_ready();
        if self.timer.as_mut().poll(cx).is_ready() {
            moved = true;
            if let Some(end) = self.on_time() {
                return Err(end);
            }
        }
        Ok(moved)
    }

    /// Writes what waited for the peer.
    fn write(&mut self, blocked: bool, cx: &mut Context<'_>) -> Result<bool, End> {
        let Some(writer) = &mut self.writer else {
            let may = blocked && self.transport.poll_writable(cx).is_ready();
            if may {
                self.outbox.flush();
            }
            return Ok(may);
        };
        if writer.is_idle() {
            return Ok(false);
        }
        match writer.poll_write(&mut self.transport, cx) {
            Poll::Ready(Ok(())) => Ok(true),
            Poll::Ready(Err(error)) => Err(end_of(error)),
            Poll::Pending => Ok(writer.notice_stall()),
        }
    }

    /// Goes on with what the client asked for.
    fn progress(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if !self.session.has_work() {
            return Ok(false);
        }
        let Poll::Ready(flow) = self.session.poll_progress(cx) else {
            return Ok(false);
        };
        if self.closing.is_some() {
            self.linger = Some(Instant::now() + LINGER);
        }
        self.send_off();
        flow.map(|()| true).map_err(End::Close)
    }

    /// Takes frames as long as there are some, and writes what they led to at once.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        for count in 0..FRAMES {
            match self.read_one(cx) {
                Ok(true) => {}
                Ok(false) if count == 0 => return Ok(false),
                Ok(false) => break,
                Err(end) => {
                    self.send_off();
                    return Err(end);
                }
            }
        }
        self.send_off();
        Ok(true)
    }

    /// Takes a frame if there is one and the client has credit; answers whether it did.
    fn read_one(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let is_closing = self.closing.is_some() || self.outbox.closing().is_some();
        if is_closing || !self.session.wants_frame() {
            return Ok(false);
        }
        let Poll::Ready(frame) = self.transport.poll_next_unpin(cx) else {
            return Ok(false);
        };
        self.hear(frame)?;
        if self.session.has_work()
            // Most of what is asked for is put into a queue, which takes no time.
            && let Poll::Ready(flow) = self.session.poll_progress(cx)
        {
            flow.map_err(End::Close)?;
        }
        Ok(true)
    }

    /// Sends off what was said since the last time, all at once.
    fn send_off(&self) {
        if self.writer.is_none() {
            self.outbox.flush();
        }
        // Else it is looked for in the next round.
    }

    /// Looks what the outbox has: frames when the last ones are written, or the wish to close.
    fn take(&mut self, look: &Look) -> Option<End> {
        if let Some(closing) = look.closing {
            let now = Instant::now();
            let until = now + self.config.finish_within;
            let (_, until) = self.closing.get_or_insert((closing.close, until));
            if closing.at_once || *until <= now {
                return Some(End::Close(closing.close));
            }
        }
        if self.writer.is_none() && look.is_broken {
            return Some(End::Gone);
        }
        if self.is_idle(look)
            && let Some(closing) = look.closing
            && !self.session.is_busy()
            && self.linger.is_none_or(|until| until <= Instant::now())
        {
            // Everything is written, and nothing under way has anything to say any more.
            return Some(End::Close(closing.close));
        }
        None
    }

    /// Loads the writer unless the outbox writes by itself; answers whether everything is written.
    fn is_idle(&mut self, look: &Look) -> bool {
        let Some(writer) = &mut self.writer else {
            return look.is_empty;
        };
        if writer.is_idle() {
            writer.load(self.outbox.take());
        }
        writer.is_idle()
    }

    /// Since when the peer takes nothing.
    fn stalled_since(&self, look: &Look) -> Option<Instant> {
        match &self.writer {
            None => look.blocked_since,
            Some(writer) => writer.stalled_since(),
        }
    }

    fn hear(&mut self, frame: Option<Result<Frame, TransportError>>) -> Result<(), End> {
        match frame.unwrap_or(Err(TransportError::Gone)).map_err(end_of)? {
            Frame::Text(text) => self.handle(Input::Text(&text))?,
            Frame::Binary(bytes) => self.handle(Input::Binary(&bytes))?,
            Frame::Ping(_) | Frame::Pong(_) => {}
            Frame::Close(..) => return Err(End::Closed),
        }
        self.answer_by = None;
        Ok(())
    }

    fn handle(&mut self, input: Input<'_>) -> Result<(), End> {
        self.session.handle(input).map_err(End::Close)
    }

    /// When the clock has to be looked at.
    fn next_due(&self, look: &Look) -> Instant {
        let stalled = self.stalled_since(look);
        let write_by = stalled.map(|since| since + self.config.write_within);
        let close_by = self.closing.map(|(_, until)| until);
        [self.answer_by, write_by, close_by, self.linger]
            .into_iter()
            .flatten()
            .fold(self.next_ping, Instant::min)
    }

    fn on_time(&mut self) -> Option<End> {
        let now = Instant::now();
        let look = self.outbox.look();
        let stalled = self.stalled_since(&look);
        if self.answer_by.is_some_and(|by| by <= now) {
            // A ping waits behind what a slow peer has not read yet, and its answer in the line while
            // the client has no credit: then silence says nothing.
            if stalled.is_none() && self.session.wants_frame() {
                return Some(End::Gone);
            }
            self.answer_by = Some(now + self.config.answer_within);
        }
        if let Some(since) = stalled
            && since + self.config.write_within <= now
        {
            counter!("parlour_slow_closes_total").increment(1);
            return Some(End::Close(&close::SLOW));
        }
        if self.next_ping <= now {
            self.pings += 1;
            let seed = self.session.number() ^ (self.pings << 32);
            self.next_ping = self.config.next_ping(seed, now);
            self.ask(now);
        }
        // It passed: `take` no longer waits for it.
        self.linger = self.linger.filter(|until| *until > now);
        let due = self.next_due(&look);
        self.timer.as_mut().reset(due);
        None
    }

    /// Asks whether the client is there, unless it asks by itself.
    fn ask(&mut self, now: Instant) {
        let by = now + self.config.answer_within;
        match (self.session.ping(), &mut self.writer) {
            (Ping::None, _) => {
                let by = now + self.config.silence();
                self.answer_by = Some(self.answer_by.map_or(by, |earlier| earlier.min(by)));
                return;
            }
            (Ping::Packet(ping), _) => {
                self.outbox.send(&ping);
            }
            (Ping::Frame, None) => self.outbox.push_control(wire::PING),
            (Ping::Frame, Some(writer)) => writer.ping(),
        }
        self.answer_by = Some(by);
    }

    /// Exchanges close frames, for a bounded time.
    async fn good_bye(&mut self, end: &End) {
        // Half of the time for an answer is as long as somebody may be away unnoticed.
        let recently = Instant::now() + self.config.answer_within / 2;
        if matches!(end, End::Gone) && self.answer_by.is_some_and(|by| by <= recently) {
            self.outbox.note_silence();
        }
        let words = match end {
            End::Close(close) => self.session.last_words(close),
            End::Closed | End::Gone => Vec::new(),
        };
        let writes_itself = self.writer.is_none();
        let (transport, outbox) = (&mut self.transport, &self.outbox);
        let bye = async {
            match end {
                End::Close(close) => {
                    for words in words {
                        if writes_itself {
                            outbox.push_control(wire::frame(&words));
                        } else if transport.feed(Frame::of(words)).await.is_err() {
                            return;
                        }
                    }
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

/// What a fault of the transport means for the conversation.
const fn end_of(error: TransportError) -> End {
    End::Close(match error {
        TransportError::TooBig => &close::TOO_BIG,
        TransportError::NotUtf8 => &close::NOT_UTF8,
        TransportError::Protocol => &close::PROTOCOL,
        TransportError::Gone => return End::Gone,
    })
}

#[cfg(test)]
mod tests;
