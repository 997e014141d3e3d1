//! The connection to Redis: made, used, lost and made again.

use super::{
    Channel, PATIENCE, RedisError, Word, inspect,
    interest::Moved,
    next_pause, people,
    shared::{Shared, show_connected},
    wire,
};
use crate::bus::{Bus as _, LocalBus, News};
use metrics::{counter, gauge};
use parlour_core::RoomId;
use redis::{
    AsyncTypedCommands as _, PushInfo, PushKind, RedisResult, Value, aio::MultiplexedConnection,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

/// How many words are said at once.
pub(super) const BATCH: usize = 512;
/// How many channels are named at once.
pub(super) const CHANNELS: usize = 500;
/// Hubs are told to compare at most this often.
pub(super) const GAPS: Duration = Duration::from_secs(1);
/// How much from Redis may wait for the hub before it is dropped (and healed from the database).
pub(super) const UNHEARD: usize = 16_384;

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
    pub(super) const fn new(
        client: redis::Client,
        local: Arc<LocalBus>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            client,
            local,
            shared,
        }
    }

    /// Connects and looks around.
    pub(super) async fn connect(&self) -> Result<Line, RedisError> {
        let (sender, heard) = mpsc::channel(UNHEARD);
        let hear = push_into(sender, Arc::clone(&self.shared));
        let mut connection = inspect::dial(&self.client, Some(hear)).await?;
        let found = inspect::look(&mut connection, false).await?;
        if let Some(clock) = found.clock {
            tracing::warn!("{clock}");
        }
        people::compare_secrets(&mut connection, &self.shared).await?;
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
                show_connected(false);
                if stop.is_cancelled() {
                    return;
                }
                tracing::warn!(error = ?ended.err(), "Redis is away: other processes are heard through the database");
                self.local.publish(News::Away).await;
            }
            let pause = next_pause(&mut tries);
            tokio::select! {
                () = stop.cancelled() => return,
                _ = lose_for(pause, &mut words) => {}
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
        show_connected(true);
        // What was said before we were here, and what we could not say.
        self.shared.take_unsaid();
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
        if self.shared.take_unsaid() {
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
        for Word { channel, frame, .. } in some {
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
            PushKind::Message => deliver(&push, &local, &shared).await,
            PushKind::Disconnection => return,
            _ => {}
        }
    }
}

/// What comes by a connection waits here; when too much does, it is dropped and hubs are told.
pub(super) fn push_into(sender: mpsc::Sender<PushInfo>, shared: Arc<Shared>) -> inspect::Heard {
    Box::new(move |push| {
        if sender.try_send(push).is_err() {
            shared.note_loss();
            counter!("parlour_bus_dropped_total").increment(1);
        }
    })
}

/// Hands a frame to the hubs.
pub(super) async fn deliver(push: &PushInfo, local: &LocalBus, shared: &Shared) {
    let Some(Value::BulkString(frame)) = push.data.last() else {
        return;
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

/// What would have been said meanwhile is lost, and found in the database. Answers whether anything was.
pub(super) async fn lose_for(pause: Duration, words: &mut mpsc::Receiver<Word>) -> bool {
    let end = Instant::now() + pause;
    let mut is_lost = false;
    while let Ok(Some(_)) = tokio::time::timeout_at(end, words.recv()).await {
        counter!("parlour_bus_dropped_total").increment(1);
        is_lost = true;
    }
    // Without anybody left who speaks, this would not wait at all.
    tokio::time::sleep_until(end).await;
    is_lost
}
