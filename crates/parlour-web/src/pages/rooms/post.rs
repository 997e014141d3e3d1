//! What pages without scripts post: send, join, leave.

use super::{enter, meet, show};
use crate::pages::{Answer, guard::Posted, see::see, visitor::Visitor};
use axum::extract::Path;
use parlour_core::{
    Kind,
    error::ROOM_FULL,
    given::Given,
    messages::{self, SendMessage},
    rooms::{self, Right},
};

/// `POST /chat/{id}/send/`: sends a message and leads back into the room.
pub(in crate::pages) async fn send(
    visitor: Visitor,
    Path(room): Path<String>,
    Posted(mut fields): Posted,
) -> Answer {
    let (actor, view) = meet(&visitor, &room, Right::Talk).await?;
    let id = view.room.id;
    let typed = fields.peek("text").unwrap_or_default().to_owned();
    let said = |name| {
        fields
            .peek(name)
            .is_some_and(|text| !text.trim().is_empty())
    };
    let (has_nonce, is_reply) = (said("nonce"), said("reply_to"));
    let input = SendMessage {
        room: Given::Value(id),
        text: fields.text("text"),
        nonce: if has_nonce {
            fields.text("nonce")
        } else {
            Given::Missing
        },
        reply_to: if is_reply {
            fields.key("reply_to")
        } else {
            Given::Missing
        },
        files: fields.attachments(),
    };
    match messages::send(&visitor.web().app, &actor, input).await {
        Ok(_) => Ok(see(&visitor, &format!("/chat/{id}/"), None)),
        // The page with the text kept and the reason beside it.
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Conflict) => {
            show::refused(&visitor, &actor, view, typed, &error).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /chat/{id}/join/`: takes a seat and leads into the room.
pub(in crate::pages) async fn join(visitor: Visitor, Path(room): Path<String>) -> Answer {
    let (actor, view) = meet(&visitor, &room, Right::Know).await?;
    match rooms::join(&visitor.web().app, &actor, view.room.id).await {
        Ok(room) => Ok(see(&visitor, &format!("/chat/{}/", room.id), None)),
        Err(error) if error.is(ROOM_FULL) => enter::full(&visitor, &view.room).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /chat/{id}/leave/`: gives the seat up and leads to the list.
pub(in crate::pages) async fn leave(visitor: Visitor, Path(room): Path<String>) -> Answer {
    let (actor, view) = meet(&visitor, &room, Right::Know).await?;
    let said = match rooms::leave(&visitor.web().app, &actor, view.room.id).await {
        Ok(_) => Some("flash-left"),
        // Twice, or a host without a seat: the outcome is what was asked for.
        Err(error) if error.kind() == Kind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    Ok(see(&visitor, "/chat/list/", said))
}
