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
    /// One for each seat, or the same share of [`SEATS_DRAWN`].
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
    let mut owners: Vec<_> = rooms.iter().map(|room| room.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let senders = visitor.web().app.senders(&owners).await?;
    let names: HashMap<UserId, String> = senders
        .into_iter()
        .map(|(id, sender)| (id, sender.nickname.clone()))
        .collect();
    let cards = rooms.iter().map(|room| {
        let owner = names.get(&room.owner).cloned().unwrap_or_default();
        drawn(visitor, room, owner)
    });
    Ok(cards.collect())
}

/// The card of one room.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn card(visitor: &Visitor, room: &Room) -> Result<Card, Error> {
    let owner = visitor.web().app.senders(&[room.owner]).await?.pop();
    let owner = owner.map(|(_, sender)| sender.nickname.clone());
    Ok(drawn(visitor, room, owner.unwrap_or_default()))
}

/// The card of a room whose owner is called so.
fn drawn(visitor: &Visitor, room: &Room, owner_nickname: String) -> Card {
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
        seats: seats(taken, max),
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

/// One square for each seat, or [`SEATS_DRAWN`] in which the same share is taken; somebody always
/// shows.
fn seats(taken: i64, max: i64) -> Vec<bool> {
    let filled = if max <= SEATS_DRAWN {
        taken
    } else {
        (taken.saturating_mul(SEATS_DRAWN) + max - 1) / max
    };
    (0..max.clamp(0, SEATS_DRAWN))
        .map(|seat| seat < filled)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_rooms_show_their_share() {
        let count = |taken, max| seats(taken, max).into_iter().filter(|seat| *seat).count();
        assert_eq!((seats(2, 5).len(), count(2, 5)), (5, 2));
        assert_eq!((seats(1, 250).len(), count(1, 250)), (24, 1));
        assert_eq!(count(250, 250), 24);
        assert_eq!(count(125, 250), 12);
        assert_eq!(count(30, 20), 20, "the limit was lowered");
    }
}
