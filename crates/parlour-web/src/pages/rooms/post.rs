//! What pages without scripts post: send, join, leave.

use super::{Reader, meet};
use crate::{
    Web,
    body::Fields,
    pages::{
        answer::{Answer, Answered},
        card::url,
        rooms::{create::unless_empty, enter},
    },
};
use parlour_core::{
    Kind,
    error::ROOM_FULL,
    given::Given,
    messages::{self, SendMessage},
    rooms::{self, Right},
};

/// Sends a message and leads back into the room.
pub(crate) async fn send(visitor: &Visitor, room: &str, mut fields: Fields) -> Answered {
    let (actor, view) = match meet(web, visitor, room, Right::Talk).await? {
        Ok(met) => met,
        Err(page) => return Ok(page),
    };
    let id = view.room.id;
    let text = fields.text("text");
    let input = SendMessage {
        room: Given::Value(id),
        text: text.clone(),
        nonce: unless_empty(fields.text("nonce")),
        reply_to: match unless_empty(fields.text("reply_to")) {
            Given::Missing => Given::Missing,
            _ => fields.key("reply_to"),
        },
    };
    match messages::send(&web.app, &actor, input).await {
        Ok(_) => Ok(Answer::see(url(id))),
        // The page with the text kept and the reason beside it.
        Err(error) if error.kind() == Kind::Invalid => {
            let text = match text {
                Given::Value(text) => text,
                _ => String::new(),
            };
            super::show::refused(web, visitor, room, text, &error).await
        }
        Err(error) => Err(error),
    }
}

/// Takes a seat and leads into the room.
pub(crate) async fn join(visitor: &Visitor, room: &str) -> Answered {
    let (actor, view) = match meet(web, visitor, room, Right::Know).await? {
        Ok(met) => met,
        Err(page) => return Ok(page),
    };
    match rooms::join(&web.app, &actor, view.room.id).await {
        Ok(room) => Ok(Answer::see(url(room.id))),
        Err(error) if error.is(ROOM_FULL) => enter::full(web, visitor, &view.room).await,
        Err(error) => Err(error),
    }
}

/// Gives the seat up and leads to the list.
pub(crate) async fn leave(visitor: &Visitor, room: &str) -> Answered {
    let (actor, view) = match meet(web, visitor, room, Right::Know).await? {
        Ok(met) => met,
        Err(page) => return Ok(page),
    };
    match rooms::leave(&web.app, &actor, view.room.id).await {
        Ok(_) => Ok(Answer::said("/chat/list/", "said-left")),
        // Twice, or a host without a seat: the outcome is what was asked for.
        Err(error) if error.kind() == Kind::NotFound => Ok(Answer::see("/chat/list/")),
        Err(error) => Err(error),
    }
}
