//! `/api/v1/chats/rooms/` (contract section 4).

use super::{
    Id,
    paging::{Paged, QueryFields},
    problem::Problem,
    schemas::{
        Detail, FieldErrors, FullRoom, HistoryDoc, RenewBody, RoomBody, RoomPatchBody, UserRef,
    },
    views::RoomView,
};
use crate::{Web, auth::Auth, body::Fields, media::Links};
use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};
use parlour_core::{
    Actor, Error, RoomId,
    error::Problem as FieldProblem,
    given::{Given, Problems},
    model::Room,
    ports::Span,
    rooms::{self, CreateRoom, Scope, UpdateRoom},
};
use parlour_realtime::event_view::EventView;
use serde::Serialize;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, update, delete))
        .routes(routes!(join, join_patch))
        .routes(routes!(leave, leave_patch))
        .routes(routes!(invite))
        .routes(routes!(remove))
        .routes(routes!(hand_over))
        .routes(routes!(renew))
        .routes(routes!(history))
}

type RoomAnswer = Result<Json<RoomView>, Problem>;

fn answer(room: Result<Arc<Room>, Error>) -> RoomAnswer {
    Ok(Json(RoomView::from(&*room?)))
}

/// Rooms one joined or owns, latest change first; `?scope=open`: all GROUP rooms.
#[utoipa::path(get, path = "/api/v1/chats/rooms/", operation_id = "chats_rooms_list", tag = "chats",
    params(
        ("page" = Option<String>, Query, description = "1, 2, … or `last`"),
        ("page_size" = Option<i64>, Query, description = "1 to 100; 10 when left out"),
        ("scope" = Option<String>, Query, description = "`open`: all GROUP rooms instead of one's own")),
    responses(
        (status = 200, description = "A page of rooms", body = Paged<RoomView>),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 404, description = "No such page", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn list(
    State(web): State<Web>,
    Auth(actor): Auth,
    RawQuery(query): RawQuery,
) -> Result<Json<Paged<RoomView>>, Problem> {
    let query = QueryFields::new(query.as_deref());
    let scope = match query.get("scope") {
        None | Some("" | "mine") => Scope::Mine,
        Some("open") => Scope::Open,
        Some(_) => return Err(Error::field("scope", FieldProblem::NoSuchChoice).into()),
    };
    let page = rooms::list(&web.app, &actor, scope, query.page()).await?;
    Ok(Json(page.map(|room| RoomView::from(&room)).into()))
}

/// Make a room. Its owner is no member until joining, but always sees, reads and writes.
#[utoipa::path(post, path = "/api/v1/chats/rooms/", operation_id = "chats_rooms_create", tag = "chats",
    request_body(content((RoomBody = "application/json"), (RoomBody = "application/x-www-form-urlencoded"), (RoomBody = "multipart/form-data"))),
    responses(
        (status = 201, description = "The room", body = RoomView),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn create(
    State(web): State<Web>,
    Auth(actor): Auth,
    mut body: Fields,
) -> Result<(StatusCode, Json<RoomView>), Problem> {
    let input = CreateRoom {
        name: body.text("name"),
        topic: body.text("topic"),
        kind: body.choice("type"),
        max_users: body.integer("max_users"),
        expires_at: body.time("expires_at"),
    };
    let room = rooms::create(&web.app, &actor, input).await?;
    Ok((StatusCode::CREATED, Json(RoomView::from(&*room))))
}

/// One room, for its owner, members and invited people.
#[utoipa::path(get, path = "/api/v1/chats/rooms/{id}/", operation_id = "chats_rooms_read", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in this room", body = Detail),
        (status = 404, description = "No such room, or a PRIVATE one without an invitation", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn read(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
) -> RoomAnswer {
    answer(rooms::get(&web.app, &actor, id).await)
}

/// Replace a room's fields; the name must be there.
#[utoipa::path(put, path = "/api/v1/chats/rooms/{id}/", operation_id = "chats_rooms_update", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    request_body(content((RoomBody = "application/json"), (RoomBody = "application/x-www-form-urlencoded"), (RoomBody = "multipart/form-data"))),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the owner", body = Detail),
        (status = 404, description = "No such room", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn replace(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    body: Fields,
) -> RoomAnswer {
    save(&web, &actor, id, body, true).await
}

/// Change fields of a room. Fewer seats than members puts nobody out.
#[utoipa::path(patch, path = "/api/v1/chats/rooms/{id}/", operation_id = "chats_rooms_partial_update", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    request_body(content((RoomPatchBody = "application/json"), (RoomPatchBody = "application/x-www-form-urlencoded"), (RoomPatchBody = "multipart/form-data"))),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the owner", body = Detail),
        (status = 404, description = "No such room", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn update(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    body: Fields,
) -> RoomAnswer {
    save(&web, &actor, id, body, false).await
}

async fn save(web: &Web, actor: &Actor, id: RoomId, mut body: Fields, whole: bool) -> RoomAnswer {
    let input = UpdateRoom {
        name: body.text("name"),
        topic: body.text("topic"),
        kind: body.choice("type"),
        max_users: body.integer("max_users"),
        expires_at: body.time("expires_at"),
        whole,
    };
    answer(rooms::update(&web.app, actor, id, input).await)
}

/// End a room, with its messages.
#[utoipa::path(delete, path = "/api/v1/chats/rooms/{id}/", operation_id = "chats_rooms_delete", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    responses(
        (status = 204, description = "Gone"),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the owner", body = Detail),
        (status = 404, description = "No such room", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn delete(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
) -> Result<StatusCode, Problem> {
    rooms::end(&web.app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Join a room; joining again changes nothing. The body is ignored.
#[utoipa::path(put, path = "/api/v1/chats/rooms/{id}/join/", operation_id = "chats_rooms_join_update", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 400, description = "The room is full", body = FullRoom),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Was removed from this room", body = Detail),
        (status = 404, description = "No such room, or a PRIVATE one without an invitation", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn join(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    _ignored: Fields,
) -> RoomAnswer {
    answer(rooms::join(&web.app, &actor, id).await)
}

/// Join a room, the same as PUT.
#[utoipa::path(patch, path = "/api/v1/chats/rooms/{id}/join/", operation_id = "chats_rooms_join_partial_update", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 400, description = "The room is full", body = FullRoom),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Was removed from this room", body = Detail),
        (status = 404, description = "No such room, or a PRIVATE one without an invitation", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn join_patch(
    web: State<Web>,
    auth: Auth,
    id: Id<RoomId>,
    ignored: Fields,
) -> RoomAnswer {
    join(web, auth, id, ignored).await
}

/// Leave a room. The body is ignored.
#[utoipa::path(put, path = "/api/v1/chats/rooms/{id}/leave/", operation_id = "chats_rooms_leave_update", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 404, description = "No such room, or not a member", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn leave(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    _ignored: Fields,
) -> RoomAnswer {
    answer(rooms::leave(&web.app, &actor, id).await)
}

/// Leave a room, the same as PUT.
#[utoipa::path(patch, path = "/api/v1/chats/rooms/{id}/leave/", operation_id = "chats_rooms_leave_partial_update", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 404, description = "No such room, or not a member", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn leave_patch(
    web: State<Web>,
    auth: Auth,
    id: Id<RoomId>,
    ignored: Fields,
) -> RoomAnswer {
    leave(web, auth, id, ignored).await
}

/// Invite a user into one's own room.
#[utoipa::path(post, path = "/api/v1/chats/rooms/{id}/invite/", operation_id = "chats_rooms_invite_create", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    request_body(content((UserRef = "application/json"), (UserRef = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 400, description = "Bad fields", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the owner", body = Detail),
        (status = 404, description = "No such room or user", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn invite(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    mut body: Fields,
) -> RoomAnswer {
    answer(rooms::invite(&web.app, &actor, id, known(body.key("user"))?).await)
}

/// Remove a member, or withdraw an invitation. The user cannot come back until invited again.
#[utoipa::path(post, path = "/api/v1/chats/rooms/{id}/remove/", operation_id = "chats_rooms_remove_create", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    request_body(content((UserRef = "application/json"), (UserRef = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 400, description = "Bad fields", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the owner", body = Detail),
        (status = 404, description = "No such room, or the user is neither member nor invited", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn remove(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    mut body: Fields,
) -> RoomAnswer {
    answer(rooms::remove(&web.app, &actor, id, known(body.key("user"))?).await)
}

/// Make a member the owner.
#[utoipa::path(post, path = "/api/v1/chats/rooms/{id}/hand-over/", operation_id = "chats_rooms_hand_over_create", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    request_body(content((UserRef = "application/json"), (UserRef = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 400, description = "Bad fields", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the owner", body = Detail),
        (status = 404, description = "No such room, or the user is no member", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn hand_over(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    mut body: Fields,
) -> RoomAnswer {
    answer(rooms::hand_over(&web.app, &actor, id, known(body.key("user"))?).await)
}

/// Give a room a new end: `expires_at`, or one lifetime from now.
#[utoipa::path(post, path = "/api/v1/chats/rooms/{id}/renew/", operation_id = "chats_rooms_renew_create", tag = "chats",
    params(("id" = i64, Path, description = "The room's id")),
    request_body(content((RenewBody = "application/json"), (RenewBody = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The room", body = RoomView),
        (status = 400, description = "An end that is past or too late", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not the owner", body = Detail),
        (status = 404, description = "No such room", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn renew(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    mut body: Fields,
) -> RoomAnswer {
    answer(rooms::renew(&web.app, &actor, id, body.time("expires_at")).await)
}

/// A well-formed id that no account has is 404, as for an account that does not exist (contract 4).
fn known<T>(user: Given<T>) -> Result<Given<T>, Problem> {
    match user {
        Given::Wrong(FieldProblem::NoSuchKey { .. }) => {
            Err(Problem(parlour_core::error::NOT_FOUND.into()))
        }
        given => Ok(given),
    }
}

/// A piece of a room's stream.
#[derive(Debug, Serialize)]
pub(super) struct HistoryBody<'a> {
    room: RoomId,
    epoch: &'a str,
    seq: i64,
    has_more: bool,
    events: Vec<EventView<'a>>,
}

/// The room's events in order of seq, without holes: messages, edits, deletions, joins and leaves.
#[utoipa::path(get, path = "/api/v1/chats/rooms/{id}/history/", operation_id = "chats_rooms_history_list", tag = "chats",
    params(
        ("id" = i64, Path, description = "The room's id"),
        ("after" = Option<i64>, Query, description = "The oldest events with a seq above this"),
        ("before" = Option<i64>, Query, description = "The newest events with a seq below this"),
        ("limit" = Option<i64>, Query, description = "1 to 200; 50 when left out"),
        ("html" = Option<String>, Query, description = "`1`: message objects also have `html`, their text as safe HTML")),
    responses(
        (status = 200, description = "A piece of the stream; without `after` and `before` its newest", body = HistoryDoc),
        (status = 400, description = "Bad values", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in this room", body = Detail),
        (status = 404, description = "No such room", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn history(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<RoomId>,
    links: Links,
    RawQuery(query): RawQuery,
) -> Result<axum::response::Response, Problem> {
    use axum::response::IntoResponse as _;
    let Piece { span, limit, html } = piece(&QueryFields::new(query.as_deref()))?;
    let history = rooms::history(&web.app, &actor, id, span, limit).await?;
    let view = |event| {
        if html {
            EventView::with_html(event)
        } else {
            EventView::signed(event, links.signer())
        }
    };
    let body = HistoryBody {
        room: id,
        epoch: web.app.store().epoch(),
        seq: history.seq,
        has_more: history.has_more,
        events: history.events.iter().map(view).collect(),
    };
    Ok(Json(body).into_response())
}

const DEFAULT_LIMIT: i64 = 50;

/// The piece of a history that is asked for.
struct Piece {
    span: Span,
    limit: i64,
    html: bool,
}

fn piece(query: &QueryFields) -> Result<Piece, Error> {
    let mut problems = Problems::default();
    let mut number = |name: &'static str| {
        let text = query.get(name).filter(|text| !text.is_empty())?;
        let number = text.trim().parse::<i64>().ok();
        if number.is_none() {
            problems.add(name, FieldProblem::NotInteger);
        }
        number
    };
    let (after, before, limit) = (number("after"), number("before"), number("limit"));
    if after.is_some() && before.is_some() {
        problems.add("before", FieldProblem::NoSuchChoice);
    }
    let html = match query.get("html") {
        None | Some("" | "0" | "false") => false,
        Some("1" | "true") => true,
        Some(_) => {
            problems.add("html", FieldProblem::NoSuchChoice);
            false
        }
    };
    problems.check()?;
    let span = match (after, before) {
        (Some(after), _) => Span::After(after),
        (None, Some(before)) => Span::Before(before),
        (None, None) => Span::Newest,
    };
    Ok(Piece {
        span,
        limit: limit.unwrap_or(DEFAULT_LIMIT),
        html,
    })
}
