//! The pages' one translator of errors.

use super::{next, visitor::Visitor};
use crate::body::BodyError;
use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ALLOW, LOCATION, RETRY_AFTER},
    },
    response::{Html, IntoResponse, Response},
};
use minijinja::context;
use parlour_core::{Error, Kind, error::NOT_FOUND, rates::whole_seconds};
use std::{
    any::Any,
    sync::{Mutex, PoisonError},
};

/// What a page answers instead of itself.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of an action.
    Error(Error),
    /// The form does not come from a page of ours, or from one that is too old.
    Forged,
    /// The body could not be read.
    Body(BodyError),
    /// The page is for people who are logged in.
    LogIn,
    /// The page does not take this method.
    Method,
    /// Another page is shown in its place, such as that of a room that ended. (A body cannot be
    /// shared between threads, an extension of a response must be: hence the lock.)
    Instead(Box<Mutex<Response>>),
}

impl Failure {
    /// Another page in this one's place.
    pub(super) fn instead(page: Response) -> Self {
        Self::Instead(Box::new(Mutex::new(page)))
    }

    /// The form does not come from a page of ours.
    pub(super) fn forged() -> Self {
        Self::Forged
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Refused(error) => Self::Error(error),
            error => Self::Body(error),
        }
    }
}

/// A failure in an answer, until the door makes a page of it.
#[derive(Clone, Debug)]
pub(super) struct Failed(std::sync::Arc<Failure>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Self::Instead(page) = self {
            return page.into_inner().unwrap_or_else(PoisonError::into_inner);
        }
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response
            .extensions_mut()
            .insert(Failed(std::sync::Arc::new(self)));
        response
    }
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        failure.into_response()
    }
}

/// How a failure is shown.
struct Shape {
    status: StatusCode,
    /// The texts `error-<name>` and `error-<name>-text`.
    name: &'static str,
    retry_after: Option<u64>,
}

fn shape(failure: &Failure) -> Shape {
    let plain = |status: u16, name| Shape {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        name,
        retry_after: None,
    };
    match failure {
        Failure::Forged => plain(403, "forged"),
        Failure::Method => plain(405, "method"),
        // Never gets here: it is its own page.
        Failure::Instead(_) => plain(500, "internal"),
        Failure::LogIn => plain(302, "forbidden"),
        Failure::Body(BodyError::TooLarge) => plain(413, "too-large"),
        // Never gets here: it is an error of an action.
        Failure::Body(BodyError::Refused(_)) => plain(400, "invalid"),
        Failure::Body(BodyError::TooSlow) => plain(408, "too-slow"),
        Failure::Body(BodyError::Unsupported(_)) => plain(415, "unreadable"),
        Failure::Body(BodyError::Broken | BodyError::Malformed(_)) => plain(400, "unreadable"),
        Failure::Error(error) => Shape {
            retry_after: error.retry_hint().map(whole_seconds),
            ..match error.kind() {
                Kind::Invalid => plain(400, "invalid"),
                // A page has no credential to ask for: the visitor logs in.
                Kind::Unauthenticated => plain(403, "forbidden"),
                Kind::Forbidden => plain(403, "forbidden"),
                Kind::NotFound => plain(404, "not-found"),
                Kind::Conflict => plain(409, "invalid"),
                Kind::Gone => plain(410, "gone"),
                Kind::TooLarge => plain(413, "too-large"),
                Kind::TooMany => plain(429, "too-many"),
                Kind::Unavailable => plain(503, "unavailable"),
                Kind::StorageFull => plain(507, "no-space"),
                Kind::Internal => plain(500, "internal"),
            }
        },
    }
}

/// The page that says what went wrong. `bare` is the answer that carried the failure.
pub(super) fn page(visitor: &Visitor, failed: &Failed, bare: &Response) -> Response {
    let failure = &*failed.0;
    if matches!(failure, Failure::LogIn) {
        return redirect(&next::log_in_then(visitor.path()));
    }
    if let Failure::Error(error) = failure {
        match error.kind() {
            Kind::Internal => tracing::error!(?error, "page failed"),
            Kind::Unavailable | Kind::StorageFull => tracing::warn!(?error, "page refused"),
            _ => {}
        }
    }
    let shape = shape(failure);
    let heading = visitor.text(&format!("error-{}", shape.name));
    let text = match failure {
        // What the action says is more than what the kind of the error says.
        Failure::Error(error)
            if matches!(
                error.kind(),
                Kind::Forbidden | Kind::Conflict | Kind::Invalid | Kind::TooLarge
            ) =>
        {
            visitor.error(error)
        }
        _ => visitor.text(&format!("error-{}-text", shape.name)),
    };
    let rendered = visitor
        .page("error.html", "error-title")
        .title(heading.clone())
        .status(shape.status)
        .with(context! {
            status_code => shape.status.as_u16(),
            heading => heading.clone(),
            text => text.clone(),
            retry_after => shape.retry_after,
            request_id => visitor.0.request_id.clone(),
        });
    let mut response = rendered.unwrap_or_else(|failure| {
        // The page for errors is broken itself (a theme's mistake): say it plainly.
        tracing::error!(?failure, "the page for errors failed");
        let escaped = crate::theme::functions::escaped;
        let html = format!(
            "<!doctype html><title>{0}</title><h1>{0}</h1><p>{1}</p>",
            escaped(&heading),
            escaped(&text)
        );
        (shape.status, Html(html)).into_response()
    });
    keep(bare.headers(), response.headers_mut());
    if let Some(seconds) = shape.retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The methods that a path has were written into the bare answer.
fn keep(bare: &HeaderMap, headers: &mut HeaderMap) {
    if let Some(allow) = bare.get(ALLOW) {
        headers.insert(ALLOW, allow.clone());
    }
}

/// 302 to a path of ours.
pub(super) fn redirect(path: &str) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static(next::LIST));
    (StatusCode::FOUND, [(LOCATION, place)]).into_response()
}

/// 404 for paths that do not exist.
pub(super) async fn not_found() -> Response {
    Failure::from(Error::from(NOT_FOUND)).into_response()
}

/// 405; axum adds `Allow` to what a fallback answers.
pub(super) async fn method_not_allowed() -> Response {
    Failure::Method.into_response()
}

/// What a panic of a page answers; the panic itself is in the log.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that the layer asks for"
)]
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("not a text");
    Failure::from(Error::internal(format!("panic: {text}"))).into_response()
}
