//! The binary: settings, wiring, recurring work, commands, shutdown.

mod canary;
mod cli;
mod commands;
mod config;
mod database;
mod figures;
mod jobs;
mod logging;
mod output;
mod priority;
mod secret_key;
mod serve;
mod shutdown;

use config::Refusals;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something failed while running.
const FAILED: u8 = 1;
/// The command line or the settings are wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let call = match cli::parse(std::env::args_os()) {
        Ok(call) => call,
        Err(error) => {
            // Help and version arrive here too, with code 0 and for standard output.
            let code = error.exit_code();
            return match error.print() {
                Ok(()) => ExitCode::from(u8::try_from(code).unwrap_or(USAGE)),
                Err(_) => ExitCode::from(FAILED),
            };
        }
    };
    match commands::run(call) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Refusals>() => {
            output::complain(&error.to_string());
            ExitCode::from(USAGE)
        }
        // `parlour config | head` is no failure.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}
