//! The bus of several processes: Redis carries what one of them announces to the others.
//!
//! | channel or key | what |
//! |---|---|
//! | `parlour:EPOCH:r:ROOM` | everything of a room; followed by processes with somebody in it |
//! | `parlour:EPOCH:all` | what concerns processes without anybody in the room: memberships, rooms that begin, change and end, ended credentials |
//! | `parlour:EPOCH:nodes`, `alive:NODE`, `here:NODE` | the processes, a sign of life of each, and who has sockets there |
//! | `parlour:EPOCH:secret` | a digest of `SECRET_KEY`: processes must have the same |
//!
//! In a cluster the same channels are sharded ones (`SSUBSCRIBE`), rooms wherever their slot is, and
//! `EPOCH` stands in braces everywhere but in the channels of rooms: those keys are together on one shard.
//!
//! Redis may lose, be emptied or go away at any time: the database is the truth, and hubs compare with
//! it. While it is away this process hears itself, and others through the database.

mod address;
mod cluster;
mod inspect;
mod interest;
mod link;
mod people;
mod shared;
mod wire;

use super::{Bus, LocalBus, News};
use crate::hub::spread;
use address::Place;
use async_trait::async_trait;
use futures_util::future::Either;
pub use inspect::{RedisInspection, inspect};
use link::Link;
use metrics::{counter, gauge};
use parlour_core::{RoomId, Signal, UserId, What, ports::Random};
use shared::Shared;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How much may wait for Redis before it is dropped (and healed from the database).
const WAITING: usize = 8_192;
/// How long a question may take that a user waits for.
const SOON: Duration = Duration::from_millis(300);
/// How long Redis may take to let us in, and to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// First and longest pause between attempts to come back.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Why a process cannot use this Redis.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// No URL of Redis.
    #[error("this is no URL of a Redis server: {0}")]
    Url(String),
    /// It does not answer, or refuses the password.
    #[error("Redis does not let us in: {0}")]
    Refused(String),
    /// Too old.
    #[error("Redis {found} is too old: {least} is the oldest version that has what is needed")]
    Version {
        /// What it says it is.
        found: String,
        /// The oldest that would do.
        least: String,
    },
    /// A part of a cluster, and the URL is of one server.
    #[error(
        "this Redis belongs to a cluster: write redis+cluster:// (with TLS rediss+cluster://) in place of redis://"
    )]
    Cluster,
    /// One server, and the URL is of a cluster.
    #[error(
        "this Redis is no cluster (cluster_enabled:0): write redis:// (with TLS rediss://) in place of redis+cluster://"
    )]
    NoCluster,
    /// A cluster that does not work, or has shards that cannot be reached from here.
    #[error("the Redis cluster is not ready: {0}")]
    Unready(String),
    /// Another process that shares this database has another key.
    #[error(
        "another process that shares this database has another SECRET_KEY: all of them need the same one"
    )]
    SecretKey,
}

/// What makes processes belong together.
#[derive(Clone, Debug)]
pub struct Family {
    /// Name of the database's lineage: several databases may share one Redis.
    pub epoch: String,
    /// A digest of `SECRET_KEY`; never the key.
    pub secret: String,
}

/// Something that other processes may hear, or miss.
#[derive(Debug)]
struct Word {
    channel: Channel,
    frame: Vec<u8>,
    /// It was said to a shard that does not have the channel any more, and is said once more.
    again: bool,
}

/// Where something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Channel {
    All,
    Room(RoomId),
}

/// The bus of several processes. Made before the store is opened, because the store announces on it;
/// carries nothing between processes before [`start`](Self::start).
pub struct RedisBus {
    local: Arc<LocalBus>,
    words: mpsc::Sender<Word>,
    shared: Arc<Shared>,
    /// Taken by `start`.
    waiting: std::sync::Mutex<Option<mpsc::Receiver<Word>>>,
    place: Place,
}

impl RedisBus {
    /// A bus over the server of this URL (`redis://`, `rediss://`, `redis+unix://`) or over the cluster
    /// (`redis+cluster://`, `rediss+cluster://`). Does not connect. `random`: for the name of this process.
    ///
    /// # Errors
    /// [`RedisError::Url`].
    pub fn new(url: &str, random: &dyn Random) -> Result<Self, RedisError> {
        let place = Place::parse(url)?;
        let (words, waiting) = mpsc::channel(WAITING);
        Ok(Self {
            local: Arc::new(LocalBus::new()),
            words,
            shared: Arc::new(Shared::new(random, place.is_cluster())),
            waiting: std::sync::Mutex::new(Some(waiting)),
            place,
        })
    }

    /// Connects, looks whether this Redis will do and the other processes fit, and carries from now
    /// on until stopped; an outage later on is waited out. The future is to be run as a task.
    ///
    /// # Errors
    /// Those of [`RedisError`] but `Url`.
    pub async fn start(
        &self,
        family: Family,
        stop: CancellationToken,
    ) -> Result<impl Future<Output = ()> + Send + 'static, RedisError> {
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        self.shared.set_family(family);
        let (local, shared) = (Arc::clone(&self.local), Arc::clone(&self.shared));
        Ok(match self.place.clone() {
            Place::One(client) => {
                let link = Link::new(client, local, shared);
                let first = link.connect().await?;
                Either::Left(async move {
                    if let Some(waiting) = waiting {
                        link.run(first, waiting, stop).await;
                    }
                })
            }
            Place::Cluster(seeds) => {
                let link = cluster::Link::connect(seeds, local, shared).await?;
                Either::Right(async move {
                    if let Some(waiting) = waiting {
                        link.run(waiting, stop).await;
                    }
                })
            }
        })
    }

    fn say(&self, channel: Channel, frame: Vec<u8>) {
        let word = Word {
            channel,
            frame,
            again: false,
        };
        if self.words.try_send(word).is_err() {
            // The hubs of the others find the hole, at the latest when they next compare.
            self.shared.note_unsaid();
            counter!("parlour_bus_dropped_total").increment(1);
        }
    }

    fn say_signal(&self, signal: &Signal) {
        let channel = match signal {
            Signal::Typing { room, .. }
            | Signal::Read { room, .. }
            | Signal::Presence { room, .. } => Channel::Room(*room),
            Signal::CredentialsEnded { .. }
            | Signal::UserChanged(_)
            | Signal::SiteChanged
            | Signal::Taken(_) => Channel::All,
        };
        let frame = wire::signal(self.shared.node(), signal);
        self.say(channel, frame);
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, news: News) {
        match &news {
            News::Events(events) => {
                // Runs of one room travel together.
                for run in events.chunk_by(|a, b| a.room == b.room) {
                    let room = run[0].room;
                    let frame = wire::events(self.shared.node(), run);
                    self.say(Channel::Room(room), frame);
                    let for_all: Vec<_> = run
                        .iter()
                        .filter(|event| concerns_all(&event.what))
                        .cloned()
                        .collect();
                    if !for_all.is_empty() {
                        let frame = wire::events(self.shared.node(), &for_all);
                        self.say(Channel::All, frame);
                    }
                }
                let waiting = WAITING.saturating_sub(self.words.capacity());
                gauge!("parlour_bus_waiting").set(u32::try_from(waiting).map_or(0.0, f64::from));
            }
            News::Signal(signal) => self.say_signal(signal),
            // Made by buses.
            News::Followed(_) | News::Vanished(_) | News::Away | News::Gap => {}
        }
        self.local.publish(news).await;
    }

    fn listen(&self) -> mpsc::Receiver<News> {
        self.local.listen()
    }

    fn is_partial(&self) -> bool {
        true
    }

    fn follow(&self, room: RoomId) {
        self.shared.interest.follow(room);
    }

    fn unfollow(&self, room: RoomId) {
        self.shared.interest.unfollow(room);
    }

    fn seat(&self, user: UserId, here: bool) {
        self.shared.interest.seat(user, here);
    }

    fn whisper(&self, signal: Signal) {
        self.say_signal(&signal);
    }

    async fn elsewhere(&self, users: &[UserId]) -> Vec<UserId> {
        let Some(mut connection) = self.shared.connection() else {
            return Vec::new();
        };
        let found = people::elsewhere(&mut connection, &self.shared, users);
        match tokio::time::timeout(SOON, found).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%error, "who is elsewhere could not be read");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// The pause before the next attempt to come back: longer and longer, and not the same for everybody.
fn next_pause(tries: &mut u32) -> Duration {
    let pause = (PAUSES.0 * 2_u32.saturating_pow((*tries).min(8))).min(PAUSES.1);
    let pause = spread(u64::from(*tries), pause / 2, pause);
    *tries += 1;
    pause
}

/// Whether processes with nobody in the room want to know.
const fn concerns_all(what: &What) -> bool {
    match what {
        What::RoomCreated(_)
        | What::RoomUpdated(_)
        | What::RoomDeleted(_)
        | What::MemberJoined(_)
        | What::MemberLeft(..) => true,
        What::MessageCreated(_)
        | What::MessageUpdated(_)
        | What::MessageDeleted(_)
        | What::ReactionAdded(_)
        | What::ReactionRemoved(_)
        | What::MessagesPurged(_) => false,
    }
}

impl std::fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisBus").finish_non_exhaustive()
    }
}
