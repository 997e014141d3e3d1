//! `parlour serve`.

use crate::{config::Config, serve, shutdown::Shutdown};

/// Runs the server until it is told to stop.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    // First of all: a signal that comes during the start must not kill what is half done.
    let shutdown =
        Shutdown::on_signals(config.server.drain_pause + config.server.shutdown_timeout)?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    serve::run(config, shutdown).await
}
