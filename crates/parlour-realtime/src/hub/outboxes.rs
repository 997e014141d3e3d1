//! Which outboxes there are, for whoever wants to know how much waits in them. Kept beside the hub and
//! in pieces, so that looking delays neither the hub nor, for longer than one piece takes, a socket
//! that comes or goes.

use super::SessionId;
use crate::{close::Close, outbox::Outbox};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const PIECES: usize = 16;

type Piece = HashMap<SessionId, Arc<Outbox>>;

/// The outboxes of this process.
#[derive(Debug, Default)]
pub(super) struct Outboxes([Mutex<Piece>; PIECES]);

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Bytes in all outboxes.
    pub(super) total: usize,
    /// Bytes in the fullest.
    pub(super) largest: usize,
}

impl Outboxes {
    pub(super) fn add(&self, session: SessionId, outbox: Arc<Outbox>) {
        self.piece(session).insert(session, outbox);
    }

    pub(super) fn remove(&self, session: SessionId) {
        self.piece(session).remove(&session);
    }

    /// How much waits now. Takes no outbox's lock.
    pub(super) fn look(&self) -> Waiting {
        let mut waiting = Waiting::default();
        for piece in &self.0 {
            for outbox in lock(piece).values() {
                let bytes = outbox.glance();
                waiting.total += bytes;
                waiting.largest = waiting.largest.max(bytes);
            }
        }
        waiting
    }

    /// Closes all of them that are not closed yet.
    pub(super) fn close_all(&self, close: &'static Close) {
        for piece in &self.0 {
            // Not under the lock: closing writes.
            let outboxes: Vec<_> = lock(piece).values().cloned().collect();
            for outbox in outboxes {
                outbox.close(close);
            }
        }
    }

    fn piece(&self, session: SessionId) -> MutexGuard<'_, Piece> {
        let number = usize::try_from(session.0).unwrap_or(0) % PIECES;
        lock(&self.0[number])
    }
}

fn lock(piece: &Mutex<Piece>) -> MutexGuard<'_, Piece> {
    // It is whole after any panic.
    piece.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{close, outbox::OutboxLimits};

    #[test]
    fn what_waits_is_counted_until_it_is_written_or_cut() {
        let outboxes = Outboxes::default();
        let boxes: Vec<_> = (1..=40)
            .map(|number| {
                let outbox = Arc::new(Outbox::new(OutboxLimits::default()));
                outboxes.add(SessionId(number), Arc::clone(&outbox));
                outbox
            })
            .collect();
        assert_eq!(outboxes.look(), Waiting::default());
        for outbox in &boxes {
            outbox.push(&[0; 10]);
        }
        boxes[0].push(&[0; 90]);
        let waiting = |total, largest| Waiting { total, largest };
        assert_eq!(outboxes.look(), waiting(490, 100));
        boxes[0].take();
        assert_eq!(outboxes.look(), waiting(490, 100), "being written");
        boxes[0].take();
        assert_eq!(outboxes.look(), waiting(390, 10));
        boxes[1].cut(&close::NORMAL);
        assert_eq!(outboxes.look(), waiting(380, 10));
        outboxes.remove(SessionId(3));
        assert_eq!(outboxes.look(), waiting(370, 10));
    }
}
