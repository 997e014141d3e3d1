//! What Parlour **shows**: REST v1 with its OpenAPI document, the web pages, the account socket,
//! operations.
//!
//! Handlers translate: bytes to the input of a `parlour-core` action, its result to bytes. They hold
//! no rule of their own. All errors of the API go through [`api::problem`], all of the pages through
//! `pages::error`.

pub mod address;
pub mod api;
mod auth;
mod body;
mod cookies;
mod cors;
mod csrf;
mod docs;
mod headers;
mod media;
mod meters;
mod ops;
mod pages;
mod request_id;
mod session;
mod slash;
mod socketio;
mod sockets;
pub mod theme;

pub use address::TrustedProxies;
pub use api::openapi;
pub use csrf::SecretKey;
pub use media::file_signer;
pub use meters::describe_metrics;
pub use ops::{MetricsDoor, Ops, Readiness, ops_router};
pub use session::Encrypted;
pub use socketio::SocketIo;
pub use theme::Theme;

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
    /// What the connections of Socket.IO share.
    pub socketio: SocketIo,
    /// How this server is reached.
    pub config: Arc<WebConfig>,
    /// How the pages look and what they say.
    pub theme: Theme,
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
    /// What is given to browsers is signed with it.
    pub secret_key: SecretKey,
    /// The origin by which people reach the server; `None`: as the request says.
    pub public_url: Option<String>,
    /// Whether programs are sent on to an address of the storage, where it has one.
    pub blobs_direct: bool,
    /// Whether clients of Engine.IO 3, which is Socket.IO 2, are served.
    pub socketio_eio3: bool,
}

/// Everything the main listener answers, the middleware in one visible list: outermost last.
///
/// The service expects `axum::extract::ConnectInfo<SocketAddr>` in the request's extensions.
pub fn router(web: &Web) -> Router {
    let (api, paths) = api::router(web);
    let pages = pages::paths().map(str::to_owned);
    let known = slash::KnownPaths::new(paths.into_iter().chain(pages)).unwrap_or_default();
    let inner = Router::new()
        .merge(api)
        .merge(docs::router())
        .merge(ops::router(&web.ops))
        .merge(sockets::router())
        .merge(socketio::router())
        .merge(pages::router(web))
        .fallback_service(pages::lost(web))
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
