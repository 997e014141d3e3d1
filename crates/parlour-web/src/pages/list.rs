//! The list of rooms.

use super::{Answer, card, sidebar, visitor::Visitor};
use minijinja::{context, value::Serde};
use parlour_core::{
    Error,
    model::{PageNumber, PageRequest, Room},
    rooms,
};
use std::collections::BTreeMap;

/// Rooms asked for at once.
const AT_ONCE: i64 = 100;
/// Most rooms on the page, newest changes first; a server has more only when it is flooded.
const MOST: usize = 1_000;

/// `GET /chat/list/`: newest first; public rooms, and those of the visitor.
pub(super) async fn show(visitor: Visitor) -> Answer {
    let mut found: BTreeMap<_, Room> = BTreeMap::new();
    let mut mine = Vec::new();
    if let Some(actor) = visitor.actor() {
        mine = sidebar::my_rooms(&visitor, actor).await?;
        let invited = rooms::invitations(&visitor.web().app, actor).await?;
        found.extend(invited.into_iter().map(|room| (room.id, room)));
    }
    found.extend(mine.iter().map(|room| (room.id, room.clone())));
    let open = open_rooms(&visitor).await?;
    found.extend(open.into_iter().map(|room| (room.id, room)));
    let app = &visitor.web().app;
    let settings = app.settings();
    let newest_first: Vec<Room> = found.into_values().rev().collect();
    let cards = card::cards(&visitor, newest_first).await?;
    visitor
        .page("rooms.html", "title-rooms")
        .sidebar(sidebar::of(&visitor, &mine, None).await?)
        .with(context! {
            rooms => Serde(cards),
            can_create => visitor.actor().is_some(),
            seats => context! {
                default => settings.default_max_users,
                max => settings.max_users_in_room,
            },
            closes_on => settings
                .room_lifetime
                .map(|life| app.now().plus(life).to_string()),
        })
}

/// All GROUP rooms, latest change first.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn open_rooms(visitor: &Visitor) -> Result<Vec<Room>, Error> {
    let app = &visitor.web().app;
    let mut found: Vec<Room> = Vec::new();
    for number in 1.. {
        let request = PageRequest {
            page: PageNumber::Nth(number),
            size: AT_ONCE,
        };
        let page = match rooms::list_open(app, request).await {
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
    Ok(found)
}
