//! Reads from the store, beside the hub's own work.

use super::ring::Entry;
use crate::{bus::Bus, source::Source};
use futures_util::FutureExt as _;
use parlour_core::{
    Error, RoomId, UserId,
    error::STORE_UNAVAILABLE,
    event::EndReason,
    model::RoomKind,
    ports::{Hearing, History},
};
use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;

/// How many events are read at once: a quarter of what may wait for a socket.
const HISTORY_LIMIT: i64 = 256;
/// How many rooms' positions are read at once.
const POSITIONS_LIMIT: usize = 500;
/// How many people's memberships are read at once.
const HEARINGS_LIMIT: usize = 256;
/// How many reads of memberships run at once. While they do, the next people gather: a storm of
/// sockets costs a read per hundreds of them.
const HEARINGS_AT_ONCE: usize = 2;
/// How many events are encoded before other tasks get their time.
const ENCODED_AT_ONCE: usize = 32;
/// A read that takes longer counts as failed. The store answers within about two seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The events of a room after this seq.
    History { room: RoomId, after: i64 },
    /// The events of a room for its ring: `after < seq <= upto`, at most 1,000.
    Ring { room: RoomId, after: i64, upto: i64 },
    /// Where these rooms stand.
    Positions(Vec<RoomId>),
    /// Where this user hears. `number` tells one read from another.
    Hearings { user: UserId, number: u64 },
    /// Of which kind a room was that ended for this reason.
    Kind { room: RoomId, reason: EndReason },
    /// The rooms of somebody who was in a process that died.
    Vanished(UserId),
    /// Which of these, whose last socket here is gone, are in no other process. With each, the rooms
    /// that think they are here.
    Gone(Vec<(UserId, HashSet<RoomId>)>),
}

/// What was read.
#[derive(Debug)]
pub(super) enum Answer {
    History {
        room: RoomId,
        result: Result<Option<History>, Error>,
    },
    Ring {
        room: RoomId,
        /// What was asked for: `after` and `upto`.
        span: (i64, i64),
        result: Result<Option<Vec<Entry>>, Error>,
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
    /// These are nowhere any more.
    Gone(Vec<(UserId, HashSet<RoomId>)>),
}

/// Carries out reads; each gets exactly one answer.
pub(super) struct Reader {
    source: Arc<dyn Source>,
    bus: Arc<dyn Bus>,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Unbounded, but there is one answer per read, and the hub asks one thing at a time per room
    /// and user.
    answers: mpsc::UnboundedSender<Answer>,
    /// Whose memberships are wanted; bounded like the answers.
    hearings: mpsc::UnboundedSender<(UserId, u64)>,
}

impl Reader {
    pub(super) fn new(
        source: Arc<dyn Source>,
        bus: Arc<dyn Bus>,
        at_once: usize,
        tasks: TaskTracker,
    ) -> (Self, mpsc::UnboundedReceiver<Answer>) {
        let (answers, receiver) = mpsc::unbounded_channel();
        let (hearings, wanted) = mpsc::unbounded_channel();
        let gather = gather(Arc::clone(&source), wanted, answers.clone(), tasks.clone());
        tasks.spawn(gather);
        let reader = Self {
            source,
            bus,
            permits: Arc::new(Semaphore::new(at_once)),
            tasks,
            answers,
            hearings,
        };
        (reader, receiver)
    }

    pub(super) fn start(&self, read: Read) {
        if let Read::Hearings { user, number } = read {
            // Taken as long as this sender lives.
            let _ = self.hearings.send((user, number));
            return;
        }
        let (source, bus) = (Arc::clone(&self.source), Arc::clone(&self.bus));
        let permits = Arc::clone(&self.permits);
        let answers = self.answers.clone();
        self.tasks.spawn(async move {
            // Never closed; without a permit the read would merely not be limited.
            let _permit = permits.acquire().await;
            let answer = carry_out(&*source, &*bus, read).await;
            // The hub went away: then nobody needs the answer.
            let _ = answers.send(answer);
        });
    }
}

async fn carry_out(source: &dyn Source, bus: &dyn Bus, read: Read) -> Answer {
    match read {
        Read::History { room, after } => Answer::History {
            room,
            result: guarded(source.history(room, after, HISTORY_LIMIT)).await,
        },
        Read::Ring { room, after, upto } => Answer::Ring {
            room,
            span: (after, upto),
            result: guarded(ring(source, room, after, upto)).await,
        },
        Read::Positions(asked) => Answer::Positions {
            result: guarded(positions(source, &asked)).await,
            asked,
        },
        Read::Hearings { user, number } => Answer::Hearings {
            user,
            number,
            result: guarded(source.hearings(&[user]))
                .await
                .map(|all| all.into_iter().map(|(_, hearing)| hearing).collect()),
        },
        Read::Kind { room, reason } => Answer::Kind {
            room,
            reason,
            result: guarded(source.ended_kind(room)).await,
        },
        Read::Vanished(user) => {
            let hearings = guarded(source.hearings(&[user])).await;
            // Presence may be lost.
            let rooms = hearings.unwrap_or_default();
            let rooms = rooms.into_iter().map(|(_, hearing)| hearing.room).collect();
            Answer::Gone(vec![(user, rooms)])
        }
        Read::Gone(mut gone) => {
            let users: Vec<_> = gone.iter().map(|(user, _)| *user).collect();
            let elsewhere = bus.elsewhere(&users).await;
            gone.retain(|(user, _)| !elsewhere.contains(user));
            Answer::Gone(gone)
        }
    }
}

/// Reads a piece and encodes it, so that the hub need not.
async fn ring(
    source: &dyn Source,
    room: RoomId,
    after: i64,
    upto: i64,
) -> Result<Option<Vec<Entry>>, Error> {
    let Some(history) = source.history(room, after, upto - after).await? else {
        return Ok(None);
    };
    let mut entries = Vec::with_capacity(history.events.len());
    for some in history.events.chunks(ENCODED_AT_ONCE) {
        let some = some.iter().filter(|event| event.seq <= upto);
        entries.extend(some.map(Entry::encoded));
        tokio::task::yield_now().await;
    }
    Ok(Some(entries))
}

async fn positions(source: &dyn Source, rooms: &[RoomId]) -> Result<HashMap<RoomId, i64>, Error> {
    let mut all = HashMap::with_capacity(rooms.len());
    for some in rooms.chunks(POSITIONS_LIMIT) {
        all.extend(source.positions(some).await?);
    }
    Ok(all)
}

/// Reads memberships for all who wait at once. Nothing is remembered: an answer was read after its
/// question was asked.
async fn gather(
    source: Arc<dyn Source>,
    mut wanted: mpsc::UnboundedReceiver<(UserId, u64)>,
    answers: mpsc::UnboundedSender<Answer>,
    tasks: TaskTracker,
) {
    let permits = Arc::new(Semaphore::new(HEARINGS_AT_ONCE));
    loop {
        // Never closed; without a permit the reads would merely not be limited.
        let permit = Arc::clone(&permits).acquire_owned().await;
        let mut some = Vec::new();
        if wanted.recv_many(&mut some, HEARINGS_LIMIT).await == 0 {
            return;
        }
        let (source, answers) = (Arc::clone(&source), answers.clone());
        tasks.spawn(async move {
            let _permit = permit;
            hearings(&*source, some, &answers).await;
        });
    }
}

async fn hearings(
    source: &dyn Source,
    wanted: Vec<(UserId, u64)>,
    answers: &mpsc::UnboundedSender<Answer>,
) {
    let users: Vec<_> = wanted.iter().map(|(user, _)| *user).collect();
    let result = guarded(source.hearings(&users)).await;
    if let Err(error) = &result {
        tracing::debug!(%error, people = users.len(), "memberships could not be read");
    }
    let mut found = result.map(|all| {
        let mut found = HashMap::<_, Vec<_>>::new();
        for (user, hearing) in all {
            found.entry(user).or_default().push(hearing);
        }
        found
    });
    for (user, number) in wanted {
        let result = match &mut found {
            Ok(found) => Ok(found.get(&user).cloned().unwrap_or_default()),
            Err(_) => Err(STORE_UNAVAILABLE.into()),
        };
        // The hub went away: then nobody needs the answer.
        let _ = answers.send(Answer::Hearings {
            user,
            number,
            result,
        });
    }
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
