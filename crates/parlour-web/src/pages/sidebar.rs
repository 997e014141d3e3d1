//! One's own rooms, A to Z, with what is unread in them.

use super::{time_left::TimeLeft, visitor::Visitor};
use minijinja::{Value, value::Serde};
use parlour_core::{
    Actor, Error, RoomId, Time,
    model::{PageNumber, PageRequest, Room, RoomKind},
    rooms::{self, Scope},
};
use serde::Serialize;
use std::collections::HashMap;

/// Most rooms that a page lists.
const MOST: i64 = 500;

/// Rooms of one read.
const PIECE: i64 = 100;

/// A room one belongs to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RoomLink {
    pub(crate) id: RoomId,
    pub(crate) url: String,
    pub(crate) name: String,
    is_private: bool,
    current: bool,
    unread: bool,
    mentions: i64,
    /// Only in the last 24 hours.
    left: Option<String>,
    closes: Option<Time>,
    read_seq: i64,
    seq: i64,
    #[serde(skip)]
    messages: i64,
}

impl RoomLink {
    /// How far the reader has read.
    pub(crate) const fn read_seq(&self) -> i64 {
        self.read_seq
    }

    /// Whether there is more unread than a page shows.
    pub(crate) const fn has_many_unread(&self) -> bool {
        self.messages > 40
    }
}

/// All rooms the actor joined or owns, latest change first.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn my_rooms(visitor: &Visitor, actor: &Actor) -> Result<Vec<Room>, Error> {
    let mut mine = Vec::new();
    for page in 1..=MOST / PIECE {
        let request = PageRequest {
            page: PageNumber::Nth(page),
            size: PIECE,
        };
        let found = rooms::list(&visitor.web().app, actor, Scope::Mine, Some(request)).await;
        let found = match found {
            Ok(found) => found,
            // Rooms went away between two pages.
            Err(error) if page > 1 && error.is(parlour_core::error::INVALID_PAGE) => break,
            Err(error) => return Err(error),
        };
        let last = found.total_pages() <= page;
        mine.extend(found.items);
        if last {
            break;
        }
    }
    Ok(mine)
}

/// The links of these rooms, A to Z.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn links(
    visitor: &Visitor,
    actor: &Actor,
    mine: &[Room],
    current: Option<RoomId>,
) -> Result<Vec<RoomLink>, Error> {
    let app = &visitor.web().app;
    let unread: HashMap<_, _> = rooms::unread(app, actor)
        .await?
        .into_iter()
        .map(|unread| (unread.room, unread))
        .collect();
    let now = app.now();
    let mut links: Vec<_> = mine
        .iter()
        .map(|room| {
            let unread = unread.get(&room.id);
            let left = TimeLeft::of(room, app.settings(), now).filter(|left| left.is_soon());
            RoomLink {
                id: room.id,
                url: format!("/chat/{}/", room.id),
                name: room.name.clone(),
                is_private: room.kind == RoomKind::Private,
                current: current == Some(room.id),
                messages: unread.map_or(0, |unread| unread.messages),
                unread: unread.is_some_and(|unread| unread.messages > 0),
                mentions: unread.map_or(0, |unread| unread.mentions),
                left: left.map(|left| left.text(&visitor.web().theme, visitor.language())),
                closes: room.expires_at,
                read_seq: unread.map_or(0, |unread| unread.read_seq),
                seq: room.seq,
            }
        })
        .collect();
    links.sort_by_cached_key(|link| (link.name.to_lowercase(), link.id.get()));
    Ok(links)
}

/// What templates have as the sidebar: the links, or nothing for visitors without an account.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn of(
    visitor: &Visitor,
    mine: &[Room],
    current: Option<RoomId>,
) -> Result<Value, Error> {
    Ok(match visitor.actor() {
        Some(actor) => Value::from(Serde(links(visitor, actor, mine, current).await?)),
        None => Value::from(()),
    })
}
