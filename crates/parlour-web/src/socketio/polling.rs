//! Requests that bring and take packets.

use super::{
    Query, Web,
    gate::{Brought, Door},
    link::Link,
    opening,
    refusal::Refusal,
    travel::Travel,
};
use crate::{
    body::{self, BodyError},
    session::Encrypted,
};
use axum::{
    body::Body,
    http::{
        Method,
        header::{CACHE_CONTROL, CONTENT_TYPE},
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use parlour_realtime::{Frame, max_frame};
use std::{sync::Arc, time::Duration};

/// How long the packets of a request may take to be read.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// What packets of text that connect a namespace begin with.
const CONNECT: &[u8] = b"40";

pub(super) async fn serve(
    web: Web,
    parts: &Parts,
    body: Body,
    query: &Query,
) -> Result<Response, Refusal> {
    let is_get = parts.method == Method::GET;
    let Some(sid) = &query.sid else {
        return if is_get {
            open(&web, parts, query)
        } else {
            Err(Refusal::METHOD)
        };
    };
    let link = web.socketio.links.find(sid, &web.app)?;
    link.is_spoken(query.is_old())?;
    link.door.recognise(parts, query).await?;
    match parts.method {
        Method::GET => get(&link).await,
        Method::POST => {
            let brought = Brought::of(&web, parts, query);
            post(&web, (parts, brought), body, &link).await
        }
        _ => Err(Refusal::NEITHER),
    }
}

/// A new connection.
fn open(web: &Web, parts: &Parts, query: &Query) -> Result<Response, Refusal> {
    let speech = query.speech()?;
    let door = Arc::new(Door::new(web, parts, query)?);
    let sid = web.socketio.links.sid(&web.app);
    let actions = Arc::new(web.app.clone());
    let conversation = web.realtime.meet(speech, Arc::clone(&door) as _, actions);
    let link = Arc::new(Link::new(speech, door, conversation.shared_outbox()));
    web.socketio.links.add(sid.clone(), Arc::clone(&link));
    // Only a plain connection can take over: see decision 0015.
    let upgrades: &[&str] = match parts.extensions.get::<Encrypted>() {
        Some(_) => &[],
        None => &["websocket"],
    };
    let body = link.body([opening(web, &sid, upgrades).into()].into_iter());
    let links = Arc::clone(&web.socketio.links);
    let served = web
        .realtime
        .converse(Travel::new(Arc::clone(&link)), conversation);
    tokio::spawn(async move {
        // However it ends, also by a panic, the id is nobody's afterwards.
        let _end = End { links, link, sid };
        served.await;
    });
    Ok(text(body))
}

/// Ends a connection when it is dropped.
struct End {
    links: Arc<super::links::Links>,
    link: Arc<Link>,
    sid: String,
}

impl Drop for End {
    fn drop(&mut self) {
        self.links.remove(&self.sid);
        self.link.end();
    }
}

async fn get(link: &Link) -> Result<Response, Refusal> {
    let turn = link.begin(false)?;
    let found = match link.settled().await {
        Ok(()) => link.packets().await,
        Err(refusal) => Err(refusal),
    };
    turn.done();
    found.map(text)
}

async fn post(
    web: &Web,
    (parts, brought): (&Parts, Brought),
    body: Body,
    link: &Link,
) -> Result<Response, Refusal> {
    let turn = link.begin(true)?;
    let most = max_frame(web.app.settings().max_text_chars);
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let body = match body::read::whole(body, most).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return Err(Refusal::TOO_LARGE),
        Err(_) => return Err(Refusal::BODY),
    };
    let packets = link.split(&body, is_bytes(parts)).ok_or(Refusal::PACKETS)?;
    // One of bytes may do so, too: it is looked into later.
    let connects = |packet: &Frame| match packet {
        Frame::Text(text) => text.starts_with(CONNECT),
        _ => true,
    };
    if packets.iter().any(connects) {
        link.door.bring(brought);
    }
    let read = async {
        for packet in packets {
            link.bring(packet).await?;
        }
        Ok(())
    };
    match tokio::time::timeout(READ_WITHIN, read).await {
        Ok(Ok(())) => {}
        // The connection ended meanwhile, or nobody reads.
        Ok(Err(refusal)) => return Err(refusal),
        Err(_) => return Err(Refusal::NOT_READ),
    }
    turn.done();
    Ok(text("ok"))
}

/// Whether the body is bytes rather than text.
fn is_bytes(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes() == b"application/octet-stream")
}

fn text(body: impl Into<Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=UTF-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, body.into()).into_response()
}
