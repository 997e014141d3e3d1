//! The list of rooms.

use super::{Answer, card, time_left::TimeLeft, visitor::Visitor};
use minijinja::{context, value::Serde};
use parlour_core::{
    Actor, Error, RoomId, Time,
    model::{Page, PageNumber, PageRequest, Room, RoomKind, Unread},
    rooms::{self, Scope},
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Rooms asked for at once.
const AT_ONCE: i64 = 100;
/// Most rooms on the page, newest changes first; a server has more only when it is flooded.
const MOST: usize = 1_000;

/// A link to a room of the visitor's.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RoomLink {
    id: RoomId,
    url: String,
    name: String,
    is_private: bool,
    current: bool,
    unread: bool,
    mentions: i64,
    /// Only in the last day.
    left: Option<String>,
    closes: Option<Time>,
    read_seq: i64,
    seq: i64,
    #[serde(skip)]
    changed: Time,
}

impl RoomLink {
    /// When the room last changed; joins count, messages do not.
    pub(crate) const fn changed(&self) -> Time {
        self.changed
    }
}

/// `GET /chat/list/`: newest first; public rooms, and those of the visitor.
pub(super) async fn show(visitor: Visitor) -> Answer {
    let mut found: BTreeMap<_, Room> = all(&visitor, None).await?.collect();
    if let Some(actor) = visitor.actor() {
        found.extend(all(&visitor, Some(actor)).await?);
        let invited = rooms::invitations(&visitor.web().app, actor).await?;
        found.extend(invited.into_iter().map(|room| (room.id, room)));
    }
    let newest_first: Vec<Room> = found.into_values().rev().collect();
    let cards = card::cards(&visitor, &newest_first).await?;
    let values = context! {
        rooms => Serde(cards),
        can_create => visitor.actor().is_some(),
    };
    visitor.page("rooms.html").with(values).await
}

/// Links to the visitor's own rooms, A to Z; nobody has none.
pub(crate) async fn links(visitor: &Visitor) -> Result<Vec<RoomLink>, Error> {
    let Some(actor) = visitor.actor() else {
        return Ok(Vec::new());
    };
    let app = &visitor.web().app;
    let unread = rooms::unread(app, actor).await?;
    let unread: HashMap<RoomId, Unread> = unread.into_iter().map(|row| (row.room, row)).collect();
    let link = |(id, room): (RoomId, Room)| {
        let unread = unread.get(&id);
        let time = TimeLeft::of(&room, app.settings(), app.now()).filter(|time| time.is_soon());
        RoomLink {
            id,
            url: card::url(id),
            name: room.name,
            is_private: room.kind == RoomKind::Private,
            current: visitor.path().starts_with(&card::url(id)),
            unread: unread.is_some_and(|unread| unread.messages > 0),
            mentions: unread.map_or(0, |unread| unread.mentions),
            left: time.map(|time| time.text(&visitor.web().theme, visitor.language())),
            closes: room.expires_at,
            read_seq: unread.map_or(0, |unread| unread.read_seq),
            seq: room.seq,
            changed: room.updated_at,
        }
    };
    let mine = all(visitor, Some(actor)).await?;
    let mut links: Vec<RoomLink> = mine.map(link).collect();
    links.sort_by_cached_key(|link| (link.name.to_lowercase(), link.id));
    Ok(links)
}

/// All open rooms, or all of one's own, by their id.
async fn all(
    visitor: &Visitor,
    mine: Option<&Actor>,
) -> Result<impl Iterator<Item = (RoomId, Room)>, Error> {
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
