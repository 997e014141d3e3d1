//! What waits for one socket: bounded, and freed at once when the reader is too slow.

use crate::close::{self, Close};
use bytes::Bytes;
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

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
    /// It was not worth its place in an outbox that is half full; the frame is gone.
    Dropped,
}

/// How a socket is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The code and reason.
    pub close: &'static Close,
    /// At once, rather than after what waits.
    pub at_once: bool,
}

/// The queue of frames for one socket. Pushing never waits; one pump takes all that waits at once.
/// An idle outbox holds no buffer.
#[derive(Debug)]
pub struct Outbox {
    inner: Mutex<Inner>,
    wake: Notify,
    /// Told when something was taken or the socket was cut: there may be room.
    eased: Notify,
    limits: OutboxLimits,
    /// `bytes` of the inside, to be looked at without the lock.
    glance: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    queue: Vec<Bytes>,
    /// Bytes in `queue` and in what the pump took last.
    bytes: usize,
    /// Frames, and bytes, that the pump took last and may still be writing.
    taken: (usize, usize),
    closing: Option<Closing>,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            inner: Mutex::default(),
            wake: Notify::new(),
            eased: Notify::new(),
            limits,
            glance: AtomicUsize::new(0),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock; a poisoned one is as good as any.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame without waiting and without waking the pump. A frame is always taken when
    /// nothing else waits, whatever its size, so that every legal message can be delivered.
    pub fn push(&self, frame: Bytes) -> Push {
        let mut inner = self.inner();
        if inner.is_cut() {
            return Push::Closed;
        }
        let frames = inner.queue.len() + inner.taken.0;
        let bytes = inner.bytes + frame.len();
        if frames > 0 && (bytes > self.limits.bytes || frames >= self.limits.frames) {
            inner.shut(&close::SLOW);
            self.glance.store(0, Ordering::Relaxed);
            drop(inner);
            self.wake.notify_one();
            self.eased.notify_one();
            return Push::Overflow;
        }
        inner.bytes = bytes;
        self.glance.store(bytes, Ordering::Relaxed);
        inner.queue.push(frame);
        if inner.queue.len() == 1 {
            Push::First
        } else {
            Push::Queued
        }
    }

    /// Adds a frame that may be lost, unless half of what may wait does.
    pub fn push_fleeting(&self, frame: Bytes) -> Push {
        if self.is_half_full() {
            return Push::Dropped;
        }
        self.push(frame)
    }

    /// Wakes the pump; once per batch of frames.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Adds a frame and wakes the pump.
    pub fn send(&self, frame: Bytes) -> Push {
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
        self.wake.notify_one();
    }

    /// Closes at once; what waits is dropped. Wins over [`close`](Self::close).
    pub fn cut(&self, close: &'static Close) {
        let mut inner = self.inner();
        if !inner.is_cut() {
            inner.shut(close);
            self.glance.store(0, Ordering::Relaxed);
        }
        drop(inner);
        self.wake.notify_one();
        self.eased.notify_one();
    }

    /// Takes all that waits. What was taken before counts as written from now on.
    pub fn take(&self) -> Vec<Bytes> {
        let mut inner = self.inner();
        let frames = std::mem::take(&mut inner.queue);
        inner.bytes -= inner.taken.1;
        inner.taken = (frames.len(), inner.bytes);
        self.glance.store(inner.bytes, Ordering::Relaxed);
        drop(inner);
        self.eased.notify_one();
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

    /// What [`waiting`](Self::waiting) says, without delaying whoever pushes or takes.
    pub(crate) fn glance(&self) -> usize {
        self.glance.load(Ordering::Relaxed)
    }

    /// Whether half of what may wait does.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        let inner = self.inner();
        inner.bytes > self.limits.bytes / 2
            || inner.queue.len() + inner.taken.0 > self.limits.frames / 2
    }

    /// Waits until less than half of what may wait does; one waiter at a time. Answers whether the
    /// socket still takes frames. Cancel safe.
    pub async fn has_room(&self) -> bool {
        loop {
            let is_cut = self.inner().is_cut();
            if is_cut || !self.is_half_full() {
                return !is_cut;
            }
            self.eased.notified().await;
        }
    }

    /// Waits until there is something to [`take`](Self::take). Cancel safe.
    pub async fn ready(&self) {
        self.wake.notified().await;
    }
}

impl Inner {
    fn is_cut(&self) -> bool {
        self.closing.is_some_and(|closing| closing.at_once)
    }

    fn shut(&mut self, close: &'static Close) {
        self.queue = Vec::new();
        self.bytes = 0;
        self.taken = (0, 0);
        self.closing = Some(Closing {
            close,
            at_once: true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(bytes: usize, frames: usize) -> Outbox {
        Outbox::new(OutboxLimits { bytes, frames })
    }

    fn frame(len: usize) -> Bytes {
        Bytes::from(vec![b'x'; len])
    }

    #[test]
    fn what_the_pump_is_writing_counts_too() {
        let outbox = outbox(100, 10);
        assert_eq!(outbox.push(frame(60)), Push::First);
        assert_eq!(outbox.take().len(), 1);
        assert_eq!(outbox.push(frame(40)), Push::First);
        assert_eq!(outbox.waiting(), 100);
        assert_eq!(outbox.push(frame(1)), Push::Overflow);
        assert_eq!(outbox.push(frame(1)), Push::Closed);
        assert_eq!(outbox.waiting(), 0);
        let closing = outbox.closing().expect("cut");
        assert_eq!((closing.close, closing.at_once), (&close::SLOW, true));
        assert!(outbox.take().is_empty());
    }

    #[test]
    fn written_frames_make_room() {
        let outbox = outbox(100, 10);
        for _ in 0..50 {
            assert_eq!(outbox.push(frame(50)), Push::First);
            assert_eq!(outbox.push(frame(50)), Push::Queued);
            assert_eq!(outbox.take().len(), 2);
            assert!(outbox.take().is_empty());
            assert_eq!(outbox.waiting(), 0);
        }
    }

    #[test]
    fn the_number_of_frames_is_bounded_too() {
        let outbox = outbox(1_000, 3);
        for _ in 0..3 {
            assert!(matches!(outbox.push(frame(1)), Push::First | Push::Queued));
        }
        assert_eq!(outbox.push(frame(1)), Push::Overflow);
    }

    #[test]
    fn one_frame_of_any_size_is_taken_when_nothing_waits() {
        let outbox = outbox(100, 10);
        assert_eq!(outbox.push(frame(500)), Push::First);
        assert_eq!(outbox.push(frame(1)), Push::Overflow);
    }

    #[test]
    fn a_gentle_close_lets_frames_out_and_a_cut_does_not() {
        let outbox = outbox(100, 10);
        outbox.push(frame(1));
        outbox.close(&close::RESTART);
        assert_eq!(outbox.push(frame(1)), Push::Queued);
        assert_eq!(outbox.closing().map(|closing| closing.at_once), Some(false));
        outbox.cut(&close::CREDENTIAL_ENDED);
        outbox.cut(&close::SLOW);
        outbox.close(&close::RESTART);
        assert_eq!(outbox.push(frame(1)), Push::Closed);
        assert!(outbox.take().is_empty());
        let closing = outbox.closing().expect("cut");
        assert_eq!(closing.close, &close::CREDENTIAL_ENDED);
    }

    #[test]
    fn what_may_be_lost_leaves_half_of_the_place_to_the_rest() {
        let outbox = outbox(100, 10);
        assert_eq!(outbox.push_fleeting(frame(51)), Push::First);
        assert_eq!(outbox.push_fleeting(frame(1)), Push::Dropped);
        assert_eq!(outbox.push(frame(49)), Push::Queued);
        outbox.cut(&close::NORMAL);
        assert_eq!(outbox.push_fleeting(frame(1)), Push::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_waits_for_room_or_the_end() {
        use std::time::Duration;
        let outbox = outbox(100, 10);
        outbox.push(frame(60));
        let soon = Duration::from_secs(1);
        assert!(tokio::time::timeout(soon, outbox.has_room()).await.is_err());
        // On its way, but not written.
        assert_eq!(outbox.take().len(), 1);
        assert!(tokio::time::timeout(soon, outbox.has_room()).await.is_err());
        outbox.take();
        assert!(outbox.has_room().await);
        outbox.cut(&close::NORMAL);
        assert!(!outbox.has_room().await);
    }

    #[test]
    fn idle_outboxes_hold_no_buffer() {
        let outbox = outbox(100, 10);
        outbox.push(frame(1));
        drop(outbox.take());
        drop(outbox.take());
        assert_eq!(outbox.inner().queue.capacity(), 0);
    }
}
