//! WebSocket upgrades: authenticate, take a place in the hub, then answer 101 and hand the socket to
//! its pump.
//!
//! | where | who | dialect |
//! |---|---|---|
//! | `/?token=` | a token | account, version 1 |
//! | `/?token=&v=2` | a token | account, version 2 |
//! | `/ws` | the session cookie, from our own pages | account, version 2 |
//! | `/ws/chat/{id}/` | a token, or the session cookie from our own pages | one room |

mod credential;
mod frames;
mod plain;
mod transport;

use crate::{
    Web,
    api::problem::{self, Problem},
};
use axum::{
    Router,
    extract::{FromRequestParts as _, Path, Request, State, ws::WebSocketUpgrade},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use credential::Query;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use parlour_core::{
    Actor, Error, Kind, RoomId,
    error::NOT_FOUND,
    rooms::{self, Right},
};
use parlour_realtime::{DialectKind, Outbox, Registration, max_frame};
pub(crate) use plain::PlainSocket;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{handshake::derive_accept_key, protocol::WebSocketConfig};
pub(crate) use transport::WebSocket;

/// Held per socket while idle, where the library reads; its default is 128 KiB.
const READ_BUFFER: usize = 1024;
/// Frames are collected up to this size before they are written, where the library writes them.
const WRITE_BUFFER: usize = 32 * 1024;

/// The sockets with paths of their own. A redirect would help no WebSocket client, so each is served
/// with and without its slash.
pub(crate) fn router() -> Router<Web> {
    Router::new()
        .route("/ws", get(own))
        .route("/ws/", get(own))
        .route("/ws/chat/{id}", get(room))
        .route("/ws/chat/{id}/", get(room))
}

/// The account socket, `GET /?token=<token>` (contract 6a). No, an empty or an unknown token, or a
/// query that cannot be read: 403.
pub(crate) async fn account(web: Web, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let query = Query::of(&parts);
    let actor = match credential::by_token(&web, &parts, &query).await {
        Ok(actor) => actor,
        Err(error) => return refuse(error),
    };
    let dialect = if query.is_version_2() {
        DialectKind::AccountV2
    } else {
        DialectKind::Account
    };
    open(web, &mut parts, async |web| {
        web.realtime.register(actor, dialect).await
    })
    .await
}

/// The account socket of our own pages, `GET /ws`.
async fn own(State(web): State<Web>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let actor = match credential::by_session(&web, &parts).await {
        Ok(actor) => actor,
        Err(error) => return refuse(error),
    };
    open(web, &mut parts, async |web| {
        web.realtime.register(actor, DialectKind::AccountV2).await
    })
    .await
}

/// The socket of one room, `GET /ws/chat/{id}/` (contract 6b). Anonymous callers: 403; then as for the
/// room's messages: 404 for who may not know of it, 403 for who is not in it.
async fn room(State(web): State<Web>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let query = Query::of(&parts);
    let actor = if query.has_token() {
        credential::by_token(&web, &parts, &query).await
    } else {
        credential::by_session(&web, &parts).await
    };
    let entered = match actor {
        Ok(actor) => find(&web, &mut parts, &actor)
            .await
            .map(|room| (actor, room)),
        Err(error) => Err(error),
    };
    let (actor, room) = match entered {
        Ok(entered) => entered,
        Err(error) => return refuse(error),
    };
    open(web, &mut parts, async |web| {
        web.realtime.enter(actor, room).await
    })
    .await
}

/// The room of the path, if the actor talks in it.
async fn find(web: &Web, parts: &mut Parts, actor: &Actor) -> Result<RoomId, Error> {
    let path = Path::<String>::from_request_parts(parts, &()).await;
    let id = path.ok().and_then(|id| id.parse().ok()).ok_or(NOT_FOUND)?;
    let view = rooms::view(&web.app, actor, id).await?;
    rooms::can(&view, Right::Talk)?;
    Ok(id)
}

/// The refusal of an upgrade: nobody is 403 here, as in the reference.
fn refuse(error: Error) -> Response {
    if error.kind() == Kind::Unauthenticated {
        problem::detail(StatusCode::FORBIDDEN, error.code(), error.text())
    } else {
        Problem(error).into_response()
    }
}

/// Answers the upgrade and serves the socket.
async fn open(
    web: Web,
    parts: &mut Parts,
    register: impl AsyncFnOnce(&Web) -> Result<Registration, Error>,
) -> Response {
    let (upgrade, response) = match handshake(parts).await {
        Ok(shaken) => shaken,
        Err(refusal) => return refusal,
    };
    // The place comes before the answer: what is committed after the client reads 101 is delivered.
    let registration = match register(&web).await {
        Ok(registration) => registration,
        Err(error) => return refuse(error),
    };
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let actions = Arc::new(web.app.clone());
                let outbox = registration.shared_outbox();
                match connection(&web, upgraded, outbox).await {
                    Connection::Plain(socket) => {
                        tokio::spawn(web.realtime.serve(*socket, registration, actions));
                    }
                    Connection::Other(socket) => {
                        tokio::spawn(web.realtime.serve(*socket, registration, actions));
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "upgrade failed"),
        }
    });
    response
}

/// An upgraded connection.
pub(crate) enum Connection {
    /// Plain TCP, which is read and written without detours.
    Plain(Box<PlainSocket>),
    /// Anything else.
    Other(Box<WebSocket<TokioIo<Upgraded>>>),
}

/// A WebSocket on an upgraded connection; whatever it says by itself goes through this outbox. It is to
/// be served in a task of its own, because a task keeps room for the largest of its states for as long
/// as it lives.
pub(crate) async fn connection(web: &Web, upgraded: Upgraded, outbox: Arc<Outbox>) -> Connection {
    let largest = max_frame(web.app.settings().max_text_chars);
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => {
            let tcp = parts.io.into_inner();
            let socket = PlainSocket::new(tcp, &parts.read_buf, outbox, largest);
            Connection::Plain(Box::new(socket))
        }
        Err(upgraded) => {
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER)
                .write_buffer_size(WRITE_BUFFER)
                .max_write_buffer_size(4 * WRITE_BUFFER + 2 * largest)
                .max_message_size(Some(largest))
                .max_frame_size(Some(largest));
            let socket = WebSocket::new(TokioIo::new(upgraded), config).await;
            Connection::Other(Box::new(socket))
        }
    }
}

/// Takes the upgrade out of a request and answers it (RFC 6455, section 4.2.2).
pub(crate) async fn handshake(parts: &mut Parts) -> Result<(OnUpgrade, Response), Response> {
    let upgrade = parts.extensions.get::<OnUpgrade>().cloned();
    let key = parts.headers.get(header::SEC_WEBSOCKET_KEY).cloned();
    // It looks whether the request is one for a WebSocket, and says what is wrong with it.
    let _checked = WebSocketUpgrade::from_request_parts(parts, &())
        .await
        .map_err(IntoResponse::into_response)?;
    let (Some(upgrade), Some(key)) = (upgrade, key) else {
        // HTTP/2 upgrades otherwise, and is not spoken here.
        return Err(StatusCode::UPGRADE_REQUIRED.into_response());
    };
    if !STANDARD.decode(&key).is_ok_and(|key| key.len() == 16) {
        let text = "`Sec-WebSocket-Key` must be 16 bytes in base64";
        return Err((StatusCode::BAD_REQUEST, text).into_response());
    }
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (
            header::SEC_WEBSOCKET_ACCEPT,
            derive_accept_key(key.as_bytes()),
        ),
    ];
    Ok((
        upgrade,
        (StatusCode::SWITCHING_PROTOCOLS, headers).into_response(),
    ))
}
