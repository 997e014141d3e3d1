//! What dialects have in common when they write.

use bytes::Bytes;
use parlour_core::{Error, Kind, error::INVALID};
use serde::Serialize;
use std::{borrow::Cow, time::Duration};

/// Longest nonce that is echoed in an error frame, in code points: the longest that can be right.
const MAX_NONCE: usize = 64;

/// A frame that is wrong as a whole.
pub(super) fn invalid(text: impl Into<Cow<'static, str>>) -> Error {
    Error::from(INVALID).saying(text)
}

/// The nonce as it may be echoed.
pub(super) fn echo(nonce: Option<&String>) -> Option<String> {
    nonce
        .filter(|nonce| nonce.chars().take(MAX_NONCE + 1).count() <= MAX_NONCE)
        .cloned()
}

/// When to try again. Never 0: a client that takes it by its word would spin.
pub(super) fn retry_ms(error: &Error) -> Option<u64> {
    let millis = |wait: Duration| u64::try_from(wait.max(Duration::from_millis(1)).as_millis());
    error
        .retry_hint()
        .map(|wait| millis(wait).unwrap_or(u64::MAX))
}

/// What the seed's clients look for, and its like for errors that the seed does not know.
pub(super) const fn headline(kind: Kind) -> &'static str {
    match kind {
        Kind::TooMany => "rate limited",
        Kind::Unavailable => "temporarily unavailable",
        Kind::StorageFull => "storage full",
        Kind::Internal => "internal error",
        Kind::Unauthenticated => "not authenticated",
        Kind::Invalid
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Gone
        | Kind::TooLarge => "validation error",
    }
}

/// The bad fields as a sentence each, or the error's text. `name` is how the dialect calls a field.
pub(super) fn detail(error: &Error, name: impl Fn(&'static str) -> &'static str) -> String {
    if error.field_errors().is_empty() {
        return error.text().to_owned();
    }
    let sentences: Vec<_> = error
        .field_errors()
        .iter()
        .map(|field| format!("{}: {}", name(field.field), field.problem))
        .collect();
    sentences.join(" ")
}

/// The bytes of a small frame.
pub(super) fn json(value: &impl Serialize) -> Bytes {
    json_with_room(0, value)
}

/// The bytes of a value, made in one go. `more`: how much larger than a small frame it will be.
pub(super) fn json_with_room(more: usize, value: &impl Serialize) -> Bytes {
    let mut bytes = Vec::with_capacity(256 + more + more / 16);
    // Writing strings and integers to memory cannot fail.
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        tracing::error!(%error, "a frame could not be written");
    }
    bytes.into()
}
