//! `/api/v1/chats/messages/` (contract section 5).

use super::{
    Id,
    paging::{Paged, QueryFields},
    problem::Problem,
    schemas::{Detail, FieldErrors, MessageBody, MessagePatchBody, MessagePutBody},
    views::MessageDoc,
};
use crate::{
    Web,
    auth::Auth,
    body::{self, Fields},
    media::Links,
};
use axum::{
    Json, RequestExt as _,
    extract::{FromRequest, RawQuery, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use parlour_core::{
    Actor, MessageId, RoomId,
    error::Problem as FieldProblem,
    given::Given,
    messages::{self, EditMessage, SendMessage},
    model::Message,
};
use parlour_realtime::view::MessageView;
use serde::Serialize;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, update, delete))
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    (status, Json(body)).into_response()
}

/// Messages of all rooms one is in, newest first.
#[utoipa::path(get, path = "/api/v1/chats/messages/", operation_id = "chats_messages_list", tag = "chats",
    params(
        ("room" = Option<i64>, Query, description = "Only messages of this room"),
        ("page" = Option<String>, Query, description = "1, 2, … or `last`"),
        ("page_size" = Option<i64>, Query, description = "1 to 100; 10 when left out")),
    responses(
        (status = 200, description = "A page of messages", body = Paged<MessageDoc>),
        (status = 400, description = "No such room", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 404, description = "No such page", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn list(
    State(web): State<Web>,
    Auth(actor): Auth,
    links: Links,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = QueryFields::new(query.as_deref());
    let room = match query.get("room") {
        None | Some("") => Given::Missing,
        Some(text) => text
            .trim()
            .parse()
            .map_or(Given::Wrong(FieldProblem::NoSuchChoice), Given::Value),
    };
    let page = messages::list(&web.app, &actor, room, query.page()).await?;
    let items = page
        .items
        .iter()
        .map(|message| MessageView::signed(message, links.signer()))
        .collect();
    let page = parlour_core::model::Page {
        items,
        count: page.count,
        size: page.size,
    };
    Ok(answer(StatusCode::OK, &Paged::from(page)))
}

/// Send a message: every socket of everybody in the room gets it after it is stored durably.
///
/// With a nonce (the field, or the header `Idempotency-Key`) sending again answers the first message.
#[utoipa::path(post, path = "/api/v1/chats/messages/", operation_id = "chats_messages_create", tag = "chats",
    params(("Idempotency-Key" = Option<String>, Header, description = "The client's own id of the message, 1 to 64 characters, with or without quotes; the same as the field `nonce`")),
    request_body(content((MessageBody = "application/json"), (MessageBody = "application/x-www-form-urlencoded"), (MessageBody = "multipart/form-data"))),
    responses(
        (status = 201, description = "The message, stored durably", body = MessageDoc),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 409, description = "The nonce was used for another message, or its message was deleted", body = Detail),
        (status = 413, description = "The body or a file is too large, or the account's files are", body = Detail),
        (status = 429, description = "Too fast; see Retry-After", body = Detail),
        (status = 503, description = "Cannot be stored now; see Retry-After. Sending again with the same nonce is safe", body = Detail),
        (status = 507, description = "The server has no more space for files", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn create(
    State(web): State<Web>,
    Auth(actor): Auth,
    links: Links,
    headers: HeaderMap,
    WithFiles(mut body): WithFiles,
) -> Result<Response, Problem> {
    let input = SendMessage {
        room: body.key("room"),
        text: body.text("text"),
        nonce: idempotency_key(&headers).unwrap_or_else(|| body.text("nonce")),
        reply_to: body.key("reply_to"),
        files: body.attachments(),
    };
    let sent = messages::send(&web.app, &actor, input).await?;
    Ok(answer(
        StatusCode::CREATED,
        &MessageView::signed(&sent.message, links.signer()),
    ))
}

/// The header's key, with or without its quotes (a structured header string).
fn idempotency_key(headers: &HeaderMap) -> Option<Given<String>> {
    let value = headers.get("idempotency-key")?;
    let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
        return Some(Given::Wrong(FieldProblem::NotText));
    };
    let text = text.trim();
    let bare = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    Some(Given::Value(bare.to_owned()))
}

/// The fields of a body that may have files.
pub(super) struct WithFiles(Fields);

impl FromRequest<Web> for WithFiles {
    type Rejection = Response;

    async fn from_request(mut request: Request, web: &Web) -> Result<Self, Response> {
        let actor = request.extract_parts::<Auth>().await;
        let Auth(actor) = actor.map_err(IntoResponse::into_response)?;
        body::read_with_files(web, &actor, request).await.map(Self)
    }
}

/// One message: for its author, and for everybody in its room.
#[utoipa::path(get, path = "/api/v1/chats/messages/{id}/", operation_id = "chats_messages_read", tag = "chats",
    params(("id" = i64, Path, description = "The message's id")),
    responses(
        (status = 200, description = "The message", body = MessageDoc),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in its room", body = Detail),
        (status = 404, description = "No such message", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn read(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<MessageId>,
    links: Links,
) -> Result<Response, Problem> {
    let message = messages::get(&web.app, &actor, id).await?;
    Ok(answer(
        StatusCode::OK,
        &MessageView::signed(&message, links.signer()),
    ))
}

/// Change one's own message; the room must be there and cannot be another.
#[utoipa::path(put, path = "/api/v1/chats/messages/{id}/", operation_id = "chats_messages_update", tag = "chats",
    params(("id" = i64, Path, description = "The message's id")),
    request_body(content((MessagePutBody = "application/json"), (MessagePutBody = "application/x-www-form-urlencoded"), (MessagePutBody = "multipart/form-data"))),
    responses(
        (status = 200, description = "The message", body = MessageDoc),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the author, or not in its room any more", body = Detail),
        (status = 404, description = "No such message", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn replace(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<MessageId>,
    links: Links,
    WithFiles(body): WithFiles,
) -> Result<Response, Problem> {
    let message = save(&web, &actor, id, body, true).await?;
    Ok(answer(
        StatusCode::OK,
        &MessageView::signed(&message, links.signer()),
    ))
}

/// Change the text of one's own message, or replace its files.
#[utoipa::path(patch, path = "/api/v1/chats/messages/{id}/", operation_id = "chats_messages_partial_update", tag = "chats",
    params(("id" = i64, Path, description = "The message's id")),
    request_body(content((MessagePatchBody = "application/json"), (MessagePatchBody = "application/x-www-form-urlencoded"), (MessagePatchBody = "multipart/form-data"))),
    responses(
        (status = 200, description = "The message", body = MessageDoc),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the author, or not in its room any more", body = Detail),
        (status = 404, description = "No such message", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn update(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<MessageId>,
    links: Links,
    WithFiles(body): WithFiles,
) -> Result<Response, Problem> {
    let message = save(&web, &actor, id, body, false).await?;
    Ok(answer(
        StatusCode::OK,
        &MessageView::signed(&message, links.signer()),
    ))
}

async fn save(
    web: &Web,
    actor: &Actor,
    id: MessageId,
    mut body: Fields,
    whole: bool,
) -> Result<Arc<Message>, Problem> {
    let room: Given<RoomId> = body.key("room");
    let input = EditMessage {
        text: body.text("text"),
        room,
        whole,
        files: body.attachments(),
    };
    Ok(messages::edit(&web.app, actor, id, input).await?)
}

/// Delete a message: one's own, or any in one's own room.
#[utoipa::path(delete, path = "/api/v1/chats/messages/{id}/", operation_id = "chats_messages_delete", tag = "chats",
    params(("id" = i64, Path, description = "The message's id")),
    responses(
        (status = 204, description = "Gone"),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Neither the author nor the room's owner", body = Detail),
        (status = 404, description = "No such message", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn delete(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<MessageId>,
) -> Result<StatusCode, Problem> {
    messages::delete(&web.app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idempotency_keys_with_or_without_quotes() {
        let key = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", value.parse().expect("header"));
            idempotency_key(&headers)
        };
        assert_eq!(key("abc"), Some(Given::Value("abc".into())));
        assert_eq!(key("\"abc\""), Some(Given::Value("abc".into())));
        assert_eq!(key("\"abc"), Some(Given::Value("\"abc".into())));
        assert_eq!(idempotency_key(&HeaderMap::new()), None);
    }
}
