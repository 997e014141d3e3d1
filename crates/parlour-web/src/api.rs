//! REST v1 (contract sections 1 to 5), one file per resource.

mod accounts;
mod gallery;
mod messages;
pub mod openapi;
mod paging;
mod preferences;
pub mod problem;
mod reactions;
mod reading;
mod rooms;
mod schemas;
mod tokens;
mod uploads;
mod views;

use crate::{Web, auth, media};
use axum::{
    Router,
    extract::{FromRequestParts, Path},
    http::{Method, StatusCode, request::Parts},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
pub(crate) use paging::QueryFields;
use parlour_core::error::NOT_FOUND;
use problem::Problem;
use std::str::FromStr;
use utoipa_axum::router::OpenApiRouter;

/// The README of the reference names these; they behave as what they stand for (D-24).
const ALIASES: [&str; 3] = [
    "/api/token/",
    "/api/v1/chats/user/",
    "/api/v1/chats/user/{id}/",
];

/// Everything under `/api/` but the documents, and the paths that exist.
pub(crate) fn router(web: &Web) -> (Router<Web>, Vec<String>) {
    let (documented, document) = documented(Some(web));
    let aliases = Router::new()
        .route("/api/token/", post(tokens::login))
        .route(
            "/api/v1/chats/user/",
            get(accounts::list).post(accounts::create),
        )
        .route(
            "/api/v1/chats/user/{id}/",
            get(accounts::read)
                .put(accounts::replace)
                .patch(accounts::update)
                .delete(accounts::delete),
        )
        .method_not_allowed_fallback(method_not_allowed);
    let (media, _) = media::routes().split_for_parts();
    let router = documented
        .merge(aliases)
        .layer(middleware::from_fn_with_state(web.clone(), auth::identify))
        // Knows its callers by itself: a picture in a page comes with nothing but the session.
        .merge(media.method_not_allowed_fallback(method_not_allowed));
    let more = ["/api/v1/", "/api/v1/redoc/", "/api/v1/schema/"];
    let more = ALIASES.into_iter().chain(more).map(str::to_owned);
    let paths = document.paths.paths.into_keys().chain(more).collect();
    (router, paths)
}

/// The documented routes with their document. Without a [`Web`] the routes are not guarded: good for
/// the document only.
pub(crate) fn documented(web: Option<&Web>) -> (Router<Web>, utoipa::openapi::OpenApi) {
    let open = OpenApiRouter::with_openapi(openapi::base())
        .merge(tokens::open_routes())
        .merge(accounts::routes());
    let closed = OpenApiRouter::new()
        .merge(tokens::routes())
        .merge(preferences::routes())
        .merge(rooms::routes())
        .merge(reading::routes())
        .merge(messages::routes())
        .merge(gallery::routes())
        .merge(uploads::routes())
        .merge(reactions::routes());
    let (closed, closed_document) = closed.split_for_parts();
    let closed = closed.method_not_allowed_fallback(method_not_allowed);
    let closed = match web {
        Some(_) => closed.layer(middleware::from_fn(auth::require)),
        None => closed,
    };
    let (open, mut document) = open.split_for_parts();
    document.merge(closed_document);
    document.merge(media::routes().split_for_parts().1);
    (
        open.method_not_allowed_fallback(method_not_allowed)
            .merge(closed),
        document,
    )
}

/// 404 for paths that do not exist.
pub(crate) async fn not_found() -> Response {
    Problem(NOT_FOUND.into()).into_response()
}

/// 405 with the methods there are; for OPTIONS just those. axum adds `Allow` to what a fallback
/// answers.
pub(crate) async fn method_not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    problem::detail(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        &format!("Method \"{method}\" not allowed."),
    )
}

/// An id in a path. What is no id names nothing: 404 (D-23).
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem(NOT_FOUND.into()))?;
        text.parse()
            .map(Self)
            .map_err(|_| Problem(NOT_FOUND.into()))
    }
}
