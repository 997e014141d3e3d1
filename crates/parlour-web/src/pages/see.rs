//! Where a form leads.

use super::{flash::Flash, visitor::Visitor};
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{LOCATION, SET_COOKIE},
    },
    response::{IntoResponse as _, Response},
};

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
