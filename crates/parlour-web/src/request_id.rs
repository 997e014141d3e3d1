//! A name for every request, in the log and in the answer.

use axum::{
    extract::Request,
    http::{HeaderValue, header::HeaderName},
    middleware::Next,
    response::Response,
};
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::Instrument as _;

static HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The request's name, for pages that tell it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Gives the request a name and everything logged below it a span that carries it. The name tells two
/// requests of this process apart, and two processes by their start.
pub(crate) async fn assign(mut request: Request, next: Next) -> Response {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static START: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let start = START.get_or_init(|| {
        // Not a secret: only has to differ between processes.
        std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id())
    });
    let id = format!(
        "{:08x}-{:x}",
        start >> 32,
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    // The query is left out: it may carry a token.
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = request.uri().path(),
    );
    let value = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = value {
        response.headers_mut().insert(HEADER.clone(), value);
    }
    response
}
