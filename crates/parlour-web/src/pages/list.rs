//! The list of rooms.

use super::{Answer, card, time_left::TimeLeft, visitor::Visitor};
use minijinja::{context, value::Serde};
use parlour_core::{
    Actor, Error,
    model::{Page, PageNumber, PageRequest, Room, RoomKind},
    rooms::{self, Scope},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Rooms asked for at once.
const AT_ONCE: i64 = 100;
/// Most rooms on the page, newest changes first; a server has more only when it is flooded.
const MOST: usize = 1_000;

/// A link to a room of the visitor's.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RoomLink {
    id: i64,
    url: String,
    name: String,
    is_private: bool,
    current: bool,
    unread: bool,
    mentions: i64,
    /// Only in the last day.
    left: Option<String>,
    closes: Option<String>,
    read_seq: Option<i64>,
    seq: i64,
}

/// `GET /chat/list/`: newest first; public rooms, and those of the visitor.
pub(super) async fn show(visitor: Visitor) -> Answer {
    let mut found: BTreeMap<_, Room> = all(&visitor, None).await?.collect();
    if let Some(actor) = visitor.actor() {
        found.extend(all(&visitor, Some(actor)).await?);
    }
    let newest_first: Vec<Room> = found.into_values().rev().collect();
    let cards = card::cards(&visitor, newest_first).await?;
    visitor.page("rooms.html", "title-rooms").with(context! {
        rooms => Serde(cards),
        can_create => true,
    })
}

/// Links to the visitor's own rooms, latest change first; nobody has none.
pub(crate) async fn links(visitor: &Visitor) -> Result<Vec<RoomLink>, Error> {
    let Some(actor) = visitor.actor() else {
        return Ok(Vec::new());
    };
    let app = &visitor.web().app;
    let mine = rooms::list(app, actor, Scope::Mine, Some(request(1))).await?;
    let link = |room: Room| {
        let time = TimeLeft::of(&room, app.settings(), app.now()).filter(|time| time.is_soon());
        RoomLink {
            id: room.id.get(),
            url: format!("/chat/{}/", room.id),
            name: room.name,
            is_private: room.kind == RoomKind::Private,
            current: false,
            unread: false,
            mentions: 0,
            left: time.map(|time| time.text(&visitor.web().theme, visitor.language())),
            closes: room.expires_at.map(|end| end.to_string()),
            read_seq: None,
            seq: room.seq,
        }
    };
    Ok(mine.items.into_iter().map(link).collect())
}

/// All open rooms, or all of one's own, by their id.
async fn all(
    visitor: &Visitor,
    mine: Option<&Actor>,
) -> Result<impl Iterator<Item = (parlour_core::RoomId, Room)>, Error> {
    let app = &visitor.web().app;
    let mut found: Vec<Room> = Vec::new();
    for number in 1.. {
        let page: Result<Page<Room>, Error> = match mine {
            Some(actor) => rooms::list(app, actor, Scope::Mine, Some(request(number))).await,
            None => rooms::list_open(app, request(number)).await,
        };
        let page = match page {
            // The list became shorter while it was read.
            Err(error) if error.is(parlour_core::error::INVALID_PAGE) => break,
            page => page?,
        };
        let last = page.total_pages();
        found.extend(page.items);
        if number >= last || found.len() >= MOST {
            break;
        }
    }
    Ok(found.into_iter().map(|room| (room.id, room)))
}

const fn request(page: i64) -> PageRequest {
    PageRequest {
        page: PageNumber::Nth(page),
        size: AT_ONCE,
    }
}
