//! The connection to Redis: made, used, lost and made again.

use super::{
    Channel, Family, RedisError, Word, inspect,
    interest::{Interest, Moved},
    people, wire,
};
use crate::{
    bus::{Bus as _, LocalBus, News},
    hub::spread,
};
use metrics::{counter, gauge};
use parlour_core::{RoomId, ports::Random};
use redis::{
    AsyncConnectionConfig, AsyncTypedCommands as _, PushInfo, PushKind, RedisResult, Value,
    aio::MultiplexedConnection,
};
use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long Redis may take to let us in, and to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// First and longest pause between attempts to come back.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How many words are said at once.
const BATCH: usize = 512;
/// How many channels are named at once.
const CHANNELS: usize = 500;
/// Hubs are told to compare at most this often.
const GAPS: Duration = Duration::from_secs(1);
/// How much from Redis may wait for the hub before it is dropped (and healed from the database).
const UNHEARD: usize = 16_384;
/// How long the digest of the key is kept after the last process.
const SECRET_SECONDS: u64 = 60;

/// What the bus and its task share.
pub(super) struct Shared {
    /// This process, for as long as it lives.
    node: String,
    family: OnceLock<Family>,
    connection: RwLock<Option<MultiplexedConnection>>,
    /// The other living processes.
    peers: RwLock<Vec<String>>,
    /// Rings when hubs here have to compare with the database: something was dropped, or another process
    /// came or came back.
    lost: Notify,
    /// Whether the others have to, too: something was dropped that was for them.
    unsaid: AtomicBool,
    /// Another process came or went.
    peers_moved: Notify,
    /// What is to be followed, and who is here.
    pub(super) interest: Interest,
}

impl Shared {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut node = [0; 8];
        random.fill(&mut node);
        Self {
            node: format!("{:016x}", u64::from_be_bytes(node)),
            family: OnceLock::new(),
            connection: RwLock::default(),
            peers: RwLock::default(),
            lost: Notify::new(),
            unsaid: AtomicBool::new(false),
            peers_moved: Notify::new(),
            interest: Interest::default(),
        }
    }

    pub(super) fn node(&self) -> &str {
        &self.node
    }

    /// A key or channel of this family of processes. The braces keep all of a family in one place.
    pub(super) fn key(&self, name: &str) -> String {
        let epoch = self.family.get().map_or("", |family| &family.epoch);
        format!("parlour:{epoch}:{name}")
    }

    fn channel(&self, channel: Channel) -> String {
        match channel {
            Channel::All => self.key("all"),
            Channel::Room(room) => self.key(&format!("r:{room}")),
        }
    }

    pub(super) fn connection(&self) -> Option<MultiplexedConnection> {
        let connection = self.connection.read();
        connection.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_connection(&self, connection: Option<MultiplexedConnection>) {
        gauge!("parlour_bus_connected").set(if connection.is_some() { 1.0 } else { 0.0 });
        let held = self.connection.write();
        *held.unwrap_or_else(PoisonError::into_inner) = connection;
    }

    pub(super) fn peers(&self) -> Vec<String> {
        let peers = self.peers.read();
        peers.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_peers(&self, peers: Vec<String>) {
        gauge!("parlour_bus_nodes").set(u32::try_from(peers.len() + 1).map_or(0.0, f64::from));
        *self.peers.write().unwrap_or_else(PoisonError::into_inner) = peers;
    }

    /// Something that came was dropped.
    fn note_loss(&self) {
        self.lost.notify_one();
    }

    /// Something that was to be said was dropped.
    pub(super) fn note_unsaid(&self) {
        self.unsaid.store(true, Ordering::Relaxed);
        self.lost.notify_one();
    }
}

/// A connection and what comes by it.
pub(super) struct Line {
    connection: MultiplexedConnection,
    heard: mpsc::Receiver<PushInfo>,
}

/// Makes connections and uses them, one after the other.
pub(super) struct Link {
    client: redis::Client,
    local: Arc<LocalBus>,
    shared: Arc<Shared>,
}

impl Link {
    pub(super) fn new(
        client: redis::Client,
        family: Family,
        local: Arc<LocalBus>,
        shared: Arc<Shared>,
    ) -> Self {
        // Set once: a bus is started once.
        let _ = shared.family.set(family);
        Self {
            client,
            local,
            shared,
        }
    }

    /// Connects and looks around.
    pub(super) async fn connect(&self) -> Result<Line, RedisError> {
        let mut line = self
            .dial()
            .await
            .map_err(|error| RedisError::Refused(error.to_string()))?;
        let refused = |error: redis::RedisError| RedisError::Refused(error.to_string());
        let version = inspect::version(&mut line.connection)
            .await
            .map_err(refused)?;
        inspect::check_version(&version)?;
        if let Some(clock) = inspect::clock(&mut line.connection)
            .await
            .map_err(refused)?
        {
            tracing::warn!("{clock}");
        }
        let family = self.shared.family.get();
        let secret = family.map_or("", |family| &family.secret);
        let key = self.shared.key("secret");
        // Both at once would need Redis 7.
        let (held,): (Option<String>,) = redis::pipe()
            .cmd("SET")
            .arg(&key)
            .arg(secret)
            .arg("NX")
            .arg("EX")
            .arg(SECRET_SECONDS)
            .ignore()
            .get(&key)
            .query_async(&mut line.connection)
            .await
            .map_err(refused)?;
        if held.is_some_and(|held| held != secret) {
            return Err(RedisError::SecretKey);
        }
        Ok(line)
    }

    async fn dial(&self) -> RedisResult<Line> {
        let (sender, heard) = mpsc::channel(UNHEARD);
        let shared = Arc::clone(&self.shared);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_push_sender(move |push: PushInfo| {
                if sender.try_send(push).is_err() {
                    shared.note_loss();
                    counter!("parlour_bus_dropped_total").increment(1);
                }
                Ok::<(), redis::aio::SendError>(())
            });
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(Line { connection, heard })
    }

    /// Carries until stopped.
    pub(super) async fn run(
        self,
        first: Line,
        mut words: mpsc::Receiver<Word>,
        stop: CancellationToken,
    ) {
        let mut line = Some(first);
        let mut tries: u32 = 0;
        loop {
            if let Some(line) = line.take() {
                tries = 0;
                let ended = self.carry(line, &mut words, &stop).await;
                self.shared.set_connection(None);
                if stop.is_cancelled() {
                    return;
                }
                tracing::warn!(error = ?ended.err(), "Redis is away: other processes are heard through the database");
                self.local.publish(News::Away).await;
            }
            let pause = (PAUSES.0 * 2_u32.saturating_pow(tries.min(8))).min(PAUSES.1);
            let pause = spread(u64::from(tries), pause / 2, pause);
            tries += 1;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wait(pause, &mut words) => {}
            }
            let attempt = tokio::select! {
                () = stop.cancelled() => return,
                attempt = self.connect() => attempt,
            };
            match attempt {
                Ok(made) => {
                    tracing::info!("Redis is back");
                    line = Some(made);
                }
                Err(error) => tracing::debug!(%error, "Redis is still away"),
            }
        }
    }

    /// What would have been said meanwhile is lost, and found in the database.
    async fn wait(&self, pause: Duration, words: &mut mpsc::Receiver<Word>) {
        let end = Instant::now() + pause;
        while let Ok(Some(_)) = tokio::time::timeout_at(end, words.recv()).await {
            counter!("parlour_bus_dropped_total").increment(1);
        }
        // Without anybody left who speaks, this would not wait at all.
        tokio::time::sleep_until(end).await;
    }

    /// Uses a connection until it is lost or the bus stops.
    async fn carry(
        &self,
        line: Line,
        words: &mut mpsc::Receiver<Word>,
        stop: &CancellationToken,
    ) -> RedisResult<()> {
        let Line {
            mut connection,
            heard,
        } = line;
        self.subscribe(&mut connection, &[Channel::All]).await?;
        let mut all = self.shared.interest.all();
        let seats = std::mem::take(&mut all.seats);
        people::seat_anew(&mut connection, &self.shared, &seats).await?;
        self.tell(&mut connection, all).await?;
        self.shared.set_connection(Some(connection.clone()));
        // What was said before we were here, and what we could not say.
        self.shared.unsaid.store(false, Ordering::Relaxed);
        self.show_up(&mut connection).await?;
        self.local.publish(News::Gap).await;
        let hearing = hear(heard, Arc::clone(&self.local), Arc::clone(&self.shared));
        let ended = tokio::select! {
            () = hearing => Ok(()),
            ended = self.speak(&mut connection, words) => ended,
            () = stop.cancelled() => {
                // Others need not wait for our silence to be noticed.
                if let Ok(Err(error)) = timeout(PATIENCE, people::leave(&mut connection, &self.shared)).await {
                    tracing::debug!(%error, "no good bye to Redis");
                }
                Ok(())
            }
        };
        ended
    }

    /// Says what is to be said, and gives signs of life.
    async fn speak(
        &self,
        connection: &mut MultiplexedConnection,
        words: &mut mpsc::Receiver<Word>,
    ) -> RedisResult<()> {
        let mut beat = tokio::time::interval(people::BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut some = Vec::new();
        let mut next_gap = Instant::now();
        loop {
            let is_lost = async {
                tokio::time::sleep_until(next_gap).await;
                self.shared.lost.notified().await;
            };
            tokio::select! {
                biased;
                _ = beat.tick() => self.beat(connection).await?,
                () = self.shared.peers_moved.notified() => self.beat(connection).await?,
                () = is_lost => {
                    next_gap = Instant::now() + GAPS;
                    self.own_up(connection).await?;
                }
                () = self.shared.interest.moved() => self.settle(connection).await?,
                count = words.recv_many(&mut some, BATCH) => {
                    if count == 0 {
                        return Ok(());
                    }
                    self.utter(connection, some.drain(..)).await?;
                }
            }
        }
    }

    /// Lets hubs compare with the database, here, and everywhere if the others missed something.
    async fn own_up(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        if self.shared.unsaid.swap(false, Ordering::Relaxed) {
            self.show_up(connection).await?;
        }
        self.local.publish(News::Gap).await;
        Ok(())
    }

    /// Tells the others that this process is here, and that they may not have heard everything from it.
    async fn show_up(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let frame = wire::peer(self.shared.node());
        connection
            .publish(self.shared.channel(Channel::All), frame)
            .await?;
        Ok(())
    }

    async fn beat(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let (vanished, was_given_up) = people::beat(connection, &self.shared).await?;
        if was_given_up {
            self.show_up(connection).await?;
            // The others thought that this process was dead, or Redis was emptied.
            self.tell(connection, self.shared.interest.all()).await?;
        }
        if let Some(family) = self.shared.family.get() {
            let key = self.shared.key("secret");
            connection
                .set_ex(key, &family.secret, SECRET_SECONDS)
                .await?;
        }
        if !vanished.is_empty() {
            self.local.publish(News::Vanished(vanished)).await;
        }
        Ok(())
    }

    async fn utter(
        &self,
        connection: &mut MultiplexedConnection,
        some: impl Iterator<Item = Word>,
    ) -> RedisResult<()> {
        // Who is told that somebody left must not find them in the list any more.
        self.settle(connection).await?;
        let mut said = redis::pipe();
        for Word { channel, frame } in some {
            said.publish(self.shared.channel(channel), frame).ignore();
        }
        said.exec_async(connection).await
    }

    /// Tells Redis what moved.
    async fn settle(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        self.tell(connection, self.shared.interest.take()).await
    }

    async fn tell(&self, connection: &mut MultiplexedConnection, moved: Moved) -> RedisResult<()> {
        people::seat(connection, &self.shared, moved.seats).await?;
        self.follow(connection, moved.follow).await?;
        for some in moved.leave.chunks(CHANNELS) {
            let channels: Vec<_> = some
                .iter()
                .map(|room| self.shared.channel(Channel::Room(*room)))
                .collect();
            connection.unsubscribe(channels).await?;
        }
        let rooms = self.shared.interest.rooms();
        gauge!("parlour_bus_rooms").set(u32::try_from(rooms).map_or(0.0, f64::from));
        Ok(())
    }

    async fn follow(
        &self,
        connection: &mut MultiplexedConnection,
        rooms: Vec<RoomId>,
    ) -> RedisResult<()> {
        for some in rooms.chunks(CHANNELS) {
            let channels: Vec<_> = some.iter().map(|room| Channel::Room(*room)).collect();
            self.subscribe(connection, &channels).await?;
            self.local.publish(News::Followed(some.to_vec())).await;
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        connection: &mut MultiplexedConnection,
        channels: &[Channel],
    ) -> RedisResult<()> {
        let names: Vec<_> = channels
            .iter()
            .map(|channel| self.shared.channel(*channel))
            .collect();
        connection.subscribe(names).await
    }
}

/// Hands what comes to the hubs, until the connection is lost.
async fn hear(mut heard: mpsc::Receiver<PushInfo>, local: Arc<LocalBus>, shared: Arc<Shared>) {
    while let Some(push) = heard.recv().await {
        match push.kind {
            PushKind::Message => {}
            PushKind::Disconnection => return,
            _ => continue,
        }
        let Some(Value::BulkString(frame)) = push.data.last() else {
            continue;
        };
        counter!("parlour_bus_heard_total").increment(1);
        match wire::read(shared.node(), frame) {
            wire::Heard::News(news) => local.publish(news).await,
            wire::Heard::Moved(room) => local.publish(News::Followed(vec![room])).await,
            wire::Heard::Peer => {
                shared.peers_moved.notify_one();
                // What it said while it was cut off did not come here.
                shared.note_loss();
            }
            wire::Heard::Own | wire::Heard::Unknown => {}
        }
    }
}
