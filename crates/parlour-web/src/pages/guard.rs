//! The check that stands before every form: does it come from a page of ours? Only then is its body
//! handed to the page.

use super::{error::Failure, visitor::Visitor};
use crate::{
    Web,
    body::{self, Fields},
    csrf, session,
};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::convert::Infallible;

/// The field that repeats the CSRF cookie.
const FIELD: &str = "csrfmiddlewaretoken";

/// Refuses requests that change something and do not come from a page of ours: 403, before anything
/// else is looked at (contract 7).
pub(super) async fn check(
    State(web): State<Web>,
    visitor: Option<axum::Extension<Visitor>>,
    request: Request,
    next: Next,
) -> Response {
    if session::is_safe(request.method()) {
        return next.run(request).await;
    }
    let Some(axum::Extension(visitor)) = visitor else {
        return Failure::forged().into_response();
    };
    if !csrf::from_our_pages(&web.config, request.headers(), request.uri()) {
        return Failure::forged().into_response();
    }
    let repeated = request
        .headers()
        .get(&csrf::HEADER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let (mut parts, body) = request.into_parts();
    // Only a room's form has files for a message; whoever has no account has none.
    let sender = visitor
        .actor()
        .filter(|_| parts.uri.path().ends_with("/send/"));
    let read = body::read_form(&web, &parts.headers, body, sender).await;
    let mut fields = match read {
        Ok(fields) => fields,
        Err(error) => return Failure::from(error).into_response(),
    };
    let given = fields.take_text(FIELD).or(repeated).unwrap_or_default();
    // The visitor's token is a new one when the cookie is missing or not valid; then nothing fits.
    if !visitor.0.token.is(&given) {
        return Failure::forged().into_response();
    }
    parts.extensions.insert(Posted(fields));
    next.run(Request::from_parts(parts, axum::body::Body::empty()))
        .await
}

/// The fields of a form that passed the check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posted(pub(crate) Fields);

impl<S: Sync> FromRequestParts<S> for Posted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.remove::<Self>().unwrap_or_default())
    }
}
