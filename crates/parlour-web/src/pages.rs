//! The web pages: HTML made on the server, forms that work without scripts (contract section 7).

mod accounts;
mod admin;
mod card;
mod contrast;
mod create;
mod door;
mod error;
mod flash;
mod form;
mod guard;
mod landing;
mod list;
mod me;
mod next;
mod page;
mod people;
mod rooms;
mod see;
mod setup;
mod sidebar;
mod site;
mod time_left;
mod visitor;

use crate::{Web, theme::assets};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, header::ACCEPT},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

/// Every page with its path: the router and the rule about slashes are made from this.
fn routes() -> Vec<(&'static str, MethodRouter<Web>)> {
    vec![
        ("/", get(landing::show)),
        ("/chat/list/", get(list::show)),
        ("/chat/create/", get(create::show).post(create::create)),
        ("/chat/{room}/", get(rooms::show)),
        ("/chat/{room}/files/", get(rooms::files)),
        ("/chat/{room}/send/", post(rooms::send)),
        ("/chat/{room}/join/", post(rooms::join)),
        ("/chat/{room}/leave/", post(rooms::leave)),
        (
            "/chat/{room}/settings/",
            get(rooms::settings).post(rooms::change),
        ),
        ("/me/", get(me::show).post(me::change)),
        ("/setup/", get(setup::show).post(setup::make)),
        ("/admin/", get(admin::show).post(admin::change)),
        (
            "/accounts/register/",
            get(accounts::show_register).post(accounts::register),
        ),
        (
            "/accounts/login/",
            get(accounts::show_login).post(accounts::log_in),
        ),
        (
            "/accounts/logout/",
            get(accounts::show_logout).post(accounts::log_out),
        ),
    ]
}

/// The paths of the pages.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    routes().into_iter().map(|(path, _)| path)
}

/// The pages and what they are made of.
pub(crate) fn router(web: &Web) -> Router<Web> {
    let mut pages = Router::new();
    for (path, methods) in routes() {
        pages = pages.route(path, methods);
    }
    let pages = pages
        // Inside of the check, so that a method that a page does not have is 405 and not 403.
        .route_layer(middleware::from_fn_with_state(web.clone(), guard::check))
        .method_not_allowed_fallback(error::method_not_allowed);
    Router::new()
        .merge(dressed(pages, web))
        .route("/assets/{hash}/{*path}", get(assets::serve))
        .route("/site/logo", get(site::logo))
        .route("/site/custom.css", get(site::css))
        .route("/sw.js", get(door::service_worker))
        .route("/manifest.webmanifest", get(door::manifest))
        .route("/favicon.ico", get(door::favicon))
}

/// The answer to a path that is nobody's: a page for people, JSON for programs.
pub(crate) fn lost(web: &Web) -> Router {
    let page = Router::new().fallback(error::not_found);
    let page = dressed(page, web).with_state(web.clone());
    Router::new()
        .fallback(async |State(page): State<Router>, request: Request| {
            if wants_page(request.uri().path(), request.headers()) {
                tower::ServiceExt::oneshot(page, request)
                    .await
                    .into_response()
            } else {
                crate::api::not_found().await
            }
        })
        .with_state(page)
}

fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    !path.starts_with("/api/") && accepts.is_some_and(|accepted| accepted.contains("text/html"))
}

/// What every page has around it: a visitor, headers, cookies, and pages for errors.
fn dressed(router: Router<Web>, web: &Web) -> Router<Web> {
    router
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::from_fn_with_state(web.clone(), door::receive))
}

/// What a handler of a page answers.
pub(crate) type Answer = Result<Response, error::Failure>;
