//! `/chat/list/`.

use super::Reader;
use crate::{
    Web,
    pages::{
        answer::{Answer, Answered},
        card::{Card, cards},
        sidebar::my_rooms,
    },
};
use parlour_core::{
    Error,
    model::{PageNumber, PageRequest, Room},
    rooms,
};
use serde::Serialize;
use std::collections::HashSet;

/// Most GROUP rooms on the page.
const MOST: i64 = 500;

/// Rooms of one read.
const PIECE: i64 = 100;

#[derive(Serialize)]
struct List {
    rooms: Vec<Card>,
    can_create: bool,
}

/// All rooms the visitor may know of, newest first.
pub(crate) async fn list(visitor: &Visitor) -> Answered {
    let mut rooms = open_rooms(web, MOST).await?;
    if let Some(actor) = &visitor.actor {
        let known: HashSet<_> = rooms.iter().map(|room| room.id).collect();
        let own = my_rooms(web, actor).await?;
        let invited = rooms::invitations(&web.app, actor).await?;
        let more = own.into_iter().chain(invited);
        rooms.extend(more.filter(|room| !known.contains(&room.id)));
    }
    rooms.sort_by_key(|room| std::cmp::Reverse(room.id));
    rooms.dedup_by_key(|room| room.id);
    let me = visitor.actor.map(|actor| actor.user);
    Ok(Answer::page(
        "rooms.html",
        List {
            rooms: cards(web, &rooms, me).await?,
            can_create: visitor.actor.is_some(),
        },
    ))
}

/// GROUP rooms, latest change first, at most `most`.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn open_rooms(web: &Web, most: i64) -> Result<Vec<Room>, Error> {
    let mut found = Vec::new();
    let size = PIECE.min(most);
    for page in 1..=most.div_euclid(size) {
        let request = PageRequest {
            page: PageNumber::Nth(page),
            size,
        };
        let piece = match rooms::list_open(&web.app, request).await {
            Ok(piece) => piece,
            // Rooms went away between two pages.
            Err(error) if page > 1 && error.is(parlour_core::error::INVALID_PAGE) => break,
            Err(error) => return Err(error),
        };
        let last = piece.total_pages() <= page;
        found.extend(piece.items);
        if last {
            break;
        }
    }
    Ok(found)
}
