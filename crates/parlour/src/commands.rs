//! The commands, one file each.

mod blobs;
mod config;
mod db;
mod doctor;
mod errors;
mod health;
mod metrics;
mod migrate;
mod openapi;
mod serve;
mod theme;
mod user;
mod version;

use crate::{
    cli::Call,
    config::{Config, Surroundings, examples::Example},
    logging,
};
use std::future::Future;

/// What the command line may ask for.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Run the server (this is what happens without a command).
    Serve,
    /// Bring the database's tables up to date and end.
    Migrate,
    /// Make and change accounts.
    #[command(subcommand)]
    User(user::Action),
    /// Move a whole database to another place.
    #[command(subcommand)]
    Db(db::Action),
    /// Move the storage of files to another place.
    #[command(subcommand)]
    Blobs(blobs::Action),
    /// Print the settings in force and where they come from, secrets hidden.
    Config {
        /// Print an example file or the guide's page instead.
        #[arg(long, value_enum, value_name = "KIND")]
        example: Option<Example>,
    },
    /// Check that the server could run here and well.
    Doctor {
        /// Look at every file too: list what is missing and what belongs to nobody.
        #[arg(long)]
        blobs: bool,
    },
    /// Ask whether the server of these settings is ready; for health checks of containers.
    Health,
    /// Write the built-in theme to files, to make one's own from.
    #[command(subcommand)]
    Theme(theme::Action),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the catalogue of errors.
    Errors,
    /// Print the catalogue of metrics.
    Metrics,
    /// Print the version.
    Version,
}

/// Runs a command to its end.
///
/// # Errors
/// What made it fail; refused settings are [`crate::config::Refusals`].
pub(crate) fn run(call: Call) -> anyhow::Result<()> {
    let Call {
        command,
        surroundings,
    } = call;
    let surroundings = &surroundings;
    match command {
        Command::Serve => {
            let config = Config::load(surroundings)?;
            logging::start(&config.log)?;
            block_on(serve::run(config))
        }
        Command::Migrate => {
            let config = prepare(surroundings)?;
            block_on(migrate::run(&config))
        }
        Command::User(action) => {
            let config = prepare(surroundings)?;
            block_on(user::run(&config, action))
        }
        Command::Db(action) => {
            prepare(surroundings)?;
            block_on(db::run(&action))
        }
        Command::Blobs(action) => {
            let config = prepare(surroundings)?;
            block_on(blobs::run(&config, &action))
        }
        Command::Config {
            example: Some(example),
        } => config::example(example),
        Command::Config { example: None } => config::run(&Config::load(surroundings)?),
        Command::Doctor { blobs } => {
            let config = prepare(surroundings)?;
            block_on(doctor::run(&config, blobs))
        }
        Command::Health => block_on(health::run(&Config::load(surroundings)?)),
        Command::Theme(action) => theme::run(&action),
        Command::Openapi => openapi::run(),
        Command::Errors => errors::run(),
        Command::Metrics => metrics::run(),
        Command::Version => version::run(),
    }
}

/// Settings and log of a command that acts and ends: it logs only what is wrong, unless asked.
fn prepare(surroundings: &Surroundings) -> anyhow::Result<Config> {
    let config = Config::load(surroundings)?;
    let mut log = config.log.clone();
    if config.is_default("PARLOUR_LOG") {
        "warn".clone_into(&mut log.filter);
    }
    logging::start(&log)?;
    Ok(config)
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
