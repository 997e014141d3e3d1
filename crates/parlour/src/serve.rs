//! The wiring diagram as code: bus, store, hub, app, faces, jobs; then accept until told to stop, and
//! drain in the opposite order.

mod buses;
mod http;
mod tls;

use crate::{
    canary::{self, Canary},
    config::{Config, Secret},
    database, figures,
    jobs::Jobs,
    output, priority, secret_key,
    shutdown::Shutdown,
};
use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusHandle;
use parlour_core::{
    App, Kind, What,
    app::Ports,
    ports::{Store, SystemClock, SystemRandom},
    workers::Background,
};
use parlour_realtime::{Bus, BusAnnounce, Config as RealtimeConfig, News, Realtime, StoreSource};
use parlour_web::{MetricsDoor, Ops, Readiness, SecretKey, Theme, TrustedProxies, Web, WebConfig};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tls::Tls;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often, and after what pause, a database that does not answer is asked again at the start.
const SET_UP_TRIES: usize = 20;
const SET_UP_PAUSE: Duration = Duration::from_millis(500);

/// Serves until told to stop.
///
/// # Errors
/// When something that the server needs is not there.
pub(crate) async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let tls = config.tls().map(|files| Tls::load(&files)).transpose()?;
    let secret_key = secret_key::load(&config, &SystemRandom)?;
    let theme = Theme::load(config.storage.theme_dir.as_deref()).context("theme (THEME_DIR)")?;
    let metrics = figures::install()?;

    // A port that is taken is said before anything is made or waited for.
    drop(bind(config.server.listen).await?);
    let held = database::hold(&config).await?;
    let stop_bus = CancellationToken::new();
    let (bus, redis) = buses::open(&config)?;
    let announce = Arc::new(BusAnnounce::new(Arc::clone(&bus)));
    let store = database::open(&config, &held, announce.clone()).await?;
    let carrying = buses::start(redis, &config, &*store, &secret_key, &stop_bus).await?;
    let realtime = start_realtime(&config, (&store, &secret_key), &bus);
    let ports = Ports {
        store: Arc::clone(&store),
        blobs: database::open_blobs(&config).await?,
        scanner: database::scanner(&config),
        announce,
        presence: Arc::new(realtime.clone()),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    let app = App::new(ports, config.product.clone(), background(&config))?;

    let readiness = Readiness::default();
    let web = Web {
        socketio: parlour_web::SocketIo::default(),
        app: app.clone(),
        realtime: realtime.clone(),
        config: Arc::new(web_config(&config, &secret_key)),
        theme,
        ops: ops(&config, &readiness, metrics.clone(), (&app, &realtime)),
    };
    let front = Front {
        listener: bind(config.server.listen).await?,
        tls: tls.clone(),
    };
    let address = front.listener.local_addr()?;
    let operations = operations_listener(&config).await?;

    let (stop_jobs, tracker) = (CancellationToken::new(), TaskTracker::new());
    start_chores((&config, &app, bus), &tracker, &stop_jobs);
    tracker.spawn(figures::keep_up(metrics, stop_jobs.clone()));
    if let Some(tls) = &tls {
        tracker.spawn(Arc::clone(tls).follow_signals(stop_jobs.clone())?);
    }

    tokio::select! {
        told = tell_set_up_code(&config, &app, address) => told?,
        // Then nobody needs it.
        () = shutdown.soft().cancelled() => {}
    }
    readiness.set(true);
    let scheme = if tls.is_some() { "https" } else { "http" };
    output::say(&format!("listening on {scheme}://{address}"))?;
    tracing::info!(%address, database = database::shown(&config), "ready");

    let faces = TaskTracker::new();
    if let Some(listener) = operations {
        let end = (stop_jobs.clone(), shutdown.hard().clone());
        faces.spawn(serve_operators(listener, web.ops.clone(), end));
    }
    if let Some(canary) = canary(&config, &app, address) {
        tracker.spawn(canary.run(shutdown.soft().clone()));
    }
    let pause = config.server.drain_pause;
    serve_until_drained(front, &web, (&readiness, pause), &shutdown).await;

    let hard = shutdown.hard();
    stop_jobs.cancel();
    ended("recurring work", &tracker, hard).await;
    stop_bus.cancel();
    ended("the bus", &carrying, hard).await;
    close(&*store, hard).await;
    ended("the operators' listener", &faces, hard).await;
    tracing::info!("stopped");
    Ok(())
}

/// What goes on beside the faces: jobs, news, and what processes tell each other of rates.
fn start_chores(
    (config, app, bus): (&Config, &App, Arc<dyn Bus>),
    tracker: &TaskTracker,
    stop: &CancellationToken,
) {
    let shares = config.storage.redis_url.is_some();
    let jobs = if shares {
        Jobs::start_shared(app, tracker, stop)
    } else {
        Jobs::start(app, tracker, stop)
    };
    tracker.spawn(follow_news(bus.listen(), app.clone(), jobs, stop.clone()));
    if shares {
        tracker.spawn(buses::share_limits(app.clone(), bus, stop.clone()));
    }
}

/// Heavy work gives way to messages.
fn background(config: &Config) -> Background {
    Background {
        hashing_threads: config.security.hashing_threads,
        prepare: priority::give_way,
    }
}

fn canary(config: &Config, app: &App, address: SocketAddr) -> Option<Canary> {
    let every = config.ops.canary_interval?;
    let door = canary::Door::new(config.server.public_url.as_ref(), address);
    Some(Canary::new(app.clone(), door, every))
}

/// The sockets of this process.
fn start_realtime(
    config: &Config,
    (store, secret_key): (&Arc<dyn Store>, &Secret),
    bus: &Arc<dyn Bus>,
) -> Realtime {
    let key = SecretKey::new(secret_key.expose());
    let signer = parlour_web::file_signer(key, Arc::new(SystemClock));
    let source = Arc::new(StoreSource::new(Arc::clone(store)).signing(signer));
    let settings = RealtimeConfig {
        max_frame: parlour_realtime::max_frame(config.product.max_text_chars),
        ..RealtimeConfig::default()
    };
    Realtime::start(source, Arc::clone(bus), settings)
}

/// Operators look until the very end.
async fn serve_operators(
    listener: TcpListener,
    ops: Ops,
    (done, hard): (CancellationToken, CancellationToken),
) {
    let ops = Ops {
        door: MetricsDoor::Open,
        ..ops
    };
    let router = parlour_web::ops_router(&ops);
    http::serve(listener, router, None, (&done, &hard)).await;
}

/// Where people come in.
struct Front {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
}

/// Answers requests until told to stop, then lets sockets and requests under way come to their end. A
/// server that is told to drain first loses its sockets only.
async fn serve_until_drained(
    front: Front,
    web: &Web,
    (readiness, pause): (&Readiness, Duration),
    shutdown: &Shutdown,
) {
    let (soft, hard) = (shutdown.soft(), shutdown.hard());
    let closed = CancellationToken::new();
    let serving = http::serve(
        front.listener,
        parlour_web::router(web),
        front.tls.as_ref(),
        (&closed, hard),
    );
    let sockets_gone = async || {
        tokio::select! {
            () = hard.cancelled() => {}
            () = web.realtime.shutdown() => {}
        }
    };
    let draining = async {
        let is_asked = tokio::select! {
            () = soft.cancelled() => false,
            () = readiness.drain_asked() => true,
        };
        readiness.set(false);
        // Everything goes on as before until load balancers have seen it.
        tokio::select! {
            () = hard.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
        if is_asked {
            sockets_gone().await;
            tracing::info!(
                "drained: the sockets are gone, requests are answered until I am stopped"
            );
            soft.cancelled().await;
        }
        closed.cancel();
        sockets_gone().await;
    };
    tokio::join!(serving, draining);
}

/// Waits until these tasks came to their end, but not beyond the hard phase.
async fn ended(what: &'static str, tasks: &TaskTracker, hard: &CancellationToken) {
    tasks.close();
    tokio::select! {
        biased;
        () = tasks.wait() => {}
        () = hard.cancelled() => tracing::warn!(what, "did not end in time"),
    }
}

/// Finishes the commits under way; a database that does not answer any more is not waited for.
async fn close(store: &dyn Store, hard: &CancellationToken) {
    tokio::select! {
        () = store.close() => {}
        () = async {
            hard.cancelled().await;
            // The hard phase leaves a little time for exactly this.
            tokio::time::sleep(Duration::from_millis(500)).await;
        } => tracing::warn!("the database did not close in time"),
    }
}

fn web_config(config: &Config, secret_key: &Secret) -> WebConfig {
    let origins = config.server.cors_origins.iter();
    WebConfig {
        cors_origins: origins.map(|origin| origin.as_str().to_owned()).collect(),
        trusted_proxies: TrustedProxies(config.server.trusted_proxies.clone()),
        secret_key: SecretKey::new(secret_key.expose()),
        public_url: config
            .server
            .public_url
            .as_ref()
            .map(|url| url.as_str().to_owned()),
        blobs_direct: config.storage.blobs_direct,
        socketio_eio3: config.server.socketio_eio3,
    }
}

fn ops(
    config: &Config,
    readiness: &Readiness,
    metrics: PrometheusHandle,
    (app, realtime): (&App, &Realtime),
) -> Ops {
    let token = config.ops.metrics_token.as_ref();
    Ops {
        app: app.clone(),
        readiness: readiness.clone(),
        metrics,
        realtime: realtime.clone(),
        door: token.map_or(MetricsDoor::Closed, |token| {
            MetricsDoor::Token(token.expose().to_owned())
        }),
    }
}

/// As long as nobody administers this server: tells where the first administrator is made, on
/// standard error and never in a log that goes elsewhere (contract 7c).
async fn tell_set_up_code(config: &Config, app: &App, address: SocketAddr) -> anyhow::Result<()> {
    let Some(code) = prepare_set_up(config, app).await? else {
        return Ok(());
    };
    let url = config.server.public_url.as_ref().map_or_else(
        || format!("http://{address}"),
        |url| url.as_str().to_owned(),
    );
    let url = url.trim_end_matches('/');
    output::note(&format!("first administrator: {url}/setup?code={code}"));
    Ok(())
}

/// A database that was there a moment ago and is busy now is no reason not to start.
async fn prepare_set_up(config: &Config, app: &App) -> Result<Option<String>, parlour_core::Error> {
    let is_alone = config.storage.redis_url.is_none();
    for _ in 0..SET_UP_TRIES {
        match parlour_core::accounts::prepare_set_up(app, is_alone).await {
            Err(error) if error.kind() == Kind::Unavailable => {
                tracing::warn!(%error, "the set-up code cannot be prepared yet");
                tokio::time::sleep(SET_UP_PAUSE).await;
            }
            prepared => return prepared,
        }
    }
    parlour_core::accounts::prepare_set_up(app, is_alone).await
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (PARLOUR_LISTEN)"))
}

async fn operations_listener(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.ops.listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (PARLOUR_OPS_LISTEN)"))?;
    tracing::info!(address = %listener.local_addr()?, "operators' listener");
    Ok(Some(listener))
}

/// What this process itself does about news: what an ended room or a deleted message left behind goes
/// soon and not at the next round of the job, and credentials that ended are forgotten, also when the caller who ended
/// them went away half way.
async fn follow_news(
    mut news: mpsc::Receiver<News>,
    app: App,
    jobs: Jobs,
    stop: CancellationToken,
) {
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = news.recv() => heard,
        };
        match heard {
            None => return,
            Some(News::Events(events)) => {
                for event in &events {
                    match &event.what {
                        What::RoomDeleted(_) => jobs.room_ended(),
                        What::MessageDeleted(_)
                        | What::MessageUpdated(_)
                        | What::MessagesPurged(_) => jobs.files_released(),
                        _ => {}
                    }
                }
            }
            Some(News::Signal(signal)) => app.heed(&signal),
            Some(News::Followed(_) | News::Vanished(_) | News::Away | News::Gap) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_end_is_not_waited_for_in_the_hard_phase() {
        let (tasks, hard) = (TaskTracker::new(), CancellationToken::new());
        let stuck = tasks.spawn(std::future::pending::<()>());
        let wait = Duration::from_millis(50);
        let waiting = tokio::time::timeout(wait, ended("a test", &tasks, &hard)).await;
        assert!(waiting.is_err(), "the soft phase is patient");
        hard.cancel();
        ended("a test", &tasks, &hard).await;
        assert!(!stuck.is_finished());
    }
}
