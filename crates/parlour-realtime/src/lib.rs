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
pub mod bus;
pub mod close;
pub mod command;
pub mod dialect;
pub mod event_view;
pub mod hub;
pub mod outbox;
pub mod pump;
pub mod session;
pub mod source;
pub mod view;

pub use actions::{Actions, Submitted};
pub use bus::{Bus, BusAnnounce, LocalBus, News};
pub use close::Close;
pub use command::{Command, NewSend, Refusal};
pub use dialect::DialectKind;
pub use hub::{HubConfig, Registration, SessionId};
pub use pump::{Frame, PumpConfig, Transport, TransportError};
pub use session::{Session, SessionLimits};
pub use source::{Source, StoreSource};
pub use view::MessageView;

use async_trait::async_trait;
use hub::Hub;
use parlour_core::{Actor, Error, Event, Signal, ports::Announce};
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// Times and bounds; the defaults are those of `realtime.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// Of the hub.
    pub hub: HubConfig,
    /// Of each client.
    pub session: SessionLimits,
    /// Of each socket.
    pub pump: PumpConfig,
}

/// The largest frame a client may send, in bytes: every legal text fits, however it is escaped
/// (contract 7d).
#[must_use]
pub const fn max_frame(max_text_chars: usize) -> usize {
    max_text_chars.saturating_mul(12).saturating_add(8 * 1_024)
}

/// The sockets of this process. Cheap to clone; the hub ends when all clones are gone.
#[derive(Clone)]
pub struct Realtime {
    bus: Arc<dyn Bus>,
    hub: Hub,
    config: Config,
    tasks: TaskTracker,
}

impl Realtime {
    /// Starts the hub of this process on the current runtime.
    #[must_use]
    pub fn start(source: Arc<dyn Source>, bus: Arc<dyn Bus>, config: Config) -> Self {
        let tasks = TaskTracker::new();
        let hub = Hub::start(source, bus.listen(), config.hub, &tasks);
        Self {
            bus,
            hub,
            config,
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
        self.hub.register(actor, dialect).await
    }

    /// Serves a socket until it closes, for whatever reason. Runs in the caller's task; dropping the
    /// future drops the socket.
    pub async fn serve<T: Transport>(
        &self,
        transport: T,
        registration: Registration,
        actions: Arc<dyn Actions>,
    ) {
        let session = Session::new(registration, actions, self.config.session);
        let pump = pump::run(transport, session, self.config.pump);
        self.tasks.track_future(pump).await;
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
