//! `/chat/{id}/`: the room.

use super::{
    Reader, enter, meet,
    rows::{Row, Viewer, rows},
};
use crate::{
    Web,
    pages::{
        answer::{Answer, Answered},
        card::{Card, card},
        people::{PersonView, initials, people},
        sidebar::{self, RoomLink},
    },
};
use axum::http::StatusCode;
use parlour_core::{
    Actor, Error, MessageId, RoomId, UserId,
    error::{REMOVED, ROOM_FULL},
    messages::{self, Place, Window},
    model::{Preferences, Room, RoomView, Standing, Unread},
    rooms::{self, Right},
};
use serde::Serialize;
use std::collections::HashMap;

/// What a request for a room's page says besides the room.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// `?at=`: a message to open at.
    pub(crate) at: Option<MessageId>,
    /// Whether it may join: not from another site, not ahead of a click (contract 7).
    pub(crate) may_join: bool,
    /// `?refresh=`: for pages without scripts.
    pub(crate) refresh: Option<u32>,
}

/// A text that was refused, and why.
#[derive(Debug, Default)]
struct Refused {
    text: String,
    error: Option<String>,
}

#[derive(Serialize)]
struct Page {
    room: RoomOnPage,
    rows: Vec<Row>,
    people: Vec<PersonView>,
    has_older: bool,
    has_newer: bool,
    at: Option<MessageId>,
    refresh: Option<u32>,
    draft: String,
    draft_error: Option<String>,
    boot: Boot,
}

#[derive(Clone, Serialize)]
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
#[derive(Serialize)]
struct Boot {
    room: RoomOnPage,
    me: Me,
    people: Vec<PersonView>,
    rooms: Vec<RoomLink>,
    preferences: Preferences,
    limits: Limits,
    epoch: String,
    has_older: bool,
    has_newer: bool,
    at: Option<MessageId>,
}

#[derive(Serialize)]
struct Me {
    id: UserId,
    nickname: String,
    initials: String,
    hue: u8,
}

#[derive(Serialize)]
struct Limits {
    max_text_chars: usize,
}

/// The room; entering it joins (contract 7).
pub(crate) async fn show(visitor: &Visitor, room: &str, asked: Asked) -> Answered {
    let (actor, view) = match meet(web, visitor, room, Right::Know).await? {
        Ok(met) => met,
        Err(page) => return Ok(page),
    };
    if rooms::can(&view, Right::Talk).is_ok() {
        return page(web, visitor, &actor, view, asked, Refused::default()).await;
    }
    if view.standing == Standing::Removed {
        return Err(REMOVED.into());
    }
    if view.standing == Standing::Invited && view.room.kind == parlour_core::model::RoomKind::Private
    {
        return enter::ask(web, visitor, &view.room, "invited").await;
    }
    if !asked.may_join {
        return enter::ask(web, visitor, &view.room, "ask").await;
    }
    match rooms::join(&web.app, &actor, view.room.id).await {
        Ok(_) => {
            let view = rooms::view(&web.app, &actor, view.room.id).await?;
            page(web, visitor, &actor, view, asked, Refused::default()).await
        }
        Err(error) if error.is(ROOM_FULL) => enter::full(web, visitor, &view.room).await,
        Err(error) => Err(error),
    }
}

/// The room with a text that could not be sent.
pub(super) async fn refused(
    web: &Web,
    visitor: &Visitor,
    room: &str,
    text: String,
    error: &Error,
) -> Answered {
    let (actor, view) = match meet(web, visitor, room, Right::Talk).await? {
        Ok(met) => met,
        Err(page) => return Ok(page),
    };
    let problem = error.field_errors().first();
    let refused = Refused {
        text,
        error: Some(problem.map_or_else(
            || error.text().to_owned(),
            |field| crate::pages::form::problem(&field.problem),
        )),
    };
    page(web, visitor, &actor, view, Asked::default(), refused).await
}

async fn page(
    web: &Web,
    visitor: &Visitor,
    actor: &Actor,
    view: RoomView,
    asked: Asked,
    refused: Refused,
) -> Answered {
    let room = &*view.room;
    let mine = sidebar::my_rooms(web, actor).await?;
    let links = sidebar::links(web, actor, &mine, Some(room.id)).await?;
    let unread = links.iter().find(|link| link.id == room.id);
    let read_seq = unread.map_or(0, RoomLink::read_seq);
    let place = place(web, actor, room, asked.at, unread).await?;
    let at = asked.at.filter(|_| matches!(place, Place::Around(_)));
    let window = messages::window(&web.app, actor, room.id, place).await?;
    let persons = people(rooms::people(&web.app, actor, room.id).await?, actor.user);
    let names = names(&persons);
    let answered = messages::answered(&web.app, actor, room.id, &window.messages).await?;
    let viewer = Viewer {
        me: actor.user,
        host: room.owner,
        read_seq,
    };
    let rows = rows(viewer, &window.messages, &answered, &names);
    let on_page = RoomOnPage {
        card: card(web, room, Some(actor.user)).await?,
        is_host: view.is_owner,
        is_member: view.standing == Standing::Member,
        owner_id: room.owner,
        epoch: web.app.store().epoch().to_owned(),
        read_seq,
        seq: room.seq,
        started_at_start: !window.has_older,
    };
    let boot = boot(web, actor, &on_page, &links, &window, at).await?;
    let status = if refused.error.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    Ok(Answer::with_status(
        status,
        "room.html",
        Page {
            room: on_page,
            rows,
            people: persons.clone(),
            has_older: window.has_older,
            has_newer: window.has_newer,
            at,
            refresh: asked.refresh,
            draft: refused.text,
            draft_error: refused.error,
            boot: Boot {
                people: persons,
                ..boot
            },
        },
    ))
}

/// Where the page opens: at the message that was asked for, else where the unread begin when they
/// are more than a page, else at the newest.
async fn place(
    web: &Web,
    actor: &Actor,
    room: &Room,
    at: Option<MessageId>,
    unread: Option<&RoomLink>,
) -> Result<Place, Error> {
    if let Some(id) = at {
        let found = messages::by_id(&web.app, actor, room.id, &[id]).await?;
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

async fn boot(
    web: &Web,
    actor: &Actor,
    room: &RoomOnPage,
    links: &[RoomLink],
    window: &Window,
    at: Option<MessageId>,
) -> Result<Boot, Error> {
    let me = web.app.senders(&[actor.user]).await?.pop();
    let (id, sender) = me.ok_or(parlour_core::error::INVALID_TOKEN)?;
    let preferences = parlour_core::accounts::preferences(&web.app, actor, actor.user).await?;
    Ok(Boot {
        room: room.clone(),
        me: Me {
            id,
            nickname: sender.nickname.clone(),
            initials: initials(&sender.nickname),
            hue: sender.hue,
        },
        people: Vec::new(),
        rooms: links.to_vec(),
        preferences,
        limits: Limits {
            max_text_chars: web.app.settings().max_text_chars,
        },
        epoch: room.epoch.clone(),
        has_older: window.has_older,
        has_newer: window.has_newer,
        at,
    })
}
