//! A page on its way: template, status, what every page knows, and what only this one knows.

use super::{error::Failure, people::Me, site::SiteView, visitor::Visitor};
use crate::theme::language::Language;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
};
use minijinja::{Value, context, value::Serde};
use parlour_core::Error;
use serde::Serialize;

/// Marks an answer that showed the flash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown;

/// A page that is being made.
#[derive(Debug)]
pub(crate) struct Page {
    visitor: Visitor,
    template: &'static str,
    title: String,
    status: StatusCode,
    error: Option<String>,
    sidebar: Value,
}

/// What every template has under `page`.
#[derive(Serialize)]
struct PageView<'a> {
    lang: &'static str,
    theme: &'static str,
    density: &'static str,
    calm: bool,
    clock: &'static str,
    path: &'a str,
    title: &'a str,
    nonce: &'a str,
    status: Option<String>,
    error: Option<&'a str>,
    site: SiteView,
    me: Option<Me>,
    languages: Vec<LanguageLink>,
    sidebar: Value,
    csrf_token: &'a str,
    max_text_chars: usize,
}

#[derive(Serialize)]
struct LanguageLink {
    code: &'static str,
    name: &'static str,
    current: bool,
    url: String,
}

impl Page {
    pub(super) fn new(visitor: Visitor, template: &'static str, title: String) -> Self {
        Self {
            visitor,
            template,
            title,
            status: StatusCode::OK,
            error: None,
            sidebar: Value::from(()),
        }
    }

    /// With another status than 200.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With the visitor's rooms beside it.
    pub(crate) fn sidebar(mut self, sidebar: Value) -> Self {
        self.sidebar = sidebar;
        self
    }

    /// With another title: one that is no text of ours, such as a room's name.
    pub(crate) fn title(mut self, title: String) -> Self {
        self.title = title;
        self
    }

    /// With what the template needs besides `page`.
    ///
    /// # Errors
    /// When the template cannot be rendered: our fault, or the theme's.
    pub(crate) fn with(self, values: Value) -> Result<Response, Failure> {
        let facts = &self.visitor.0;
        let page = Value::from(Serde(self.view()));
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

    fn view(&self) -> PageView<'_> {
        let facts = &self.visitor.0;
        let status = facts.flash.as_ref().map(|flash| flash.text.as_str());
        PageView {
            lang: facts.language.code(),
            theme: facts.theme,
            density: facts.preferences.density.as_str(),
            calm: facts.preferences.calm,
            clock: facts.preferences.clock.as_str(),
            path: &facts.path,
            title: &self.title,
            nonce: &facts.nonce,
            // A cookie that names a text which is not there says nothing.
            status: status
                .filter(|key| facts.web.theme.texts().has(facts.language, key))
                .map(|key| self.visitor.text(key)),
            error: self.error.as_deref(),
            site: SiteView::of(&self.visitor),
            me: facts
                .me
                .as_ref()
                .map(|me| Me::new(me, facts.preferences.clone())),
            languages: languages(&facts.path, facts.language),
            sidebar: self.sidebar.clone(),
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
