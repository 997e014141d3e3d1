//! `parlour serve`.

use crate::{config::Config, serve, shutdown::Shutdown};

/// Runs the server until it is told to stop.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let shutdown = Shutdown::on_signals(config.server.shutdown_timeout)?;
    serve::run(config, shutdown).await
}
