//! In front of a room: taking a seat, or why there is none.

use super::{Reader, list::open_rooms};
use crate::{
    Web,
    pages::{
        answer::{Answer, Answered},
        card::{Card, card, cards},
    },
};
use axum::http::StatusCode;
use parlour_core::{Error, model::Room};
use serde::Serialize;

/// How many other rooms are offered to those who find theirs full.
const OTHERS: usize = 6;

#[derive(Serialize)]
struct Enter {
    card: Card,
    reason: &'static str,
    others: Vec<Card>,
}

/// All seats are taken.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn full(visitor: &Visitor, room: &Room) -> Answered {
    page(web, visitor, room, ("full", StatusCode::FORBIDDEN)).await
}

/// Invited, or asked by a request that must not join by itself.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn ask(
    web: &Web,
    visitor: &Visitor,
    room: &Room,
    reason: &'static str,
) -> Answered {
    page(web, visitor, room, (reason, StatusCode::OK)).await
}

async fn page(
    web: &Web,
    visitor: &Visitor,
    room: &Room,
    (reason, status): (&'static str, StatusCode),
) -> Result<Answer, Error> {
    let me = visitor.actor.map(|actor| actor.user);
    let mut others = open_rooms(web, 100).await?;
    others.retain(|other| {
        let taken = i64::try_from(other.users.len()).unwrap_or(i64::MAX);
        other.id != room.id && taken < other.max_users
    });
    others.truncate(OTHERS);
    Ok(Answer::with_status(
        status,
        "room_enter.html",
        Enter {
            card: card(web, room, me).await?,
            reason,
            others: cards(web, &others, me).await?,
        },
    ))
}
