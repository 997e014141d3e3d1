//! Whose socket it is to be.

use crate::{
    Web,
    auth::address_of,
    csrf::is_own_origin,
    session::{is_https, visitor},
};
use axum::http::{header::ORIGIN, request::Parts};
use parlour_core::{
    Actor, Error, Kind,
    accounts::authenticate,
    error::{INVALID_TOKEN, UNAUTHENTICATED},
    model::TokenKind,
    rates::Key,
};

/// What a socket's address asks for; keys it does not know are ignored.
#[derive(Debug, Default)]
pub(super) struct Query {
    token: Option<String>,
    version: Option<String>,
}

impl Query {
    pub(super) fn of(parts: &Parts) -> Self {
        let mut query = Self::default();
        let text = parts.uri.query().unwrap_or_default();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let slot = match &*key {
                "token" => &mut query.token,
                "v" => &mut query.version,
                _ => continue,
            };
            // The first counts.
            slot.get_or_insert_with(|| value.into_owned());
        }
        query
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether version 2 is asked for; every other word means version 1, as to the reference.
    pub(super) fn is_version_2(&self) -> bool {
        self.version.as_deref() == Some("2")
    }
}

/// Who the token in the query says it is. Any page may say it: who knows the token may use it.
///
/// # Errors
/// When there is none or it is not valid; too many wrong ones from one address.
pub(super) async fn by_token(web: &Web, parts: &Parts, query: &Query) -> Result<Actor, Error> {
    let key = Key::address(address_of(web, &parts.headers, &parts.extensions));
    web.app.limits().anonymous.look(&key)?;
    let token = query.token.as_deref().unwrap_or_default();
    let actor = authenticate(&web.app, token, TokenKind::Token).await;
    if actor
        .as_ref()
        .is_err_and(|error| error.kind() == Kind::Unauthenticated)
    {
        // Only failures count: a room full of people behind one address may reconnect at once.
        let _ = web.app.limits().anonymous.take(&key);
    }
    actor
}

/// Who the session cookie says it is. Browsers send cookies whoever asks, so the page that asks has
/// to be ours (contract D-21); a request that does not say where it comes from is none of a page.
///
/// # Errors
/// When there is none or it is not valid, or it comes from elsewhere.
pub(super) async fn by_session(web: &Web, parts: &Parts) -> Result<Actor, Error> {
    let origin = parts
        .headers
        .get(ORIGIN)
        .and_then(|origin| origin.to_str().ok());
    if !origin.is_some_and(|origin| is_own_origin(&web.config, &parts.headers, &parts.uri, origin))
    {
        return Err(UNAUTHENTICATED.into());
    }
    let key = Key::address(address_of(web, &parts.headers, &parts.extensions));
    web.app.limits().anonymous.look(&key)?;
    let https = is_https(web, &parts.headers, &parts.extensions);
    match visitor(web, &parts.headers, https).await? {
        Some(actor) => Ok(actor),
        None => {
            let _ = web.app.limits().anonymous.take(&key);
            Err(INVALID_TOKEN.into())
        }
    }
}
