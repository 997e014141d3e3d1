//! This process's switchboard: who hears which room, in the order of the stream.
//!
//! One task owns all state ([`state`]); everything reaches it by bounded queues, and it never waits for
//! anything but its queues. Sockets get their frames through their [`Outbox`], which never waits
//! either, so a slow reader cannot delay anybody.

mod burst;
mod ended;
pub(crate) mod feed;
mod fills;
mod fleeting;
mod open_rooms;
mod order;
mod outboxes;
mod outward;
mod owners;
mod partial;
mod people;
pub(crate) mod pieces;
pub(crate) mod place;
mod presence;
mod reads;
pub(crate) mod register;
pub(crate) mod ring;
mod room;
mod shutdown;
mod state;
#[cfg(test)]
mod tests;
mod turn;

use crate::{
    bus::{Bus, News},
    dialect::DialectKind,
    outbox::OutboxLimits,
    source::Source,
};
use bytes::Bytes;
use feed::{Fed, Feed};
use metrics::{counter, gauge, histogram};
use outboxes::Outboxes;
use parlour_core::{Actor, Error, RoomId, UserId, error::STORE_UNAVAILABLE};
use pieces::Pieces;
use place::Connection;
pub use place::Registration;
use reads::{Answer, Reader};
use register::Register;
pub use ring::RingLimits;
use state::State;
use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::task::TaskTracker;

/// How many batches of news are taken from the bus at once.
const BATCHES: usize = 128;
/// How many events one turn delivers. A turn wakes each socket once, whatever it got; between turns
/// the sockets get their time, so that a burst fills no outbox of a reader that keeps up.
const TURN: usize = 256;
/// How many requests of sockets may wait.
const REQUESTS: usize = 1_024;

/// Tells sockets of this process apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// The number itself: 1, 2, 3, … in order of registration in this process.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Times and bounds of a hub.
#[derive(Clone, Copy, Debug)]
pub struct HubConfig {
    /// How long an event may be missing before the store is asked: database connections may announce
    /// their commits in another order.
    pub grace: Duration,
    /// How often positions of rooms with listeners are compared with the store, give or take 10 %.
    pub compare_every: Duration,
    /// How many people's memberships are compared with the store each time.
    pub audits_per_round: usize,
    /// How many rooms without listeners are remembered at most; the longest unused go first.
    pub quiet_rooms: usize,
    /// How long a room without listeners is remembered after its last event.
    pub quiet_for: Duration,
    /// How many reads run at once.
    pub reads_at_once: usize,
    /// Over how long the closing of many sockets is spread at shutdown.
    pub shutdown_spread: Duration,
    /// How long a shutdown waits for sockets at most.
    pub shutdown_bound: Duration,
    /// Bounds of each socket's outbox.
    pub outbox: OutboxLimits,
    /// How much of the rooms' streams is kept for those who come back.
    pub ring: RingLimits,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            grace: Duration::from_millis(5),
            compare_every: Duration::from_secs(5),
            audits_per_round: 50,
            quiet_rooms: 8_192,
            quiet_for: Duration::from_secs(600),
            reads_at_once: 8,
            shutdown_spread: Duration::from_secs(2),
            shutdown_bound: Duration::from_secs(5),
            outbox: OutboxLimits::default(),
            ring: RingLimits::default(),
        }
    }
}

/// What a client of version 2 is told first.
#[derive(Clone, Debug)]
pub(crate) struct Greeting {
    /// Name of the database's lineage.
    pub(crate) epoch: String,
    /// Who makes addresses of files that load as they stand.
    pub(crate) signer: Option<crate::file_view::FileSigner>,
    /// How often the server pings, at the latest.
    pub(crate) heartbeat: Duration,
    /// The largest frame it takes, in bytes.
    pub(crate) max_frame: usize,
}

/// A door to the hub's task. The task ends when all doors are gone. Cloning shares it: every socket
/// has one.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Door>);

struct Door {
    requests: mpsc::Sender<Request>,
    /// Unbounded, but each socket sends one word at most.
    gone: mpsc::UnboundedSender<SessionId>,
    next: AtomicU64,
    /// Whether sockets are told to go.
    is_closing: AtomicBool,
    config: HubConfig,
    source: Arc<dyn Source>,
    /// Reads for sockets that missed more than is kept.
    pieces: Pieces,
    outboxes: Outboxes,
}

enum Request {
    Register(Register),
    Feed(Feed),
    Here(Vec<UserId>, oneshot::Sender<Vec<UserId>>),
    Shutdown(oneshot::Sender<()>),
}

impl Hub {
    /// Starts the hub's task on the tracker.
    pub(crate) fn start(
        source: Arc<dyn Source>,
        bus: Arc<dyn Bus>,
        config: HubConfig,
        greeting: Greeting,
        tasks: &TaskTracker,
    ) -> Self {
        let (requests, request_receiver) = mpsc::channel(REQUESTS);
        let (gone, gone_receiver) = mpsc::unbounded_channel();
        let (reader, answers) = Reader::new(
            Arc::clone(&source),
            Arc::clone(&bus),
            config.reads_at_once,
            tasks.clone(),
        );
        let task = Task {
            state: State::new(config, greeting, bus.is_partial(), Instant::now()),
            reader,
            news: bus.listen(),
            bus,
            followed: HashSet::new(),
            backlog: VecDeque::new(),
            requests: request_receiver,
            gone: gone_receiver,
            answers,
        };
        tasks.spawn(task.run());
        Self(Arc::new(Door {
            requests,
            gone,
            next: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
            config,
            pieces: Pieces::new(Arc::clone(&source), config.reads_at_once),
            source,
            outboxes: Outboxes::default(),
        }))
    }

    /// See [`crate::Realtime::register`] and [`crate::Realtime::enter`].
    pub(crate) async fn register(
        &self,
        actor: Actor,
        dialect: DialectKind,
        only: Option<RoomId>,
    ) -> Result<Registration, Error> {
        let connection = Arc::new(Connection::new(self, dialect));
        self.sit(Registration::new(connection, actor, dialect, only), None)
            .await
    }

    /// A place on a connection that has, or may have, others.
    pub(crate) async fn sit(
        &self,
        // Exists before the hub knows of it: whatever happens from here on, dropping it unregisters.
        mut registration: Registration,
        guest: Option<Guest>,
    ) -> Result<Registration, Error> {
        let (reply, answer) = oneshot::channel();
        let (is_held, welcome) = match guest {
            Some(guest) => (guest.is_held, Some(guest.welcome)),
            None => (registration.dialect == DialectKind::AccountV2, None),
        };
        let request = Request::Register(Register {
            session: registration.id,
            actor: registration.actor,
            dialect: registration.dialect,
            outbox: registration.shared_outbox(),
            only: registration.only,
            is_held,
            welcome,
            ended: registration.ended.clone(),
            reply,
        });
        let gone = || Error::from(STORE_UNAVAILABLE).retry_after(Duration::from_secs(1));
        self.0.requests.send(request).await.map_err(|_| gone())?;
        match answer.await {
            Ok(result) => registration.cursors = result?,
            // The credential ended while the snapshot was read.
            Err(_) if registration.outbox().closing().is_some() => {
                return Err(parlour_core::error::INVALID_TOKEN.into());
            }
            Err(_) => return Err(gone()),
        }
        Ok(registration)
    }

    fn next_id(&self) -> SessionId {
        SessionId(self.0.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Hands a piece of what a socket missed over; see [`feed`].
    pub(crate) async fn feed(&self, make: impl FnOnce(oneshot::Sender<Fed>) -> Feed) -> Fed {
        let (reply, answer) = oneshot::channel();
        if self
            .0
            .requests
            .send(Request::Feed(make(reply)))
            .await
            .is_err()
        {
            return Fed::Gone;
        }
        answer.await.unwrap_or(Fed::Gone)
    }

    /// Those of these users who are here.
    pub(crate) async fn here(&self, users: &[UserId]) -> Vec<UserId> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Here(users.to_vec(), reply);
        if self.0.requests.send(request).await.is_err() {
            return Vec::new();
        }
        answer.await.unwrap_or_default()
    }

    /// What can be read of the rooms' streams.
    pub(crate) fn source(&self) -> &dyn Source {
        &*self.0.source
    }

    /// Reads for sockets that missed more than is kept.
    pub(crate) fn pieces(&self) -> &Pieces {
        &self.0.pieces
    }

    /// See [`crate::Realtime::sample`].
    pub(crate) fn sample(&self) {
        let found = self.0.outboxes.look();
        gauge!("parlour_outbox_bytes").set(waiting(found.total));
        gauge!("parlour_outbox_largest_bytes").set(waiting(found.largest));
    }

    /// See [`crate::Realtime::is_closing`].
    pub(crate) fn is_closing(&self) -> bool {
        self.0.is_closing.load(Ordering::Relaxed)
    }

    /// See [`crate::Realtime::shutdown`].
    pub(crate) async fn shutdown(&self) {
        self.0.is_closing.store(true, Ordering::Relaxed);
        let (done, all_gone) = oneshot::channel();
        if self.0.requests.send(Request::Shutdown(done)).await.is_ok()
            && tokio::time::timeout(self.0.config.shutdown_bound, all_gone)
                .await
                .is_err()
        {
            tracing::warn!("some sockets did not go in time");
        }
        // Also those without a place yet.
        self.0.outboxes.close_all(&crate::close::RESTART);
    }
}

/// What a guest is told first, and whether its rooms wait for it.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Said before anything else.
    pub(crate) welcome: Bytes,
    /// Whether the rooms wait until the client has said what it missed.
    pub(crate) is_held: bool,
}

/// The hub's task.
struct Task {
    state: State,
    reader: Reader,
    bus: Arc<dyn Bus>,
    /// The rooms in which the bus knows that somebody listens.
    followed: HashSet<RoomId>,
    news: mpsc::Receiver<News>,
    /// Taken from the bus, to be delivered in the next turns.
    backlog: VecDeque<News>,
    requests: mpsc::Receiver<Request>,
    gone: mpsc::UnboundedReceiver<SessionId>,
    answers: mpsc::UnboundedReceiver<Answer>,
}

impl Task {
    async fn run(mut self) {
        let mut batch = Vec::new();
        let mut bus_is_there = true;
        // Events let through since the sockets last had their time.
        let mut unseen = 0;
        loop {
            let due = self.state.next_due();
            let idle = self.backlog.is_empty();
            tokio::select! {
                biased;
                Some(session) = self.gone.recv() => self.state.remove(session, Instant::now()),
                request = self.requests.recv() => match request {
                    Some(Request::Register(request)) => self.state.register(request),
                    Some(Request::Feed(feed)) => self.state.feed(feed, Instant::now()),
                    Some(Request::Here(users, reply)) => {
                        // Nobody waits any more: then nobody wants to know.
                        let _ = reply.send(self.state.here(users));
                    }
                    Some(Request::Shutdown(done)) => self.state.shut_down(done, Instant::now()),
                    None => break,
                },
                Some(answer) = self.answers.recv() => self.state.answer(answer, Instant::now()),
                () = std::future::ready(()), if !idle => self.hear_some(),
                count = self.news.recv_many(&mut batch, BATCHES), if idle && bus_is_there => {
                    bus_is_there = count > 0;
                    self.backlog.extend(batch.drain(..));
                    self.hear_some();
                }
                () = tokio::time::sleep_until(due), if idle => {}
            }
            unseen += self.state.turn.events;
            self.finish_turn();
            if unseen >= TURN {
                unseen = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Lets as much of the backlog through as fits into one turn.
    fn hear_some(&mut self) {
        let now = Instant::now();
        while self.state.turn.events < TURN {
            let Some(news) = self.backlog.pop_front() else {
                break;
            };
            match news {
                News::Events(mut events) if events.len() > TURN => {
                    let rest = events.split_off(TURN);
                    self.backlog.push_front(News::Events(rest));
                    self.state.hear(News::Events(events), now);
                }
                news => self.state.hear(news, now),
            }
        }
        gauge!("parlour_hub_queue").set(waiting(self.news.len() + self.backlog.len()));
    }

    /// Does what is due, wakes each socket that got something once, and starts the reads.
    fn finish_turn(&mut self) {
        let now = Instant::now();
        if self.state.next_due() <= now {
            self.state.tick(now);
        }
        self.state.say();
        let turn = &mut self.state.turn;
        let events = std::mem::take(&mut turn.events);
        if turn.delivered > 0 {
            histogram!("parlour_turn_events").record(waiting(events));
            histogram!("parlour_turn_deliveries").record(waiting(turn.delivered));
            counter!("parlour_delivered_total").increment(turn.delivered as u64);
            turn.delivered = 0;
        }
        for outbox in turn.touched.drain(..) {
            outbox.wake();
        }
        for session in std::mem::take(&mut turn.slow) {
            self.state.remove(session, now);
        }
        self.state.ask_kinds();
        self.tell_bus();
        for read in self.state.work.drain(..) {
            self.reader.start(read);
        }
    }
}

/// A length as a gauge's value.
fn waiting(len: usize) -> f64 {
    u32::try_from(len).map_or(f64::MAX, f64::from)
}

/// A duration between `least` and `most` that differs from seed to seed: jitter that needs no
/// randomness.
pub(crate) fn spread(seed: u64, least: Duration, most: Duration) -> Duration {
    // The mixing step of splitmix64.
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let share = u32::try_from((mixed ^ (mixed >> 31)) >> 48).unwrap_or(0);
    least + most.saturating_sub(least) * share / (1 << 16)
}
