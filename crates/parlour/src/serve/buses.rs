//! The bus of one process, or of several.

use crate::config::{Config, Secret};
use anyhow::Context as _;
use parlour_core::{
    App, Signal,
    ports::{Store, SystemRandom},
};
use parlour_realtime::{Bus, LocalBus, RedisBus, RedisFamily};
use sha2::{Digest as _, Sha256};
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The bus, and the same once more if it is Redis and has to be started.
type Opened = (Arc<dyn Bus>, Option<Arc<RedisBus>>);

/// The bus of the settings; nothing is connected yet.
///
/// # Errors
/// When the URL is none.
pub(super) fn open(config: &Config) -> anyhow::Result<Opened> {
    let Some(url) = &config.storage.redis_url else {
        return Ok((Arc::new(LocalBus::new()), None));
    };
    let bus = RedisBus::new(url.expose(), &SystemRandom).context("REDIS_URL")?;
    let bus = Arc::new(bus);
    Ok((Arc::clone(&bus) as _, Some(bus)))
}

/// Connects the bus to the other processes that share this database. What carries runs on the tracker
/// that this answers, until stopped.
///
/// # Errors
/// When Redis does not let us in or will not do, or the other processes have another `SECRET_KEY`.
pub(super) async fn start(
    bus: Option<Arc<RedisBus>>,
    config: &Config,
    store: &dyn Store,
    secret_key: &Secret,
    stop: &CancellationToken,
) -> anyhow::Result<TaskTracker> {
    let tracker = TaskTracker::new();
    let (Some(bus), Some(url)) = (bus, &config.storage.redis_url) else {
        return Ok(tracker);
    };
    let family = RedisFamily {
        epoch: store.epoch().to_owned(),
        secret: digest(secret_key),
    };
    let shown = crate::config::secret::redact(url.expose());
    let carry = bus
        .start(family, stop.clone())
        .await
        .with_context(|| format!("REDIS_URL {shown}"))?;
    tracing::info!(redis = shown, "shares the chat with other processes");
    tracker.spawn(carry);
    Ok(tracker)
}

/// How often the other processes are told what was given of the rate limits; the first word after a
/// silence goes at once.
const TELL_EVERY: Duration = Duration::from_millis(10);

/// Tells the other processes what was given here of the rate limits, until stopped. Nobody waits for it,
/// and what is lost makes limits no looser than those of each process.
pub(super) async fn share_limits(app: App, bus: Arc<dyn Bus>, stop: CancellationToken) {
    app.limits().share();
    loop {
        let taken = tokio::select! {
            () = stop.cancelled() => return,
            taken = app.limits().to_tell() => taken,
        };
        bus.whisper(Signal::Taken(taken));
        tokio::time::sleep(TELL_EVERY).await;
    }
}

/// Tells keys apart without telling them.
fn digest(secret_key: &Secret) -> String {
    let digest = Sha256::new()
        .chain_update("parlour: the same SECRET_KEY?")
        .chain_update(secret_key.expose())
        .finalize();
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
