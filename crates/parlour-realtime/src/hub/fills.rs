//! Who waits for a piece of a room's stream below its [ring](super::ring). It is read once for all of
//! them: the first one's wish starts the read, the others wait for the same answer.

use super::{
    feed::{Fed, Feed, Lost, Word},
    reads::Read,
    ring::Entry,
    state::State,
};
use metrics::counter;
use parlour_core::{Error, RoomId};
use std::collections::{HashMap, VecDeque};
use tokio::time::Instant;

/// How many of those who waited are served in one turn.
const SERVED: usize = 16;
/// How many reads of a piece may end without one in a row; then the hole is said.
const TRIES: u32 = 5;

/// All who wait.
#[derive(Default)]
pub(super) struct Fills {
    rooms: HashMap<RoomId, Fill>,
    /// Those who need not wait any more.
    ready: VecDeque<Feed>,
    /// Since when there are some.
    ready_since: Option<Instant>,
}

#[derive(Default)]
struct Fill {
    waiting: Vec<Feed>,
    is_reading: bool,
    /// Reads in a row that brought nothing.
    tries: u32,
}

impl Fills {
    /// When somebody has to be served.
    pub(super) const fn next_due(&self) -> Option<Instant> {
        self.ready_since
    }

    fn wake(&mut self, feeds: Vec<Feed>, now: Instant) {
        if !feeds.is_empty() {
            self.ready_since.get_or_insert(now);
            self.ready.extend(feeds);
        }
    }
}

impl State {
    /// Keeps a wish until the room's place in its stream is known.
    pub(super) fn wait_for_place(&mut self, feed: Feed, now: Instant) {
        let id = feed.room;
        self.fills.rooms.entry(id).or_default().waiting.push(feed);
        self.watch(id, now);
    }

    /// Keeps a wish until these events were read.
    pub(super) fn wait_for_read(&mut self, mut feed: Feed, after: i64, upto: i64) {
        let room = feed.room;
        let fill = self.fills.rooms.entry(room).or_default();
        feed.stand.was_read = true;
        fill.waiting.push(feed);
        if !std::mem::replace(&mut fill.is_reading, true) {
            counter!("parlour_resume_reads_total", "what" => "ring").increment(1);
            self.work.push(Read::Ring { room, after, upto });
        }
    }

    /// The room may have found its place or its end: who waited for that is served.
    pub(super) fn wake_waiting(&mut self, room: RoomId, now: Instant) {
        if let Some(fill) = self.fills.rooms.get_mut(&room)
            && !fill.is_reading
        {
            let waiting = std::mem::take(&mut fill.waiting);
            if fill.tries == 0 {
                self.fills.rooms.remove(&room);
            }
            self.fills.wake(waiting, now);
        }
    }

    /// A piece was read, or not.
    pub(super) fn ring_filled(
        &mut self,
        id: RoomId,
        span: (i64, i64),
        result: Result<Option<Vec<Entry>>, Error>,
        now: Instant,
    ) {
        let Some(mut fill) = self.fills.rooms.remove(&id) else {
            return;
        };
        fill.is_reading = false;
        let position = self.rooms.get(&id).and_then(|room| room.order.position());
        let is_lost = match (result, position) {
            (Ok(Some(entries)), Some(position)) => {
                let fits = self.turn.rings.attach(id, position, span, entries);
                fill.tries = if fits { 0 } else { fill.tries + 1 };
                fill.tries >= TRIES
            }
            // It ended here; there is nobody to be fed any more.
            (Ok(Some(_)), None) => false,
            (Ok(None), _) => {
                // It ended; those who hear it are told when the hub hears of it.
                for feed in fill.waiting {
                    // The socket went away: then it needs no answer.
                    let _ = feed.reply.send(Fed::Live);
                }
                return;
            }
            (Err(error), _) => {
                tracing::debug!(%error, room = %id, "what was missed could not be read");
                true
            }
        };
        let mut waiting = std::mem::take(&mut fill.waiting);
        if is_lost {
            for feed in &mut waiting {
                // Never a silent hole.
                feed.stand.word = Word::Resync(Lost::Store);
            }
        } else if fill.tries > 0 {
            self.fills.rooms.insert(id, fill);
        }
        self.fills.wake(waiting, now);
    }

    /// Serves some of those who need not wait any more.
    pub(super) fn serve_waiting(&mut self, now: Instant) {
        for _ in 0..SERVED {
            let Some(feed) = self.fills.ready.pop_front() else {
                break;
            };
            self.feed(feed, now);
        }
        if self.fills.ready.is_empty() {
            self.fills.ready_since = None;
        }
    }
}
