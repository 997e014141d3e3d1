//! `/api/v1/users/{id}/preferences/`: what people choose for their own pages.

use super::{
    Id,
    problem::Problem,
    schemas::{Detail, FieldErrors, PreferencesPatchBody},
    views::PreferencesView,
};
use crate::{Web, auth::Auth, body::Fields};
use axum::{Json, extract::State};
use parlour_core::{
    UserId,
    accounts::{self, UpdatePreferences},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(read, update))
}

/// One's own preferences.
#[utoipa::path(get, path = "/api/v1/users/{id}/preferences/", operation_id = "users_preferences_read", tag = "users",
    params(("id" = i64, Path, description = "One's own id")),
    responses(
        (status = 200, description = "The preferences", body = PreferencesView),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Somebody else's account", body = Detail),
        (status = 404, description = "No such account", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn read(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<UserId>,
) -> Result<Json<PreferencesView>, Problem> {
    let preferences = accounts::preferences(&web.app, &actor, id).await?;
    Ok(Json(preferences.into()))
}

/// Change one's own preferences; what is left out stays as it is.
#[utoipa::path(patch, path = "/api/v1/users/{id}/preferences/", operation_id = "users_preferences_partial_update", tag = "users",
    params(("id" = i64, Path, description = "One's own id")),
    request_body(
        content((PreferencesPatchBody = "application/json"), (PreferencesPatchBody = "application/x-www-form-urlencoded"), (PreferencesPatchBody = "multipart/form-data"))),
    responses(
        (status = 200, description = "The preferences", body = PreferencesView),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Somebody else's account", body = Detail),
        (status = 404, description = "No such account", body = Detail),
        (status = 429, description = "Too fast; see Retry-After", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn update(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<UserId>,
    mut body: Fields,
) -> Result<Json<PreferencesView>, Problem> {
    let input = UpdatePreferences {
        language: body.choice("language"),
        theme: body.choice("theme"),
        density: body.choice("density"),
        clock: body.choice("clock"),
        calm: body.flag("calm"),
        send_key: body.choice("send_key"),
        single_keys: body.flag("single_keys"),
    };
    let preferences = accounts::set_preferences(&web.app, &actor, id, input).await?;
    Ok(Json(preferences.into()))
}
