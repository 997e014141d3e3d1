//! O7: many bad logins at once cost only what the pool for passwords allows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::http::Http;
use crate::meter;
use crate::pace::{Flow, Pace};
use crate::people::{people, room};
use crate::scenario::{BOTH, Context, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "O7",
    what: "200 bad logins in parallel beside a room with traffic",
    engines: BOTH,
    run: boxed,
};

const GUESSERS: usize = 200;
const RATE: u32 = 100;
/// Passwords hashed at once (the harness starts the server with 2), 19 MiB each.
const POOL: u64 = 2;
const HASH: u64 = 19 << 20;
/// Memory besides: 200 connections, and what the allocator keeps.
const MEMORY: u64 = 48 << 20;
/// Threads besides those of the pool.
const THREADS: u64 = 6;
/// Whoever waits longer hangs.
const HANGS: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let time = Duration::from_secs(context.size(2, 8));
    let stage = context.stage().await?;
    let (server, http) = stage.start().await?;
    let all = people(&http, 14).await?;
    let flow = Flow {
        room: room(&http, &all[0], "calm", &all).await?,
        rate: RATE,
        size: 64,
    };
    let pace = Pace::start(http.addr(), flow, &all[..4], &all[4..]).await?;
    let pid = server.pid();
    pace.watch(time).await?;
    let (memory, threads) = (meter::memory(pid)?, meter::threads(pid)?);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let (mut memory_peak, mut threads_peak) = (memory, threads);
    let mut answers = Answers::default();
    for _ in 0..context.rounds(3, 5) {
        without.push(pace.watch(time).await?.p99);
        let guesses = Guesses::start(http);
        pace.forget();
        let begun = Instant::now();
        while begun.elapsed() < time {
            memory_peak = memory_peak.max(meter::memory(pid)?);
            threads_peak = threads_peak.max(meter::threads(pid)?);
            sleep(Duration::from_millis(50)).await;
        }
        with.push(pace.seen()?.p99);
        answers.add(&guesses.stop().await?);
        // What still waits in the pool is not to be found in the next quiet time.
        sleep(time / 2).await;
    }
    server.stop().await?;
    let (without, with) = (median(without), median(with));
    let memory = memory_peak.saturating_sub(memory);
    let threads = threads_peak.saturating_sub(threads);
    let report = format!(
        "p99 {without:.1?} without, {with:.1?} with; memory +{} KiB, threads +{threads}; {} logins \
         answered 400, {} turned away, slowest {:.1?}",
        memory >> 10,
        answers.wrong,
        answers.busy,
        answers.slowest
    );
    ensure!(memory <= POOL * HASH + MEMORY, "too much memory: {report}");
    ensure!(threads <= POOL + THREADS, "too many threads: {report}");
    ensure!(answers.wrong > 0, "no login was looked at: {report}");
    // A short run on a busy machine says nothing about latency.
    let bound = without.mul_f64(1.2) + Duration::from_millis(1);
    ensure!(
        !context.long || with <= bound,
        "messages are slower: {report}"
    );
    Ok(Outcome::Passed(report))
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// How logins were answered.
#[derive(Default)]
struct Answers {
    /// The password was looked at and is wrong.
    wrong: u64,
    /// Too much to do: come back later.
    busy: u64,
    slowest: Duration,
}

impl Answers {
    fn add(&mut self, other: &Self) {
        self.wrong += other.wrong;
        self.busy += other.busy;
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// People who guess passwords, each without a pause.
struct Guesses {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Result<Answers>>,
}

impl Guesses {
    fn start(http: Http) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for number in 0..GUESSERS {
            tasks.spawn(guess(http.within(HANGS), number, Arc::clone(&stop)));
        }
        Self { stop, tasks }
    }

    async fn stop(mut self) -> Result<Answers> {
        self.stop.store(true, Ordering::Release);
        let mut all = Answers::default();
        while let Some(answers) = self.tasks.join_next().await {
            all.add(&answers??);
        }
        Ok(all)
    }
}

async fn guess(http: Http, number: usize, stop: Arc<AtomicBool>) -> Result<Answers> {
    let mut answers = Answers::default();
    while !stop.load(Ordering::Acquire) {
        // Half of the names exist.
        let form = json!({"username": format!("p{}", number % 28), "password": "not-this-one"});
        let begun = Instant::now();
        let path = "/api/v1/auth/login/";
        let answer = http
            .call("POST", path, None, Some(form))
            .await
            .context("a login hangs")?;
        answers.slowest = answers.slowest.max(begun.elapsed());
        match answer.status {
            400 => answers.wrong += 1,
            429 | 503 => {
                ensure!(
                    answer.header("retry-after").is_some(),
                    "turned away without a hint: {answer:?}"
                );
                answers.busy += 1;
                sleep(Duration::from_millis(100)).await;
            }
            _ => anyhow::bail!("a strange answer to a login: {answer:?}"),
        }
    }
    Ok(answers)
}
