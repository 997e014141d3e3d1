//! A room as visitors see it: name, seats, time left.

use super::{time_left::TimeLeft, visitor::Visitor};
use parlour_core::{
    Error, UserId,
    model::{Room, RoomKind},
};
use serde::Serialize;
use std::collections::HashMap;

/// Most seats that are drawn one by one.
const SEATS_DRAWN: i64 = 24;

/// The card of a room.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Card {
    id: i64,
    url: String,
    name: String,
    topic: String,
    is_private: bool,
    taken: i64,
    max: i64,
    /// Empty when there are too many to draw.
    seats: Vec<bool>,
    seat_percent: i64,
    created: String,
    closes: Option<String>,
    left: Option<String>,
    left_soon: bool,
    wick: u64,
    wick_percent: u64,
    owner_nickname: String,
    mine: bool,
    full: bool,
}

/// The cards of rooms, in their order.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn cards(visitor: &Visitor, rooms: Vec<Room>) -> Result<Vec<Card>, Error> {
    let mut names: HashMap<UserId, String> = HashMap::new();
    let mut cards = Vec::with_capacity(rooms.len());
    for room in rooms {
        let owner = match names.get(&room.owner) {
            Some(name) => name.clone(),
            None => {
                let user = visitor.web().app.store().user(room.owner).await?;
                let name = user.map(|user| user.nickname).unwrap_or_default();
                names.insert(room.owner, name.clone());
                name
            }
        };
        cards.push(card(visitor, &room, owner));
    }
    Ok(cards)
}

/// The card of one room whose owner is called so.
pub(crate) fn card(visitor: &Visitor, room: &Room, owner_nickname: String) -> Card {
    let web = visitor.web();
    let settings = web.app.settings();
    let time = TimeLeft::of(room, settings, web.app.now());
    let taken = i64::try_from(room.users.len()).unwrap_or(i64::MAX);
    let max = room.max_users.min(settings.max_users_in_room).max(1);
    let me = visitor.actor().map(|actor| actor.user);
    Card {
        id: room.id.get(),
        url: format!("/chat/{}/", room.id),
        name: room.name.clone(),
        topic: room.topic.clone(),
        is_private: room.kind == RoomKind::Private,
        taken,
        max,
        seats: if max <= SEATS_DRAWN {
            (0..max).map(|seat| seat < taken).collect()
        } else {
            Vec::new()
        },
        seat_percent: (taken.saturating_mul(100) / max).min(100),
        created: room.created_at.to_string(),
        closes: room.expires_at.map(|end| end.to_string()),
        left: time.map(|time| time.text(&web.theme, visitor.language())),
        left_soon: time.is_some_and(TimeLeft::is_soon),
        wick: time.map_or(0, TimeLeft::wick),
        wick_percent: time.map_or(0, TimeLeft::percent),
        owner_nickname,
        mine: me.is_some_and(|me| room.owner == me || room.users.contains(&me)),
        full: taken >= max,
    }
}
