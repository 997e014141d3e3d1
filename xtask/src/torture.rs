//! `torture`: the release build of the real server, killed, cut and crowded, on both databases.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use tempfile::TempDir;

use crate::engines::{self, Engine, TABLE};
use crate::procs::Watch;
use crate::workspace::Workspace;

/// Which scenarios, and how long.
#[derive(Args)]
pub(crate) struct Options {
    /// Two servers share PostgreSQL and a Redis, in the scenarios that can have two
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    nodes: u8,
    /// The long form: more rounds, more clients
    #[arg(long)]
    long: bool,
    /// The database of the server
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// Where randomness begins; a new place each time when not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Rounds of the scenarios that have some
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Where the data lives while it runs; the system's temporary folder when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave the data and the server's log where they are
    #[arg(long)]
    keep: bool,
    /// Two nodes, PostgreSQL and Redis share loopback, also where each can have a network of its own
    #[arg(long)]
    loopback: bool,
    /// Print the table of scenarios and do nothing else
    #[arg(long)]
    list: bool,
    /// Another binary of the server than the one that is built here
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Names such as D1; all when none is given
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engines {
    Sqlite,
    Postgres,
    Both,
}

impl Options {
    /// The arguments of the program that does it.
    fn arguments(&self, server: PathBuf) -> Vec<std::ffi::OsString> {
        let engine = match self.engine {
            Engines::Sqlite => "sqlite",
            Engines::Postgres => "postgres",
            Engines::Both => "both",
        };
        let mut all = vec!["--server".into(), server.into()];
        all.extend(["--engine", engine].map(Into::into));
        if self.nodes > 1 {
            all.extend(["--nodes".into(), self.nodes.to_string().into()]);
        }
        for (set, flag) in [
            (self.long, "--long"),
            (self.keep, "--keep"),
            (self.loopback, "--loopback"),
            (self.list, "--list"),
        ] {
            all.extend(set.then(|| flag.into()));
        }
        if let Some(seed) = self.seed {
            all.extend(["--seed".into(), seed.to_string().into()]);
        }
        if let Some(rounds) = self.rounds {
            all.extend(["--rounds".into(), rounds.to_string().into()]);
        }
        if let Some(dir) = &self.dir {
            all.extend(["--dir".into(), dir.into()]);
        }
        all.extend(self.scenarios.iter().map(Into::into));
        all
    }
}

/// Builds and runs; the last line of the output counts.
pub(crate) fn run(workspace: &Workspace, watch: &Watch, options: &Options) -> Result<ExitCode> {
    if options.engine != Engines::Sqlite && !options.list {
        let rows: Vec<_> = TABLE
            .iter()
            .filter(|row| matches!(row.engine, Engine::Postgres | Engine::Redis))
            .collect();
        engines::provide(watch, &rows)?;
    }
    let mut packages = vec!["parlour-torture"];
    if options.server.is_none() && !options.list {
        packages.push("parlour");
    }
    let mut build = workspace.cargo(&["build", "--release"]);
    for package in &packages {
        build.args(["-p", package]);
    }
    let finished = watch.stream(&mut build)?;
    ensure!(finished.status.success(), "the release build failed");
    // Copies: another checkout that shares the target folder may build meanwhile.
    let kept = TempDir::with_prefix("parlour-torture-programs-")?;
    let release = workspace.target_dir()?.join("release");
    for name in &packages {
        std::fs::copy(release.join(name), kept.path().join(name))
            .with_context(|| format!("no {name} built"))?;
    }
    let built = kept.path().join("parlour");
    let server = options.server.clone().unwrap_or(built);
    let mut torture = Command::new(kept.path().join("parlour-torture"));
    torture.args(options.arguments(server));
    let finished = watch.stream(&mut torture)?;
    Ok(if finished.status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_passed_on() {
        let options = Options {
            nodes: 2,
            long: true,
            engine: Engines::Sqlite,
            seed: Some(7),
            rounds: Some(3),
            dir: None,
            keep: false,
            loopback: true,
            list: false,
            server: None,
            scenarios: vec!["D1".to_owned(), "X8".to_owned()],
        };
        let words =
            "--server bin --engine sqlite --nodes 2 --long --loopback --seed 7 --rounds 3 D1 X8";
        let expected: Vec<&str> = words.split(' ').collect();
        assert_eq!(options.arguments("bin".into()), expected);
    }
}
