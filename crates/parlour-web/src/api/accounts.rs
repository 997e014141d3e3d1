//! `/api/v1/users/` (contract section 3).

use super::{
    Id,
    paging::{Paged, QueryFields},
    problem::Problem,
    schemas::{Detail, FieldErrors, OwnsRooms, SignUpBody, UserPatchBody, UserPutBody},
    views::UserView,
};
use crate::{
    Web,
    auth::{Auth, Caller},
    body::Fields,
};
use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};
use parlour_core::{
    UserId,
    accounts::{self, SignUp, UpdateUser},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, update, delete))
}

/// All accounts, newest first.
#[utoipa::path(get, path = "/api/v1/users/", operation_id = "users_list", tag = "users",
    params(
        ("page" = Option<String>, Query, description = "1, 2, … or `last`"),
        ("page_size" = Option<i64>, Query, description = "1 to 100; 10 when left out")),
    responses(
        (status = 200, description = "A page of accounts", body = Paged<UserView>),
        (status = 401, description = "A bad token, or a list closed by the server's settings", body = Detail),
        (status = 404, description = "No such page", body = Detail)),
    security((), ("tokenAuth" = [])))]
pub(super) async fn list(
    State(web): State<Web>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Paged<UserView>>, Problem> {
    let page = QueryFields::new(query.as_deref()).page();
    let users = accounts::list(&web.app, caller.actor.as_ref(), page).await?;
    Ok(Json(users.map(UserView::from).into()))
}

/// Make an account.
#[utoipa::path(post, path = "/api/v1/users/", operation_id = "users_create", tag = "users",
    request_body(
        content((SignUpBody = "application/json"), (SignUpBody = "application/x-www-form-urlencoded"), (SignUpBody = "multipart/form-data"))),
    responses(
        (status = 201, description = "The account", body = UserView),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 403, description = "The server takes no new accounts", body = Detail),
        (status = 415, description = "Another content type", body = Detail),
        (status = 429, description = "Too many sign-ups from this address", body = Detail)),
    security((), ("tokenAuth" = [])))]
pub(super) async fn create(
    State(web): State<Web>,
    caller: Caller,
    mut body: Fields,
) -> Result<(StatusCode, Json<UserView>), Problem> {
    let input = SignUp {
        username: body.text("username"),
        password: body.text("password"),
        nickname: body.text("nickname"),
        email: body.text("email"),
        first_name: body.text("first_name"),
        last_name: body.text("last_name"),
    };
    let user = accounts::register(&web.app, input, caller.address).await?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// One account.
#[utoipa::path(get, path = "/api/v1/users/{id}/", operation_id = "users_read", tag = "users",
    params(("id" = i64, Path, description = "The account's id")),
    responses(
        (status = 200, description = "The account", body = UserView),
        (status = 401, description = "A bad token", body = Detail),
        (status = 404, description = "No such account", body = Detail)),
    security((), ("tokenAuth" = [])))]
pub(super) async fn read(
    State(web): State<Web>,
    caller: Caller,
    Id(id): Id<UserId>,
) -> Result<Json<UserView>, Problem> {
    Ok(Json(
        accounts::get(&web.app, caller.actor.as_ref(), id)
            .await?
            .into(),
    ))
}

/// Replace one's own account's fields; username and password must be there.
#[utoipa::path(put, path = "/api/v1/users/{id}/", operation_id = "users_update", tag = "users",
    params(("id" = i64, Path, description = "One's own id")),
    request_body(
        content((UserPutBody = "application/json"), (UserPutBody = "application/x-www-form-urlencoded"), (UserPutBody = "multipart/form-data"))),
    responses(
        (status = 200, description = "The account", body = UserView),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 403, description = "Somebody else's account", body = Detail),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 404, description = "No such account", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn replace(
    State(web): State<Web>,
    auth: Auth,
    Id(id): Id<UserId>,
    body: Fields,
) -> Result<Json<UserView>, Problem> {
    save(&web, auth, id, body, true).await
}

/// Change fields of one's own account. A new password ends all other tokens and sessions.
#[utoipa::path(patch, path = "/api/v1/users/{id}/", operation_id = "users_partial_update", tag = "users",
    params(("id" = i64, Path, description = "One's own id")),
    request_body(
        content((UserPatchBody = "application/json"), (UserPatchBody = "application/x-www-form-urlencoded"), (UserPatchBody = "multipart/form-data"))),
    responses(
        (status = 200, description = "The account", body = UserView),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Somebody else's account", body = Detail),
        (status = 404, description = "No such account", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn update(
    State(web): State<Web>,
    auth: Auth,
    Id(id): Id<UserId>,
    body: Fields,
) -> Result<Json<UserView>, Problem> {
    save(&web, auth, id, body, false).await
}

/// Delete one's own account with its tokens, memberships and messages.
#[utoipa::path(delete, path = "/api/v1/users/{id}/", operation_id = "users_delete", tag = "users",
    params(("id" = i64, Path, description = "One's own id")),
    responses(
        (status = 204, description = "Gone"),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Somebody else's account", body = Detail),
        (status = 404, description = "No such account", body = Detail),
        (status = 409, description = "The account still owns rooms", body = OwnsRooms)),
    security(("tokenAuth" = [])))]
pub(super) async fn delete(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<UserId>,
) -> Result<StatusCode, Problem> {
    accounts::delete(&web.app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn save(
    web: &Web,
    Auth(actor): Auth,
    id: UserId,
    mut body: Fields,
    whole: bool,
) -> Result<Json<UserView>, Problem> {
    let input = UpdateUser {
        username: body.text("username"),
        password: body.text("password"),
        nickname: body.text("nickname"),
        email: body.text("email"),
        first_name: body.text("first_name"),
        last_name: body.text("last_name"),
        avatar_hue: body.integer("avatar_hue"),
        whole,
    };
    Ok(Json(
        accounts::update(&web.app, &actor, id, input).await?.into(),
    ))
}
