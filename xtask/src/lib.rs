//! The chores of the workspace, one command per module: `test` runs everything that a change has to
//! pass, `tidy` holds the floor plan, `gen` writes the generated files, `bench` measures the server,
//! `explain` looks at plans of PostgreSQL, `torture` shows that nothing is lost, `simulate` shows what many
//! people cost.
//!
//! As a library it lends the throwaway PostgreSQL and the care for child processes to `torture/`.
#![expect(
    clippy::print_stdout,
    reason = "a command line program: its output is its purpose"
)]

mod bench;
pub mod engines;
mod explain;
mod generate;
pub mod procs;
mod simulate;
mod test;
mod tidy;
mod torture;
pub mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::procs::Watch;
use crate::workspace::Workspace;

/// Chores of the Parlour workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every check and test, on the engines they need; the last line says how it went
    Test(test::Options),
    /// Check the floor plan: edges between crates, homes of libraries, sizes, forbidden marks
    Tidy,
    /// Write the generated documents: OpenAPI, errors, settings and their examples
    Gen {
        /// Change nothing, fail when a document is out of date
        #[arg(long)]
        check: bool,
    },
    /// Measure the release build of the server: delivery beside other servers, requests, or pages
    Bench(bench::Options),
    /// Ask PostgreSQL with 1,000,000 messages how it does what happens all the time
    Explain,
    /// Show on paper what very many connections cost nodes, bus and database, by measured constants
    Simulate(simulate::Options),
    /// Kill, cut and crowd the release build of the server, and check that it loses nothing
    Torture(torture::Options),
}

/// The command line program.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match cli.command {
        Command::Test(options) => test::run(&workspace, &Watch::install()?, &options),
        Command::Tidy => Ok(passed(tidy::run(&workspace)?)),
        Command::Gen { check: true } => {
            Ok(passed(generate::check(&workspace, &Watch::install()?)?))
        }
        Command::Gen { check: false } => {
            generate::write(&workspace, &Watch::install()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(options) => {
            bench::run(&workspace, &Watch::install()?, &options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Explain => explain::run(&workspace, &Watch::install()?),
        Command::Simulate(options) => {
            simulate::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Torture(options) => torture::run(&workspace, &Watch::install()?, &options),
    }
}

fn passed(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
