//! `test`: everything that a change has to pass, in the order in which failures are cheapest.

mod counts;
mod steps;
mod summary;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use self::steps::{Step, Verdict};
use self::summary::{Outcome, Summary};
use crate::engines::postgres::{Durability, Postgres};
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
    // Kept for its drop, which stops the server.
    _postgres: Option<Postgres>,
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
    let mut without = options.without.clone();
    let mut vars = Vec::new();
    let mut postgres = None;
    if !without.contains(&Engine::Postgres) {
        println!("\n== engines");
        let started = Instant::now();
        let rows: Vec<_> = TABLE
            .iter()
            .filter(|row| row.needed == Needed::RustTests && !without.contains(&row.engine))
            .collect();
        let up = engines::provide(watch, &rows)
            .and_then(|()| Postgres::start(Durability::Pretended, None));
        let verdict = match up {
            Ok(server) => {
                vars.push(("PARLOUR_TEST_POSTGRES".to_owned(), server.url()));
                postgres = Some(server);
                Verdict::Passed
            }
            Err(error) => {
                without.push(Engine::Postgres);
                Verdict::Failed(format!("postgres: {error:#}"))
            }
        };
        let outcome = Outcome::new("engines", verdict, started.elapsed());
        println!("== {}", outcome.line());
        outcomes.push(outcome);
    }
    if !without.is_empty() {
        let names: Vec<_> = without.iter().map(|engine| engine.name()).collect();
        vars.push(("PARLOUR_TEST_WITHOUT".to_owned(), names.join(",")));
    }
    Stage {
        vars,
        _postgres: postgres,
    }
}
