//! The pages of rooms: the list, a new room, a room, its settings.

mod create;
mod enter;
mod list;
mod post;
mod rows;
mod settings;
mod show;

pub(crate) use create::{create, create_form};
pub(crate) use list::list;
pub(crate) use post::{join, leave, send};
pub(crate) use settings::{change, settings};
pub(crate) use show::{Asked, show};

use super::{
    answer::{Answer, Answered},
    words::Words,
};
use crate::Web;
use axum::http::StatusCode;
use parlour_core::{
    Actor, Error, Kind, RoomId,
    model::{RoomView, Tombstone},
    rooms::{self, Right},
};
use serde::Serialize;

/// Who looks, and in which language.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) actor: Option<Actor>,
    pub(crate) words: Words,
}

/// A room as the visitor meets it, or the page they get instead.
async fn meet(
    web: &Web,
    visitor: &Visitor,
    room: &str,
    right: Right,
) -> Result<Result<(Actor, RoomView), Answer>, Error> {
    let Ok(room) = room.parse::<RoomId>() else {
        return Ok(Err(if visitor.actor.is_some() {
            Answer::Missing
        } else {
            Answer::LogIn
        }));
    };
    let Some(actor) = visitor.actor else {
        return Ok(Err(match gone(web, None, room).await? {
            Some(page) => page,
            None => Answer::LogIn,
        }));
    };
    match rooms::view(&web.app, &actor, room).await {
        Ok(view) => {
            rooms::can(&view, right)?;
            Ok(Ok((actor, view)))
        }
        Err(error) if error.kind() == Kind::NotFound => {
            let page = gone(web, Some(&actor), room).await?;
            Ok(Err(page.unwrap_or(Answer::Missing)))
        }
        Err(error) => Err(error),
    }
}

/// The page of a room that ended, for those who may know of it.
async fn gone(web: &Web, actor: Option<&Actor>, room: RoomId) -> Result<Option<Answer>, Error> {
    #[derive(Serialize)]
    struct Gone {
        name: String,
        ended: parlour_core::Time,
        reason: &'static str,
        is_owner: bool,
    }
    let stone = rooms::tombstone(&web.app, actor, room).await?;
    Ok(stone.map(|stone: Tombstone| {
        Answer::with_status(
            StatusCode::GONE,
            "gone.html",
            Gone {
                is_owner: actor.is_some_and(|actor| actor.user == stone.owner),
                name: stone.name,
                ended: stone.ended_at,
                reason: stone.reason.as_str(),
            },
        )
    }))
}
