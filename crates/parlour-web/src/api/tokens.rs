//! `/api/v1/auth/`: log in, log out, one's own credentials (contract section 2).

use super::{
    Id,
    problem::Problem,
    schemas::{Detail, FieldErrors, LoginBody, TokenBody},
    views::TokenView,
};
use crate::{
    Web,
    auth::{Auth, Caller},
    body::Fields,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::USER_AGENT},
};
use parlour_core::{
    TokenId,
    accounts::{self, LogIn},
    model::TokenKind,
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn open_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(login))
}

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(logout))
        .routes(routes!(list))
        .routes(routes!(end))
}

/// Log in with username or email; every call issues a new token and older ones go on working.
#[utoipa::path(post, path = "/api/v1/auth/login/", operation_id = "auth_login_create", tag = "auth",
    request_body(content((LoginBody = "application/json"), (LoginBody = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "A new token", body = TokenBody),
        (status = 400, description = "Bad fields, or wrong credentials", body = FieldErrors),
        (status = 429, description = "Too many wrong attempts in a row; see Retry-After", body = Detail),
        (status = 503, description = "Too many log-ins wait; see Retry-After", body = Detail)),
    security(()))]
pub(super) async fn login(
    State(web): State<Web>,
    caller: Caller,
    headers: HeaderMap,
    mut body: Fields,
) -> Result<Json<TokenBody>, Problem> {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let input = LogIn {
        username: body.text("username"),
        password: body.text("password"),
        address: caller.address,
        kind: TokenKind::Token,
        label: agent.unwrap_or_default().to_owned(),
    };
    let issued = accounts::log_in(&web.app, input).await?;
    Ok(Json(TokenBody {
        token: issued.secret,
    }))
}

/// End the token that this request carries; its sockets close.
#[utoipa::path(post, path = "/api/v1/auth/logout/", operation_id = "auth_logout_create", tag = "auth",
    responses(
        (status = 204, description = "The token has ended"),
        (status = 401, description = "No token, or a bad one", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn logout(
    State(web): State<Web>,
    Auth(actor): Auth,
) -> Result<StatusCode, Problem> {
    accounts::log_out(&web.app, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own tokens and sessions, newest first.
#[utoipa::path(get, path = "/api/v1/auth/tokens/", operation_id = "auth_tokens_list", tag = "auth",
    responses(
        (status = 200, description = "Tokens and sessions, without their secrets", body = Vec<TokenView>),
        (status = 401, description = "No token, or a bad one", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn list(
    State(web): State<Web>,
    Auth(actor): Auth,
) -> Result<Json<Vec<TokenView>>, Problem> {
    let current = actor.credential();
    let tokens = accounts::list_credentials(&web.app, &actor).await?;
    Ok(Json(
        tokens
            .into_iter()
            .map(|token| TokenView::new(token, current))
            .collect(),
    ))
}

/// End one of one's own tokens or sessions; its sockets close.
#[utoipa::path(delete, path = "/api/v1/auth/tokens/{id}/", operation_id = "auth_tokens_delete", tag = "auth",
    params(("id" = i64, Path, description = "The token's id")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 404, description = "Not one of one's own", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn end(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<TokenId>,
) -> Result<StatusCode, Problem> {
    accounts::end_credential(&web.app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
