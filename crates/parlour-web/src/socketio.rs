//! Socket.IO 5 over Engine.IO 4, at `/socket.io/` (docs/protocol/socket-io.md): WebSocket, long-polling,
//! and the way from one to the other. What is said is `parlour_realtime`'s; here is how it travels.

mod gate;
mod link;
mod links;
mod packets;
mod packets_v3;
mod polling;
mod refusal;
mod travel;
mod upgrade;
mod waiting;

use crate::{
    Web,
    sockets::{Connection, connection, handshake},
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, header, request::Parts},
    response::{IntoResponse as _, Response},
    routing::any,
};
use gate::Door;
use links::Links;
use parlour_realtime::{Opening, Speech, max_frame};
use refusal::Refusal;
use std::sync::Arc;
use waiting::Waiting;

/// The Engine.IO that is spoken.
const VERSION: &str = "4";
/// The one before, where the settings say so.
const OLD_VERSION: &str = "3";

/// What the connections of Socket.IO of this process share.
#[derive(Clone, Debug, Default)]
pub struct SocketIo {
    waiting: Arc<Waiting>,
    links: Arc<Links>,
}

/// Where it is. Clients ask with the slash; one without is served the same way.
pub(crate) fn router() -> Router<Web> {
    Router::new()
        .route("/socket.io", any(serve))
        .route("/socket.io/", any(serve))
}

/// What a request's address asks for; keys it does not know are ignored.
#[derive(Debug, Default)]
struct Query {
    version: Option<String>,
    transport: Option<String>,
    sid: Option<String>,
    parser: Option<String>,
    /// Who asks, as clients of Engine.IO 3 say it.
    token: Option<String>,
}

impl Query {
    fn of(parts: &Parts) -> Self {
        let mut query = Self::default();
        let text = parts.uri.query().unwrap_or_default();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let slot = match &*key {
                "EIO" => &mut query.version,
                "transport" => &mut query.transport,
                "sid" => &mut query.sid,
                "parser" => &mut query.parser,
                "token" => &mut query.token,
                _ => continue,
            };
            // The first counts.
            slot.get_or_insert_with(|| value.into_owned());
        }
        if !query.is_old() {
            query.token = None;
        }
        query
    }

    /// Whether the client speaks Engine.IO 3.
    fn is_old(&self) -> bool {
        self.version.as_deref() == Some(OLD_VERSION)
    }

    /// What the client of a new connection speaks.
    fn speech(&self) -> Result<Speech, Refusal> {
        match (self.is_old(), self.parser.as_deref()) {
            (false, None) => Ok(Speech::Text),
            (false, Some("msgpack")) => Ok(Speech::Pack),
            (true, None) => Ok(Speech::Old),
            (_, Some(_)) => Err(Refusal::PARSER),
        }
    }
}

async fn serve(State(web): State<Web>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    answer(web, parts, body)
        .await
        .unwrap_or_else(Refusal::into_response)
}

async fn answer(web: Web, mut parts: Parts, body: Body) -> Result<Response, Refusal> {
    let query = Query::of(&parts);
    match query.version.as_deref() {
        Some(VERSION) => {}
        Some(OLD_VERSION) if web.config.socketio_eio3 => {}
        _ => return Err(Refusal::VERSION),
    }
    if query.sid.is_none() && web.realtime.is_closing() {
        return Err(Refusal::STOPPING);
    }
    match query.transport.as_deref() {
        Some("polling") => polling::serve(web, &parts, body, &query).await,
        Some("websocket") => websocket(web, &mut parts, &query).await,
        _ => Err(Refusal::TRANSPORT),
    }
}

async fn websocket(web: Web, parts: &mut Parts, query: &Query) -> Result<Response, Refusal> {
    let is_upgrade = parts.method == Method::GET && parts.headers.contains_key(header::UPGRADE);
    if !is_upgrade {
        return Err(Refusal::NO_WEBSOCKET);
    }
    if let Some(sid) = &query.sid {
        return upgrade::serve(web, parts, query, sid).await;
    }
    let speech = query.speech()?;
    let gate = Arc::new(Door::new(&web, parts, query)?);
    let (upgrade, response) = match handshake(parts).await {
        Ok(shaken) => shaken,
        Err(refusal) => return Ok(refusal),
    };
    let sid = web.socketio.links.sid(&web.app);
    let actions = Arc::new(web.app.clone());
    let conversation = web.realtime.meet(speech, gate, actions);
    let opening = opening(&web, &sid, &[]);
    conversation.shared_outbox().push(opening.as_bytes());
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let outbox = conversation.shared_outbox();
                match connection(&web, upgraded, outbox).await {
                    Connection::Plain(socket) => {
                        tokio::spawn(web.realtime.converse(*socket, conversation));
                    }
                    Connection::Other(socket) => {
                        tokio::spawn(web.realtime.converse(*socket, conversation));
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "upgrade failed"),
        }
    });
    Ok(response)
}

/// What a client is told first.
fn opening(web: &Web, sid: &str, upgrades: &[&str]) -> String {
    let (every, within) = web.realtime.heartbeat();
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let opening = Opening {
        sid,
        upgrades,
        ping_interval: millis(every),
        ping_timeout: millis(within),
        max_payload: max_frame(web.app.settings().max_text_chars),
    };
    opening.packet()
}
