//! Reads for sockets that missed more than is kept in memory: rooms of huge messages. Those who want the
//! same piece at the same time share it, so a storm of them does not read once per client.

use crate::{
    dialect::{AccountV2, Dialect as _},
    source::Source,
};
use bytes::Bytes;
use metrics::counter;
use parlour_core::{Error, RoomId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::{OnceCell, Semaphore};

/// How many events a piece has; pieces begin at its multiples.
const PIECE: i64 = 128;
/// Above so many pieces the places of those that nobody holds are looked for.
const MANY: usize = 64;

/// Some of a room's events in order, encoded.
pub(crate) type Frames = Vec<(i64, Option<Bytes>)>;

/// What a read brought: `None` when it failed, or when the room is no more.
type Piece = Option<Option<Frames>>;

/// A piece as long as somebody holds it, by room and by the seq after which it begins.
type Shelf = HashMap<(RoomId, i64), Weak<OnceCell<Piece>>>;

/// The pieces that somebody holds.
pub(crate) struct Pieces {
    source: Arc<dyn Source>,
    /// Bounds how many reads run at once.
    permits: Semaphore,
    held: Mutex<Shelf>,
}

/// A piece, as long as somebody holds it.
pub(crate) struct Held(Arc<OnceCell<Piece>>);

/// What a piece says of the events after a seq.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The next ones, at least one.
    Next(Frames),
    /// The room is no more.
    Ended,
    /// They could not be read.
    Lost,
}

impl Pieces {
    pub(crate) fn new(source: Arc<dyn Source>, at_once: usize) -> Self {
        Self {
            source,
            permits: Semaphore::new(at_once),
            held: Mutex::default(),
        }
    }

    /// Some events after `after` and up to `upto`, at most [`PIECE`], from a read that began no earlier
    /// than somebody else's who still holds it.
    pub(crate) async fn read(&self, room: RoomId, after: i64, upto: i64) -> (Found, Held) {
        let begin = after - after.rem_euclid(PIECE);
        let held = self.hold(room, begin);
        let found = self.look(&held, room, begin, after, upto).await;
        if found != Found::Lost || !held.was_read() {
            return (found, held);
        }
        // It was read before the room came so far: once more.
        self.forget(room, begin, &held);
        let held = self.hold(room, begin);
        let found = self.look(&held, room, begin, after, upto).await;
        (found, held)
    }

    async fn look(&self, held: &Held, room: RoomId, begin: i64, after: i64, upto: i64) -> Found {
        let read = async {
            // Never closed; without a permit the read would merely not be limited.
            let _permit = self.permits.acquire().await;
            self.fetch(room, begin)
                .await
                .inspect_err(|error| tracing::debug!(%error, %room, "history could not be read"))
                .ok()
        };
        match held.0.get_or_init(|| read).await {
            None => Found::Lost,
            Some(None) => Found::Ended,
            Some(Some(frames)) => {
                let next = frames
                    .iter()
                    .filter(|(seq, _)| (after + 1..=upto).contains(seq));
                let next: Frames = next.cloned().collect();
                if next.first().is_some_and(|(seq, _)| *seq == after + 1) {
                    Found::Next(next)
                } else {
                    Found::Lost
                }
            }
        }
    }

    async fn fetch(&self, room: RoomId, begin: i64) -> Result<Option<Frames>, Error> {
        counter!("parlour_resume_reads_total", "what" => "piece").increment(1);
        let history = self.source.history(room, begin, PIECE).await?;
        Ok(history.map(|history| {
            let events = history.events.iter();
            events
                .map(|event| (event.seq, AccountV2.encode(event)))
                .collect()
        }))
    }

    fn hold(&self, room: RoomId, begin: i64) -> Held {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = all.get(&(room, begin)).and_then(Weak::upgrade) {
            return Held(cell);
        }
        let held = Held(Arc::default());
        all.insert((room, begin), Arc::downgrade(&held.0));
        if all.len() > MANY {
            all.retain(|_, cell| cell.strong_count() > 0);
        }
        held
    }

    /// Lets the next one read anew, unless somebody does already.
    fn forget(&self, room: RoomId, begin: i64, held: &Held) {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |cell: &Weak<_>| std::ptr::eq(cell.as_ptr(), Arc::as_ptr(&held.0));
        if all.get(&(room, begin)).is_some_and(is_same) {
            all.remove(&(room, begin));
        }
    }
}

impl Held {
    fn was_read(&self) -> bool {
        matches!(self.0.get(), Some(Some(Some(_))))
    }
}

#[cfg(test)]
mod tests;
