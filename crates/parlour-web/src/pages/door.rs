//! The door of all pages: who comes, in which language, with which cookies; and what every answer of
//! the pages carries.

use super::{
    error,
    flash::Flash,
    page::Shown,
    visitor::{Facts, Visitor, YEAR},
};
use crate::{
    Web, auth,
    cookies::{self, Scripts},
    csrf,
    request_id::RequestId,
    session,
    theme::language::Language,
};
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, Uri,
        header::{
            ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, SET_COOKIE, UPGRADE, VARY,
        },
        request::Parts,
    },
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_core::{
    Actor, Error,
    model::{Preferences, User},
    rates::Key,
    site,
};
use std::sync::Arc;

/// Receives a visitor, lets the page answer, and dresses the answer.
pub(crate) async fn receive(State(web): State<Web>, request: Request, next: Next) -> Response {
    // The account socket shares `/` with the landing page and has its own rules.
    if request.method() == Method::GET && request.headers().contains_key(UPGRADE) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Recognised {
        visitor,
        is_new,
        outcome,
    } = recognise(&web, &parts).await;
    let chosen = chosen_language(&parts.method, &parts.uri);
    let allowed = outcome.and_then(|()| allow(&web, &visitor));
    let mut response = match allowed {
        Ok(()) => {
            let mut request = Request::from_parts(parts, body);
            request.extensions_mut().insert(visitor.clone());
            next.run(request).await
        }
        Err(failure) => error::Failure::from(failure).into(),
    };
    if let Some(failure) = response.extensions_mut().remove::<error::Failed>() {
        response = error::page(&visitor, &failure, &response);
    }
    dress(&visitor, &mut response);
    let headers = response.headers_mut();
    let token = is_new.then(|| visitor.csrf_cookie(&visitor.0.token));
    let language = chosen.map(|language| {
        cookies::LANGUAGE.set(language.code(), YEAR, visitor.https(), Scripts::MayRead)
    });
    for cookie in [token, language].into_iter().flatten().flatten() {
        headers.append(SET_COOKIE, cookie);
    }
    response
}

struct Recognised {
    visitor: Visitor,
    /// Whether the visitor is known to have no valid CSRF cookie yet.
    is_new: bool,
    /// What went wrong while finding out who it is.
    outcome: Result<(), Error>,
}

/// Everything that is known of who comes.
async fn recognise(web: &Web, request: &Parts) -> Recognised {
    let headers = &request.headers;
    let https = session::is_https(web, headers, &request.extensions);
    let (known, outcome) = match account(web, headers, https).await {
        Ok(known) => (known, Ok(())),
        Err(error) => (None, Err(error)),
    };
    let (site, outcome) = match site::get(&web.app).await {
        Ok(site) => (site, outcome),
        // The page that says so looks like the built-in one.
        Err(error) => (Arc::default(), outcome.and(Err(error))),
    };
    let (actor, me, preferences) = match known {
        Some((actor, me, preferences)) => (Some(actor), Some(me), preferences),
        None => (None, None, visitors_choice(headers, https)),
    };
    let credential = actor.and_then(|actor| actor.credential());
    let mut random = [0; 16 + 16 + 48];
    web.app.random(&mut random);
    let (nonce, rest) = random.split_at(16);
    let (fresh, mask) = rest.split_at(16);
    let had = session::csrf_token(web, headers, https, credential);
    let is_new = had.is_none();
    let token = had.unwrap_or_else(|| {
        let fresh = fresh.try_into().unwrap_or_default();
        csrf::Token::issue(&web.config.secret_key, fresh, credential)
    });
    let facts = Facts {
        web: web.clone(),
        actor,
        me,
        site,
        address: auth::address_of(web, headers, &request.extensions),
        https,
        language: preferences
            .language
            .map(Language::from)
            .filter(|_| chosen_language(&request.method, &request.uri).is_none())
            .unwrap_or_else(|| language(&request.method, &request.uri, headers, https)),
        theme: preferences.theme.as_str(),
        preferences,
        nonce: URL_SAFE_NO_PAD.encode(nonce),
        masked_token: token.masked(mask.try_into().unwrap_or([0; 48])),
        token,
        path: path(&request.uri),
        flash: Flash::read(headers, https),
        request_id: request
            .extensions
            .get::<RequestId>()
            .map(|id| id.0.clone())
            .unwrap_or_default(),
    };
    Recognised {
        visitor: Visitor(Arc::new(facts)),
        // Who could not be looked up may have a good one.
        is_new: is_new && outcome.is_ok(),
        outcome,
    }
}

/// The account of the session cookie, and what it chose.
async fn account(
    web: &Web,
    headers: &HeaderMap,
    https: bool,
) -> Result<Option<(Actor, User, Preferences)>, Error> {
    let Some(actor) = session::visitor(web, headers, https).await? else {
        return Ok(None);
    };
    // An account that went away a moment ago is nobody.
    let Some(me) = web.app.store().user(actor.user).await? else {
        return Ok(None);
    };
    let preferences = web.app.store().preferences(actor.user).await?;
    Ok(Some((actor, me, preferences.unwrap_or_default())))
}

/// Pages count like requests of programs do.
fn allow(web: &Web, visitor: &Visitor) -> Result<(), Error> {
    let limits = web.app.limits();
    match visitor.actor() {
        Some(actor) => limits.read.take(&Key::User(actor.user)),
        None => limits.anonymous.take(&Key::address(visitor.address())),
    }
}

/// The language that the address asks for.
fn chosen_language(method: &Method, uri: &Uri) -> Option<Language> {
    if !session::is_safe(method) {
        return None;
    }
    let query = uri.query()?;
    let chosen = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang");
    chosen.and_then(|(_, code)| Language::of(&code))
}

fn language(method: &Method, uri: &Uri, headers: &HeaderMap, https: bool) -> Language {
    let accepted = || {
        let header = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
        Language::accepted(header)
    };
    chosen_language(method, uri)
        .or_else(|| Language::of(cookies::LANGUAGE.read(headers, https)?))
        .or_else(accepted)
        .unwrap_or(Language::ALL[0])
}

/// What a visitor without an account chose, as far as a cookie tells.
fn visitors_choice(headers: &HeaderMap, https: bool) -> Preferences {
    let theme = cookies::THEME.read(headers, https);
    Preferences {
        theme: theme
            .and_then(|theme| theme.parse().ok())
            .unwrap_or_default(),
        ..Preferences::default()
    }
}

/// Path and query without the choice of a language. Of what a room is only sent to, the room: it is where
/// one comes back to after logging in, and in another language.
fn path(uri: &Uri) -> String {
    let path = uri.path();
    let sent = ["send/", "join/", "leave/"];
    if let Some(room) = sent.iter().find_map(|end| path.strip_suffix(end))
        && room.starts_with("/chat/")
    {
        return room.to_owned();
    }
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("lang=") && *pair != "lang")
        .collect();
    if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}

/// Headers and cookies of every answer of the pages, redirects and errors included.
fn dress(visitor: &Visitor, response: &mut Response) {
    let shown = response.extensions_mut().remove::<Shown>().is_some();
    let headers = response.headers_mut();
    let nonce = &visitor.0.nonce;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self'; connect-src 'self'; \
         manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // After a log-out the back button must not show what was on the screen.
    let caching = if visitor.actor().is_some() {
        "no-store"
    } else {
        "private, no-cache"
    };
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(caching));
    headers.append(VARY, HeaderValue::from_static("cookie, accept-language"));
    let says_more = headers
        .get_all(SET_COOKIE)
        .iter()
        .any(|cookie| cookie.as_bytes().starts_with(b"parlour_flash="));
    if shown
        && !says_more
        && visitor.flash().is_some()
        && let Some(cookie) = cookies::FLASH.remove(visitor.https())
    {
        headers.append(SET_COOKIE, cookie);
    }
}

/// `/sw.js`: its place is its scope, so it cannot be among the assets.
pub(super) async fn service_worker(State(web): State<Web>, headers: HeaderMap) -> Response {
    web.theme.assets().answer(None, "js/sw.js", &headers)
}

/// `/favicon.ico`, which browsers ask for by themselves.
pub(super) async fn favicon(State(web): State<Web>, headers: HeaderMap) -> Response {
    let assets = web.theme.assets();
    let icon = ["img/favicon.ico", "img/favicon.svg"]
        .into_iter()
        .find(|path| assets.has(path));
    assets.answer(None, icon.unwrap_or("img/favicon.ico"), &headers)
}

/// `/manifest.webmanifest`: makes the site installable.
pub(super) async fn manifest(State(web): State<Web>) -> Response {
    use axum::response::IntoResponse as _;
    let site = match site::get(&web.app).await {
        Ok(site) => site,
        Err(error) => return crate::api::problem::Problem(error).into_response(),
    };
    let assets = web.theme.assets();
    let icons: Vec<serde_json::Value> = [
        ("img/icon.svg", "any", "image/svg+xml"),
        ("img/icon-192.png", "192x192", "image/png"),
        ("img/icon-512.png", "512x512", "image/png"),
    ]
    .into_iter()
    .filter(|(path, ..)| assets.has(path))
    .map(|(path, sizes, kind)| {
        serde_json::json!({"src": assets.url(path), "sizes": sizes, "type": kind})
    })
    .collect();
    let manifest = serde_json::json!({
        "name": site.name, "short_name": site.name, "id": "/", "start_url": "/chat/list/",
        "scope": "/", "display": "standalone", "icons": icons,
    });
    (
        [
            (
                axum::http::header::CONTENT_TYPE,
                "application/manifest+json; charset=utf-8",
            ),
            (CACHE_CONTROL, "public, no-cache"),
        ],
        manifest.to_string(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_a_language_is_no_part_of_the_path() {
        let of = |text: &str| path(&text.parse().expect("a path"));
        assert_eq!(of("/chat/list/?lang=ko"), "/chat/list/");
        assert_eq!(of("/x/?a=1&lang=ko&b=2"), "/x/?a=1&b=2");
        assert_eq!(of("/x/?language=1"), "/x/?language=1");
    }

    #[test]
    fn a_language_is_chosen_by_address_then_cookie_then_browser() {
        let mut headers = HeaderMap::new();
        let of = |path: &str, headers: &HeaderMap| {
            let uri = path.parse().expect("a path");
            language(&Method::GET, &uri, headers, false)
        };
        assert_eq!(of("/", &headers), Language::English);
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("ko-KR"));
        assert_eq!(of("/", &headers), Language::Korean);
        headers.insert("cookie", HeaderValue::from_static("parlour_lang=en"));
        assert_eq!(of("/", &headers), Language::English);
        assert_eq!(of("/?lang=ko", &headers), Language::Korean);
        assert_eq!(of("/?lang=xx", &headers), Language::English);
    }
}
