//! A page on its way: template, status, what every page knows, and what only this one knows.

use super::{error::Failure, list, people::initials, site::SiteView, visitor::Visitor};
use crate::theme::language::Language;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
};
use minijinja::{Value, context, value::Serde};
use parlour_core::{Error, UserId, model::Preferences};
use serde::Serialize;

/// Marks an answer that showed the flash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown;

/// A page that is being made.
#[derive(Debug)]
pub(crate) struct Page {
    visitor: Visitor,
    template: &'static str,
    title: Option<String>,
    status: StatusCode,
    error: Option<String>,
    bare: bool,
}

/// What every template has under `page`.
#[derive(Serialize)]
struct PageView<'a> {
    lang: &'static str,
    theme: &'static str,
    density: &'static str,
    calm: bool,
    path: &'a str,
    title: &'a str,
    nonce: &'a str,
    status: Option<String>,
    error: Option<&'a str>,
    site: SiteView,
    me: Option<Me<'a>>,
    languages: Vec<LanguageLink>,
    sidebar: Value,
    csrf_token: &'a str,
    max_text_chars: usize,
}

/// The one whose page it is.
#[derive(Serialize)]
struct Me<'a> {
    id: UserId,
    nickname: &'a str,
    initials: String,
    hue: u8,
    is_admin: bool,
    preferences: &'a Preferences,
}

#[derive(Serialize)]
struct LanguageLink {
    code: &'static str,
    name: &'static str,
    current: bool,
    url: String,
}

impl Page {
    pub(super) fn new(visitor: Visitor, template: &'static str) -> Self {
        Self {
            visitor,
            template,
            title: None,
            status: StatusCode::OK,
            error: None,
            bare: false,
        }
    }

    /// With another status than 200.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With another title than the text `title-<template>`, such as a room's name.
    pub(crate) fn title(mut self, title: String) -> Self {
        self.title = Some(title);
        self
    }

    /// Without anything that the store would have to be asked for.
    pub(super) fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// With what the template needs besides `page`.
    ///
    /// # Errors
    /// When the template cannot be rendered: our fault, or the theme's.
    pub(crate) async fn with(self, values: Value) -> Result<Response, Failure> {
        let sidebar = match self.visitor.actor().filter(|_| !self.bare) {
            Some(_) => Value::from(Serde(list::links(&self.visitor).await?)),
            None => Value::from(()),
        };
        self.render(sidebar, values)
    }

    /// As [`Page::with`], but with nothing beside the page.
    pub(super) fn render(&self, sidebar: Value, values: Value) -> Result<Response, Failure> {
        let facts = &self.visitor.0;
        let title = self.title.clone().unwrap_or_else(|| {
            let name = self.template.trim_end_matches(".html").replace('_', "-");
            self.visitor.text(&format!("title-{name}"))
        });
        let page = Value::from(Serde(self.view(&title, sidebar)));
        let html = facts
            .web
            .theme
            .render(
                self.template,
                &self.visitor.rendering(),
                context! { page, ..values },
            )
            .map_err(|error| Error::internal(format!("{error:#}")))?;
        let mut response = (self.status, Html(html)).into_response();
        response.extensions_mut().insert(Shown);
        Ok(response)
    }

    fn view<'a>(&'a self, title: &'a str, sidebar: Value) -> PageView<'a> {
        let facts = &self.visitor.0;
        let status = facts.flash.as_ref().map(|flash| flash.text.as_str());
        PageView {
            lang: facts.language.code(),
            theme: facts.preferences.theme.as_str(),
            density: facts.preferences.density.as_str(),
            calm: facts.preferences.calm,
            path: &facts.path,
            title,
            nonce: &facts.nonce,
            // A cookie that names a text which is not there says nothing.
            status: status
                .filter(|key| facts.web.theme.texts().has(facts.language, key))
                .map(|key| self.visitor.text(key)),
            error: self.error.as_deref(),
            site: SiteView::from(&*facts.site),
            me: facts.me.as_ref().map(|me| Me {
                id: me.id,
                nickname: &me.nickname,
                initials: initials(&me.nickname),
                hue: me.hue(),
                is_admin: me.is_admin,
                preferences: &facts.preferences,
            }),
            languages: languages(&facts.path, facts.language),
            sidebar,
            csrf_token: &facts.masked_token,
            max_text_chars: facts.web.app.settings().max_text_chars,
        }
    }
}

fn languages(path: &str, current: Language) -> Vec<LanguageLink> {
    let joint = if path.contains('?') { '&' } else { '?' };
    Language::ALL
        .into_iter()
        .map(|language| LanguageLink {
            code: language.code(),
            name: language.name(),
            current: language == current,
            url: format!("{path}{joint}lang={}", language.code()),
        })
        .collect()
}
