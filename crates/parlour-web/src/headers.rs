//! Security headers that stand on every answer (contract 1 and 7c).

use axum::{
    body::HttpBody as _,
    extract::Request,
    http::{
        HeaderValue,
        header::{
            CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::Response,
};

const ALWAYS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// What an answer that is no page may do: nothing.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// A refused request whose body is larger than this was not read to its end: the connection is of no
/// further use, and the client is told so.
const UNREAD: u64 = 8 * 1024;

/// Adds the headers; a page's own policy stays.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let large = request
        .body()
        .size_hint()
        .exact()
        .is_none_or(|size| size > UNREAD);
    let mut response = next.run(request).await;
    let refused = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    if large && refused {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What nobody thought of is nobody else's to keep.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(NO_PAGE));
    response
}
