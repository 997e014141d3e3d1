//! Message texts as HTML.

use crate::{UserId, model::Mention};

/// A text as safe HTML.
#[must_use]
pub fn html(text: &str, _mentions: &[Mention]) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Whom a text addresses.
#[must_use]
pub fn mentions(_text: &str, _people: &[(UserId, String)]) -> Vec<Mention> {
    Vec::new()
}

/// The emoji that a text is.
#[must_use]
pub fn emoji(_text: &str) -> Option<&'static str> {
    None
}
