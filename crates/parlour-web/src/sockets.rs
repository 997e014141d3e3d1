//! WebSocket upgrades: authenticate, take a place in the hub, then answer 101 and hand the socket to
//! its pump.

mod transport;

use crate::{
    Web,
    api::problem::{self, Problem},
    auth::client_address,
};
use axum::{
    extract::{FromRequestParts as _, Request, ws::WebSocketUpgrade},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use parlour_core::{Actor, Error, Kind, accounts::authenticate, model::TokenKind, rates::Key};
use parlour_realtime::{DialectKind, max_frame};
use std::sync::Arc;
use transport::AxumTransport;

/// Held per socket while idle; the default of the library is 128 KiB.
const READ_BUFFER: usize = 4 * 1024;
/// Frames are collected up to this size before they are written.
const WRITE_BUFFER: usize = 32 * 1024;

/// The account socket, `GET /?token=<token>` (contract 6a). No, an empty or an unknown token, or a
/// query that cannot be read: 403.
pub(crate) async fn account(web: Web, request: Request) -> Response {
    let key = Key::address(client_address(&web, &request));
    if let Err(error) = web.app.limits().anonymous.look(&key) {
        return Problem(error).into_response();
    }
    let (mut parts, _) = request.into_parts();
    let actor = match actor(&web, parts.uri.query()).await {
        Ok(actor) => actor,
        Err(error) if error.kind() == Kind::Unauthenticated => {
            // Only failures count: a room full of people behind one address may reconnect at once.
            let _ = web.app.limits().anonymous.take(&key);
            return problem::detail(StatusCode::FORBIDDEN, error.code(), error.text());
        }
        Err(error) => return Problem(error).into_response(),
    };
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    // The place comes before the answer: what is committed after the client reads 101 is delivered.
    let registration = match web.realtime.register(actor, DialectKind::Account).await {
        Ok(registration) => registration,
        Err(error) if error.kind() == Kind::Unauthenticated => {
            return problem::detail(StatusCode::FORBIDDEN, error.code(), error.text());
        }
        Err(error) => return Problem(error).into_response(),
    };
    let largest = max_frame(web.app.settings().max_text_chars);
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(4 * WRITE_BUFFER + 2 * largest)
        .max_message_size(largest)
        .max_frame_size(largest)
        .on_failed_upgrade(|error| tracing::debug!(%error, "upgrade failed"))
        .on_upgrade(async move |socket| {
            let actions = Arc::new(web.app.clone());
            web.realtime
                .serve(AxumTransport::new(socket), registration, actions)
                .await;
        })
}

async fn actor(web: &Web, query: Option<&str>) -> Result<Actor, Error> {
    let query = query.unwrap_or_default();
    let token = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "token");
    let token = token.map(|(_, token)| token).unwrap_or_default();
    authenticate(&web.app, &token, TokenKind::Token).await
}
