//! The closed loop: every connection sends its next request when it has the answer to the last.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::cpu;
use crate::histogram::Histogram;
use crate::http::Connection;
use crate::random::Random;
use crate::scenario::{Fixture, Scenario};

/// How hard and how long.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// The server.
    pub(crate) addr: SocketAddr,
    /// A second node of the same chat: every other connection goes there.
    pub(crate) far: Option<SocketAddr>,
    /// Keep-alive connections.
    pub(crate) connections: usize,
    /// Time before the measurement.
    pub(crate) warm_up: Duration,
    /// Time of the measurement.
    pub(crate) length: Duration,
    /// An end by count, when it comes first.
    pub(crate) requests: Option<u64>,
    /// Whose processor time to report.
    pub(crate) server_pid: Option<u32>,
}

/// What was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) scenario: Scenario,
    pub(crate) connections: usize,
    /// Good answers to requests that were sent within the measured time.
    pub(crate) requests: u64,
    /// Answers other than 2xx, wrong bodies, broken connections; also those of the warm-up.
    pub(crate) errors: u64,
    /// Honest refusals (429, 503) where these are allowed.
    pub(crate) refused: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) max_us: f64,
    /// User and system time of the server per good answer.
    pub(crate) cpu_us_per_request: Option<f64>,
}

#[derive(Default)]
struct Seen {
    histogram: Histogram,
    errors: u64,
    refused: u64,
    first_error: Option<String>,
}

impl Seen {
    fn error(&mut self, text: String) {
        self.errors += 1;
        self.first_error.get_or_insert(text);
    }
}

/// A pause after an error, so that a server that is down is not asked a million times.
const AFTER_ERROR: Duration = Duration::from_millis(20);

/// What the connections of one load share.
struct Shared {
    load: Load,
    scenario: Scenario,
    fixture: Fixture,
    /// The measured time begins here.
    start: Instant,
    taken: AtomicU64,
    seen: Mutex<Seen>,
}

impl Load {
    /// Runs one kind of request.
    pub(crate) async fn run(&self, scenario: Scenario, fixture: &Fixture) -> Result<Measured> {
        let shared = Arc::new(Shared {
            load: *self,
            scenario,
            fixture: fixture.clone(),
            start: Instant::now() + self.warm_up,
            taken: AtomicU64::new(0),
            seen: Mutex::new(Seen::default()),
        });
        let mut workers = JoinSet::new();
        for number in 0..self.connections {
            workers.spawn(work(Arc::clone(&shared), number));
        }
        sleep_until(shared.start).await;
        let cpu_before = self.server_pid.map(cpu::used_by).transpose()?;
        while let Some(ended) = workers.join_next().await {
            ended.context("a connection's task died")??;
        }
        let seconds = shared.start.elapsed().as_secs_f64();
        let cpu_after = self.server_pid.map(cpu::used_by).transpose()?;
        let seen = std::mem::take(&mut *lock(&shared.seen));
        let requests = seen.histogram.count();
        let cpu = cpu_before.zip(cpu_after).filter(|_| requests > 0);
        Ok(Measured {
            scenario,
            connections: self.connections,
            requests,
            errors: seen.errors,
            refused: seen.refused,
            first_error: seen.first_error,
            seconds,
            per_second: requests as f64 / seconds,
            p50_us: seen.histogram.quantile_us(0.5),
            p99_us: seen.histogram.quantile_us(0.99),
            p999_us: seen.histogram.quantile_us(0.999),
            max_us: seen.histogram.largest_us(),
            cpu_us_per_request: cpu.map(|(before, after)| {
                after.saturating_sub(before).as_secs_f64() * 1e6 / requests as f64
            }),
        })
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn work(shared: Arc<Shared>, number: usize) -> Result<()> {
    let Load { addr, far, .. } = shared.load;
    let far = far.filter(|_| number % 2 == 1);
    let mut connection = Connection::new(far.unwrap_or(addr));
    let mut random = Random::new(number as u64 + 1);
    let mut request = Vec::new();
    let mut checked = false;
    let end = shared.start + shared.load.length;
    loop {
        let sent = Instant::now();
        let measured = sent >= shared.start;
        if sent >= end || (measured && !shared.take()) {
            return Ok(());
        }
        shared
            .scenario
            .write(&shared.fixture, number, &mut random, &mut request)?;
        let sent = Instant::now();
        let answer = connection.send(&request).await;
        let took = sent.elapsed();
        let verdict = shared.judge(answer, &connection, &mut checked);
        let pause = !matches!(verdict, Verdict::Good);
        {
            let mut seen = lock(&shared.seen);
            match verdict {
                Verdict::Good if measured => seen.histogram.record(took),
                Verdict::Refused if measured => seen.refused += 1,
                Verdict::Good | Verdict::Refused => {}
                Verdict::Bad(text) => seen.error(text),
            }
        }
        if pause {
            tokio::time::sleep(AFTER_ERROR).await;
        }
    }
}

enum Verdict {
    Good,
    Refused,
    Bad(String),
}

impl Shared {
    /// Takes one of the requests that may be measured.
    fn take(&self) -> bool {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        self.load.requests.is_none_or(|limit| taken < limit)
    }

    /// Every status is looked at; a body only once per connection, because parsing costs the server
    /// its processor.
    fn judge(&self, answer: Result<u16>, connection: &Connection, checked: &mut bool) -> Verdict {
        let status = match answer {
            Ok(status) => status,
            Err(error) => return Verdict::Bad(format!("{error:#}")),
        };
        if matches!(status, 429 | 503) && self.scenario.may_be_refused() {
            return Verdict::Refused;
        }
        if !(200..300).contains(&status) {
            let body = String::from_utf8_lossy(connection.body());
            let body: String = body.chars().take(200).collect();
            return Verdict::Bad(format!("status {status}: {body}"));
        }
        if !*checked {
            if let Err(error) = self.scenario.check(connection.body()) {
                return Verdict::Bad(format!("{error:#}"));
            }
            *checked = true;
        }
        Verdict::Good
    }
}

#[cfg(test)]
mod tests;
