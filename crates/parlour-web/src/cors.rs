//! Which other sites may call the API (contract 1, D-21): any origin with a token, none with
//! cookies but those that are configured.

use crate::WebConfig;
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
            ALLOW, ORIGIN, VARY,
        },
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

const METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
const HEADERS: &str = "accept, authorization, content-type, idempotency-key, tus-resumable, \
    upload-checksum, upload-length, upload-metadata, upload-offset, x-csrftoken, x-http-method-override";
const EXPOSED: &str = "location, retry-after, tus-checksum-algorithm, tus-extension, tus-max-size, \
    tus-resumable, tus-version, upload-expires, upload-length, upload-metadata, upload-offset, \
    x-request-id, x-parlour-error, x-parlour-file";
const SECONDS: &str = "86400";

/// What programs on other sites' pages may call.
fn is_open(path: &str) -> bool {
    path.starts_with("/api/")
        || path.starts_with(parlour_realtime::MEDIA)
        || path.starts_with("/socket.io")
}

/// Answers preflights and adds the headers to everything below `/api/`, `/media/` and
/// `/socket.io/`.
pub(crate) async fn allow(
    State(config): State<Arc<WebConfig>>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let Some(origin) = origin.filter(|_| is_open(request.uri().path())) else {
        return next.run(request).await;
    };
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if is_preflight {
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(METHODS),
        );
        headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(HEADERS),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(SECONDS));
        headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    } else {
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED),
        );
    }
    admit(headers, origin, &config);
    response
}

fn admit(headers: &mut HeaderMap, origin: HeaderValue, config: &WebConfig) {
    headers.append(VARY, HeaderValue::from_static("origin"));
    if config
        .cors_origins
        .iter()
        .any(|known| known.as_bytes() == origin.as_bytes())
    {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    } else {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}
