//! The group commit: waiting messages, one multi-row insert, one durable commit, all answers.
//!
//! Each lane has a bounded queue and one writer: on PostgreSQL a task, on SQLite a thread that owns its
//! connection and runs a whole batch without leaving it. The writer takes whatever waits and never waits
//! for a timer: under load the batches grow by themselves, because messages arrive while the last
//! batch is being made durable.

mod batch;
mod guess;
mod postgres;
mod sqlite;

use crate::{
    announcer::{Answer, News},
    engine::sqlite::Own,
    fault::Fault,
    options::PATIENCE,
    store::Inner,
};
use guess::Guesses;
use metrics::{Gauge, counter, gauge, histogram};
use parlour_core::{
    Error, Event,
    error::BUSY,
    ports::{Append, NewMessage, Pending},
};
use std::{sync::Arc, thread, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::{Instant, timeout, timeout_at},
};

/// How often a batch that lost a race is tried as a whole.
const TRIES: u32 = 3;

/// After so many turns in which nobody came, a batch goes.
const QUIET: u32 = 3;

/// When a caller who met a full queue should come back.
const COME_BACK: Duration = Duration::from_millis(500);

/// A message that waits, and who waits for it.
struct Job {
    message: NewMessage,
    caller: oneshot::Sender<Result<Append, Error>>,
}

/// The feeding end of a lane's queue.
pub(crate) struct Queue(mpsc::Sender<Job>);

impl Queue {
    pub(crate) fn push(&self, message: NewMessage) -> Result<Pending, Error> {
        let (caller, pending) = Pending::new();
        match self.0.try_send(Job { message, caller }) {
            Ok(()) => Ok(pending),
            Err(TrySendError::Full(_)) => {
                counter!("parlour_append_busy_total").increment(1);
                Err(Error::from(BUSY).retry_after(COME_BACK))
            }
            Err(TrySendError::Closed(_)) => Err(Error::unavailable("the store is closed")),
        }
    }
}

/// A lane's queue; starts what empties it, which ends when the store is closed or dropped.
///
/// # Errors
/// SQLite's file cannot be opened once more, or the system gives no thread.
pub(crate) fn lane(inner: &Arc<Inner>, number: usize) -> Result<Queue, Error> {
    let (sender, queue) = mpsc::channel(inner.options.append_queue.max(1));
    let waiting = Waiting {
        queue,
        jobs: Vec::new(),
        most: inner.options.append_batch.max(1),
    };
    let writer = Writer {
        depth: gauge!("parlour_append_queue", "lane" => number.to_string()),
        own: inner.engine.own()?,
        inner: Arc::clone(inner),
        number,
        last: 0,
        guesses: Guesses::default(),
    };
    if writer.own.is_none() {
        inner.spawn(writer.run(waiting));
        return Ok(Queue(sender));
    }
    let (runtime, token) = (Handle::current(), inner.token());
    let run = move || {
        runtime.block_on(writer.run(waiting));
        drop(token);
    };
    let thread = thread::Builder::new().name("parlour-commit".to_owned());
    thread.spawn(run).map_err(Error::internal)?;
    Ok(Queue(sender))
}

struct Writer {
    inner: Arc<Inner>,
    /// On SQLite the writer has a thread and a connection of its own, and blocks it.
    own: Option<Own>,
    number: usize,
    depth: Gauge,
    /// How many messages the last batch had.
    last: usize,
    /// On PostgreSQL, what needs no question.
    guesses: Guesses,
}

/// What is not committed yet.
struct Waiting {
    queue: mpsc::Receiver<Job>,
    /// The next batch, and how long it may become.
    jobs: Vec<Job>,
    most: usize,
}

impl Waiting {
    /// Fills the batch with what callers who are ready to run have to say. Callers who were answered
    /// together come back together; a commit for the first of them alone would make the others wait
    /// for one more. No clock is asked: as soon as nobody comes, the batch goes.
    async fn gather(&mut self) {
        let mut quiet = 0;
        while quiet < QUIET && self.jobs.len() < self.most {
            tokio::task::yield_now().await;
            let before = self.jobs.len();
            while self.jobs.len() < self.most
                && let Ok(job) = self.queue.try_recv()
            {
                self.jobs.push(job);
            }
            quiet = if self.jobs.len() == before {
                quiet + 1
            } else {
                0
            };
        }
    }

    /// Tells everybody who waits, also those not yet taken, that the database is away: nobody waits
    /// in a queue for one timeout after another.
    fn refuse(&mut self, callers: Vec<Caller>, outcome: Vec<Result<Append, Error>>) {
        let answers: Vec<Answer> = callers.into_iter().zip(outcome).collect();
        for (caller, answer) in answers {
            let _ = caller.send(answer);
        }
        while let Ok(job) = self.queue.try_recv() {
            let _ = job
                .caller
                .send(Err(Error::unavailable("the database does not answer")));
        }
    }
}

impl Writer {
    async fn run(mut self, mut waiting: Waiting) {
        let stop = self.inner.stop().clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !waiting.queue.is_closed() => waiting.queue.close(),
                count = waiting.queue.recv_many(&mut waiting.jobs, waiting.most) => {
                    if count == 0 {
                        break;
                    }
                    let Some(gathered) = self.gather(waiting).await else {
                        return;
                    };
                    waiting = gathered;
                    let depth = u32::try_from(waiting.queue.len()).unwrap_or(u32::MAX);
                    self.depth.set(depth);
                    self.last = waiting.jobs.len();
                    self.store(&mut waiting).await;
                }
            }
        }
        // Everything that was committed is announced before the store closes.
        let announced = self.inner.lanes[self.number]
            .announcer
            .tell_events(Vec::new())
            .await;
        let _ = announced.await;
    }

    /// Callers run on the runtime's threads, so that is where it shows whether more of them come. Who
    /// has a thread asks only when fewer came than last time: alone, a message goes at once. `None`: the
    /// runtime ended.
    async fn gather(&mut self, mut waiting: Waiting) -> Option<Waiting> {
        if self.own.is_none() {
            waiting.gather().await;
            return Some(waiting);
        }
        if waiting.jobs.len() >= self.last {
            return Some(waiting);
        }
        let gathering = tokio::spawn(async move {
            waiting.gather().await;
            waiting
        });
        gathering.await.ok()
    }

    async fn store(&mut self, waiting: &mut Waiting) {
        let inner = Arc::clone(&self.inner);
        let lane = &inner.lanes[self.number];
        let (messages, callers): (Vec<_>, Vec<_>) = waiting
            .jobs
            .drain(..)
            .map(|job| (job.message, job.caller))
            .unzip();
        let deadline = Instant::now() + PATIENCE;
        let Ok(gate) = timeout_at(deadline, lane.gate.lock()).await else {
            let faults = (0..callers.len()).map(|_| Err(Error::unavailable("no turn in time")));
            waiting.refuse(callers, faults.collect());
            return;
        };
        let begun = Instant::now();
        match self.commit(&messages, deadline).await {
            Ok(stored) => {
                self.guesses.note(&stored, std::time::Instant::now());
                histogram!("parlour_commit_seconds").record(begun.elapsed().as_secs_f64());
                let outcome = stored.into_iter().map(Ok).collect();
                self.publish(callers, outcome).await;
            }
            Err(Fault::Lost(error) | Fault::Down(error)) => {
                inner.engine.doubt();
                tracing::warn!(%error, "messages could not be stored");
                let outcome = callers
                    .iter()
                    .map(|_| Err(Error::unavailable(error.to_string())));
                let outcome = outcome.collect();
                waiting.refuse(callers, outcome);
            }
            Err(Fault::Again(error)) => {
                tracing::debug!(%error, "storing one by one");
                let outcome = self.one_by_one(&messages).await;
                self.publish(callers, outcome).await;
            }
            Err(Fault::Final(error)) if messages.len() > 1 => {
                tracing::debug!(?error, "storing one by one");
                let outcome = self.one_by_one(&messages).await;
                self.publish(callers, outcome).await;
            }
            Err(Fault::Final(error)) => {
                self.publish(callers, vec![Err(error)]).await;
            }
        }
        drop(gate);
    }

    /// One batch, a few times if another process was faster, within the callers' patience.
    async fn commit(
        &mut self,
        messages: &[NewMessage],
        deadline: Instant,
    ) -> Result<Vec<Append>, Fault> {
        if self.own.is_some() {
            return self.tries(messages, deadline).await;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match timeout(left, self.tries(messages, deadline)).await {
            Ok(result) => result,
            Err(_) => {
                self.inner.engine.doubt();
                self.distrust(messages);
                Err(Fault::Down("the database does not answer in time".into()))
            }
        }
    }

    async fn tries(
        &mut self,
        messages: &[NewMessage],
        deadline: Instant,
    ) -> Result<Vec<Append>, Fault> {
        let mut races = 0;
        loop {
            match self.once(messages).await {
                Err(Fault::Again(_)) if races < TRIES => races += 1,
                Err(Fault::Lost(error)) if Instant::now() < deadline => {
                    self.inner.engine.doubt();
                    tracing::debug!(%error, "storing again");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                other => return other,
            }
        }
    }

    async fn once(&mut self, messages: &[NewMessage]) -> Result<Vec<Append>, Fault> {
        if let Some(own) = &mut self.own {
            let done = own.transact(|conn| sqlite::store(conn, messages));
            return done.map_err(|failed| {
                if failed.is_doubtful {
                    self.distrust(messages);
                }
                failed.fault
            });
        }
        if let Some(answers) = self.at_once(messages).await? {
            return Ok(answers);
        }
        let mut conn = self.inner.engine.begin().await?;
        let answers = postgres::store(&mut conn, messages).await?;
        if answers
            .iter()
            .any(|answer| matches!(answer, Append::Stored(_)))
        {
            if let Err(fault) = conn.commit().await {
                // Nobody knows whether it was committed; the nonces will tell the callers.
                self.distrust(messages);
                return Err(match fault {
                    Fault::Lost(error) => Fault::Down(error),
                    other => other,
                });
            }
        } else {
            conn.rollback().await?;
        }
        Ok(answers)
    }

    /// A batch that needs no question. `None`: nothing was written, and it has to be read first.
    async fn at_once(&mut self, messages: &[NewMessage]) -> Result<Option<Vec<Append>>, Fault> {
        let Some(guess) = self.guesses.of(messages, std::time::Instant::now()) else {
            return Ok(None);
        };
        let mut conn = self.inner.engine.read().await?;
        let stored = postgres::store_at_once(&mut conn, guess, messages).await;
        if !matches!(stored, Ok(Some(_))) {
            self.guesses.forget(guess.room);
        }
        match stored {
            Ok(answers) => Ok(answers),
            Err(Fault::Again(_)) => Ok(None),
            // Nobody knows whether it was committed; the nonces will tell the callers.
            Err(Fault::Lost(error)) => {
                self.distrust(messages);
                Err(Fault::Down(error))
            }
            Err(other) => Err(other),
        }
    }

    async fn one_by_one(&mut self, messages: &[NewMessage]) -> Vec<Result<Append, Error>> {
        let mut outcome = Vec::with_capacity(messages.len());
        for message in messages {
            let deadline = Instant::now() + PATIENCE;
            let one = self.commit(std::slice::from_ref(message), deadline).await;
            outcome.push(match one {
                Ok(mut stored) => stored
                    .pop()
                    .ok_or_else(|| Error::internal("a message without an answer")),
                Err(fault) => Err(fault.into_error()),
            });
        }
        outcome
    }

    fn distrust(&self, messages: &[NewMessage]) {
        for message in messages {
            self.inner.hot.distrust(message.room);
        }
    }

    /// Remembers what was stored, announces it, and answers.
    async fn publish(&mut self, callers: Vec<Caller>, outcome: Vec<Result<Append, Error>>) {
        let events: Vec<Arc<Event>> = outcome
            .iter()
            .filter_map(|answer| match answer {
                Ok(Append::Stored(message)) => Some(Arc::new(batch::created(message))),
                _ => None,
            })
            .collect();
        count_duplicates(&outcome);
        self.inner.hot.apply(&events);
        if !events.is_empty() {
            let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
            histogram!("parlour_commit_batch_messages").record(f64::from(count));
            counter!("parlour_messages_stored_total").increment(u64::from(count));
        }
        let answers = callers.into_iter().zip(outcome).collect();
        let news = News {
            events,
            answers,
            told: None,
        };
        self.inner.lanes[self.number].announcer.tell(news).await;
    }
}

fn count_duplicates(outcome: &[Result<Append, Error>]) {
    for answer in outcome {
        let outcome = match answer {
            Ok(Append::Repeated(_)) => "repeated",
            Ok(Append::NonceReused) => "conflict",
            _ => continue,
        };
        counter!("parlour_duplicates_total", "outcome" => outcome).increment(1);
    }
}

/// Who waits for a message.
type Caller = oneshot::Sender<Result<Append, Error>>;
