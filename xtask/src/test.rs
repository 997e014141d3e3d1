//! `test`: everything that a change has to pass, in the order in which failures are cheapest.

mod counts;
mod node;
mod steps;
mod summary;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use self::steps::{Step, Verdict};
use self::summary::{Outcome, Summary};
use crate::engines::postgres::{Durability, Postgres};
use crate::engines::redis::Redis;
use crate::engines::s3::{self, S3};
use crate::engines::{self, Engine, Needed, TABLE};
use crate::procs::Watch;
use crate::workspace::Workspace;

/// What to run, and on which engines.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the tests of an engine; without this, a missing engine is a failure
    #[arg(long = "without", value_name = "ENGINE")]
    without: Vec<Engine>,
    /// Run this step alone (may be repeated)
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
}

impl Options {
    fn wants(&self, step: Step) -> bool {
        self.only.is_empty() || self.only.contains(&step)
    }
}

/// What the steps find: variables for the tests, and the engines that run for them.
struct Stage {
    vars: Vec<(String, String)>,
    // Kept for their drop, which stops the servers.
    _postgres: Option<Postgres>,
    _redis: Option<Redis>,
    _s3: Option<S3>,
}

/// Runs the steps and prints the summary; its last line is the last line of the output.
pub(crate) fn run(workspace: &Workspace, watch: &Watch, options: &Options) -> Result<ExitCode> {
    let mut outcomes = Vec::new();
    let mut stage = None;
    for step in Step::ALL {
        if !options.wants(step) || watch.interrupted() {
            continue;
        }
        // Engines start as late as possible: a wrong format shows before PostgreSQL is installed.
        if step.is_rust_tests() && stage.is_none() {
            stage = Some(prepare(watch, options, &mut outcomes));
        }
        let vars = stage.as_ref().map_or(&[][..], |stage| &stage.vars);
        println!("\n== {}", step.name());
        let started = Instant::now();
        let verdict = steps::run(step, workspace, watch, &options.without, vars);
        let outcome = Outcome::new(step.name(), verdict, started.elapsed());
        println!("== {}", outcome.line());
        outcomes.push(outcome);
    }
    drop(stage);
    if watch.interrupted() {
        let cut = Verdict::Failed("stopped by a signal".to_owned());
        outcomes.push(Outcome::new("run", cut, std::time::Duration::ZERO));
    }
    let summary = Summary::of(&outcomes);
    println!("\nsteps:");
    for outcome in &outcomes {
        println!("  {}", outcome.line());
    }
    if let Some(complaint) = summary.complaint() {
        println!("{complaint}");
    }
    println!("{}", summary.line());
    Ok(if summary.good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Installs and starts what the Rust tests need. An engine that fails is one failure here; the tests
/// then run without it, so that the rest is still seen.
fn prepare(watch: &Watch, options: &Options, outcomes: &mut Vec<Outcome>) -> Stage {
    let mut stage = Stage {
        vars: Vec::new(),
        _postgres: None,
        _redis: None,
        _s3: None,
    };
    let mut without = options.without.clone();
    for row in &TABLE {
        if row.needed != Needed::RustTests || without.contains(&row.engine) {
            continue;
        }
        let name = row.engine.name();
        println!("\n== engine {name}");
        let started = Instant::now();
        let up = engines::provide(watch, &[row]).and_then(|()| stage.begin(watch, row.engine));
        let verdict = match up {
            Ok(()) => Verdict::Passed,
            Err(error) => {
                without.push(row.engine);
                Verdict::Failed(format!("{name}: {error:#}"))
            }
        };
        let outcome = Outcome::new("engine", verdict, started.elapsed());
        println!("== {}", outcome.line());
        outcomes.push(outcome);
    }
    if !without.is_empty() {
        let names: Vec<_> = without.iter().map(|engine| engine.name()).collect();
        let without = ("PARLOUR_TEST_WITHOUT".to_owned(), names.join(","));
        stage.vars.push(without);
    }
    stage
}

impl Stage {
    fn begin(&mut self, watch: &Watch, engine: Engine) -> Result<()> {
        match engine {
            Engine::Postgres => {
                let server = Postgres::start(Durability::Pretended, None)?;
                let var = ("PARLOUR_TEST_POSTGRES".to_owned(), server.url());
                self.vars.push(var);
                self._postgres = Some(server);
            }
            Engine::S3 => {
                let server = S3::start(&s3::provide(watch)?)?;
                self.vars.push(("PARLOUR_TEST_S3".to_owned(), server.url()));
                self._s3 = Some(server);
            }
            Engine::Redis => {
                let server = Redis::start()?;
                self.vars
                    .push(("PARLOUR_TEST_REDIS".to_owned(), server.url()));
                self._redis = Some(server);
            }
            Engine::Chromium | Engine::Torture => {}
        }
        Ok(())
    }
}
