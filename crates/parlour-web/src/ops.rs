//! For operators: is it alive, does it take traffic, what does it do.

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use parlour_core::App;
use parlour_realtime::Realtime;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long the write probe of `/readyz` may take.
const PROBE: Duration = Duration::from_secs(2);

/// Whether the server takes traffic. Off while it drains.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Standing>);

#[derive(Debug, Default)]
struct Standing {
    ready: AtomicBool,
    drain: Notify,
}

impl Readiness {
    /// Says whether the server takes traffic from now on.
    pub fn set(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.ready.load(Ordering::Acquire)
    }

    /// Waits until an operator asks this process to drain (`POST /drain`). For one waiter.
    pub async fn drain_asked(&self) {
        self.0.drain.notified().await;
    }
}

/// How metrics are read on the main listener.
#[derive(Clone, Debug, Default)]
pub enum MetricsDoor {
    /// Not at all.
    #[default]
    Closed,
    /// With `Authorization: Bearer <token>`.
    Token(String),
    /// By anybody: only for the listener that operators open for themselves.
    Open,
}

/// What the operators' routes need.
#[derive(Clone)]
pub struct Ops {
    /// For the write probe.
    pub app: App,
    /// Whether the server takes traffic.
    pub readiness: Readiness,
    /// Where the figures come from.
    pub metrics: PrometheusHandle,
    /// Whose figures are taken when somebody looks.
    pub realtime: Realtime,
    /// Who may read them.
    pub door: MetricsDoor,
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ops")
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}

/// The operators' routes alone, for a listener of their own: who reaches that may also drain.
pub fn ops_router(ops: &Ops) -> Router {
    let drain = Router::new().route("/drain", post(drain));
    router(ops).merge(drain.with_state(ops.clone()))
}

pub(crate) fn router<S: Clone + Send + Sync + 'static>(ops: &Ops) -> Router<S> {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(ops.clone())
}

async fn health() -> &'static str {
    "ok\n"
}

/// Takes this process out of service: `/readyz` says no from now on, after a pause sockets are told to
/// move, and no new ones are let in. Requests are answered until the process is stopped.
async fn drain(State(ops): State<Ops>) -> (StatusCode, &'static str) {
    ops.readiness.set(false);
    ops.readiness.0.drain.notify_one();
    (StatusCode::ACCEPTED, "draining\n")
}

/// 200 when a message could be stored now, else 503 with the reason.
async fn ready(State(ops): State<Ops>) -> Response {
    if !ops.readiness.get() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match tokio::time::timeout(PROBE, ops.app.store().probe()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(error)) => {
            tracing::warn!(?error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not take writes\n",
            )
                .into_response()
        }
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        )
            .into_response(),
    }
}

async fn metrics_text(State(ops): State<Ops>, headers: HeaderMap) -> Response {
    let allowed = match &ops.door {
        MetricsDoor::Open => true,
        MetricsDoor::Closed => false,
        MetricsDoor::Token(token) => headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            // Hashes are compared, so that the time tells nothing about the token.
            .is_some_and(|given| {
                parlour_core::accounts::secret_hash(given)
                    == parlour_core::accounts::secret_hash(token)
            }),
    };
    if !allowed {
        return crate::api::not_found().await;
    }
    ops.realtime.sample();
    ops.metrics.run_upkeep();
    ops.metrics.render().into_response()
}

/// Counts requests by route, method and status class; labels are bounded.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = method_label(request.method());
    let start = Instant::now();
    let response = next.run(request).await;
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let status = status_label(response.status());
    metrics::histogram!("parlour_http_seconds", "route" => route, "method" => method, "status" => status)
        .record(start.elapsed());
    response
}

fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
