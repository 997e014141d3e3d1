//! Message texts: a subset of Markdown as safe HTML, whom a text addresses, one-line excerpts, emoji.
//!
//! Nobody writes HTML: `<` is text. What the writer emits consists of the tags of `fence.rs` only, and
//! everything from the text is escaped; whatever went through the Markdown parser or holds a link is
//! checked a second time by a sanitiser that knows nothing of the writer (decision record 5).
//!
//! `source` prepares a text for the parser, `people` and `links` find what plain text holds, `write`
//! turns it into HTML, `highlight` colours code.

mod fence;
mod highlight;
mod languages;
mod links;
mod people;
mod plain;
mod source;
#[cfg(test)]
mod tests;
mod write;

use crate::{UserId, model::Mention};
use people::{Names, Piece};
use plain::is_plain;
use source::Source;

/// Longest text, in code points, in which markup is looked for. Longer ones are shown as they are.
pub const MAX_CHARS: usize = 10_000;
/// Most people that one text addresses.
pub const MAX_MENTIONS: usize = 50;

/// A text as safe HTML.
///
/// Paragraphs, line breaks where the text has them, bold, italic, struck out, code, quotes, lists and
/// links to `http`, `https` and `mailto`; an image is its link, a heading a bold line, and HTML is
/// text. `mentions` are those of [`mentions`]; each place of theirs outside code and links is marked.
///
/// The result is at most ten times as long as the text, plus 1 KiB: what would be longer is shown
/// without markup.
#[must_use]
pub fn html(text: &str, mentions: &[Mention]) -> String {
    if is_too_long(text) {
        return write::bare(text);
    }
    let names = Names::new(mentions.iter().map(|m| (m.user, m.name.as_str())));
    let written = if is_plain(text) {
        write::plain(text, &names)
    } else {
        marked(text, &names)
    };
    match written {
        Some(html) if html.len() <= text.len() * 10 + 1024 => html,
        _ => write::bare(text),
    }
}

/// The way of texts with markup. None when nothing of the text would be seen.
fn marked(text: &str, names: &Names) -> Option<String> {
    let source = Source::new(text, names)?;
    let html = write::marked(&source, names)?;
    Some(fence::clean(&html))
}

/// Whom a text addresses with `@nickname`, in the order of the text, each of the `people` once, at
/// most [`MAX_MENTIONS`].
///
/// Names are compared as accounts compare them ([`crate::text::key`]) and the longest one wins. They
/// begin after no letter or digit and end before none, except that Korean particles may follow
/// (`@Ada님께서`). Code and links address nobody.
#[must_use]
pub fn mentions(text: &str, people: &[(UserId, String)]) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    if people.is_empty() || !text.contains('@') || is_too_long(text) {
        return found;
    }
    let names = Names::new(people.iter().map(|(user, name)| (*user, name.as_str())));
    let mut look = |run: &str| {
        for piece in people::pieces(run, &names) {
            if let Piece::Mention { user, name } = piece
                && found.len() < MAX_MENTIONS
                && found.iter().all(|mention| mention.user != user)
            {
                let name = name.to_owned();
                found.push(Mention { user, name });
            }
        }
    };
    if is_plain(text) {
        text.split('\n').for_each(look);
    } else if let Some(source) = Source::new(text, &names) {
        source.runs(&mut look);
    }
    found
}

/// A text as one plain line of at most `max_chars` code points, for quotes and notifications: without
/// markup, control characters and characters that turn the direction of text. What is cut ends in "…".
#[must_use]
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let head = match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    if !is_plain(head)
        && let Some(source) = Source::new(head, &Names::default())
    {
        let line = plain::line(&source.words());
        if !line.is_empty() {
            return plain::cut(&line, max_chars);
        }
    }
    plain::cut(&plain::line(head), max_chars)
}

/// The emoji that a text is, in its fully qualified form; None when it is not exactly one.
#[must_use]
pub fn emoji(text: &str) -> Option<&'static str> {
    let found = emojis::get(text).or_else(|| {
        let bare = text.strip_suffix('\u{fe0f}')?;
        emojis::get(bare)
    })?;
    Some(found.as_str())
}

fn is_too_long(text: &str) -> bool {
    text.len() > MAX_CHARS && text.chars().nth(MAX_CHARS).is_some()
}
