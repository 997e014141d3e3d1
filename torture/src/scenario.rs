//! What a scenario is, and what it gets to work with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use futures_util::future::BoxFuture;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;
use xtask::engines::place::Place;
use xtask::engines::redis::Redis;

use crate::database::{Database, Postgres};
use crate::faults::proxy::Proxy;
use crate::http::Http;
use crate::net::{Host, Net};
use crate::server::{Server, Setup};

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A file in the data folder.
    Sqlite,
    /// A throwaway PostgreSQL.
    Postgres,
}

impl Engine {
    /// The name as users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// How much wider bounds of time are for a debug build beside other work.
const LENIENCE: u32 = 10;

/// Both engines, for scenarios that are about neither.
pub const BOTH: &[Engine] = &[Engine::Sqlite, Engine::Postgres];

/// How a scenario went, unless it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did; with figures.
    Passed(String),
    /// It could not be run here; with the reason.
    Skipped(String),
}

/// A torture with a name.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// The name in realtime.md.
    pub id: &'static str,
    /// What it does, in half a sentence.
    pub what: &'static str,
    /// The engines that it is about.
    pub engines: &'static [Engine],
    /// Runs it; an error is a failure.
    pub run: for<'a> fn(&'a Context) -> BoxFuture<'a, Result<Outcome>>,
}

/// What every scenario is told.
#[derive(Debug)]
pub struct Context {
    /// The binary of the server.
    pub server: PathBuf,
    /// The database of this run.
    pub engine: Engine,
    /// How many nodes share the chat, in scenarios that can have several; 1 or 2.
    pub nodes: usize,
    /// Whether to take the time for the long form.
    pub long: bool,
    /// Whether bounds of time say only that nothing hangs.
    pub lenient: bool,
    /// Where randomness begins.
    pub seed: u64,
    /// How many rounds, when somebody asked for a number.
    pub rounds: Option<u32>,
    /// Where the data lives while it runs; the system's temporary folder when not given.
    pub folder: Option<PathBuf>,
    /// Whether the data stays afterwards.
    pub keep: bool,
    /// The namespaces, when this process runs among their clients.
    pub net: Option<Net>,
    folders: Mutex<Vec<TempDir>>,
}

impl Context {
    /// A context for one scenario on one engine.
    #[must_use]
    pub fn new(server: PathBuf, engine: Engine, seed: u64) -> Self {
        Self {
            server,
            engine,
            nodes: 1,
            long: false,
            lenient: false,
            seed,
            rounds: None,
            folder: None,
            keep: false,
            net: None,
            folders: Mutex::default(),
        }
    }

    /// Rounds: as asked for, or by the form.
    #[must_use]
    pub fn rounds(&self, short: u32, long: u32) -> u32 {
        self.rounds.unwrap_or(self.size(short, long))
    }

    /// A size that depends on the form alone.
    #[must_use]
    pub fn size<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// A bound of the specification on a time, as it is judged in this run.
    #[must_use]
    pub fn bound(&self, time: Duration) -> Duration {
        if self.lenient { time * LENIENCE } else { time }
    }

    /// Randomness that depends on the seed alone.
    #[must_use]
    pub fn random(&self) -> StdRng {
        StdRng::seed_from_u64(self.seed)
    }

    /// An empty database and folder, and the setup of a server on them.
    ///
    /// # Errors
    /// When PostgreSQL does not start, or there is no room for a folder.
    pub async fn stage(&self) -> Result<Stage> {
        let parent = self.folder.clone().unwrap_or_else(std::env::temp_dir);
        let mut folder = tempfile::Builder::new()
            .prefix("parlour-torture-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
        folder.disable_cleanup(self.keep);
        let database = match self.engine {
            Engine::Sqlite => Database::Sqlite,
            Engine::Postgres => Database::Postgres({
                let place = self.place(Host::Database);
                Arc::new(Postgres::start(place).await?)
            }),
        };
        let setup = Setup {
            program: self.server.clone(),
            data_dir: folder.path().join("data"),
            database,
            place: Place::default(),
            env: Vec::new(),
            wrapper: Vec::new(),
        };
        if self.keep {
            println!("  kept: {}", folder.path().display());
        }
        let path = folder.path().to_path_buf();
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.push(folder);
        Ok(Stage {
            setup,
            folder: path,
            net: self.net.clone(),
        })
    }

    /// Where something runs: in its namespace, or on loopback where there are none.
    #[must_use]
    pub fn place(&self, host: Host) -> Place {
        let net = self.net.as_ref();
        net.map_or_else(Place::default, |net| net.place(host))
    }

    /// The namespaces, of a scenario that runs nowhere else.
    ///
    /// # Errors
    /// When this process is in none.
    pub fn net(&self) -> Result<&Net> {
        self.net.as_ref().context("this runs in namespaces alone")
    }

    /// A Redis that has an address.
    ///
    /// # Errors
    /// When it does not start.
    pub fn redis(&self) -> Result<Redis> {
        Redis::start_at(self.place(Host::Redis))
    }

    /// A proxy beside the clients, which everybody reaches.
    ///
    /// # Errors
    /// When it has no address to listen on.
    pub async fn proxy(&self, target: SocketAddr) -> Result<Proxy> {
        Proxy::start(self.place(Host::Clients).address, target).await
    }

    /// The last lines of what the servers of this scenario logged.
    #[must_use]
    pub fn log_tail(&self, most: usize) -> String {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Vec::new();
        for folder in folders.iter() {
            let log = std::fs::read_to_string(folder.path().join("server.log"));
            lines.extend(log.unwrap_or_default().lines().map(str::to_owned));
        }
        lines[lines.len().saturating_sub(most)..].join("\n")
    }
}

/// A place for one server's data; the folder goes with the context.
#[derive(Debug)]
pub struct Stage {
    /// What a server is started with; may be changed before.
    pub setup: Setup,
    /// The folder of everything.
    pub folder: PathBuf,
    /// The namespaces, if there are some.
    pub net: Option<Net>,
}

impl Stage {
    /// Starts the server.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start(&self) -> Result<(Server, Http)> {
        let server = Server::start(&self.setup).await?;
        let http = Http::new(server.addr());
        Ok((server, http))
    }
}
