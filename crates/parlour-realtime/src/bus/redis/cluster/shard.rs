//! One shard of a cluster: two connections to the server that owns its slots, one that brings what is
//! followed and one that says; made, used, lost and made again on their own.
//!
//! Two, because a server that gives a slot away tells of it (`sunsubscribe`) without having been asked,
//! which the library takes for the answer to whatever was asked last. On the connection that only
//! follows, answers say nothing that is needed: what is followed is known from what the server
//! confirmed, by name.

use super::wanted::Wanted;
use crate::bus::{
    Bus as _, LocalBus, News,
    redis::{
        Channel, PATIENCE, RedisError, Word,
        address::{Address, Seeds},
        inspect,
        link::{BATCH, CHANNELS, UNHEARD, deliver, lose_for, push_into},
        next_pause,
        shared::Shared,
    },
};
use metrics::counter;
use redis::{
    ErrorKind, PushInfo, PushKind, RedisResult, ServerErrorKind, Value, aio::MultiplexedConnection,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc},
    time::MissedTickBehavior,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How much may wait for a shard before it is dropped (and healed from the database).
const WAITING: usize = 8_192;
/// How often a quiet connection is tried.
const PING: Duration = Duration::from_secs(5);
/// What the shard did not confirm for so long is asked for again, and missed the second time.
const RETRY: Duration = Duration::from_millis(200);

/// What happened at a shard.
#[derive(Debug)]
pub(super) struct Event {
    /// Which shard.
    pub(super) id: u64,
    pub(super) what: Happened,
}

/// See [`Event`].
#[derive(Debug)]
pub(super) enum Happened {
    /// It carries; keys are kept by this connection.
    Up(MultiplexedConnection),
    /// It is away.
    Down(RedisError),
    /// It does not have a slot any more. These were to be said there.
    Astray(Vec<Word>),
    /// It carries, and does not (or now does) bring everything that is wanted.
    Lame(bool),
}

/// What is known of a shard, by who has it. Dropping it ends its task.
pub(super) struct Shard {
    pub(super) id: u64,
    pub(super) wanted: Arc<Wanted>,
    pub(super) words: mpsc::Sender<Word>,
    /// Its connection for words and keys, while it carries.
    pub(super) connection: Option<MultiplexedConnection>,
    pub(super) is_lame: bool,
    /// Rings when somebody else found that the connection carries no more.
    pub(super) doubt: Arc<Notify>,
    _stop: DropGuard,
}

impl Shard {
    /// Starts the task of a shard.
    pub(super) fn start(
        id: u64,
        address: Address,
        seeds: &Seeds,
        events: mpsc::Sender<Event>,
        (local, shared): (Arc<LocalBus>, Arc<Shared>),
    ) -> Self {
        let wanted = Arc::new(Wanted::default());
        let (words, waiting) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let doubt = Arc::new(Notify::new());
        let task = Task {
            id,
            address,
            seeds: seeds.clone(),
            wanted: Arc::clone(&wanted),
            events,
            local,
            shared,
            is_lame: AtomicBool::new(false),
            doubt: Arc::clone(&doubt),
        };
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = task.run(waiting) => {}
            }
        });
        Self {
            id,
            wanted,
            words,
            connection: None,
            is_lame: false,
            doubt,
            _stop: stop.drop_guard(),
        }
    }

    /// Whether it brings everything and takes everything.
    pub(super) const fn is_whole(&self) -> bool {
        self.connection.is_some() && !self.is_lame
    }
}

/// The connections of a shard, and what comes by the first one.
struct Lines {
    listening: MultiplexedConnection,
    heard: mpsc::Receiver<PushInfo>,
    speaking: MultiplexedConnection,
}

struct Task {
    id: u64,
    address: Address,
    seeds: Seeds,
    wanted: Arc<Wanted>,
    events: mpsc::Sender<Event>,
    local: Arc<LocalBus>,
    shared: Arc<Shared>,
    is_lame: AtomicBool,
    doubt: Arc<Notify>,
}

impl Task {
    async fn tell(&self, what: Happened) {
        // Nobody listens any more only when this task is about to end, too.
        let _ = self.events.send(Event { id: self.id, what }).await;
    }

    async fn run(self, mut words: mpsc::Receiver<Word>) {
        let mut tries = 0;
        loop {
            match self.dial().await {
                Ok(lines) => {
                    tries = 0;
                    let ended = self.carry(lines, &mut words).await;
                    let why = ended.err().map_or_else(
                        || RedisError::Refused("the connection ended".to_owned()),
                        inspect::refused,
                    );
                    self.tell(Happened::Down(why)).await;
                }
                Err(error) => self.tell(Happened::Down(error)).await,
            }
            if lose_for(next_pause(&mut tries), &mut words).await {
                self.shared.note_unsaid();
            }
        }
    }

    async fn dial(&self) -> Result<Lines, RedisError> {
        let client = self.seeds.client(&self.address)?;
        let (sender, heard) = mpsc::channel(UNHEARD);
        let hear = push_into(sender, Arc::clone(&self.shared));
        Ok(Lines {
            listening: inspect::dial(&client, Some(hear)).await?,
            heard,
            speaking: inspect::dial(&client, None).await?,
        })
    }

    /// Uses the connections until one of them is lost.
    async fn carry(&self, lines: Lines, words: &mut mpsc::Receiver<Word>) -> RedisResult<()> {
        self.wanted.begin();
        self.is_lame.store(false, Ordering::Relaxed);
        let speaking = lines.speaking.clone();
        tokio::select! {
            () = self.hear(lines.heard) => Ok(()),
            () = self.doubt.notified() => Ok(()),
            ended = self.follow(lines.listening, speaking) => ended,
            ended = self.speak(lines.speaking, words) => ended,
        }
    }

    /// Tells the shard what is wanted, as it moves; asks again for what it did not confirm.
    async fn follow(
        &self,
        mut listening: MultiplexedConnection,
        speaking: MultiplexedConnection,
    ) -> RedisResult<()> {
        let mut ping = interval(PING);
        let mut retry = interval(RETRY);
        self.settle(&mut listening).await?;
        self.tell(Happened::Up(speaking)).await;
        let mut was_unconfirmed = false;
        loop {
            tokio::select! {
                () = self.wanted.moved() => {}
                _ = ping.tick() => try_out(&mut listening).await?,
                _ = retry.tick() => {
                    let is_unconfirmed = self.wanted.is_unconfirmed();
                    self.set_lame(was_unconfirmed && is_unconfirmed).await;
                    if is_unconfirmed && was_unconfirmed {
                        self.wanted.ask_again();
                    }
                    was_unconfirmed = is_unconfirmed;
                }
            }
            self.settle(&mut listening).await?;
        }
    }

    async fn set_lame(&self, is: bool) {
        if self.is_lame.swap(is, Ordering::Relaxed) != is {
            self.tell(Happened::Lame(is)).await;
        }
    }

    async fn settle(&self, listening: &mut MultiplexedConnection) -> RedisResult<()> {
        let (follow, leave) = self.wanted.take();
        // A command names channels of one slot only.
        for (command, channels) in [("SUNSUBSCRIBE", leave), ("SSUBSCRIBE", follow)] {
            for some in channels.chunks(CHANNELS) {
                let mut pipe = redis::pipe();
                pipe.ignore_errors();
                for channel in some {
                    pipe.cmd(command).arg(self.shared.channel(*channel));
                }
                let answers: Vec<RedisResult<Value>> = pipe.query_async(listening).await?;
                if command == "SSUBSCRIBE" && answers.iter().any(is_astray) {
                    self.tell(Happened::Astray(Vec::new())).await;
                }
            }
        }
        Ok(())
    }

    /// Says what is to be said.
    async fn speak(
        &self,
        mut speaking: MultiplexedConnection,
        words: &mut mpsc::Receiver<Word>,
    ) -> RedisResult<()> {
        let mut ping = interval(PING);
        let mut some = Vec::new();
        loop {
            tokio::select! {
                _ = ping.tick() => try_out(&mut speaking).await?,
                count = words.recv_many(&mut some, BATCH) => {
                    if count == 0 {
                        return Ok(());
                    }
                    self.utter(&mut speaking, std::mem::take(&mut some)).await?;
                }
            }
        }
    }

    async fn utter(
        &self,
        speaking: &mut MultiplexedConnection,
        words: Vec<Word>,
    ) -> RedisResult<()> {
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        for word in &words {
            pipe.cmd("SPUBLISH")
                .arg(self.shared.channel(word.channel))
                .arg(&word.frame);
        }
        let said: RedisResult<Vec<RedisResult<Value>>> = pipe.query_async(speaking).await;
        let Ok(answers) = said else {
            // Perhaps they were said, perhaps not.
            self.drop_words(words.len());
            return said.map(|_| ());
        };
        let (mut astray, mut dropped) = (Vec::new(), 0);
        for (word, answer) in words.into_iter().zip(answers) {
            if answer.is_ok() {
                continue;
            }
            if is_astray(&answer) {
                astray.push(word);
            } else {
                tracing::debug!(?answer, "a shard does not say it");
                dropped += 1;
            }
        }
        if dropped > 0 {
            self.drop_words(dropped);
        }
        if !astray.is_empty() {
            self.tell(Happened::Astray(astray)).await;
        }
        Ok(())
    }

    fn drop_words(&self, count: usize) {
        counter!("parlour_bus_dropped_total").increment(u64::try_from(count).unwrap_or(u64::MAX));
        self.shared.note_unsaid();
    }

    /// Hands what comes to the hubs, until the connection is lost.
    async fn hear(&self, mut heard: mpsc::Receiver<PushInfo>) {
        let mut some = Vec::new();
        while heard.recv_many(&mut some, BATCH).await > 0 {
            let (mut followed, mut is_astray) = (Vec::new(), false);
            for push in some.drain(..) {
                match push.kind {
                    PushKind::SMessage => deliver(&push, &self.local, &self.shared).await,
                    PushKind::SSubscribe => {
                        let channel = self.channel(&push);
                        let wanted = channel.filter(|channel| self.wanted.confirm(*channel));
                        if let Some(Channel::Room(room)) = wanted {
                            followed.push(room);
                        }
                    }
                    // Asked for, or because the slot went elsewhere.
                    PushKind::SUnsubscribe => {
                        let lost = self
                            .channel(&push)
                            .is_some_and(|name| self.wanted.lose(name));
                        is_astray |= lost;
                    }
                    PushKind::Disconnection => return,
                    _ => {}
                }
            }
            if is_astray {
                self.tell(Happened::Astray(Vec::new())).await;
            }
            if !followed.is_empty() {
                // Also after a shard came back or a slot moved: what was said meanwhile is looked for.
                self.local.publish(News::Followed(followed)).await;
            }
        }
    }

    fn channel(&self, push: &PushInfo) -> Option<Channel> {
        let Some(Value::BulkString(name)) = push.data.first() else {
            return None;
        };
        self.shared.channel_of(name)
    }
}

fn interval(every: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Whether the server said that it does not have the slot.
fn is_astray(answer: &RedisResult<Value>) -> bool {
    let astray = [ServerErrorKind::Moved, ServerErrorKind::Ask].map(ErrorKind::Server);
    matches!(answer, Err(error) if astray.contains(&error.kind()))
}

/// Fails when the connection does not carry any more; what the server answers is all the same.
async fn try_out(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let ping = redis::cmd("PING");
    let answer: RedisResult<Value> =
        match tokio::time::timeout(PATIENCE, ping.query_async(connection)).await {
            Ok(answer) => answer,
            Err(_) => return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        };
    match answer {
        Err(error) if is_fatal(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Whether the connection is of no use any more.
pub(super) fn is_fatal(error: &redis::RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}
