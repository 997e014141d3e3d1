//! The one who looks at a page, and everything that this answer knows of them.

use super::{flash::Flash, page::Page};
use crate::{
    Web,
    cookies::Scripts,
    csrf,
    theme::{functions::Rendering, language::Language, problem_texts},
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use fluent_bundle::FluentArgs;
use parlour_core::{
    Actor, Error, Problem,
    model::{Preferences, Site, User},
};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// How long the CSRF cookie and the chosen language and theme live.
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A visitor. Handlers take it as an argument; cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Visitor(pub(super) Arc<Facts>);

/// What is known.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) web: Web,
    pub(super) actor: Option<Actor>,
    pub(super) me: Option<User>,
    /// What they chose; the defaults for visitors without an account.
    pub(super) preferences: Preferences,
    pub(super) site: Arc<Site>,
    pub(super) address: IpAddr,
    pub(super) https: bool,
    pub(super) language: Language,
    /// `system`, `light` or `dark`.
    pub(super) theme: &'static str,
    pub(super) nonce: String,
    pub(super) token: csrf::Token,
    pub(super) masked_token: String,
    /// Path and query of this page, without the choice of a language.
    pub(super) path: String,
    pub(super) flash: Option<Flash>,
    pub(super) request_id: String,
}

impl Visitor {
    /// What this server is.
    pub(crate) fn web(&self) -> &Web {
        &self.0.web
    }

    /// Who it is, if logged in.
    pub(crate) fn actor(&self) -> Option<&Actor> {
        self.0.actor.as_ref()
    }

    /// The visitor's account, if logged in.
    pub(crate) fn me(&self) -> Option<&User> {
        self.0.me.as_ref()
    }

    /// What the visitor chose for their pages.
    pub(crate) fn preferences(&self) -> &Preferences {
        &self.0.preferences
    }

    /// Where the request came from.
    pub(crate) fn address(&self) -> IpAddr {
        self.0.address
    }

    /// Whether the way to us is encrypted.
    pub(crate) fn https(&self) -> bool {
        self.0.https
    }

    /// The language of this page.
    pub(crate) fn language(&self) -> Language {
        self.0.language
    }

    /// Path and query of this page.
    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    /// What the last page had to say.
    pub(crate) fn flash(&self) -> Option<&Flash> {
        self.0.flash.as_ref()
    }

    /// A text in the visitor's language. One that is not there is our fault and is logged; its name
    /// stands in for it.
    pub(crate) fn text(&self, key: &str) -> String {
        self.text_with(key, &[])
    }

    /// A text with numbers in it.
    pub(crate) fn text_with(&self, key: &str, numbers: &[(&'static str, i64)]) -> String {
        let mut args = FluentArgs::new();
        for (name, number) in numbers {
            args.set(*name, *number);
        }
        let found = self
            .web()
            .theme
            .texts()
            .get(self.language(), key, Some(&args));
        found.unwrap_or_else(|error| {
            tracing::error!(%error, "a text is missing");
            key.to_owned()
        })
    }

    /// What a form says of a bad field.
    pub(crate) fn problem(&self, problem: &Problem) -> String {
        problem_texts::problem(self.web().theme.texts(), self.language(), problem)
    }

    /// What a page says of an error.
    pub(crate) fn error(&self, error: &Error) -> String {
        problem_texts::error(self.web().theme.texts(), self.language(), error)
    }

    /// A page of this template with the title of this text.
    pub(crate) fn page(&self, template: &'static str, title: &str) -> Page {
        let title = self.text(title);
        Page::new(self.clone(), template, title)
    }

    pub(super) fn rendering(&self) -> Rendering {
        Rendering {
            language: self.language(),
            nonce: self.0.nonce.clone(),
            csrf_token: self.0.masked_token.clone(),
        }
    }

    /// The header that gives the visitor's browser a CSRF cookie.
    pub(super) fn csrf_cookie(&self, token: &csrf::Token) -> Option<axum::http::HeaderValue> {
        crate::cookies::CSRF.set(&token.cookie(), YEAR, self.https(), Scripts::MayRead)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor.ok_or_else(|| {
            tracing::error!("a page outside of the pages");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        })
    }
}
