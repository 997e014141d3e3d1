//! In front of a room: taking a seat, or why there is none.

use super::super::{
    Answer,
    card::{Card, card, cards},
    list::open_rooms,
    visitor::Visitor,
};
use axum::http::StatusCode;
use minijinja::{Value, value::Serde};
use parlour_core::model::Room;
use serde::Serialize;

/// How many other rooms are offered to those who find theirs full.
const OTHERS: usize = 6;

#[derive(Debug, Serialize)]
struct Enter {
    card: Card,
    reason: &'static str,
    others: Vec<Card>,
}

/// All seats are taken.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn full(visitor: &Visitor, room: &Room) -> Answer {
    page(visitor, room, "full", StatusCode::FORBIDDEN).await
}

/// Invited (`invited`), or asked by a request that must not join by itself (`ask`).
///
/// # Errors
/// When the store does not answer.
pub(super) async fn ask(visitor: &Visitor, room: &Room, reason: &'static str) -> Answer {
    page(visitor, room, reason, StatusCode::OK).await
}

async fn page(visitor: &Visitor, room: &Room, reason: &'static str, status: StatusCode) -> Answer {
    let mut others = open_rooms(visitor).await?;
    others.retain(|other| {
        let taken = i64::try_from(other.users.len()).unwrap_or(i64::MAX);
        other.id != room.id && taken < other.max_users
    });
    others.truncate(OTHERS);
    let values = Enter {
        card: card(visitor, room).await?,
        reason,
        others: cards(visitor, others).await?,
    };
    visitor
        .page("room_enter.html", "title-room-enter")
        .title(room.name.clone())
        .status(status)
        .with(Value::from(Serde(values)))
}
