//! How far people have read, who is here, who is writing.

use super::{
    Id,
    problem::Problem,
    schemas::{Detail, FieldErrors, ReadBody},
    views::{PeopleView, UnreadView},
};
use crate::{Web, auth::Auth, body::Fields};
use axum::{Json, extract::State, http::StatusCode};
use parlour_core::{
    RoomId,
    rooms::{self, MarkRead},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(typing))
        .routes(routes!(people))
        .routes(routes!(unread))
}

/// Say how far one has read a room. The position only moves forwards, unless `back` is true.
#[utoipa::path(post, path = "/api/v1/chats/rooms/{id}/read/", operation_id = "chats_rooms_read_create", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    request_body(content((ReadBody = "application/json"), (ReadBody = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "What is left to read", body = UnreadView),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in this room", body = Detail),
        (status = 404, description = "No such room", body = Detail),
        (status = 429, description = "Too fast; see Retry-After", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn read(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    mut body: Fields,
) -> Result<Json<UnreadView>, Problem> {
    let input = MarkRead {
        seq: body.integer("seq"),
        back: body.flag("back"),
    };
    let unread = rooms::mark_read(&web.app, &actor, id, input).await?;
    Ok(Json(unread.into()))
}

/// Tell those in the room that one is writing. The body is ignored.
#[utoipa::path(post, path = "/api/v1/chats/rooms/{id}/typing/", operation_id = "chats_rooms_typing_create", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    responses(
        (status = 204, description = "Told"),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in this room", body = Detail),
        (status = 404, description = "No such room", body = Detail),
        (status = 429, description = "Too fast; see Retry-After", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn typing(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    _ignored: Fields,
) -> Result<StatusCode, Problem> {
    rooms::typing(&web.app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The people of a room: the host first, also without a seat, then the members by nickname.
#[utoipa::path(get, path = "/api/v1/chats/rooms/{id}/people/", operation_id = "chats_rooms_people_list", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The people", body = PeopleView),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in this room", body = Detail),
        (status = 404, description = "No such room", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn people(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
) -> Result<Json<PeopleView>, Problem> {
    Ok(Json(rooms::people(&web.app, &actor, id).await?.into()))
}

/// All that one has not read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnreadList {
    results: Vec<UnreadView>,
}

/// What one has not read, of every room joined or owned.
#[utoipa::path(get, path = "/api/v1/chats/unread/", operation_id = "chats_unread_list", tag = "chats",
    responses(
        (status = 200, description = "The rooms in the order of their ids; not in pages", body = UnreadList),
        (status = 401, description = "No token, or a bad one", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn unread(
    State(web): State<Web>,
    Auth(actor): Auth,
) -> Result<Json<UnreadList>, Problem> {
    let rooms = rooms::unread(&web.app, &actor).await?;
    Ok(Json(UnreadList {
        results: rooms.into_iter().map(UnreadView::from).collect(),
    }))
}
