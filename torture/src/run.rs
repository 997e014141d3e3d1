//! The command line: which scenarios, on which engines, and how it went.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use clap::{Parser, ValueEnum};
use tokio::time::timeout;

use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::scenarios::{ALL, NOT_ABOUT_DATABASES, ON_TWO_NODES};

/// A scenario that takes longer hangs.
const SHORT_LIMIT: Duration = Duration::from_secs(300);
/// Lines of the server's log that are shown when a scenario fails.
const LOG_LINES: usize = 12;
/// The same for the long form.
const LONG_LIMIT: Duration = Duration::from_secs(3_600);

/// Tortures a server and checks that it loses nothing.
#[derive(Debug, Parser)]
#[command(name = "parlour-torture")]
pub struct Options {
    /// The server's binary
    #[arg(long, value_name = "PATH")]
    pub server: PathBuf,
    /// The database of the server
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub engine: Engines,
    /// So many servers share the chat, in the scenarios that can have two; others are left out. On
    /// PostgreSQL, with Redis between them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub nodes: u8,
    /// The long form: more rounds, more clients
    #[arg(long)]
    pub long: bool,
    /// Bounds of time are ten times as wide: for a debug build beside other work. Nothing else is
    #[arg(long, conflicts_with = "long")]
    pub lenient: bool,
    /// Where randomness begins; a new place each time when not given
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Rounds of the scenarios that have some
    #[arg(long, value_name = "N")]
    pub rounds: Option<u32>,
    /// Where the data lives while it runs; the system's temporary folder when not given
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Leave the data and the server's log where they are
    #[arg(long)]
    pub keep: bool,
    /// Print the table of scenarios and do nothing
    #[arg(long)]
    pub list: bool,
    /// Names such as D1; all when none is given
    #[arg(value_name = "SCENARIO")]
    pub scenarios: Vec<String>,
}

/// Which engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engines {
    /// SQLite alone.
    Sqlite,
    /// PostgreSQL alone.
    Postgres,
    /// One after the other.
    Both,
}

impl Engines {
    fn list(self) -> &'static [Engine] {
        match self {
            Self::Sqlite => &[Engine::Sqlite],
            Self::Postgres => &[Engine::Postgres],
            Self::Both => &[Engine::Sqlite, Engine::Postgres],
        }
    }
}

impl Options {
    /// How many nodes a scenario gets. The lenient form, which runs on both engines, has one on SQLite and
    /// two on PostgreSQL.
    fn nodes_of(&self, scenario: &Scenario, engine: Engine) -> usize {
        let both = self.lenient && self.engine == Engines::Both;
        let two = self.nodes == 2 || both;
        let can = engine == Engine::Postgres && ON_TWO_NODES.contains(&scenario.id);
        if two && can { 2 } else { 1 }
    }

    /// Whether this run leaves a scenario out on an engine.
    fn leaves_out(&self, scenario: &Scenario, engine: Engine) -> bool {
        let alone = self.nodes == 2 && self.nodes_of(scenario, engine) == 1;
        alone || !scenario.engines.contains(&engine) || self.runs_elsewhere(scenario, engine)
    }

    /// Whether once, on the other engine, is enough.
    fn runs_elsewhere(&self, scenario: &Scenario, engine: Engine) -> bool {
        self.lenient
            && self.engine == Engines::Both
            && engine == Engine::Postgres
            && NOT_ABOUT_DATABASES.contains(&scenario.id)
    }
}

#[derive(Default)]
struct Counts {
    passed: u32,
    failed: u32,
    skipped: u32,
}

/// Runs what was asked for; the last line says how it went.
pub async fn run(options: Options) -> ExitCode {
    tokio::select! {
        code = all(&options) => match code {
            Ok(counts) => {
                let Counts { passed, failed, skipped } = counts;
                println!("{passed} passed, {failed} failed, {skipped} skipped");
                if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => {
                eprintln!("parlour-torture: {error:#}");
                ExitCode::FAILURE
            }
        },
        // The scenario is dropped, and with it its server and database.
        () = told_to_stop() => {
            eprintln!("parlour-torture: interrupted");
            ExitCode::FAILURE
        }
    }
}

/// Ctrl-C, or SIGTERM as `cargo xtask` passes it on.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

async fn all(options: &Options) -> Result<Counts> {
    let wanted = wanted(&options.scenarios)?;
    if options.list {
        for scenario in wanted {
            println!("{:4} {}", scenario.id, scenario.what);
        }
        return Ok(Counts::default());
    }
    if options.nodes == 2 {
        ensure!(
            options.engine != Engines::Sqlite,
            "two nodes share PostgreSQL, not a file"
        );
        for scenario in wanted.iter().filter(|_| !options.scenarios.is_empty()) {
            let id = scenario.id;
            ensure!(ON_TWO_NODES.contains(&id), "{id} has no form on two nodes");
        }
    }
    let server = std::path::absolute(&options.server)?;
    ensure!(server.is_file(), "there is no {}", server.display());
    let seed = options.seed.unwrap_or_else(some_seed);
    println!("seed {seed}");
    let mut counts = Counts::default();
    for engine in options.engine.list() {
        for scenario in &wanted {
            if options.leaves_out(scenario, *engine) {
                continue;
            }
            let mut context = Context::new(server.clone(), *engine, seed);
            context.nodes = options.nodes_of(scenario, *engine);
            context.long = options.long;
            context.lenient = options.lenient;
            context.rounds = options.rounds;
            context.folder.clone_from(&options.dir);
            context.keep = options.keep;
            one(scenario, &context, &mut counts).await;
        }
    }
    Ok(counts)
}

async fn one(scenario: &Scenario, context: &Context, counts: &mut Counts) {
    let engine = context.engine.name();
    let nodes = if context.nodes > 1 { ", two nodes" } else { "" };
    println!("{} on {engine}{nodes}: {}", scenario.id, scenario.what);
    let begun = Instant::now();
    let limit = context.size(SHORT_LIMIT, LONG_LIMIT);
    let outcome = timeout(limit, (scenario.run)(context))
        .await
        .unwrap_or_else(|_| Err(anyhow!("not done after {limit:?}")));
    let seconds = begun.elapsed().as_secs_f64();
    let (word, text) = match outcome {
        Ok(Outcome::Passed(text)) => {
            counts.passed += 1;
            ("passed", text)
        }
        Ok(Outcome::Skipped(text)) => {
            counts.skipped += 1;
            ("skipped", text)
        }
        Err(error) => {
            counts.failed += 1;
            let log = context.log_tail(LOG_LINES);
            (
                "FAILED",
                format!("{error:#}\n  the server's log ends with\n{log}"),
            )
        }
    };
    println!("  {word} in {seconds:.1} s: {text}");
}

fn wanted(names: &[String]) -> Result<Vec<Scenario>> {
    if names.is_empty() {
        return Ok(ALL.to_vec());
    }
    let find = |name: &String| {
        let found = ALL.iter().find(|known| known.id.eq_ignore_ascii_case(name));
        found
            .copied()
            .ok_or_else(|| anyhow!("there is no scenario {name}; --list names all"))
    };
    names.iter().map(find).collect()
}

/// The hasher of the standard library has a random key.
fn some_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &str) -> Options {
        let fixed = ["parlour-torture", "--server", "x"];
        Options::parse_from(fixed.into_iter().chain(words.split_whitespace()))
    }

    fn named(id: &str) -> Scenario {
        wanted(&[id.to_owned()]).expect("known")[0]
    }

    #[test]
    fn two_nodes_are_for_those_that_can_have_them() {
        let (d1, d4, x7) = (named("D1"), named("D4"), named("X7"));
        let two = asked("--nodes 2");
        assert_eq!(two.nodes_of(&x7, Engine::Postgres), 2);
        assert!(two.leaves_out(&x7, Engine::Sqlite));
        assert!(two.leaves_out(&d1, Engine::Postgres));
        assert!(!two.leaves_out(&d4, Engine::Postgres));
        let usual = asked("");
        assert_eq!(usual.nodes_of(&x7, Engine::Postgres), 1);
        assert!(!usual.leaves_out(&d1, Engine::Postgres));
        // In the tests of the workspace each engine sees another number of nodes.
        let lenient = asked("--lenient");
        assert_eq!(lenient.nodes_of(&x7, Engine::Postgres), 2);
        assert_eq!(lenient.nodes_of(&x7, Engine::Sqlite), 1);
        assert!(Options::try_parse_from(["x", "--server", "x", "--nodes", "3"]).is_err());
    }

    #[test]
    fn scenarios_are_found_in_any_case_and_have_one_name_each() {
        assert_eq!(wanted(&["d1".to_owned()]).expect("known")[0].id, "D1");
        assert!(wanted(&["d99".to_owned()]).is_err());
        let mut ids: Vec<_> = ALL.iter().map(|scenario| scenario.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
    }
}
