//! The wiring: open the store, start the hub, build the app, accept, drain.

use crate::{config::Config, shutdown::Shutdown};

/// Serves until told to stop.
///
/// # Errors
/// When something that the server needs is not there.
pub(crate) async fn run(_config: Config, _shutdown: Shutdown) -> anyhow::Result<()> {
    anyhow::bail!("serving comes with parlour-web")
}

/// The OpenAPI document.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn openapi() -> anyhow::Result<String> {
    anyhow::bail!("the document comes with parlour-web")
}
