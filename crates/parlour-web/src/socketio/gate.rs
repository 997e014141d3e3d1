//! Who connects a namespace: a token in CONNECT, else what the request brought along that carried it.

use super::{Query, links::random, refusal::Refusal, waiting::Guest};
use crate::{Web, auth, cookies, csrf::is_own_origin, session::is_https};
use async_trait::async_trait;
use axum::http::{HeaderMap, header::ORIGIN, request::Parts};
use parlour_core::{
    Actor, Error, Kind, RoomId, UserId,
    accounts::authenticate,
    error::{INVALID_TOKEN, UNAUTHENTICATED},
    model::TokenKind,
    rates::Key,
    rooms::{self, Right},
};
use parlour_realtime::Gate;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What a request brought along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    /// Nothing.
    Nothing,
    /// Something that is no credential.
    Wrong,
    /// A token in `Authorization`, or in the query of a client of Engine.IO 3.
    Token(Box<str>),
    /// The session cookie, from our own pages. Browsers send cookies whoever asks, so the page that
    /// asks has to be ours (contract D-21).
    Session(Box<str>),
}

impl Brought {
    pub(super) fn of(web: &Web, parts: &Parts, query: &Query) -> Self {
        if let Some(brought) = Self::of_token(parts, query) {
            return brought;
        }
        match cookie(web, parts) {
            Some(secret) if is_ours(web, &parts.headers, parts) => Self::Session(secret.into()),
            _ => Self::Nothing,
        }
    }

    /// What is in `Authorization`, or in the query.
    fn of_token(parts: &Parts, query: &Query) -> Option<Self> {
        match auth::token(&parts.headers) {
            Ok(token) => token
                .or(query.token.as_deref())
                .map(|token| Self::Token(token.into())),
            Err(_) => Some(Self::Wrong),
        }
    }

    async fn actor(&self, web: &Web) -> Result<Actor, Error> {
        match self {
            Self::Nothing => Err(UNAUTHENTICATED.into()),
            Self::Wrong => Err(INVALID_TOKEN.into()),
            Self::Token(token) => authenticate(&web.app, token, TokenKind::Token).await,
            Self::Session(secret) => authenticate(&web.app, secret, TokenKind::Session).await,
        }
    }
}

fn cookie<'a>(web: &Web, parts: &'a Parts) -> Option<&'a str> {
    let https = is_https(web, &parts.headers, &parts.extensions);
    cookies::SESSION.read(&parts.headers, https)
}

fn is_ours(web: &Web, headers: &HeaderMap, parts: &Parts) -> bool {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| is_own_origin(&web.config, headers, &parts.uri, origin))
}

/// The door of one connection.
pub(super) struct Door {
    web: Web,
    key: Key,
    brought: Mutex<Brought>,
    /// Until the client has said who it is.
    guest: Mutex<Option<Guest>>,
    /// Whose connection it became.
    owner: OnceLock<Owner>,
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug)]
struct Owner {
    user: UserId,
    /// Whether the session cookie said so.
    by_cookie: bool,
}

impl Door {
    /// The door for the client of this request.
    ///
    /// # Errors
    /// When too many clients wait.
    pub(super) fn new(web: &Web, parts: &Parts, query: &Query) -> Result<Self, Refusal> {
        let address = auth::address_of(web, &parts.headers, &parts.extensions);
        let guest = web.socketio.waiting.enter(address).ok_or(Refusal::BUSY)?;
        Ok(Self {
            key: Key::address(address),
            brought: Mutex::new(Brought::of(web, parts, query)),
            guest: Mutex::new(Some(guest)),
            owner: OnceLock::new(),
            web: web.clone(),
        })
    }

    /// From now on this counts: it came with the request that connects a namespace.
    pub(super) fn bring(&self, brought: Brought) {
        *self.brought() = brought;
    }

    /// Refuses a request whose credential is another account's than the connection's: an id alone
    /// is enough, but who shows who they are has to be right.
    pub(super) async fn recognise(&self, parts: &Parts, query: &Query) -> Result<(), Refusal> {
        let Some(owner) = self.owner.get() else {
            return Ok(());
        };
        let brought = match Brought::of_token(parts, query) {
            None if owner.by_cookie => {
                cookie(&self.web, parts).map(|it| Brought::Session(it.into()))
            }
            brought => brought,
        };
        let Some(brought) = brought else {
            return Ok(());
        };
        match brought.actor(&self.web).await {
            Ok(actor) if actor.user == owner.user => Ok(()),
            _ => Err(Refusal::FORBIDDEN),
        }
    }

    fn brought(&self) -> MutexGuard<'_, Brought> {
        self.brought.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Gate for Door {
    async fn admit(&self, token: Option<&str>) -> Result<Actor, Error> {
        let anonymous = &self.web.app.limits().anonymous;
        anonymous.look(&self.key)?;
        let brought = match token {
            Some(token) => Brought::Token(token.into()),
            None => self.brought().clone(),
        };
        let actor = brought.actor(&self.web).await;
        match &actor {
            Ok(actor) => {
                // Another account on the same connection is refused by whoever asks.
                let _ = self.owner.set(Owner {
                    user: actor.user,
                    by_cookie: matches!(brought, Brought::Session(_)),
                });
                let mut guest = self.guest.lock().unwrap_or_else(PoisonError::into_inner);
                *guest = None;
            }
            Err(error) if error.kind() == Kind::Unauthenticated => {
                // Only failures count: a room full of people behind one address may come at once.
                let _ = anonymous.take(&self.key);
            }
            Err(_) => {}
        }
        actor
    }

    async fn enter(&self, actor: &Actor, room: RoomId) -> Result<(), Error> {
        let view = rooms::view(&self.web.app, actor, room).await?;
        rooms::can(&view, Right::Talk)
    }

    fn sid(&self) -> String {
        random::<15>(&self.web.app)
    }
}
