//! What waits for one socket: bounded, and freed at once when the reader is too slow.
//!
//! An outbox with a [`Line`] writes by itself, in whoever's task something was put into it: one write
//! takes all that waits, and the socket's own task is not woken. Only when the peer does not take
//! everything does that task wait for it and write the rest.

mod piece;

use crate::{
    bell::Bell,
    close::{self, Close},
    wire,
};
use bytes::Bytes;
use metrics::counter;
pub(crate) use piece::Piece;
use piece::Queue;
use std::{
    io::{self, IoSlice},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::time::Instant;

/// Pieces that are written at once.
const PIECES: usize = 64;
/// Bytes of control frames that may wait: answers to a client that asks without reading.
const MAX_CONTROL: usize = 16 << 10;

/// A connection that takes bytes without waiting, from any task.
pub trait Line: Send + Sync {
    /// Writes what the connection takes now.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it takes nothing; others when it is gone.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// The same for several pieces, in order.
    ///
    /// # Errors
    /// Those of [`try_write`](Self::try_write).
    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// How far a [`flush`](Outbox::flush) came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Everything is written.
    All,
    /// The peer takes no more for now.
    Blocked,
    /// The connection is gone.
    Gone,
}

/// How much may wait for one socket (`realtime.md`, "Slow reader").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Bytes that wait or are being written.
    pub bytes: usize,
    /// Frames that wait or are being written.
    pub frames: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            bytes: 1 << 20,
            frames: 1_024,
        }
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// It waits; the caller has to [`wake`](Outbox::wake) the pump.
    First,
    /// It waits behind others; whoever pushed the first one wakes the pump.
    Queued,
    /// It was too much: everything that waited is gone and the socket closes as
    /// [`slow`](close::SLOW). Said once.
    Overflow,
    /// The socket was cut; the frame is gone.
    Closed,
}

/// How a socket is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The code and reason.
    pub close: &'static Close,
    /// At once, rather than after what waits.
    pub at_once: bool,
}

/// What a pump has to know of its outbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// See [`Outbox::closing`].
    pub(crate) closing: Option<Closing>,
    /// See [`Outbox::is_empty`].
    pub(crate) is_empty: bool,
    /// See [`Outbox::is_broken`].
    pub(crate) is_broken: bool,
    /// See [`Outbox::blocked_since`].
    pub(crate) blocked_since: Option<Instant>,
}

/// The queue of frames for one socket. Pushing never waits; one pump takes all that waits at once.
/// An idle outbox holds no buffer.
pub struct Outbox {
    inner: Mutex<Inner>,
    wake: Bell,
    /// Rings when something was taken or the socket was cut: there may be room.
    eased: Bell,
    limits: OutboxLimits,
    /// `bytes` of the inside, to be looked at while somebody writes.
    glance: AtomicUsize,
}

#[derive(Default)]
struct Inner {
    queue: Queue,
    /// Frames, and bytes of their payloads, that wait or are being written.
    frames: usize,
    bytes: usize,
    /// Bytes of control frames since the queue was last empty.
    control: usize,
    /// Frames, and bytes, that the pump took last and may still be writing.
    taken: (usize, usize),
    closing: Option<Closing>,
    line: Option<Arc<dyn Line>>,
    /// Since when the peer takes nothing of what waits for the line.
    blocked: Option<Instant>,
    /// The line is gone.
    broken: bool,
    /// The peer answered nothing for longer than somebody may be away unnoticed.
    silent: bool,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            inner: Mutex::default(),
            wake: Bell::default(),
            eased: Bell::default(),
            limits,
            glance: AtomicUsize::new(0),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock; a poisoned one is as good as any.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the outbox write by itself. What waits goes out with the next [`wake`](Self::wake).
    pub(crate) fn plug(&self, line: Arc<dyn Line>) {
        self.inner().line = Some(line);
    }

    /// Notes that the peer has answered nothing for some time before it was given up.
    pub(crate) fn note_silence(&self) {
        self.inner().silent = true;
    }

    /// Whether [`note_silence`](Self::note_silence) was called.
    pub(crate) fn was_silent(&self) -> bool {
        self.inner().silent
    }

    /// Forgets the line, so that the connection closes.
    pub(crate) fn unplug(&self) {
        self.inner().line = None;
    }

    /// Adds a frame without waiting and without sending it off. A frame is always taken when nothing
    /// else waits, whatever its size, so that every legal message can be delivered.
    pub fn push(&self, frame: &[u8]) -> Push {
        self.push_piece(Piece::frame(frame))
    }

    /// Adds frames that other outboxes may share. All of them are taken, or none.
    pub(crate) fn push_piece(&self, piece: Piece) -> Push {
        let mut inner = self.inner();
        if inner.is_cut() {
            return Push::Closed;
        }
        let bytes = inner.bytes + piece.weight;
        let frames = inner.frames + piece.frames;
        if inner.frames > 0 && (bytes > self.limits.bytes || frames > self.limits.frames) {
            inner.shut(&close::SLOW);
            self.show(&inner);
            drop(inner);
            counter!("parlour_slow_closes_total").increment(1);
            self.wake.ring();
            self.eased.ring();
            return Push::Overflow;
        }
        let was_empty = inner.queue.is_empty();
        inner.bytes = bytes;
        inner.frames = frames;
        inner.queue.push(piece);
        self.show(&inner);
        if was_empty { Push::First } else { Push::Queued }
    }

    /// Adds control frames as they are on the wire; also when the socket was cut, because they are
    /// its last words.
    pub fn push_control(&self, wire: Bytes) {
        let mut inner = self.inner();
        inner.control += wire.len();
        if inner.control > MAX_CONTROL {
            // Somebody pings and pings, and does not read.
            if !inner.is_cut() {
                inner.shut(&close::SLOW);
                self.show(&inner);
                counter!("parlour_slow_closes_total").increment(1);
            }
        } else {
            inner.queue.push(Piece::control(wire));
        }
        drop(inner);
        self.wake();
    }

    /// Sends off what waits: writes it, or wakes the pump that will; once per batch of frames.
    pub fn wake(&self) {
        if self.flush().is_none() {
            self.wake.ring();
        }
    }

    /// Writes what waits; `None` without a line. When that does not go through, the pump is woken
    /// once, to go on when it may.
    pub fn flush(&self) -> Option<Flushed> {
        let mut inner = self.inner();
        let line = inner.line.clone()?;
        let was_blocked = inner.blocked.is_some();
        let flushed = inner.write(&*line);
        self.show(&inner);
        drop(inner);
        // Also after a write that was never blocked: somebody may have looked before it.
        self.eased.ring();
        match flushed {
            Flushed::Blocked if !was_blocked => self.wake.ring(),
            Flushed::Gone => self.wake.ring(),
            Flushed::All | Flushed::Blocked => {}
        }
        Some(flushed)
    }

    /// What its pump has to know, at once.
    pub(crate) fn look(&self) -> Look {
        let inner = self.inner();
        Look {
            closing: inner.closing,
            is_empty: inner.queue.is_empty(),
            is_broken: inner.broken,
            blocked_since: inner.blocked,
        }
    }

    /// Since when the line takes nothing of what waits.
    #[must_use]
    pub fn blocked_since(&self) -> Option<Instant> {
        self.inner().blocked
    }

    /// Whether the line takes nothing more for ever.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.inner().broken
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner().queue.is_empty()
    }

    /// Adds a frame and sends it off.
    pub fn send(&self, frame: &[u8]) -> Push {
        let push = self.push(frame);
        if push == Push::First {
            self.wake();
        }
        push
    }

    /// Closes after everything that waits was written; until then frames are still taken. The first
    /// close wins.
    pub fn close(&self, close: &'static Close) {
        self.inner().closing.get_or_insert(Closing {
            close,
            at_once: false,
        });
        // What was put in just before is written first; who did that may not have sent it off.
        self.flush();
        self.wake.ring();
    }

    /// Closes at once; what waits is dropped. Wins over [`close`](Self::close).
    pub fn cut(&self, close: &'static Close) {
        let mut inner = self.inner();
        if !inner.is_cut() {
            inner.shut(close);
            self.show(&inner);
        }
        drop(inner);
        self.wake.ring();
        self.eased.ring();
    }

    /// Takes all frames that wait, for a pump that writes them itself. What was taken before counts
    /// as written from now on.
    pub fn take(&self) -> Vec<Bytes> {
        let mut inner = self.inner();
        let pieces = inner.queue.take();
        inner.control = 0;
        inner.frames -= inner.taken.0;
        inner.bytes -= inner.taken.1;
        inner.taken = (inner.frames, inner.bytes);
        self.show(&inner);
        drop(inner);
        self.eased.ring();
        let mut frames = Vec::with_capacity(pieces.iter().map(|piece| piece.frames).sum());
        for piece in pieces {
            frames.extend(wire::payloads(piece.wire));
        }
        frames
    }

    /// How the socket is to be closed, if it is.
    #[must_use]
    pub fn closing(&self) -> Option<Closing> {
        self.inner().closing
    }

    /// Bytes that wait or are being written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner().bytes
    }

    /// What [`waiting`](Self::waiting) says, without delaying whoever pushes or writes.
    pub(crate) fn glance(&self) -> usize {
        self.glance.load(Ordering::Relaxed)
    }

    /// Keeps [`glance`](Self::glance) true; called wherever the bytes change, under the lock.
    fn show(&self, inner: &Inner) {
        self.glance.store(inner.bytes, Ordering::Relaxed);
    }

    /// Whether half of what may wait does.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        let inner = self.inner();
        inner.bytes > self.limits.bytes / 2 || inner.frames > self.limits.frames / 2
    }

    /// Waits until less than half of what may wait does; one waiter at a time. Answers whether the
    /// socket still takes frames. Cancel safe.
    pub async fn has_room(&self) -> bool {
        loop {
            let is_cut = self.inner().is_cut();
            if is_cut || !self.is_half_full() {
                return !is_cut;
            }
            self.eased.heard().await;
        }
    }

    /// The same as [`ready`](Self::ready), for one task.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.wake.poll_heard(cx)
    }

    /// Waits until there is something to [`take`](Self::take); one waiter at a time. Cancel safe.
    pub async fn ready(&self) {
        self.wake.heard().await;
    }
}

impl Inner {
    fn is_cut(&self) -> bool {
        self.closing.is_some_and(|closing| closing.at_once)
    }

    fn shut(&mut self, close: &'static Close) {
        self.queue.shut();
        self.frames = 0;
        self.bytes = 0;
        self.taken = (0, 0);
        // Also answers to pings are gone: there is room for the last words.
        self.control = 0;
        self.closing = Some(Closing {
            close,
            at_once: true,
        });
    }

    /// Writes as much as the line takes.
    fn write(&mut self, line: &dyn Line) -> Flushed {
        while !self.queue.is_empty() {
            let written = if self.queue.is_single() {
                let mut slices = self.queue.slices();
                line.try_write(slices.next().unwrap_or_default())
            } else {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                let mut count = 0;
                for (piece, bytes) in pieces.iter_mut().zip(self.queue.slices()) {
                    *piece = IoSlice::new(bytes);
                    count += 1;
                }
                line.try_write_vectored(&pieces[..count])
            };
            match written {
                Ok(written) if written > 0 => {
                    let (frames, bytes) = self.queue.advance(written);
                    // What a cut threw away does not count any more.
                    self.frames = self.frames.saturating_sub(frames);
                    self.bytes = self.bytes.saturating_sub(bytes);
                    self.blocked = None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked.get_or_insert_with(Instant::now);
                    return Flushed::Blocked;
                }
                Ok(_) | Err(_) => {
                    self.broken = true;
                    return Flushed::Gone;
                }
            }
        }
        self.control = 0;
        self.blocked = None;
        Flushed::All
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inner = self.inner();
        f.debug_struct("Outbox")
            .field("frames", &inner.frames)
            .field("bytes", &inner.bytes)
            .field("closing", &inner.closing)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
