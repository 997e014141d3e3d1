//! The command line: which scenarios, on which engines, and how it went.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use clap::{Parser, ValueEnum};
use tokio::time::timeout;

use crate::net::inside::{self, Ended};
use crate::net::{Net, made};
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::scenarios::{
    ABOUT_NETWORKS, ALL, NOT_ABOUT_DATABASES, ON_TWO_NODES, TOO_LONG_FOR_TESTS,
};

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
    /// Two nodes, PostgreSQL and Redis share loopback, also where each can have a network of its own
    #[arg(long)]
    pub loopback: bool,
    /// This process is among the clients of these namespaces: how the program calls itself
    #[arg(long, hide = true, value_name = "NAME")]
    pub inside: Option<String>,
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

    /// Where a scenario runs.
    fn ground_of(&self, scenario: &Scenario, engine: Engine) -> Ground {
        let needed = ABOUT_NETWORKS.contains(&scenario.id);
        let two = self.nodes == 2 && self.nodes_of(scenario, engine) == 2;
        if self.inside.is_some() || !needed && (self.loopback || !two) {
            return Ground::Here;
        }
        match made::missing() {
            None => Ground::Namespaces,
            Some(why) if needed => Ground::Nowhere(why),
            Some(_) => Ground::Here,
        }
    }

    /// What this program is told when it runs a scenario inside of namespaces.
    fn words(&self, scenario: &Scenario, engine: Engine, seed: u64) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["--server".into(), self.server.clone().into()];
        words.extend(["--engine", engine.name(), "--seed"].map(Into::into));
        words.extend([seed.to_string().into(), scenario.id.into()]);
        words.extend(["--nodes".into(), self.nodes.to_string().into()]);
        for (set, flag) in [
            (self.long, "--long"),
            (self.lenient, "--lenient"),
            (self.keep, "--keep"),
        ] {
            words.extend(set.then(|| flag.into()));
        }
        if let Some(rounds) = self.rounds {
            words.extend(["--rounds".into(), rounds.to_string().into()]);
        }
        if let Some(dir) = &self.dir {
            words.extend(["--dir".into(), dir.into()]);
        }
        words
    }

    /// Whether this run leaves a scenario out on an engine.
    fn leaves_out(&self, scenario: &Scenario, engine: Engine) -> bool {
        let alone = self.nodes == 2 && self.nodes_of(scenario, engine) == 1;
        let both = self.lenient && self.engine == Engines::Both;
        let too_long = both && TOO_LONG_FOR_TESTS.contains(&scenario.id);
        alone
            || too_long
            || !scenario.engines.contains(&engine)
            || self.runs_elsewhere(scenario, engine)
    }

    /// Whether once, on the other engine, is enough.
    fn runs_elsewhere(&self, scenario: &Scenario, engine: Engine) -> bool {
        self.lenient
            && self.engine == Engines::Both
            && engine == Engine::Postgres
            && NOT_ABOUT_DATABASES.contains(&scenario.id)
    }
}

/// Where a scenario runs.
#[derive(Debug, PartialEq, Eq)]
enum Ground {
    /// In this process, on loopback or in the namespaces that it is in.
    Here,
    /// In a process of its own, in namespaces that are made for it.
    Namespaces,
    /// It cannot run, for this reason.
    Nowhere(String),
}

#[derive(Default)]
struct Counts {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Counts {
    fn add(&mut self, ended: Ended) {
        *match ended {
            Ended::Passed => &mut self.passed,
            Ended::Failed => &mut self.failed,
            Ended::Skipped => &mut self.skipped,
        } += 1;
    }

    /// Of a single scenario.
    fn ended(&self) -> Ended {
        match self {
            Self {
                failed: 0,
                skipped: 0,
                ..
            } => Ended::Passed,
            Self { failed: 0, .. } => Ended::Skipped,
            Self { .. } => Ended::Failed,
        }
    }
}

/// Runs what was asked for; the last line says how it went.
pub async fn run(options: Options) -> ExitCode {
    tokio::select! {
        code = all(&options) => match code {
            Ok(counts) => {
                let Counts { passed, failed, skipped } = counts;
                if options.inside.is_some() {
                    return counts.ended().code();
                }
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
    let net = options.inside.as_deref().map(Net::named).transpose()?;
    if net.is_none() {
        println!("seed {seed}");
    }
    let mut counts = Counts::default();
    for engine in options.engine.list() {
        for scenario in &wanted {
            if options.leaves_out(scenario, *engine) {
                continue;
            }
            let ground = options.ground_of(scenario, *engine);
            if ground == Ground::Namespaces {
                let words = options.words(scenario, *engine, seed);
                counts.add(inside_of(scenario, &words, options.long).await);
                continue;
            }
            let mut context = Context::new(server.clone(), *engine, seed);
            context.net.clone_from(&net);
            context.nodes = options.nodes_of(scenario, *engine);
            context.long = options.long;
            context.lenient = options.lenient;
            context.rounds = options.rounds;
            context.folder.clone_from(&options.dir);
            context.keep = options.keep;
            counts.add(one(scenario, &context, ground).await);
        }
    }
    Ok(counts)
}

/// The process inside tells how it goes, except when it cannot.
async fn inside_of(scenario: &Scenario, words: &[OsString], long: bool) -> Ended {
    let limit = if long { LONG_LIMIT } else { SHORT_LIMIT };
    let ended = inside::run(words, limit + Duration::from_secs(60)).await;
    ended.unwrap_or_else(|error| {
        println!("  FAILED: {} in namespaces: {error:#}", scenario.id);
        Ended::Failed
    })
}

async fn one(scenario: &Scenario, context: &Context, ground: Ground) -> Ended {
    let engine = context.engine.name();
    let nodes = if context.nodes > 1 { ", two nodes" } else { "" };
    let spaces = context.net.as_ref().map_or("", |_| ", in namespaces");
    println!(
        "{} on {engine}{nodes}{spaces}: {}",
        scenario.id, scenario.what
    );
    if let Ground::Nowhere(why) = ground {
        println!("  skipped: {why}");
        return Ended::Skipped;
    }
    let begun = Instant::now();
    let limit = context.size(SHORT_LIMIT, LONG_LIMIT);
    let outcome = timeout(limit, (scenario.run)(context))
        .await
        .unwrap_or_else(|_| Err(anyhow!("not done after {limit:?}")));
    let seconds = begun.elapsed().as_secs_f64();
    let (ended, word, text) = match outcome {
        Ok(Outcome::Passed(text)) => (Ended::Passed, "passed", text),
        Ok(Outcome::Skipped(text)) => (Ended::Skipped, "skipped", text),
        Err(error) => {
            let log = context.log_tail(LOG_LINES);
            let text = format!("{error:#}\n  the server's log ends with\n{log}");
            (Ended::Failed, "FAILED", text)
        }
    };
    println!("  {word} in {seconds:.1} s: {text}");
    ended
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
        // Of those that take longer than the tests can wait, none.
        let slow = named("NETSLOW");
        assert!(lenient.leaves_out(&slow, Engine::Postgres));
        assert!(!two.leaves_out(&slow, Engine::Postgres));
        assert!(Options::try_parse_from(["x", "--server", "x", "--nodes", "3"]).is_err());
    }

    #[test]
    fn who_can_have_namespaces_has_them_and_is_told_the_same_inside() {
        let (x7, net) = (named("X7"), named("NETDB"));
        let pg = Engine::Postgres;
        let expected = match made::missing() {
            None => (Ground::Namespaces, Ground::Namespaces),
            Some(why) => (Ground::Here, Ground::Nowhere(why)),
        };
        let two = asked("--nodes 2 --long --rounds 3 --dir d");
        let found = (two.ground_of(&x7, pg), two.ground_of(&net, pg));
        assert_eq!(found, expected);
        for words in [
            "--nodes 2 --loopback",
            "",
            "--lenient",
            "--nodes 2 --inside n",
        ] {
            assert_eq!(asked(words).ground_of(&x7, pg), Ground::Here, "{words}");
        }
        let told = ["x".into()].into_iter().chain(two.words(&x7, pg, 7));
        let told = Options::parse_from(told);
        assert_eq!(
            (told.scenarios, told.seed),
            (vec!["X7".to_owned()], Some(7))
        );
        assert_eq!((told.nodes, told.rounds, told.long), (2, Some(3), true));
        assert_eq!((told.dir, told.lenient), (two.dir, false));
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
