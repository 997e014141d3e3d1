//! A room as visitors see it: name, seats, time left.

use super::{time_left::TimeLeft, visitor::Visitor};
use parlour_core::{
    Error, RoomId, Time, UserId,
    model::{Room, RoomKind},
};
use serde::Serialize;
use std::collections::HashMap;

/// Most seats that are drawn one by one.
const SEATS_DRAWN: i64 = 24;

/// The card of a room.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Card {
    id: RoomId,
    url: String,
    name: String,
    topic: String,
    is_private: bool,
    taken: i64,
    max: i64,
    /// Empty when there are too many to draw.
    seats: Vec<bool>,
    seat_percent: i64,
    created: Time,
    closes: Option<Time>,
    left: Option<String>,
    left_soon: bool,
    wick: u64,
    wick_percent: u64,
    owner_nickname: String,
    mine: bool,
    full: bool,
}

/// A room's address.
pub(crate) fn url(room: RoomId) -> String {
    format!("/chat/{room}/")
}

/// The cards of rooms, in their order.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn cards(visitor: &Visitor, rooms: &[Room]) -> Result<Vec<Card>, Error> {
    let mut owners: Vec<UserId> = rooms.iter().map(|room| room.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let senders = visitor.web().app.senders(&owners).await?;
    let names: HashMap<UserId, _> = senders.into_iter().collect();
    let name = |room: &Room| {
        let sender = names.get(&room.owner);
        sender.map_or_else(String::new, |sender| sender.nickname.clone())
    };
    Ok(rooms
        .iter()
        .map(|room| Card::new(visitor, room, name(room)))
        .collect())
}

/// The card of one room.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn card(visitor: &Visitor, room: &Room) -> Result<Card, Error> {
    let owner = visitor.web().app.senders(&[room.owner]).await?.pop();
    let name = owner.map_or_else(String::new, |(_, sender)| sender.nickname.clone());
    Ok(Card::new(visitor, room, name))
}

impl Card {
    fn new(visitor: &Visitor, room: &Room, owner_nickname: String) -> Self {
        let web = visitor.web();
        let settings = web.app.settings();
        let time = TimeLeft::of(room, settings, web.app.now());
        let taken = i64::try_from(room.users.len()).unwrap_or(i64::MAX);
        let max = room.max_users.min(settings.max_users_in_room).max(1);
        let me = visitor.actor().map(|actor| actor.user);
        Self {
            id: room.id,
            url: url(room.id),
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
            created: room.created_at,
            closes: room.expires_at,
            left: time.map(|time| time.text(&web.theme, visitor.language())),
            left_soon: time.is_some_and(TimeLeft::is_soon),
            wick: time.map_or(0, TimeLeft::wick),
            wick_percent: time.map_or(0, TimeLeft::percent),
            owner_nickname,
            mine: me.is_some_and(|me| room.owner == me || room.users.contains(&me)),
            full: taken >= max,
        }
    }
}
