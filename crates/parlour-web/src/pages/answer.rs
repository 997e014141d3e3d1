//! What a page's handler decides, before it is written as a response.

use axum::http::StatusCode;
use minijinja::Value;
use parlour_core::Error;
use serde::Serialize;

/// The outcome of a handler.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A template and what it shows.
    Page {
        /// The template's file.
        template: &'static str,
        /// The status.
        status: StatusCode,
        /// The page's own part of the context.
        values: Value,
    },
    /// 302, as the contract says for its own forms.
    Found(String),
    /// 303 after a form of ours; the text is shown once on the page it leads to.
    See {
        /// Where to.
        path: String,
        /// The key of what was done.
        said: Option<&'static str>,
    },
    /// 302 to the log-in page, and back here after it.
    LogIn,
    /// There is nothing here.
    Missing,
}

/// What handlers answer; errors become pages.
pub(crate) type Answered = Result<Answer, Error>;

impl Answer {
    /// A page that is as it should be.
    pub(crate) fn page(template: &'static str, values: impl Serialize) -> Self {
        Self::with_status(StatusCode::OK, template, values)
    }

    /// A page with another status.
    pub(crate) fn with_status(
        status: StatusCode,
        template: &'static str,
        values: impl Serialize,
    ) -> Self {
        Self::Page {
            template,
            status,
            values: Value::from_serialize(values),
        }
    }

    /// A redirect after a form.
    pub(crate) fn see(path: impl Into<String>) -> Self {
        Self::See {
            path: path.into(),
            said: None,
        }
    }

    /// A redirect after a form, with a word on what was done.
    pub(crate) fn said(path: impl Into<String>, said: &'static str) -> Self {
        Self::See {
            path: path.into(),
            said: Some(said),
        }
    }
}
