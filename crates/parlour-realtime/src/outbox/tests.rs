//! What an outbox takes, gives and forgets.

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
    assert_eq!(outbox.push(&frame(60)), Push::First);
    assert_eq!(outbox.take().len(), 1);
    assert_eq!(outbox.push(&frame(40)), Push::First);
    assert_eq!(outbox.waiting(), 100);
    assert_eq!(outbox.push(&frame(1)), Push::Overflow);
    assert_eq!(outbox.push(&frame(1)), Push::Closed);
    assert_eq!(outbox.waiting(), 0);
    let closing = outbox.closing().expect("cut");
    assert_eq!((closing.close, closing.at_once), (&close::SLOW, true));
    assert!(outbox.take().is_empty());
}

#[test]
fn written_frames_make_room() {
    let outbox = outbox(100, 10);
    for _ in 0..50 {
        assert_eq!(outbox.push(&frame(50)), Push::First);
        assert_eq!(outbox.push(&frame(50)), Push::Queued);
        assert_eq!(outbox.take().len(), 2);
        assert!(outbox.take().is_empty());
        assert_eq!(outbox.waiting(), 0);
    }
}

#[test]
fn the_number_of_frames_is_bounded_too() {
    let outbox = outbox(1_000, 3);
    for _ in 0..3 {
        assert!(matches!(outbox.push(&frame(1)), Push::First | Push::Queued));
    }
    assert_eq!(outbox.push(&frame(1)), Push::Overflow);
}

#[test]
fn one_frame_of_any_size_is_taken_when_nothing_waits() {
    let outbox = outbox(100, 10);
    assert_eq!(outbox.push(&frame(500)), Push::First);
    assert_eq!(outbox.push(&frame(1)), Push::Overflow);
}

#[test]
fn a_gentle_close_lets_frames_out_and_a_cut_does_not() {
    let outbox = outbox(100, 10);
    outbox.push(&frame(1));
    outbox.close(&close::RESTART);
    assert_eq!(outbox.push(&frame(1)), Push::Queued);
    assert_eq!(outbox.closing().map(|closing| closing.at_once), Some(false));
    outbox.cut(&close::CREDENTIAL_ENDED);
    outbox.cut(&close::SLOW);
    outbox.close(&close::RESTART);
    assert_eq!(outbox.push(&frame(1)), Push::Closed);
    assert!(outbox.take().is_empty());
    let closing = outbox.closing().expect("cut");
    assert_eq!(closing.close, &close::CREDENTIAL_ENDED);
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_for_room_or_the_end() {
    use std::time::Duration;
    let outbox = outbox(100, 10);
    outbox.push(&frame(60));
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
    outbox.push(&frame(1));
    drop(outbox.take());
    drop(outbox.take());
    assert_eq!(outbox.inner().queue.capacity(), 0);
    assert!(outbox.is_empty());
}

/// A connection that takes so many bytes, and remembers them.
#[derive(Default)]
struct Pipe {
    room: Mutex<usize>,
    taken: Mutex<Vec<u8>>,
    writes: Mutex<usize>,
}

impl Pipe {
    fn with_room(bytes: usize) -> Arc<Self> {
        let pipe = Self::default();
        *pipe.room.lock().expect("not poisoned") = bytes;
        Arc::new(pipe)
    }

    fn taken(&self) -> Vec<u8> {
        self.taken.lock().expect("not poisoned").clone()
    }
}

impl Line for Pipe {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(bytes)])
    }

    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut room = self.room.lock().expect("not poisoned");
        if *room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        *self.writes.lock().expect("not poisoned") += 1;
        let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
        let count = all.len().min(*room);
        *room -= count;
        let mut taken = self.taken.lock().expect("not poisoned");
        taken.extend_from_slice(&all[..count]);
        Ok(count)
    }
}

#[test]
fn a_line_gets_all_that_waits_in_one_write() {
    let (outbox, pipe) = (outbox(1_000, 10), Pipe::with_room(1_000));
    outbox.plug(pipe.clone());
    for _ in 0..3 {
        outbox.push(&frame(10));
    }
    assert_eq!(outbox.waiting(), 30);
    outbox.wake();
    assert_eq!(pipe.taken(), wire::frame(&frame(10)).repeat(3));
    assert_eq!(*pipe.writes.lock().expect("not poisoned"), 1);
    assert_eq!((outbox.waiting(), outbox.is_empty()), (0, true));
    assert_eq!(outbox.blocked_since(), None);
    assert_eq!(outbox.inner().queue.capacity(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_line_does_not_take_waits_for_it() {
    let (outbox, pipe) = (outbox(100, 10), Pipe::with_room(30));
    outbox.plug(pipe.clone());
    outbox.push(&frame(20));
    outbox.push(&frame(20));
    outbox.wake();
    // The pump is told, once.
    outbox.ready().await;
    assert!(outbox.blocked_since().is_some());
    assert_eq!(outbox.waiting(), 20, "the first frame is out");
    assert_eq!(outbox.push(&frame(80)), Push::Queued);
    assert_eq!(outbox.flush(), Some(Flushed::Blocked));
    *pipe.room.lock().expect("not poisoned") = 1_000;
    assert_eq!(outbox.flush(), Some(Flushed::All));
    let mut wanted = wire::frame(&frame(20)).repeat(2);
    wanted.extend_from_slice(&wire::frame(&frame(80)));
    assert_eq!(pipe.taken(), wanted);
}

#[tokio::test(start_paused = true)]
async fn a_cut_line_ends_with_a_whole_frame_and_the_last_words() {
    let (outbox, pipe) = (outbox(100, 10), Pipe::with_room(5));
    outbox.plug(pipe.clone());
    for _ in 0..4 {
        outbox.push(&frame(20));
    }
    outbox.wake();
    assert_eq!(outbox.push(&frame(21)), Push::Overflow);
    assert_eq!(outbox.waiting(), 0);
    outbox.push_control(Bytes::from_static(b"bye"));
    *pipe.room.lock().expect("not poisoned") = 1_000;
    assert_eq!(outbox.flush(), Some(Flushed::All));
    let mut wanted = wire::frame(&frame(20)).to_vec();
    wanted.extend_from_slice(b"bye");
    assert_eq!(pipe.taken(), wanted);
}

#[test]
fn who_pings_without_reading_is_cut() {
    let (outbox, pipe) = (outbox(100, 10), Pipe::with_room(0));
    outbox.plug(pipe.clone());
    for _ in 0..MAX_CONTROL / 100 {
        outbox.push_control(Bytes::from(vec![0; 100]));
    }
    assert_eq!(outbox.closing(), None);
    outbox.push_control(Bytes::from(vec![0; 100]));
    assert_eq!(
        outbox.closing().map(|closing| closing.close),
        Some(&close::SLOW)
    );
    // And is told why, should they read in time.
    outbox.push_control(Bytes::from_static(b"bye"));
    *pipe.room.lock().expect("not poisoned") = MAX_CONTROL;
    assert_eq!(outbox.flush(), Some(Flushed::All));
    assert_eq!(pipe.taken(), b"bye");
}

#[tokio::test(start_paused = true)]
async fn closing_sends_off_what_waits() {
    let (outbox, pipe) = (outbox(100, 10), Pipe::with_room(1_000));
    outbox.plug(pipe.clone());
    outbox.push(&frame(10));
    outbox.close(&close::RESTART);
    assert_eq!(pipe.taken(), wire::frame(&frame(10)));
    assert!(outbox.is_empty());
    outbox.ready().await;
}

#[tokio::test(start_paused = true)]
async fn who_looked_before_a_write_hears_of_it() {
    let (outbox, pipe) = (Arc::new(outbox(100, 10)), Pipe::with_room(1_000));
    outbox.plug(pipe);
    // Put in, and not sent off yet.
    outbox.push(&frame(60));
    let waiting = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.has_room().await }
    });
    tokio::task::yield_now().await;
    outbox.wake();
    let soon = std::time::Duration::from_secs(1);
    let room = tokio::time::timeout(soon, waiting).await;
    assert!(room.expect("is told").expect("does not panic"));
}
