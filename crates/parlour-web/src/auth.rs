//! From a request to the one who acts.

use crate::{Web, api::problem::Problem, session};
use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, Method, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use parlour_core::{
    Actor, Error, Kind,
    accounts::authenticate,
    error::{INVALID_TOKEN, UNAUTHENTICATED},
    model::TokenKind,
    rates::Key,
};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// Who calls, as far as anybody knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The account, if a valid token came along.
    pub(crate) actor: Option<Actor>,
    /// The client's address.
    pub(crate) address: IpAddr,
}

/// Resolves the caller for everything below `/api/`. A bad token is refused even where none is
/// needed (contract 2).
pub(crate) async fn identify(State(web): State<Web>, request: Request, next: Next) -> Response {
    let address = client_address(&web, &request);
    let (parts, body) = request.into_parts();
    let actor = match actor(&web, &parts).await {
        Ok(actor) => actor,
        Err(error) => {
            // Guessing counts like any other request without a credential.
            let guess = web.app.limits().anonymous.take(&Key::address(address));
            let limited = guess
                .err()
                .filter(|_| error.kind() == Kind::Unauthenticated);
            return Problem(limited.unwrap_or(error)).into_response();
        }
    };
    let allowed = match (&actor, &parts.method) {
        (Some(actor), &Method::GET | &Method::HEAD) => {
            web.app.limits().read.take(&Key::User(actor.user))
        }
        (Some(_), _) => Ok(()),
        (None, _) => web.app.limits().anonymous.take(&Key::address(address)),
    };
    if let Err(error) = allowed {
        return Problem(error).into_response();
    }
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(Caller { actor, address });
    next.run(request).await
}

/// Refuses anonymous callers before anything else is looked at: 401 comes before 404, 403 and 405.
pub(crate) async fn require(request: Request, next: Next) -> Response {
    let known = request
        .extensions()
        .get::<Caller>()
        .is_some_and(|caller| caller.actor.is_some());
    // OPTIONS tells which methods there are, not what is behind them.
    if known || request.method() == Method::OPTIONS {
        next.run(request).await
    } else {
        Problem(UNAUTHENTICATED.into()).into_response()
    }
}

/// The client's address behind trusted proxies.
pub(crate) fn client_address(web: &Web, request: &Request) -> IpAddr {
    address_of(web, request.headers(), request.extensions())
}

/// The same, of a request's head.
pub(crate) fn address_of(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
    web.config.trusted_proxies.client(peer(extensions), headers)
}

/// Who holds the other end of the connection.
pub(crate) fn peer(extensions: &Extensions) -> SocketAddr {
    extensions.get::<ConnectInfo<SocketAddr>>().map_or(
        SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        |info| info.0,
    )
}

/// Who the `Authorization` header says it is; nobody without one.
///
/// # Errors
/// A token that is not valid; when the store does not answer.
pub(crate) async fn by_header(web: &Web, headers: &HeaderMap) -> Result<Option<Actor>, Error> {
    match token(headers)? {
        Some(token) => authenticate(&web.app, token, TokenKind::Token)
            .await
            .map(Some),
        None => Ok(None),
    }
}

/// A token of the header, else a session with its proof: a header wins over cookies.
async fn actor(web: &Web, request: &Parts) -> Result<Option<Actor>, Error> {
    match by_header(web, &request.headers).await? {
        Some(actor) => Ok(Some(actor)),
        None => session::script(web, request).await,
    }
}

/// The token of `Authorization: Token …` (or `Bearer …`), the word in any letter case. Another
/// scheme is no credential.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let bad = |text: &'static str| Err(Error::from(INVALID_TOKEN).saying(text));
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return bad("Invalid token header. More than one Authorization header was sent.");
    }
    let Ok(value) = value.to_str() else {
        return bad("Invalid token header. Token string should not contain invalid characters.");
    };
    let mut words = value.split_ascii_whitespace();
    let scheme = words.next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("token") && !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    match (words.next(), words.next()) {
        (None, _) => bad("Invalid token header. No credentials provided."),
        (Some(_), Some(_)) => bad("Invalid token header. Token string should not contain spaces."),
        (Some(token), None) => Ok(Some(token)),
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self {
            actor: None,
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }))
    }
}

/// The account that acts; a handler that takes this is closed to anonymous callers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Auth(pub(crate) Actor);

impl<S: Sync> FromRequestParts<S> for Auth {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>();
        caller
            .and_then(|caller| caller.actor)
            .map(Self)
            .ok_or(Problem(UNAUTHENTICATED.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().expect("header"));
        }
        token(&headers)
            .map(|t| t.map(str::to_owned))
            .map_err(|error| error.text().to_owned())
    }

    #[test]
    fn the_token_header() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Basic abc"]), Ok(None));
        assert_eq!(read(&["Token abc"]), Ok(Some("abc".into())));
        assert_eq!(read(&["tOKEN   abc "]), Ok(Some("abc".into())));
        assert_eq!(read(&["Bearer abc"]), Ok(Some("abc".into())));
        let text = |values: &[&str]| read(values).expect_err("refused");
        assert_eq!(
            text(&["Token"]),
            "Invalid token header. No credentials provided."
        );
        assert_eq!(
            text(&["Token a b"]),
            "Invalid token header. Token string should not contain spaces."
        );
        assert!(text(&["Token a", "Token b"]).contains("More than one"));
    }
}
