//! How news gets to sockets: buses between processes, the hub in this one, one outbox and one pump per
//! socket, and the dialects they speak.
//!
//! Knows no HTTP framework and no database: `parlour-web` adapts its sockets to [`Transport`], the store
//! is read through [`Source`], and messages are sent through [`Actions`].
//!
//! | step | where |
//! |---|---|
//! | an event was committed | [`Announce::events`] of [`Realtime`] or [`BusAnnounce`] |
//! | to every process | [`bus`] |
//! | in order, to whom it concerns, encoded once per dialect | [`hub`], [`dialect`] |
//! | waits for a socket | [`outbox`] |
//! | is written | [`pump`] |
//! | a frame comes | [`pump`], [`session`], [`dialect`], [`actions`] |
//!
//! What is promised is in `realtime.md`'s words: every socket gets the events of its user's membership
//! intervals, each once, in the order of the room's stream.

pub mod actions;
mod bell;
pub mod bus;
pub mod close;
pub mod command;
pub mod dialect;
pub mod event_view;
pub mod file_view;
pub mod hub;
mod meters;
pub mod outbox;
pub mod pump;
pub mod session;
mod socketio;
pub mod source;
mod talk;
pub mod view;
mod wire;

pub use actions::{Actions, Changed, Submitted};
pub use bus::{
    Bus, BusAnnounce, LocalBus, News, RedisBus, RedisError, RedisFamily, RedisInspection,
    inspect_redis,
};
pub use close::Close;
pub use command::{ChangeKind, Command, NewChange, NewSend, Refusal, Resume};
pub use dialect::DialectKind;
pub use file_view::{FileSigner, FileUrl, FileView, FileViews, MEDIA, Signer};
pub use hub::{HubConfig, Registration, RingLimits, SessionId};
pub use meters::describe_metrics;
pub use outbox::{Flushed, Line, Outbox};
pub use pump::{Frame, PumpConfig, Transport, TransportError};
pub use session::{Session, SessionLimits};
pub use socketio::{Conversation, Gate, Opening, Speech};
pub use source::{Source, StoreSource};
pub use view::MessageView;
pub use wire::payloads;

#[cfg(all(feature = "protocol-suite", not(debug_assertions)))]
compile_error!("the feature protocol-suite is for tests: it is never in a release");

use async_trait::async_trait;
use hub::{Greeting, Hub, place::Connection};
use parlour_core::{
    Actor, Error, Event, RoomId, Signal, UserId,
    ports::{Announce, Presence},
};
use std::{sync::Arc, time::Duration};
use tokio_util::task::TaskTracker;

/// Times and bounds; the defaults are those of `realtime.md`.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Of the hub.
    pub hub: HubConfig,
    /// Of each client.
    pub session: SessionLimits,
    /// Of each socket.
    pub pump: PumpConfig,
    /// The largest frame a client may send, in bytes; told to clients, enforced by the transport.
    pub max_frame: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hub: HubConfig::default(),
            session: SessionLimits::default(),
            pump: PumpConfig::default(),
            max_frame: max_frame(parlour_core::Settings::default().max_text_chars),
        }
    }
}

/// The largest frame a client may send, in bytes: every legal text fits, however it is escaped
/// (contract 7d).
#[must_use]
pub const fn max_frame(max_text_chars: usize) -> usize {
    if cfg!(feature = "protocol-suite") {
        return 1_000_000;
    }
    max_text_chars.saturating_mul(12).saturating_add(8 * 1_024)
}

/// The sockets of this process. Cheap to clone; the hub ends when all clones are gone.
#[derive(Clone)]
pub struct Realtime {
    bus: Arc<dyn Bus>,
    hub: Hub,
    config: Config,
    /// Shared by all sockets.
    limits: Arc<SessionLimits>,
    times: Arc<PumpConfig>,
    tasks: TaskTracker,
}

impl Realtime {
    /// Starts the hub of this process on the current runtime.
    #[must_use]
    pub fn start(source: Arc<dyn Source>, bus: Arc<dyn Bus>, config: Config) -> Self {
        let tasks = TaskTracker::new();
        let greeting = Greeting {
            epoch: source.epoch().to_owned(),
            signer: source.file_signer(),
            heartbeat: config.pump.ping_most,
            max_frame: config.max_frame,
        };
        let hub = Hub::start(source, Arc::clone(&bus), config.hub, greeting, &tasks);
        Self {
            bus,
            hub,
            config,
            limits: Arc::new(config.session),
            times: Arc::new(config.pump),
            tasks,
        }
    }

    /// Makes a place for a socket. When this answers, everything committed from now on in the rooms
    /// of the actor's user will be delivered; call it before the upgrade is answered. Dropping the
    /// registration gives the place back.
    ///
    /// # Errors
    /// [`INVALID_TOKEN`](parlour_core::error::INVALID_TOKEN) when the actor's credential ended
    /// meanwhile; [`STORE_UNAVAILABLE`](parlour_core::error::STORE_UNAVAILABLE) when the memberships
    /// cannot be read, or during shutdown.
    pub async fn register(
        &self,
        actor: Actor,
        dialect: DialectKind,
    ) -> Result<Registration, Error> {
        self.hub.register(actor, dialect, None).await
    }

    /// The same for a socket that hears one room only. It closes with 4403 when its user is in the
    /// room no more, and with 4404 when the room ends.
    ///
    /// # Errors
    /// Those of [`register`](Self::register);
    /// [`NOT_IN_ROOM`](parlour_core::error::NOT_IN_ROOM) when the user does not hear the room.
    pub async fn enter(&self, actor: Actor, room: RoomId) -> Result<Registration, Error> {
        let dialect = DialectKind::Room;
        self.hub.register(actor, dialect, Some(room)).await
    }

    /// Serves a socket until it closes, for whatever reason. Runs in the caller's task; dropping the
    /// future drops the socket.
    pub fn serve<T: Transport>(
        &self,
        transport: T,
        registration: Registration,
        actions: Arc<dyn Actions>,
    ) -> impl Future<Output = ()> + Send + use<T> {
        let session = Session::new(registration, actions, Arc::clone(&self.limits));
        let pump = pump::run(transport, session, Arc::clone(&self.times));
        self.tasks.track_future(pump)
    }

    /// Makes the acquaintance of a client of Socket.IO, who may be anybody until the gate says
    /// otherwise. Its packets wait in its outbox until it is [served](Self::converse).
    #[must_use]
    pub fn meet(
        &self,
        speech: Speech,
        gate: Arc<dyn Gate>,
        actions: Arc<dyn Actions>,
    ) -> Conversation {
        let connection = Connection::new(&self.hub, DialectKind::SocketIo);
        Conversation::new(speech, connection, gate, actions, Arc::clone(&self.limits))
    }

    /// Serves a client of Socket.IO until its connection ends; otherwise as [`serve`](Self::serve).
    pub fn converse<T: Transport>(
        &self,
        transport: T,
        conversation: Conversation,
    ) -> impl Future<Output = ()> + Send + use<T> {
        let pump = pump::run(transport, conversation, Arc::clone(&self.times));
        self.tasks.track_future(pump)
    }

    /// How often clients are asked whether they are there, at the latest, and how long their answer
    /// may take.
    #[must_use]
    pub const fn heartbeat(&self) -> (Duration, Duration) {
        (self.config.pump.ping_most, self.config.pump.answer_within)
    }

    /// Whether sockets are told to go: then new ones are better refused before they open.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.hub.is_closing()
    }

    /// Brings the figures up to date that are not kept as things happen: how much waits for sockets.
    /// For whoever is about to read them.
    pub fn sample(&self) {
        self.hub.sample();
    }

    /// Tells all sockets to close with 1012 (`restart`), a few at a time, and refuses new ones. What
    /// waits for them is written first. Answers when they are gone, at the latest after
    /// [`HubConfig::shutdown_bound`].
    pub async fn shutdown(&self) {
        self.hub.shutdown().await;
    }
}

impl std::fmt::Debug for Realtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Realtime")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Announce for Realtime {
    async fn events(&self, events: Vec<Arc<Event>>) {
        if !events.is_empty() {
            self.bus.publish(News::Events(events)).await;
        }
    }

    async fn signal(&self, signal: Signal) {
        self.bus.publish(News::Signal(signal)).await;
    }
}

#[async_trait]
impl Presence for Realtime {
    async fn here(&self, users: &[UserId]) -> Vec<UserId> {
        let mut here = self.hub.here(users).await;
        let rest: Vec<_> = users
            .iter()
            .filter(|user| !here.contains(user))
            .copied()
            .collect();
        if !rest.is_empty() {
            here.extend(self.bus.elsewhere(&rest).await);
        }
        here
    }
}
