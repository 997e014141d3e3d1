//! Browser sessions: the cookie, and whether the way to us is safe.

use crate::{Web, auth::peer, cookies, csrf};
use axum::http::{Extensions, HeaderMap, Method, request::Parts};
use parlour_core::{Actor, Error, Kind, TokenId, accounts::authenticate, model::TokenKind};

/// A mark on requests that came over TLS which this server speaks itself.
#[derive(Clone, Copy, Debug)]
pub struct Encrypted;

/// Whether the browser reached us over https: `PUBLIC_URL` says so, the connection itself, or a proxy
/// that is trusted.
pub(crate) fn is_https(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let public = web.config.public_url.as_deref().unwrap_or_default();
    public.starts_with("https://")
        || extensions.get::<Encrypted>().is_some()
        || (web.config.trusted_proxies.trusts(peer(extensions).ip())
            && headers
                .get("x-forwarded-proto")
                .and_then(|value| value.to_str().ok())
                // Of several proxies the outermost wrote the first word.
                .and_then(|value| value.split(',').next())
                .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https")))
}

/// Who the session cookie says it is. A cookie that is not valid (any more) is nobody.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn visitor(
    web: &Web,
    headers: &HeaderMap,
    https: bool,
) -> Result<Option<Actor>, Error> {
    let Some(secret) = cookies::SESSION.read(headers, https) else {
        return Ok(None);
    };
    match authenticate(&web.app, secret, TokenKind::Session).await {
        Ok(actor) => Ok(Some(actor)),
        Err(error) if error.kind() == Kind::Unauthenticated => Ok(None),
        Err(error) => Err(error),
    }
}

/// Who a script of our pages acts for: the session cookie counts for REST only together with
/// `X-CSRFToken`, and from our own pages (contract 7).
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn script(web: &Web, request: &Parts) -> Result<Option<Actor>, Error> {
    let headers = &request.headers;
    let Some(given) = headers
        .get(&csrf::HEADER)
        .and_then(|value| value.to_str().ok())
    else {
        return Ok(None);
    };
    let https = is_https(web, headers, &request.extensions);
    let Some(actor) = visitor(web, headers, https).await? else {
        return Ok(None);
    };
    let token = csrf_token(web, headers, https, actor.credential());
    let proved = token.is_some_and(|token| token.is(given))
        && (csrf::from_our_pages(&web.config, headers, &request.uri)
            || is_configured(web, headers));
    Ok(proved.then_some(actor))
}

/// Whether the request comes from another site that the operator allows to use cookies.
fn is_configured(web: &Web, headers: &HeaderMap) -> bool {
    let origin = headers.get(axum::http::header::ORIGIN);
    origin.is_some_and(|origin| {
        web.config
            .cors_origins
            .iter()
            .any(|known| known.as_bytes() == origin.as_bytes())
    })
}

/// The request's CSRF cookie, if it is one of ours for this session.
pub(crate) fn csrf_token(
    web: &Web,
    headers: &HeaderMap,
    https: bool,
    session: Option<TokenId>,
) -> Option<csrf::Token> {
    let cookie = cookies::CSRF.read(headers, https)?;
    csrf::Token::read(&web.config.secret_key, cookie, session)
}

/// Whether a method changes nothing.
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
