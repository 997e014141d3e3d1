//! The bus of several processes: Redis carries what one of them announces to the others.
//!
//! | channel or key | what |
//! |---|---|
//! | `parlour:EPOCH:r:ROOM` | everything of a room; followed by processes with somebody in it |
//! | `parlour:EPOCH:all` | what concerns processes without anybody in the room: memberships, rooms that begin, change and end, ended credentials |
//! | `parlour:EPOCH:nodes`, `alive:NODE`, `here:NODE` | the processes, a sign of life of each, and who has sockets there |
//! | `parlour:EPOCH:secret` | a digest of `SECRET_KEY`: processes must have the same |
//!
//! Redis may lose, be emptied or go away at any time: the database is the truth, and hubs compare with
//! it. While it is away this process hears itself, and others through the database.

mod inspect;
mod interest;
mod link;
mod people;
mod wire;

use super::{Bus, LocalBus, News};
use async_trait::async_trait;
pub use inspect::{RedisInspection, inspect};
use link::{Link, Shared};
use metrics::{counter, gauge};
use parlour_core::{RoomId, Signal, UserId, What, ports::Random};
use redis::IntoConnectionInfo as _;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How much may wait for Redis before it is dropped (and healed from the database).
const WAITING: usize = 8_192;
/// How long a question may take that a user waits for.
const SOON: Duration = Duration::from_millis(300);
/// Where the smallest version that knows RESP3 and `SMISMEMBER` begins.
const LEAST_VERSION: (u32, u32) = (6, 2);

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
    #[error("Redis {found} is too old: 6.2 is the oldest version that has what is needed")]
    Version {
        /// What it says it is.
        found: String,
    },
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
    client: redis::Client,
}

impl RedisBus {
    /// A bus over the server of this URL (`redis://` or `rediss://`). Does not connect. `random`:
    /// for the name of this process.
    ///
    /// # Errors
    /// [`RedisError::Url`].
    pub fn new(url: &str, random: &dyn Random) -> Result<Self, RedisError> {
        let no_url = |error: redis::RedisError| RedisError::Url(error.to_string());
        let info = url.into_connection_info().map_err(no_url)?;
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(redis::ProtocolVersion::RESP3);
        let client = redis::Client::open(info.set_redis_settings(settings)).map_err(no_url)?;
        let (words, waiting) = mpsc::channel(WAITING);
        Ok(Self {
            local: Arc::new(LocalBus::new()),
            words,
            shared: Arc::new(Shared::new(random)),
            waiting: std::sync::Mutex::new(Some(waiting)),
            client,
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
        let link = Link::new(
            self.client.clone(),
            family,
            Arc::clone(&self.local),
            Arc::clone(&self.shared),
        );
        let first = link.connect().await?;
        Ok(async move {
            if let Some(waiting) = waiting {
                link.run(first, waiting, stop).await;
            }
        })
    }

    fn say(&self, channel: Channel, frame: Vec<u8>) {
        if self.words.try_send(Word { channel, frame }).is_err() {
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
