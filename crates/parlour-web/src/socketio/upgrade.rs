//! From requests to a WebSocket: the client opens one beside, asks whether packets come through, and
//! goes on over it.

use super::{Query, Web, link::Link, refusal::Refusal};
use crate::sockets::{Connection, PlainSocket, connection, handshake};
use axum::{http::request::Parts, response::Response};
use futures_util::StreamExt as _;
use parlour_realtime::{Frame, Outbox, outbox::OutboxLimits};
use std::{sync::Arc, time::Duration};

/// How long the question and the word to go on may take.
const WITHIN: Duration = Duration::from_secs(10);
/// The question, the answer, the word.
const PROBE: &[u8] = b"2probe";
const ANSWER: &[u8] = b"\x81\x063probe";
const GO_ON: &[u8] = b"5";
/// A close frame without a code.
const GOOD_BYE: &[u8] = b"\x88\x00";

/// Answers the upgrade of a connection.
pub(super) async fn serve(
    web: Web,
    parts: &mut Parts,
    query: &Query,
    sid: &str,
) -> Result<Response, Refusal> {
    let link = web.socketio.links.find(sid, &web.app)?;
    link.is_spoken(query.is_old())?;
    link.door.recognise(parts, query).await?;
    let probe = match link.begin_probe() {
        Ok(()) => Some(Probe(link)),
        // Clients are told as by the reference: it opens and closes.
        Err(Refusal::UPGRADED) => None,
        Err(refusal) => return Err(refusal),
    };
    let (upgrade, response) = match handshake(parts).await {
        Ok(shaken) => shaken,
        Err(refusal) => return Ok(refusal),
    };
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else {
            return;
        };
        // What the WebSocket says by itself must not get between the packets of requests.
        let aside = Arc::new(Outbox::new(OutboxLimits::default()));
        let Connection::Plain(mut socket) = connection(&web, upgraded, aside).await else {
            tracing::debug!("only plain connections can be gone on with");
            return;
        };
        let Some(probe) = probe else {
            let _ = tokio::time::timeout(WITHIN, socket.write_aside(GOOD_BYE)).await;
            return;
        };
        let asked = tokio::time::timeout(WITHIN, probe.ask(&mut socket)).await;
        if asked == Ok(Some(())) {
            probe.0.switch(*socket);
        }
    });
    Ok(response)
}

/// A WebSocket that asks; requests go on when it is dropped.
struct Probe(Arc<Link>);

impl Probe {
    /// Waits for the question and for the word; `None` when something else comes.
    async fn ask(&self, socket: &mut PlainSocket) -> Option<()> {
        hear(socket, PROBE).await?;
        self.0.was_asked();
        socket.write_aside(ANSWER).await.ok()?;
        self.0.was_answered();
        hear(socket, GO_ON).await
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.end_probe();
    }
}

async fn hear(socket: &mut PlainSocket, expected: &[u8]) -> Option<()> {
    loop {
        match socket.next().await?.ok()? {
            Frame::Text(text) if *text == *expected => return Some(()),
            Frame::Ping(_) | Frame::Pong(_) => {}
            Frame::Text(_) | Frame::Binary(_) | Frame::Close(..) => return None,
        }
    }
}
