//! The one file of the binary that opens the store.

use crate::{config::Config, secret_key::make_data_dir};
use async_trait::async_trait;
use parlour_core::{
    App, Event, Signal,
    app::Ports,
    ports::{Announce, Store, SystemClock, SystemRandom},
};
use std::sync::Arc;

/// Announces to nobody: for commands, beside which a server may run. The server learns of what they
/// change from the log of ended credentials.
struct Nobody;

#[async_trait]
impl Announce for Nobody {
    async fn events(&self, _events: Vec<Arc<Event>>) {}
    async fn signal(&self, _signal: Signal) {}
}

/// The database's address as it may be shown.
pub(crate) fn shown(config: &Config) -> String {
    crate::config::secret::redact(config.storage.database_url.expose())
}

/// Opens the store of the settings.
///
/// # Errors
/// When the database does not answer, is newer than this program, or is no database.
pub(crate) async fn open(
    config: &Config,
    announce: Arc<dyn Announce>,
) -> anyhow::Result<Arc<dyn Store>> {
    make_data_dir(&config.storage.data_dir)?;
    let url = config.storage.database_url.expose();
    let mut options = parlour_store::Options::default();
    if let Some(connections) = config.storage.database_connections {
        options.postgres_connections = connections;
        options.sqlite_readers = connections;
    }
    parlour_store::open(url, options, announce)
        .await
        .map_err(|error| anyhow::anyhow!("{}: {error:?}", shown(config)))
}

/// An app for a command that acts and ends.
///
/// # Errors
/// As [`open`].
pub(crate) async fn app_for_command(config: &Config) -> anyhow::Result<App> {
    let ports = Ports {
        store: open(config, Arc::new(Nobody)).await?,
        announce: Arc::new(Nobody),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    Ok(App::new(ports, config.product.clone(), 1)?)
}

/// Brings the tables up to date.
///
/// # Errors
/// As [`open`].
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    make_data_dir(&config.storage.data_dir)?;
    parlour_store::migrate(config.storage.database_url.expose())
        .await
        .map_err(|error| anyhow::anyhow!("{}: {error:?}", shown(config)))
}

/// An error of the store or an action as the operator should read it: here the source is no secret.
pub(crate) fn explain(error: &parlour_core::Error) -> anyhow::Error {
    match std::error::Error::source(error) {
        // Some errors carry the operator's sentence twice.
        Some(source) if source.to_string() != error.text() => {
            anyhow::anyhow!("{} ({source})", error.text())
        }
        _ => anyhow::anyhow!("{}", error.text().to_owned()),
    }
}

/// What the doctor learns of a database.
pub(crate) struct Health {
    /// What it is.
    pub(crate) sentence: String,
    /// What is not as it should be, one sentence each.
    pub(crate) worries: Vec<String>,
}

/// Looks at the database without changing it.
///
/// # Errors
/// When it cannot be used.
pub(crate) async fn inspect(config: &Config) -> anyhow::Result<Health> {
    anyhow::bail!("{} cannot be inspected yet", shown(config))
}
