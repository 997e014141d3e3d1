//! `/api/v1/chats/messages/{id}/reactions/{emoji}/`: reactions to messages.

use super::{
    problem::Problem,
    schemas::{Detail, FieldErrors},
    views::MessageDoc,
};
use crate::{Web, auth::Auth, body::Fields, media::Links};
use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use parlour_core::{MessageId, error::NOT_FOUND, messages};
use parlour_realtime::view::MessageView;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(add, remove))
}

/// A message and an emoji in a path. What is no id names nothing: 404. Any text may stand for the
/// emoji; the action says whether it is one.
pub(super) struct Reaction {
    message: MessageId,
    emoji: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Reaction {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (id, emoji) = match Path::from_request_parts(parts, state).await {
            Ok(Path(pair)) => pair,
            // Not UTF-8: no emoji, and no id if it is in the id.
            Err(_) => {
                let id = parts.uri.path().rsplit('/').nth(3).unwrap_or_default();
                (id.to_owned(), char::REPLACEMENT_CHARACTER.to_string())
            }
        };
        let message = id.parse().map_err(|_| Problem(NOT_FOUND.into()))?;
        Ok(Self { message, emoji })
    }
}

/// React to a message. Doing it again changes nothing. The body is ignored.
#[utoipa::path(put, path = "/api/v1/chats/messages/{id}/reactions/{emoji}/", operation_id = "chats_messages_reactions_update", tag = "chats",
    params(
        ("id" = i64, Path, description = "The message's id"),
        ("emoji" = String, Path, description = "One emoji, percent-encoded", example = "👍")),
    responses(
        (status = 200, description = "The message with its reactions", body = MessageDoc),
        (status = 400, description = "Not an emoji", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in its room", body = Detail),
        (status = 404, description = "No such message", body = Detail),
        (status = 409, description = "The message has 20 different reactions", body = Detail),
        (status = 429, description = "Too fast; see Retry-After", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn add(
    State(web): State<Web>,
    Auth(actor): Auth,
    Reaction { message, emoji }: Reaction,
    links: Links,
    _ignored: Fields,
) -> Result<Response, Problem> {
    let done = messages::react(&web.app, &actor, message, &emoji, true).await?;
    Ok(Json(MessageView::signed(&done.message, links.signer())).into_response())
}

/// Take one's reaction back. Doing it again changes nothing.
#[utoipa::path(delete, path = "/api/v1/chats/messages/{id}/reactions/{emoji}/", operation_id = "chats_messages_reactions_delete", tag = "chats",
    params(
        ("id" = i64, Path, description = "The message's id"),
        ("emoji" = String, Path, description = "One emoji, percent-encoded", example = "👍")),
    responses(
        (status = 204, description = "Not there (any more)"),
        (status = 400, description = "Not an emoji", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in its room", body = Detail),
        (status = 404, description = "No such message", body = Detail),
        (status = 429, description = "Too fast; see Retry-After", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn remove(
    State(web): State<Web>,
    Auth(actor): Auth,
    Reaction { message, emoji }: Reaction,
) -> Result<StatusCode, Problem> {
    messages::react(&web.app, &actor, message, &emoji, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
