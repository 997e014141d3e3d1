//! The pages of one room: the room, its door, its settings, and what is posted to it.

mod attached;
mod enter;
mod files;
mod post;
mod rows;
mod settings;
mod show;

pub(super) use files::files;
pub(super) use post::{join, leave, send};
pub(super) use settings::{change, settings};
pub(super) use show::show;

use super::{error::Failure, visitor::Visitor};
use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use minijinja::{Value, value::Serde};
use parlour_core::{
    Actor, Error, Kind, RoomId,
    error::NOT_FOUND,
    model::RoomView,
    rooms::{self, Right},
};
use serde::Serialize;

/// A room as the visitor meets it.
///
/// # Errors
/// Log in first; [`NOT_FOUND`]; the page of a room that ended, as [`Failure::Instead`].
async fn meet(visitor: &Visitor, room: &str, right: Right) -> Result<(Actor, RoomView), Failure> {
    let app = &visitor.web().app;
    let room = room.parse::<RoomId>();
    let Some(actor) = visitor.actor().copied() else {
        let page = match room {
            Ok(room) => gone(visitor, room).await?,
            Err(_) => None,
        };
        return Err(page.map_or(Failure::LogIn, Failure::instead));
    };
    let room = room.map_err(|_| Error::from(NOT_FOUND))?;
    match rooms::view(app, &actor, room).await {
        Ok(view) => {
            rooms::can(&view, right)?;
            Ok((actor, view))
        }
        Err(error) if error.kind() == Kind::NotFound => {
            let page = gone(visitor, room).await?;
            Err(page.map_or_else(|| error.into(), Failure::instead))
        }
        Err(error) => Err(error.into()),
    }
}

/// The page of a room that ended, for those who may know of it.
async fn gone(visitor: &Visitor, room: RoomId) -> Result<Option<Response>, Failure> {
    #[derive(Debug, Serialize)]
    struct Gone {
        name: String,
        ended: parlour_core::Time,
        reason: &'static str,
        is_owner: bool,
    }
    let actor = visitor.actor();
    let Some(stone) = rooms::tombstone(&visitor.web().app, actor, room).await? else {
        return Ok(None);
    };
    let page = visitor
        .page("gone.html", "title-gone")
        .title(stone.name.clone())
        .status(StatusCode::GONE)
        .with(Value::from(Serde(Gone {
            is_owner: actor.is_some_and(|actor| actor.user == stone.owner),
            name: stone.name,
            ended: stone.ended_at,
            reason: stone.reason.as_str(),
        })))?;
    Ok(Some(page.into_response()))
}
