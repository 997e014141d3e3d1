//! What Parlour **shows**: REST v1 with its OpenAPI document, the account socket, operations.
//!
//! Handlers translate: bytes to the input of a `parlour-core` action, its result to bytes. They hold
//! no rule of their own. All errors of the API go through [`api::problem`].

pub mod address;
pub mod api;
mod auth;
mod body;
mod cors;
mod docs;
mod headers;
mod landing;
mod ops;
mod request_id;
mod slash;
mod sockets;

pub use address::TrustedProxies;
pub use api::openapi;
pub use ops::{MetricsDoor, Ops, Readiness, ops_router};

use axum::{Router, middleware};
use parlour_core::App;
use parlour_realtime::Realtime;
use std::sync::Arc;

/// What the faces need.
#[derive(Clone, Debug)]
pub struct Web {
    /// The actions.
    pub app: App,
    /// The sockets' side.
    pub realtime: Realtime,
    /// How this server is reached.
    pub config: Arc<WebConfig>,
    /// Whether the server takes traffic, and how its metrics are read.
    pub ops: Ops,
}

/// How this server is reached.
#[derive(Clone, Debug, Default)]
pub struct WebConfig {
    /// Origins that may call with credentials (cookies), besides our own.
    pub cors_origins: Vec<String>,
    /// Peers whose `Forwarded` headers count.
    pub trusted_proxies: TrustedProxies,
    /// Longest file of an upload in bytes; also bounds what is read of a multipart body.
    pub max_upload_bytes: u64,
}

/// Everything the main listener answers, the middleware in one visible list: outermost last.
///
/// The service expects `axum::extract::ConnectInfo<SocketAddr>` in the request's extensions.
pub fn router(web: &Web) -> Router {
    let (api, known) = api::router(web);
    let inner = Router::new()
        .merge(api)
        .merge(docs::router())
        .merge(ops::router(&web.ops))
        .merge(landing::router())
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
        .layer(middleware::from_fn(ops::count))
        .with_state(web.clone());
    Router::new()
        .fallback_service(inner)
        .layer(middleware::from_fn_with_state(Arc::new(known), slash::mend))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&web.config),
            cors::allow,
        ))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(
            api::problem::panicked,
        ))
        .layer(middleware::from_fn(body::linger))
        .layer(middleware::from_fn(headers::secure))
        .layer(middleware::from_fn(request_id::assign))
}
