//! `/chat/{id}/`: the room.

use super::{
    enter, meet,
    rows::{Row, Viewer, rows},
};
use crate::pages::{
    Answer,
    card::{Card, card},
    people::{PersonView, initials, people},
    sidebar::{self, RoomLink},
    visitor::Visitor,
};
use axum::{
    extract::{Path, RawQuery},
    http::{HeaderMap, Method, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use minijinja::{Value, value::Serde};
use parlour_core::{
    Actor, Error, MessageId, UserId,
    error::{REMOVED, ROOM_FULL},
    messages::{self, Place, Window},
    model::{Preferences, Room, RoomKind, RoomView, Standing},
    rooms::{self, Right},
};
use serde::Serialize;
use std::collections::HashMap;

/// What a request for a room's page says besides the room.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    /// `?at=`: a message to open at.
    at: Option<MessageId>,
    /// `?refresh=`: seconds after which a page without scripts loads itself again.
    refresh: Option<u32>,
}

impl Asked {
    fn read(query: Option<&str>) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "at" => asked.at = value.parse().ok(),
                "refresh" => asked.refresh = value.parse().ok().map(|n: u32| n.clamp(5, 3_600)),
                _ => {}
            }
        }
        asked
    }
}

/// Whether a request may join by itself: somebody goes to the page from here. Not from another site, not
/// ahead of a click (contract 7), not for a picture or a frame, and not by looking at the head alone.
fn may_join(method: &Method, headers: &HeaderMap) -> bool {
    let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let from_elsewhere = matches!(word("sec-fetch-site"), Some("cross-site" | "same-site"));
    let goes = matches!(word("sec-fetch-dest"), None | Some("document" | "empty"));
    let ahead = |name| word(name).is_some_and(|word| word.contains("prefetch"));
    method == Method::GET
        && goes
        && !from_elsewhere
        && !ahead("sec-purpose")
        && !ahead("purpose")
        && !ahead("x-moz")
}

/// A text that was refused, and why.
#[derive(Debug, Default)]
struct Refused {
    text: String,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Page {
    room: RoomOnPage,
    rows: Vec<Row>,
    people: Vec<PersonView>,
    has_older: bool,
    has_newer: bool,
    at: Option<MessageId>,
    refresh: Option<u32>,
    /// Makes a form that is sent twice without scripts one message.
    send_nonce: String,
    draft: String,
    draft_error: Option<String>,
    boot: Boot,
}

#[derive(Clone, Debug, Serialize)]
struct RoomOnPage {
    #[serde(flatten)]
    card: Card,
    is_host: bool,
    is_member: bool,
    owner_id: UserId,
    epoch: String,
    read_seq: i64,
    seq: i64,
    started_at_start: bool,
}

/// What scripts begin with.
#[derive(Debug, Serialize)]
struct Boot {
    room: RoomOnPage,
    me: Option<Me>,
    people: Vec<PersonView>,
    rooms: Vec<RoomLink>,
    preferences: Preferences,
    limits: Limits,
    epoch: String,
    has_older: bool,
    has_newer: bool,
    at: Option<MessageId>,
}

#[derive(Debug, Serialize)]
struct Me {
    id: UserId,
    nickname: String,
    initials: String,
    hue: u8,
}

#[derive(Debug, Serialize)]
struct Limits {
    max_text_chars: usize,
    max_upload_bytes: u64,
    max_files: usize,
}

/// `GET /chat/{id}/`: the room; entering it joins (contract 7).
pub(in crate::pages) async fn show(
    visitor: Visitor,
    Path(room): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let (actor, view) = meet(&visitor, &room, Right::Know).await?;
    let asked = Asked::read(query.as_deref());
    if rooms::can(&view, Right::Talk).is_ok() {
        return page(&visitor, &actor, view, asked, Refused::default()).await;
    }
    let is_private = view.room.kind == RoomKind::Private;
    match view.standing {
        Standing::Removed => return Err(Error::from(REMOVED).into()),
        Standing::Invited if is_private => {
            return enter::ask(&visitor, &view.room, "invited").await;
        }
        _ if !may_join(&method, &headers) => return enter::ask(&visitor, &view.room, "ask").await,
        _ => {}
    }
    let app = &visitor.web().app;
    match rooms::join(app, &actor, view.room.id).await {
        Ok(room) => {
            let view = rooms::view(app, &actor, room.id).await?;
            page(&visitor, &actor, view, asked, Refused::default()).await
        }
        Err(error) if error.is(ROOM_FULL) => enter::full(&visitor, &view.room).await,
        Err(error) => Err(error.into()),
    }
}

/// The room with a text that could not be sent.
pub(super) async fn refused(
    visitor: &Visitor,
    actor: &Actor,
    view: RoomView,
    text: String,
    error: &Error,
) -> Answer {
    let problem = error.field_errors().first();
    let refused = Refused {
        text,
        error: Some(problem.map_or_else(
            || visitor.error(error),
            |field| visitor.problem(&field.problem),
        )),
    };
    page(visitor, actor, view, Asked::default(), refused).await
}

async fn page(
    visitor: &Visitor,
    actor: &Actor,
    view: RoomView,
    asked: Asked,
    refused: Refused,
) -> Answer {
    let app = &visitor.web().app;
    let room = &*view.room;
    let mine = sidebar::my_rooms(visitor, actor).await?;
    let links = sidebar::links(visitor, actor, &mine, Some(room.id)).await?;
    let own_link = links.iter().find(|link| link.id == room.id);
    let read_seq = own_link.map_or(0, RoomLink::read_seq);
    let place = place(visitor, actor, room, asked.at, own_link).await?;
    let at = asked.at.filter(|_| matches!(place, Place::Around(_)));
    let window = messages::window(app, actor, room.id, place).await?;
    let persons = people(rooms::people(app, actor, room.id).await?, actor.user);
    let answered = messages::answered(app, actor, room.id, &window.messages).await?;
    let viewer = Viewer {
        me: actor.user,
        host: room.owner,
        read_seq,
    };
    let rows = rows(viewer, &window.messages, &answered, &names(&persons));
    let on_page = RoomOnPage {
        card: card(visitor, room).await?,
        is_host: view.is_owner,
        is_member: view.standing == Standing::Member,
        owner_id: room.owner,
        epoch: app.store().epoch().to_owned(),
        read_seq,
        seq: room.seq,
        started_at_start: !window.has_older,
    };
    let boot = Boot {
        people: persons.clone(),
        ..boot(visitor, &on_page, &links, &window, at)
    };
    let sidebar = Value::from(Serde(links));
    visitor
        .page("room.html", "title-rooms")
        .title(room.name.clone())
        .status(if refused.error.is_some() {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        })
        .sidebar(sidebar)
        .with(Value::from(Serde(Page {
            room: on_page,
            rows,
            people: persons,
            has_older: window.has_older,
            has_newer: window.has_newer,
            at,
            refresh: asked.refresh,
            send_nonce: send_nonce(visitor),
            draft: refused.text,
            draft_error: refused.error,
            boot,
        })))
}

fn send_nonce(visitor: &Visitor) -> String {
    let mut bits = [0; 12];
    visitor.web().app.random(&mut bits);
    format!("page-{}", URL_SAFE_NO_PAD.encode(bits))
}

/// Where the page opens: at the message that was asked for, else where the unread begin when they
/// are more than a page, else at the newest.
async fn place(
    visitor: &Visitor,
    actor: &Actor,
    room: &Room,
    at: Option<MessageId>,
    unread: Option<&RoomLink>,
) -> Result<Place, Error> {
    if let Some(id) = at {
        let found = messages::by_id(&visitor.web().app, actor, room.id, &[id]).await?;
        if let Some(message) = found.first() {
            return Ok(Place::Around(message.seq));
        }
    }
    Ok(match unread {
        Some(link) if link.has_many_unread() => Place::Around(link.read_seq() + 1),
        _ => Place::Newest,
    })
}

fn names(persons: &[PersonView]) -> HashMap<UserId, String> {
    let pairs = persons
        .iter()
        .map(|person| (person.id, person.nickname.clone()));
    pairs.collect()
}

fn boot(
    visitor: &Visitor,
    room: &RoomOnPage,
    links: &[RoomLink],
    window: &Window,
    at: Option<MessageId>,
) -> Boot {
    let settings = visitor.web().app.settings();
    Boot {
        room: room.clone(),
        me: visitor.me().map(|me| Me {
            id: me.id,
            nickname: me.nickname.clone(),
            initials: initials(&me.nickname),
            hue: me.hue(),
        }),
        people: Vec::new(),
        rooms: links.to_vec(),
        preferences: visitor.preferences().clone(),
        limits: Limits {
            max_text_chars: settings.max_text_chars,
            max_upload_bytes: settings.max_upload_bytes,
            max_files: settings.max_files,
        },
        epoch: room.epoch.clone(),
        has_older: window.has_older,
        has_newer: window.has_newer,
        at,
    }
}
