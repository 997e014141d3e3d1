//! The wiring: open the store, build the app, start the jobs, accept, drain.

use crate::{config::Config, database, jobs::Jobs, secret_key, shutdown::Shutdown};
use async_trait::async_trait;
use parlour_core::{
    App, Event, Signal,
    app::Ports,
    ports::{Announce, SystemClock, SystemRandom},
};
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// Stands where the hub of parlour-realtime will.
struct NoHub;

#[async_trait]
impl Announce for NoHub {
    async fn events(&self, _events: Vec<Arc<Event>>) {}
    async fn signal(&self, _signal: Signal) {}
}

/// Serves until told to stop.
///
/// # Errors
/// When something that the server needs is not there.
pub(crate) async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let announce: Arc<dyn Announce> = Arc::new(NoHub);
    let random = Arc::new(SystemRandom);
    let _secret_key = secret_key::load(&config, &*random)?;
    let store = database::open(&config, database::options(&config), Arc::clone(&announce)).await?;
    let ports = Ports {
        store: Arc::clone(&store),
        announce,
        clock: Arc::new(SystemClock),
        random,
    };
    let threads = config.security.hashing_threads;
    let app = App::new(ports, config.product.clone(), threads)?;
    let tracker = TaskTracker::new();
    let jobs = Jobs::start(&app, &tracker, shutdown.soft());
    jobs.room_ended();
    tracing::warn!("only the jobs run: the faces come with parlour-web");

    shutdown.soft().cancelled().await;
    tracker.close();
    tokio::select! {
        () = tracker.wait() => {}
        () = shutdown.hard().cancelled() => {}
    }
    store.close().await;
    Ok(())
}

/// The OpenAPI document.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn openapi() -> anyhow::Result<String> {
    anyhow::bail!("the document comes with parlour-web")
}
