//! The front door: `/` is the account socket for who asks for an upgrade, else the landing page.

use crate::{Web, sockets};
use axum::{
    Router,
    extract::{Request, State},
    http::header::{CONTENT_SECURITY_POLICY, UPGRADE},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};

const PAGE: &str = include_str!("../assets/landing.html");
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router() -> Router<Web> {
    Router::new().route("/", get(door))
}

async fn door(State(web): State<Web>, request: Request) -> Response {
    if request.headers().contains_key(UPGRADE) {
        return sockets::account(web, request).await;
    }
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE)).into_response()
}
