//! Names and web addresses in a run of plain text.

use super::links;
use crate::{UserId, text};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

/// Part of a run of text.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    Url(&'t str),
    /// `@name`, without the `@`.
    Mention {
        user: UserId,
        name: &'t str,
    },
}

/// The people whom a text may address, by the key of their name.
#[derive(Default)]
pub(super) struct Names(Vec<(String, UserId)>);

impl Names {
    pub(super) fn new<'n>(people: impl Iterator<Item = (UserId, &'n str)>) -> Self {
        let mut names: Vec<_> = people
            .map(|(user, name)| (key(name.trim()), user))
            .filter(|(key, _)| !key.is_empty())
            .collect();
        names.sort_by(|a, b| a.0.cmp(&b.0));
        names.dedup_by(|later, first| later.0 == first.0);
        Self(names)
    }

    /// The longest name that `text` begins with: whose it is and where it ends.
    fn longest(&self, text: &str) -> Option<(UserId, usize)> {
        let mut candidates = self.0.as_slice();
        let mut key = String::new();
        let mut found = None;
        for (at, grapheme) in text.grapheme_indices(true) {
            let before = key.len();
            push_key(&mut key, grapheme);
            if key.len() == before {
                continue;
            }
            let begins = candidates.partition_point(|(name, _)| *name < key);
            let rest = &candidates[begins..];
            let ends = rest.partition_point(|(name, _)| name.starts_with(&key));
            candidates = &rest[..ends];
            let Some((name, user)) = candidates.first() else {
                break;
            };
            let end = at + grapheme.len();
            if *name == key && may_end(grapheme, &text[end..]) {
                found = Some((*user, end));
            }
        }
        found
    }
}

/// [`text::key`], faster for ASCII.
fn key(name: &str) -> String {
    if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        text::key(name)
    }
}

/// [`text::key`] character by character: nothing composes across two graphemes.
fn push_key(whole: &mut String, grapheme: &str) {
    match grapheme.as_bytes() {
        [byte] => whole.push(char::from(byte.to_ascii_lowercase())),
        _ => whole.push_str(&key(grapheme)),
    }
}

/// Splits a run of text at the names and web addresses in it.
pub(super) fn pieces<'t>(run: &'t str, names: &Names) -> impl Iterator<Item = Piece<'t>> {
    let mut rest = run;
    let mut waiting = None;
    let mut before = None;
    std::iter::from_fn(move || {
        if let Some(piece) = waiting.take() {
            return Some(piece);
        }
        if rest.is_empty() {
            return None;
        }
        let all = rest;
        let mut from = 0;
        while let Some(at) = find_start(all.as_bytes(), from, !names.0.is_empty()) {
            let previous = all[..at].chars().next_back().or(before);
            if let Some((piece, end)) = special_at(&all[at..], previous, names) {
                rest = &all[at + end..];
                before = all[..at + end].chars().next_back();
                if at == 0 {
                    return Some(piece);
                }
                waiting = Some(piece);
                return Some(Piece::Text(&all[..at]));
            }
            from = at + 1;
        }
        rest = "";
        Some(Piece::Text(all))
    })
}

/// The next byte where a name or an address may begin.
fn find_start(text: &[u8], from: usize, may_mention: bool) -> Option<usize> {
    let found = text[from..].iter().enumerate().position(|(i, byte)| {
        (*byte == b'@' && may_mention)
            || (matches!(byte, b'h' | b'H') && matches!(text.get(from + i + 1), Some(b't' | b'T')))
    });
    found.map(|at| from + at)
}

fn special_at<'t>(
    text: &'t str,
    previous: Option<char>,
    names: &Names,
) -> Option<(Piece<'t>, usize)> {
    if previous.is_some_and(is_word) {
        // After Hangul and the like an address may begin without a space, a name may not.
        if text.starts_with('@') || previous.is_some_and(|c| c.is_ascii()) {
            return None;
        }
    }
    if let Some(after) = text.strip_prefix('@') {
        let (user, end) = names.longest(after)?;
        let name = &after[..end];
        return Some((Piece::Mention { user, name }, end + 1));
    }
    let end = links::bare_url(text)?;
    Some((Piece::Url(&text[..end]), end))
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric() || is_combining_mark(c)
}

/// Whether a name may end between these two.
fn may_end(last: &str, after: &str) -> bool {
    let Some(next) = after.chars().next() else {
        return true;
    };
    if !is_word(next) || !last.chars().any(is_word) {
        return true;
    }
    // No chain of particles is longer; the word itself may be.
    let word: String = after
        .chars()
        .take_while(|c| is_word(*c))
        .take(31)
        .nfc()
        .collect();
    word.chars().count() <= 10 && are_particles(&word, 4)
}

/// What Korean attaches to names: titles, case and topic markers.
const PARTICLES: [&str; 62] = [
    "님",
    "씨",
    "군",
    "양",
    "쌤",
    "들",
    "네",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "에게",
    "에게서",
    "에서",
    "께",
    "께서",
    "한테",
    "한테서",
    "더러",
    "보고",
    "와",
    "과",
    "랑",
    "이랑",
    "하고",
    "도",
    "만",
    "까지",
    "부터",
    "마저",
    "조차",
    "밖에",
    "뿐",
    "보다",
    "처럼",
    "같이",
    "만큼",
    "대로",
    "마다",
    "로",
    "으로",
    "라고",
    "이라고",
    "라면",
    "이라면",
    "라도",
    "이라도",
    "나",
    "이나",
    "든",
    "이든",
    "야",
    "아",
    "이야",
    "여",
    "이여",
    "요",
    "이요",
];

fn are_particles(word: &str, most: usize) -> bool {
    word.is_empty()
        || (most > 0
            && PARTICLES.iter().any(|particle| {
                word.strip_prefix(particle)
                    .is_some_and(|rest| are_particles(rest, most - 1))
            }))
}
