//! Between processes: what one process announces, every process hears.
//!
//! A bus only carries. It may lose, repeat and reorder: the database is the truth, and the hub heals
//! from it whatever the bus did (`realtime.md`, "Fan-out").

mod local;
mod redis;

pub use self::redis::{
    Family as RedisFamily, RedisBus, RedisError, RedisInspection, inspect as inspect_redis,
};
pub use local::LocalBus;

use async_trait::async_trait;
use parlour_core::{Event, RoomId, Signal, UserId, ports::Announce};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What travels on a bus.
#[derive(Clone, Debug)]
pub enum News {
    /// Events that were committed, in commit order per room as far as the sender knows.
    Events(Vec<Arc<Event>>),
    /// News of a user.
    Signal(Signal),
    /// From now on the bus brings what other processes say in these rooms; what they said before may
    /// be missing. Made by buses, never published.
    Followed(Vec<RoomId>),
    /// A process died, and these people were there and are nowhere else. Made by buses for one of the
    /// processes that are left, never published.
    Vanished(Vec<UserId>),
    /// The bus is away: until the next [`Gap`](Self::Gap) other processes are heard only through the
    /// store. Made by buses, never published.
    Away,
    /// The bus was away and may have lost something: positions and memberships are compared with the
    /// store at once instead of at the next round. Made by buses, never published.
    Gap,
}

/// Carries news between the processes that share one database.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Hands news to every process, this one included. This process hears its own news without a
    /// detour over the network, so that an outage of the network does not silence it. Waits while
    /// this process's own hub is behind, never for other processes; never fails.
    async fn publish(&self, news: News);

    /// The stream of news for one hub, from now on. The bus drops the stream when its receiver is
    /// dropped.
    fn listen(&self) -> mpsc::Receiver<News>;

    /// Whether the bus brings only what concerns somebody here: what other processes say in a room
    /// reaches this one while it [follows](Self::follow) the room, except who joins and leaves it and
    /// how it changes.
    fn is_partial(&self) -> bool {
        false
    }

    /// Somebody here listens in a room now: what other processes say there is wanted. Answered by
    /// [`News::Followed`]. Never waits.
    fn follow(&self, _room: RoomId) {}

    /// Nobody here listens in a room any more. Never waits.
    fn unfollow(&self, _room: RoomId) {}

    /// Somebody is here, in this process, or is not any more. Never waits.
    fn seat(&self, _user: UserId, _here: bool) {}

    /// Tells the other processes, and only them. May be lost; never waits.
    fn whisper(&self, _signal: Signal) {}

    /// Those of these users who are in other processes, as far as can be learnt within a moment.
    async fn elsewhere(&self, _users: &[UserId]) -> Vec<UserId> {
        Vec::new()
    }
}

/// An [`Announce`] for a store that is opened before the hub is started: what it announces reaches
/// every hub that listens to the bus by then.
#[derive(Clone)]
pub struct BusAnnounce(Arc<dyn Bus>);

impl BusAnnounce {
    /// Announces on this bus.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>) -> Self {
        Self(bus)
    }
}

#[async_trait]
impl Announce for BusAnnounce {
    async fn events(&self, events: Vec<Arc<Event>>) {
        if !events.is_empty() {
            self.0.publish(News::Events(events)).await;
        }
    }

    async fn signal(&self, signal: Signal) {
        self.0.publish(News::Signal(signal)).await;
    }
}
