//! The store itself: who may write when, and what follows a commit.
//!
//! Rooms are spread over *lanes*. Whoever changes a room holds its lane's gate from `BEGIN` until the
//! change is in the hot cache and queued for announcement; so commits, cache and announcements of a
//! room all have one order. SQLite has one writer, hence one lane.

use crate::{
    announcer::Announcer,
    append::{self, Queue},
    engine::{Conn, Engine, Work},
    fault::Fault,
    hot::Hot,
    options::{Options, PATIENCE},
    sessions::lookup::Lookup,
    sql::{Sql, sql},
    url::Target,
};
use parlour_core::{
    Error, Event, RoomId, Signal, UserId,
    ports::{Announce, Store},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant, timeout, timeout_at},
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// How often a write that lost a race is tried.
const TRIES: u32 = 6;

/// When a write on PostgreSQL is given up although nobody said no: the network ate it.
const GIVE_UP: Duration = Duration::from_secs(5);

/// The pause between two looks at several servers.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Everything that the port implementations share.
pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) hot: Hot,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) options: Options,
    pub(crate) epoch: String,
    announce: Arc<dyn Announce>,
    tracker: TaskTracker,
    closing: AtomicBool,
    stop: CancellationToken,
}

/// Rooms whose changes have one order among each other.
pub(crate) struct Lane {
    pub(crate) gate: Mutex<()>,
    pub(crate) announcer: Announcer,
}

/// What a write may change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// One room.
    Room(RoomId),
    /// Any rooms.
    Rooms,
    /// No room.
    NoRoom,
}

/// What a write did.
pub(crate) struct Done<T> {
    answer: T,
    commit: bool,
    events: Vec<Arc<Event>>,
    signals: Vec<Signal>,
    forget: Vec<RoomId>,
    renamed: Option<UserId>,
}

impl<T> Done<T> {
    /// Nothing changed.
    pub(crate) const fn unchanged(answer: T) -> Self {
        Self {
            answer,
            commit: false,
            events: Vec::new(),
            signals: Vec::new(),
            forget: Vec::new(),
            renamed: None,
        }
    }

    /// Something changed that no event tells of.
    pub(crate) const fn changed(answer: T) -> Self {
        Self {
            answer,
            commit: true,
            events: Vec::new(),
            signals: Vec::new(),
            forget: Vec::new(),
            renamed: None,
        }
    }

    pub(crate) fn events(mut self, events: Vec<Arc<Event>>) -> Self {
        self.events = events;
        self
    }

    pub(crate) fn signals(mut self, signals: Vec<Signal>) -> Self {
        self.signals = signals;
        self
    }

    /// A room whose memory is stale after this change.
    pub(crate) fn forget(mut self, room: RoomId) -> Self {
        self.forget.push(room);
        self
    }

    /// An account that is shown otherwise after this change.
    pub(crate) const fn renamed(mut self, user: UserId) -> Self {
        self.renamed = Some(user);
        self
    }
}

/// The port implementation; a thin handle, so that tasks can keep the inside alive.
pub(crate) struct SqlStore {
    pub(crate) inner: Arc<Inner>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) lookup: Lookup,
}

impl Drop for SqlStore {
    fn drop(&mut self) {
        // The lanes' tasks end after the work that waits.
        self.inner.stop.cancel();
    }
}

/// Opens a database, brings its schema up to date, and starts the writers.
///
/// `url` is `sqlite://<path>` (created when missing, its folder too), `sqlite::memory:` (a scratch
/// file that goes with the store) or `postgres://…`. Whatever is committed is told to `announce`.
///
/// # Errors
/// With a sentence for the operator: the database cannot be reached, its settings would lose
/// messages, or a newer Parlour was here.
pub async fn open(
    url: &str,
    options: Options,
    announce: Arc<dyn Announce>,
) -> Result<Arc<dyn Store>, Error> {
    let engine = Engine::open(&Target::parse(url)?, &options).await?;
    let epoch = epoch(&engine).await.map_err(Fault::into_error)?;
    let count = engine.lanes(options.postgres_lanes);
    let lanes = (0..count).map(|_| Lane {
        gate: Mutex::new(()),
        announcer: Announcer::start(Arc::clone(&announce)),
    });
    let inner = Arc::new(Inner {
        lanes: lanes.collect(),
        hot: Hot::new(options.hot_rooms, options.hot_bytes),
        engine,
        options,
        epoch,
        announce,
        tracker: TaskTracker::new(),
        closing: AtomicBool::new(false),
        stop: CancellationToken::new(),
    });
    let queues = (0..count).map(|lane| append::lane(&inner, lane));
    let queues = queues.collect::<Result<_, _>>()?;
    let (lookup, task) = Lookup::new(Arc::clone(&inner));
    inner.spawn(task);
    let following = Arc::clone(&inner);
    inner.spawn(async move { following.follow_writer().await });
    Ok(Arc::new(SqlStore {
        inner,
        queues,
        lookup,
    }))
}

/// A copy that is not whole is no database yet.
const COPY_READ: Sql = sql!("SELECT value FROM meta WHERE key = 'copy'");
const EPOCH_READ: Sql = sql!("SELECT value FROM meta WHERE key = 'epoch'");
const EPOCH_MAKE: Sql =
    sql!("INSERT INTO meta (key, value) VALUES ('epoch', $1) ON CONFLICT (key) DO NOTHING");

/// The database's lineage, made at the first start.
async fn epoch(engine: &Engine) -> Result<String, Fault> {
    let mut read = engine.read().await?;
    if read.row(&COPY_READ, vec![]).await?.is_some() {
        return Err(crate::copy::unfinished().into());
    }
    if let Some(row) = read.row(&EPOCH_READ, vec![]).await? {
        return row.text(0);
    }
    drop(read);
    let mut conn = engine.begin().await?;
    let fresh = crate::fresh::name::<16>();
    conn.run(&EPOCH_MAKE, vec![fresh.into()]).await?;
    let row = conn.row(&EPOCH_READ, vec![]).await?;
    conn.commit().await?;
    row.ok_or_else(|| Fault::broken("no epoch"))?.text(0)
}

impl Inner {
    /// The lane of a room.
    pub(crate) fn lane_of(&self, room: RoomId) -> usize {
        // Ids are consecutive: the remainder spreads them evenly.
        usize::try_from(room.get()).unwrap_or(0) % self.lanes.len()
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.closing.load(Ordering::Acquire) {
            return Err(Error::unavailable("the store is closed"));
        }
        Ok(())
    }

    /// Starts a task that is waited for when the store closes.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    pub(crate) const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Reads. A broken connection is replaced and the work started again.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'a> Fn(&'a mut Conn) -> Work<'a, T> + Send + Sync,
    {
        self.check_open()?;
        let attempt = async {
            loop {
                let result = match self.engine.read().await {
                    Ok(mut conn) => work(&mut conn).await,
                    Err(fault) => Err(fault),
                };
                match result {
                    Err(Fault::Lost(error)) => {
                        self.engine.doubt();
                        tracing::debug!(%error, "reading again");
                    }
                    other => return other.map_err(Fault::into_error),
                }
                // A server that is just stopping refuses quickly: do not spin.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, attempt).await.unwrap_or_else(|late| {
            self.engine.doubt();
            Err(Error::unavailable(late))
        })
    }

    /// Writes in a task of its own, so that a caller who goes away leaves nothing half done: what
    /// is committed is also remembered and announced.
    pub(crate) async fn write<T, F>(self: &Arc<Self>, scope: Scope, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Conn) -> Work<'a, Done<T>> + Send + Sync + 'static,
    {
        self.check_open()?;
        let deadline = Instant::now() + PATIENCE;
        let inner = Arc::clone(self);
        let task = self
            .tracker
            .spawn(async move { inner.perform(scope, deadline, work).await });
        match timeout_at(deadline, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panicked)) => Err(Error::internal(panicked)),
            Err(late) => Err(Error::unavailable(late)),
        }
    }

    async fn perform<T, F>(&self, scope: Scope, deadline: Instant, work: F) -> Result<T, Error>
    where
        F: for<'a> Fn(&'a mut Conn) -> Work<'a, Done<T>> + Send + Sync,
    {
        let gates = timeout_at(deadline, self.enter(scope))
            .await
            .map_err(Error::unavailable)?;
        let attempt = self.attempt(scope, deadline, &work);
        let done = if self.engine.has_one_writer() {
            attempt.await?
        } else {
            match timeout(GIVE_UP, attempt).await {
                Ok(result) => result?,
                Err(late) => {
                    self.engine.doubt();
                    self.distrust(scope);
                    return Err(Error::unavailable(late));
                }
            }
        };
        for room in &done.forget {
            self.hot.forget(*room);
        }
        if let Some(user) = done.renamed {
            self.hot.renamed(user);
        }
        self.hot.apply(&done.events);
        let mut told = Vec::new();
        for (lane, events) in self.by_lane(done.events) {
            told.push(self.lanes[lane].announcer.tell_events(events).await);
        }
        drop(gates);
        for announced in told {
            // An announcer that died with a listener's panic tells nobody any more.
            let _ = announced.await;
        }
        for signal in done.signals {
            self.announce.signal(signal).await;
        }
        Ok(done.answer)
    }

    async fn enter(&self, scope: Scope) -> Vec<MutexGuard<'_, ()>> {
        match scope {
            Scope::Room(room) => vec![self.lanes[self.lane_of(room)].gate.lock().await],
            Scope::NoRoom if !self.engine.has_one_writer() => Vec::new(),
            Scope::Rooms | Scope::NoRoom => {
                let mut gates = Vec::with_capacity(self.lanes.len());
                // Always in the same order, so that two such writes never wait for each other.
                for lane in &self.lanes {
                    gates.push(lane.gate.lock().await);
                }
                gates
            }
        }
    }

    /// One transaction, again when it lost a race or its connection.
    async fn attempt<T, F>(
        &self,
        scope: Scope,
        deadline: Instant,
        work: &F,
    ) -> Result<Done<T>, Error>
    where
        F: for<'a> Fn(&'a mut Conn) -> Work<'a, Done<T>> + Send + Sync,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let fault = match self.transact(scope, work).await {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            if matches!(fault, Fault::Lost(_) | Fault::Down(_)) {
                self.engine.doubt();
            }
            let again = match &fault {
                Fault::Lost(_) => Instant::now() < deadline,
                Fault::Again(_) => tries < TRIES,
                Fault::Down(_) | Fault::Final(_) => false,
            };
            if !again {
                return Err(fault.into_error());
            }
            tracing::debug!(?fault, tries, "writing again");
            tokio::time::sleep(Duration::from_millis(u64::from(tries.min(20)))).await;
        }
    }

    async fn transact<T, F>(&self, scope: Scope, work: &F) -> Result<Done<T>, Fault>
    where
        F: for<'a> Fn(&'a mut Conn) -> Work<'a, Done<T>> + Send + Sync,
    {
        let mut conn = self.engine.begin().await?;
        let done = match work(&mut conn).await {
            Ok(done) => done,
            Err(fault) => {
                if self.engine.has_one_writer() {
                    // Before the gate opens: who writes next must not meet this one's lock. How it
                    // ends does not matter, the connection is looked at before its next use.
                    let _ = conn.rollback().await;
                }
                return Err(fault);
            }
        };
        if done.commit {
            if let Err(fault) = conn.commit().await {
                // Nobody knows whether it was committed, so it is not tried again.
                self.distrust(scope);
                return Err(match fault {
                    Fault::Lost(error) => Fault::Down(error),
                    other => other,
                });
            }
        } else {
            conn.rollback().await?;
        }
        Ok(done)
    }

    /// When something goes wrong with one of several PostgreSQL servers, looks which one takes writes now.
    /// What is remembered of rooms rests on the old one, and is not trusted for a while.
    async fn follow_writer(&self) {
        let Engine::Postgres(open) = &self.engine else {
            return;
        };
        if !open.hosts.are_several() {
            return;
        }
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = open.hosts.doubted() => {}
            }
            loop {
                let followed = tokio::select! {
                    () = self.stop.cancelled() => return,
                    followed = open.follow() => followed,
                };
                match followed {
                    Ok(is_other) => {
                        if is_other {
                            self.hot.distrust_all();
                        }
                        break;
                    }
                    Err(error) => tracing::debug!(%error, "no PostgreSQL server takes writes"),
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// What holds the store open until it is dropped.
    pub(crate) fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// A commit may or may not have happened: what is remembered of these rooms is worth nothing
    /// for a while.
    fn distrust(&self, scope: Scope) {
        match scope {
            Scope::Room(room) => self.hot.distrust(room),
            Scope::Rooms => self.hot.distrust_all(),
            Scope::NoRoom => {}
        }
    }

    fn by_lane(&self, events: Vec<Arc<Event>>) -> Vec<(usize, Vec<Arc<Event>>)> {
        let mut lanes: Vec<(usize, Vec<Arc<Event>>)> = Vec::new();
        for event in events {
            let lane = self.lane_of(event.room);
            match lanes.iter_mut().find(|(known, _)| *known == lane) {
                Some((_, events)) => events.push(event),
                None => lanes.push((lane, vec![event])),
            }
        }
        lanes
    }

    /// Finishes what was begun and closes.
    pub(crate) async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.engine.close().await;
    }
}
