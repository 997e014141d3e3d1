//! The API's one translator of errors (contract section 1).

use crate::body::BodyError;
use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use parlour_core::{
    Error, Kind,
    error::{NO_FIELD, ROOM_FULL},
    rates::whole_seconds,
};
use serde_json::{Map, Value, json};
use std::any::Any;

/// The code of an error, for programs; the body stays as the contract says.
static CODE: HeaderName = HeaderName::from_static("x-parlour-error");

/// An error on its way to a client of the API.
#[derive(Debug)]
pub struct Problem(pub Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(error) = self;
        if error.kind() == Kind::Internal {
            tracing::error!(?error, "request failed");
        } else if matches!(error.kind(), Kind::Unavailable | Kind::StorageFull) {
            tracing::warn!(?error, "request refused");
        }
        let status = status(error.kind());
        let mut response = match error.kind() {
            // Kept for compatibility: a bare array (contract 4).
            Kind::Invalid if error.is(ROOM_FULL) => {
                (status, Json(json!([error.text()]))).into_response()
            }
            Kind::Invalid => (status, Json(field_errors(&error))).into_response(),
            Kind::Conflict if !error.rooms().is_empty() => (
                status,
                Json(json!({"detail": error.text(), "rooms": error.rooms()})),
            )
                .into_response(),
            _ => (status, Json(json!({"detail": error.text()}))).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(CODE.clone(), HeaderValue::from_static(error.code()));
        if error.kind() == Kind::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
        }
        if let Some(wait) = error.retry_hint() {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        response
    }
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        // Ended rooms are 404 outside of the pages (contract 7c).
        Kind::NotFound | Kind::Gone => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn field_errors(error: &Error) -> Value {
    let mut fields = Map::new();
    for field in error.field_errors() {
        let texts = fields
            .entry(field.field)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(texts) = texts {
            texts.push(Value::String(field.problem.to_string()));
        }
    }
    if fields.is_empty() {
        fields.insert(NO_FIELD.to_owned(), json!([error.text()]));
    }
    Value::Object(fields)
}

/// An answer of the form `{"detail": …}`.
pub(crate) fn detail(status: StatusCode, code: &'static str, text: &str) -> Response {
    let mut response = (status, Json(json!({"detail": text}))).into_response();
    response
        .headers_mut()
        .insert(CODE.clone(), HeaderValue::from_static(code));
    response
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let text = self.to_string();
        let (status, code) = match self {
            Self::Refused(error) => return Problem(error).into_response(),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
            Self::Broken | Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
            Self::Unsupported(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported"),
        };
        detail(status, code, &text)
    }
}

/// What a panic of a handler answers; the panic itself is in the log.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that the layer asks for"
)]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("not a text");
    Problem(Error::internal(format!("panic: {text}"))).into_response()
}
