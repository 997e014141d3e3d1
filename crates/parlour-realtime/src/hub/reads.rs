//! Reads from the store, beside the hub's own work.

use crate::source::Source;
use futures_util::FutureExt as _;
use parlour_core::{
    Error, RoomId, UserId,
    event::EndReason,
    model::RoomKind,
    ports::{Hearing, History},
};
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;

/// How many events are read at once: a quarter of what may wait for a socket.
const HISTORY_LIMIT: i64 = 256;
/// How many rooms' positions are read at once.
const POSITIONS_LIMIT: usize = 500;
/// A read that takes longer counts as failed. The store answers within about two seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The events of a room after this seq.
    History { room: RoomId, after: i64 },
    /// Where these rooms stand.
    Positions(Vec<RoomId>),
    /// Where this user hears. `number` tells one read from another.
    Hearings { user: UserId, number: u64 },
    /// Of which kind a room was that ended for this reason.
    Kind { room: RoomId, reason: EndReason },
}

/// What was read.
#[derive(Debug)]
pub(super) enum Answer {
    History {
        room: RoomId,
        result: Result<Option<History>, Error>,
    },
    Positions {
        asked: Vec<RoomId>,
        result: Result<HashMap<RoomId, i64>, Error>,
    },
    Hearings {
        user: UserId,
        number: u64,
        result: Result<Vec<Hearing>, Error>,
    },
    Kind {
        room: RoomId,
        reason: EndReason,
        result: Result<Option<RoomKind>, Error>,
    },
}

/// Carries out reads; each gets exactly one answer.
pub(super) struct Reader {
    source: Arc<dyn Source>,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Unbounded, but there is one answer per read, and the hub asks one thing at a time per room
    /// and user.
    answers: mpsc::UnboundedSender<Answer>,
}

impl Reader {
    pub(super) fn new(
        source: Arc<dyn Source>,
        at_once: usize,
        tasks: TaskTracker,
    ) -> (Self, mpsc::UnboundedReceiver<Answer>) {
        let (answers, receiver) = mpsc::unbounded_channel();
        let reader = Self {
            source,
            permits: Arc::new(Semaphore::new(at_once)),
            tasks,
            answers,
        };
        (reader, receiver)
    }

    pub(super) fn start(&self, read: Read) {
        let source = Arc::clone(&self.source);
        let permits = Arc::clone(&self.permits);
        let answers = self.answers.clone();
        self.tasks.spawn(async move {
            // Never closed; without a permit the read would merely not be limited.
            let _permit = permits.acquire().await;
            let answer = carry_out(&*source, read).await;
            // The hub went away: then nobody needs the answer.
            let _ = answers.send(answer);
        });
    }
}

async fn carry_out(source: &dyn Source, read: Read) -> Answer {
    match read {
        Read::History { room, after } => Answer::History {
            room,
            result: guarded(source.history(room, after, HISTORY_LIMIT)).await,
        },
        Read::Positions(asked) => Answer::Positions {
            result: guarded(positions(source, &asked)).await,
            asked,
        },
        Read::Hearings { user, number } => Answer::Hearings {
            user,
            number,
            result: guarded(source.hearings(user)).await,
        },
        Read::Kind { room, reason } => Answer::Kind {
            room,
            reason,
            result: guarded(source.ended_kind(room)).await,
        },
    }
}

async fn positions(source: &dyn Source, rooms: &[RoomId]) -> Result<HashMap<RoomId, i64>, Error> {
    let mut all = HashMap::with_capacity(rooms.len());
    for some in rooms.chunks(POSITIONS_LIMIT) {
        all.extend(source.positions(some).await?);
    }
    Ok(all)
}

/// Turns a read that hangs or panics into one that failed, so that it is tried again.
async fn guarded<T>(read: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let read = AssertUnwindSafe(read).catch_unwind();
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Error::internal("a read of the hub panicked")),
        Err(_) => Err(Error::unavailable("the store did not answer in time")),
    }
}
