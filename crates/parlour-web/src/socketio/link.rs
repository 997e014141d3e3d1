//! A connection that travels by requests, and may go on over a WebSocket: what its pump and its requests
//! share.

use super::{gate::Door, packets, packets_v3, refusal::Refusal};
use crate::sockets::PlainSocket;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parlour_realtime::{Frame, Line, Outbox, Speech, Transport as _, payloads};
use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::Notify;

/// Bytes that wait for the next request before the connection takes no more.
const MOST_OUT: usize = 64 << 10;
/// Packets of requests that wait to be read before a request waits.
const MOST_IN: usize = 64;
/// How long a request waits for the word of a WebSocket that has asked.
const SETTLES: Duration = Duration::from_millis(100);

/// A connection.
pub(super) struct Link {
    speech: Speech,
    pub(super) door: Arc<Door>,
    outbox: Arc<Outbox>,
    inner: Mutex<Inner>,
    /// The task that serves it.
    pump: AtomicWaker,
    /// Rings when there is something for the request that waits for packets.
    news: Notify,
    /// Rings when packets of a request were read.
    room: Notify,
}

struct Inner {
    /// Whole frames as they would be on a WebSocket's wire.
    out: Vec<u8>,
    inbound: VecDeque<Frame>,
    state: State,
    is_polled: bool,
    is_posted: bool,
    /// A WebSocket may ask whether it may go on.
    is_probed: bool,
    /// It has asked: requests for packets that come now wait for its word.
    is_asked: bool,
    /// It knows that it may: requests for packets that wait are answered, so that the client can stop.
    is_answered: bool,
}

enum State {
    /// Requests bring and take packets.
    Polling,
    /// A WebSocket does; the pump takes it over when it looks.
    Upgraded(Arc<dyn Line>, Option<Box<PlainSocket>>),
    /// We have said good bye.
    Closed,
    /// Nobody is there any more.
    Gone,
}

impl Inner {
    /// Adds a packet of the engine's own.
    fn say(&mut self, packet: u8) {
        self.out.extend_from_slice(&[0x81, 1, packet]);
    }
}

/// A request that is being served; the connection ends when it breaks.
pub(super) struct Turn<'a> {
    link: &'a Link,
    is_post: bool,
    is_done: bool,
}

impl Turn<'_> {
    /// The request came to its end.
    pub(super) fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut inner = self.link.inner();
        if self.is_post {
            inner.is_posted = false;
        } else {
            inner.is_polled = false;
        }
        drop(inner);
        if !self.is_done {
            self.link.end();
        }
    }
}

impl Link {
    pub(super) fn new(speech: Speech, door: Arc<Door>, outbox: Arc<Outbox>) -> Self {
        Self {
            speech,
            door,
            outbox,
            inner: Mutex::new(Inner {
                out: Vec::new(),
                inbound: VecDeque::new(),
                state: State::Polling,
                is_polled: false,
                is_posted: false,
                is_probed: false,
                is_asked: false,
                is_answered: false,
            }),
            pump: AtomicWaker::new(),
            news: Notify::new(),
            room: Notify::new(),
        }
    }

    /// Refuses requests of another Engine.IO than the connection's.
    pub(super) fn is_spoken(&self, is_old: bool) -> Result<(), Refusal> {
        if is_old == (self.speech == Speech::Old) {
            Ok(())
        } else {
            Err(Refusal::OTHER_VERSION)
        }
    }

    /// The packets as the body of an answer.
    pub(super) fn body(&self, packets: impl Iterator<Item = Bytes>) -> Vec<u8> {
        match self.speech {
            Speech::Text | Speech::Pack => packets::join(packets),
            Speech::Old => packets_v3::join(packets),
        }
    }

    /// The packets in the body of a request; `None` when there is something else in it.
    pub(super) fn split(&self, body: &Bytes, is_bytes: bool) -> Option<Vec<Frame>> {
        match self.speech {
            Speech::Text | Speech::Pack => packets::split(body),
            Speech::Old => packets_v3::split(body, is_bytes),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // It is whole after any panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request. Two at once of the same kind are a fault of the client's, which ends the
    /// connection: what each of them would get is not defined.
    pub(super) fn begin(&self, is_post: bool) -> Result<Turn<'_>, Refusal> {
        let mut inner = self.inner();
        match inner.state {
            State::Polling | State::Closed => {}
            State::Upgraded(..) => return Err(Refusal::UPGRADED),
            State::Gone => return Err(Refusal::UNKNOWN_SID),
        }
        let flag = if is_post {
            &mut inner.is_posted
        } else {
            &mut inner.is_polled
        };
        if std::mem::replace(flag, true) {
            inner.say(packets::CLOSE);
            drop(inner);
            self.end();
            return Err(Refusal::TWO_AT_ONCE);
        }
        Ok(Turn {
            link: self,
            is_post,
            is_done: false,
        })
    }

    /// Waits a little while a WebSocket has asked and not said yet that it goes on: its word may come by
    /// one connection and a request sent after it by another one.
    pub(super) async fn settled(&self) -> Result<(), Refusal> {
        let settled = async {
            loop {
                let news = self.news.notified();
                {
                    let inner = self.inner();
                    let is_open = inner.is_asked && matches!(inner.state, State::Polling);
                    if !is_open || !inner.out.is_empty() {
                        return;
                    }
                }
                news.await;
            }
        };
        // Late is as good: then the request is answered, and the client knows what it does.
        let _ = tokio::time::timeout(SETTLES, settled).await;
        match self.inner().state {
            State::Upgraded(..) => Err(Refusal::UPGRADED),
            State::Polling | State::Closed | State::Gone => Ok(()),
        }
    }

    /// Waits for packets; the body of an answer.
    pub(super) async fn packets(&self) -> Result<Vec<u8>, Refusal> {
        loop {
            let news = self.news.notified();
            if let Some(found) = self.look() {
                return found;
            }
            news.await;
        }
    }

    fn look(&self) -> Option<Result<Vec<u8>, Refusal>> {
        let mut inner = self.inner();
        if !inner.out.is_empty() {
            let wire = Bytes::from(std::mem::take(&mut inner.out));
            drop(inner);
            self.pump.wake();
            return Some(Ok(self.body(payloads(wire))));
        }
        match inner.state {
            State::Polling | State::Closed if !inner.is_answered => None,
            State::Polling | State::Closed | State::Upgraded(..) => {
                Some(Ok(self.body([packets::NOTHING].into_iter())))
            }
            State::Gone => Some(Err(Refusal::UNKNOWN_SID)),
        }
    }

    /// Hands a packet over that a request brought; waits while others are still to be read.
    pub(super) async fn bring(&self, packet: Frame) -> Result<(), Refusal> {
        let mut packet = Some(packet);
        loop {
            let room = self.room.notified();
            {
                let mut inner = self.inner();
                if !matches!(inner.state, State::Polling) {
                    return Err(Refusal::UNKNOWN_SID);
                }
                if inner.inbound.len() < MOST_IN {
                    inner.inbound.extend(packet.take());
                    break;
                }
            }
            room.await;
        }
        self.pump.wake();
        Ok(())
    }

    /// The connection is over, whoever says so.
    pub(super) fn end(&self) {
        self.inner().state = State::Gone;
        self.pump.wake();
        self.news.notify_one();
        self.room.notify_one();
    }

    /// A WebSocket is there that may ask whether it goes on with this connection; one at a time.
    pub(super) fn begin_probe(&self) -> Result<(), Refusal> {
        let mut inner = self.inner();
        match inner.state {
            State::Polling if inner.is_probed => return Err(Refusal::PROBED),
            State::Polling => {}
            State::Upgraded(..) => return Err(Refusal::UPGRADED),
            State::Closed | State::Gone => return Err(Refusal::UNKNOWN_SID),
        }
        inner.is_probed = true;
        Ok(())
    }

    /// The WebSocket has asked: a request that comes now may be behind its word ([`Self::settled`]).
    pub(super) fn was_asked(&self) {
        self.inner().is_asked = true;
    }

    /// It was told that it may: the request that waits for packets is answered, so that the client can
    /// stop asking for them.
    pub(super) fn was_answered(&self) {
        self.inner().is_answered = true;
        self.news.notify_one();
    }

    /// The WebSocket does not go on.
    pub(super) fn end_probe(&self) {
        let mut inner = self.inner();
        inner.is_probed = false;
        inner.is_asked = false;
        inner.is_answered = false;
        drop(inner);
        self.news.notify_one();
    }

    /// The WebSocket goes on.
    pub(super) fn switch(&self, mut socket: PlainSocket) {
        socket.adopt(Arc::clone(&self.outbox));
        let Some(line) = socket.line() else {
            return;
        };
        let mut inner = self.inner();
        if matches!(inner.state, State::Polling) {
            inner.state = State::Upgraded(line, Some(Box::new(socket)));
        }
        drop(inner);
        self.news.notify_one();
        self.pump.wake();
    }

    /// The WebSocket, once.
    pub(super) fn take_socket(&self) -> Option<Box<PlainSocket>> {
        match &mut self.inner().state {
            State::Upgraded(_, socket) => socket.take(),
            State::Polling | State::Closed | State::Gone => None,
        }
    }

    /// Writes to the WebSocket what no request has taken; answers whether that is all.
    pub(super) fn write_left_over(&self) -> io::Result<bool> {
        let mut inner = self.inner();
        let State::Upgraded(line, _) = &inner.state else {
            return Ok(true);
        };
        let line = Arc::clone(line);
        while !inner.out.is_empty() {
            match line.try_write(&inner.out) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    inner.out.drain(..written);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        inner.out = Vec::new();
        Ok(true)
    }

    /// The next packet that a request brought, if there is one.
    pub(super) fn next_packet(&self) -> Option<Frame> {
        let mut inner = self.inner();
        let packet = inner.inbound.pop_front()?;
        drop(inner);
        self.room.notify_one();
        Some(packet)
    }

    /// The same; `None` when there will be none.
    pub(super) fn poll_packet(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, ()>>> {
        self.pump.register(cx.waker());
        if let Some(packet) = self.next_packet() {
            return Poll::Ready(Some(Ok(packet)));
        }
        let mut inner = self.inner();
        if inner.inbound.is_empty() {
            inner.inbound = VecDeque::new();
        }
        match inner.state {
            State::Gone => Poll::Ready(Some(Err(()))),
            State::Closed if inner.out.is_empty() => Poll::Ready(None),
            State::Polling | State::Upgraded(..) | State::Closed => Poll::Pending,
        }
    }

    /// Ready when requests have taken what waited for them, or less than may wait does.
    pub(super) fn poll_taken(&self, all: bool, cx: &mut Context<'_>) -> Poll<()> {
        self.pump.register(cx.waker());
        let inner = self.inner();
        let most = if all { 1 } else { MOST_OUT };
        match inner.state {
            State::Polling | State::Closed if inner.out.len() >= most => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    /// Says good bye to the requests. A client that asked for it is told nothing, the others that it is
    /// over.
    pub(super) fn say_good_bye(&self, was_asked: bool) {
        let mut inner = self.inner();
        if matches!(inner.state, State::Polling) {
            inner.say(if was_asked {
                packets::NOOP
            } else {
                packets::CLOSE
            });
            inner.state = State::Closed;
        }
        drop(inner);
        self.news.notify_one();
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.write_left_over_if_any()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut inner = self.inner();
        match &inner.state {
            State::Upgraded(line, _) => {
                let line = Arc::clone(line);
                drop(inner);
                line.try_write_vectored(pieces)
            }
            // Last words come after the good bye.
            State::Polling | State::Closed if inner.out.len() < MOST_OUT => {
                let before = inner.out.len();
                for piece in pieces {
                    inner.out.extend_from_slice(piece);
                }
                let written = inner.out.len() - before;
                drop(inner);
                self.news.notify_one();
                Ok(written)
            }
            State::Polling | State::Closed => Err(io::ErrorKind::WouldBlock.into()),
            State::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn write_left_over_if_any(&self) -> io::Result<bool> {
        let is_left = {
            let inner = self.inner();
            matches!(inner.state, State::Upgraded(..)) && !inner.out.is_empty()
        };
        if is_left {
            self.write_left_over()
        } else {
            Ok(true)
        }
    }
}

/// What the outbox writes to. It writes whole frames, unless a WebSocket takes less.
impl Line for Link {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write(&[IoSlice::new(bytes)])
    }

    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(pieces)
    }
}
