//! The command line of the torture scenarios; what they are is in the library.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    parlour_torture::run::run(parlour_torture::run::Options::parse()).await
}
