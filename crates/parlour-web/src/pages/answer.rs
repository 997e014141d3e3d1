//! How handlers of pages answer.

use super::{Answer, flash::Flash, visitor::Visitor};
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{LOCATION, SET_COOKIE},
    },
    response::{IntoResponse as _, Response},
};
use minijinja::{Value, value::Serde};
use serde::Serialize;

/// A page of a template, titled by a text of ours.
///
/// # Errors
/// When the template cannot be rendered.
pub(super) fn page(
    visitor: &Visitor,
    template: &'static str,
    title: &str,
    values: impl Serialize + std::fmt::Debug + Send + Sync + 'static,
) -> Answer {
    visitor
        .page(template, title)
        .with(Value::from(Serde(values)))
}

/// 303 to a path of ours after a form, with a word on what was done.
pub(super) fn see(visitor: &Visitor, path: &str, said: Option<&str>) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response();
    let flash = said.and_then(|said| Flash::saying(said).cookie(visitor.https()));
    if let Some(cookie) = flash {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
