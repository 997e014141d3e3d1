//! Colours for code: one small lexer that the tables of `languages.rs` drive.

use super::{
    languages::{self, Keys, Language},
    write::escape,
};

/// Longest code, in code points, that is coloured.
const MAX_CHARS: usize = 4_000;

/// A block of code. `info` is what stands behind its fence.
pub(super) fn block(out: &mut String, info: &str, code: &str) {
    let word = info.split([' ', ',', '{', '\t']).next().unwrap_or_default();
    let word = word.to_ascii_lowercase();
    let language = languages::find(&word);
    let name = language.map_or(word.as_str(), |language| language.names[0]);
    out.push_str("<pre tabindex=\"0\"");
    if is_name(name) {
        out.push_str(" data-lang=\"");
        out.push_str(name);
        out.push('"');
    }
    out.push_str("><code>");
    match language.and_then(|language| coloured(language, code)) {
        Some(html) => out.push_str(&html),
        None => escape(out, code),
    }
    out.push_str("</code></pre>");
}

fn is_name(word: &str) -> bool {
    (1..=20).contains(&word.len())
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-#._".contains(&b))
}

/// None when the code is too long, or the colours would be most of the result.
fn coloured(language: &Language, code: &str) -> Option<String> {
    if code.chars().nth(MAX_CHARS).is_some() {
        return None;
    }
    let mut lexer = Lexer {
        language,
        code,
        at: 0,
        in_tag: false,
        last: "",
    };
    let mut out = String::with_capacity(code.len() * 3);
    let mut begin = 0;
    let mut class = None;
    while lexer.at < code.len() {
        let at = lexer.at;
        let next = lexer.next_class();
        if next != class {
            write(&mut out, class, &code[begin..at]);
            (begin, class) = (at, next);
        }
    }
    write(&mut out, class, &code[begin..]);
    (out.len() <= code.len() * 8 + 512).then_some(out)
}

fn write(out: &mut String, class: Option<char>, text: &str) {
    match class {
        Some(class) if !text.is_empty() => {
            out.push_str("<span class=\"");
            out.push(class);
            out.push_str("\">");
            escape(out, text);
            out.push_str("</span>");
        }
        _ => escape(out, text),
    }
}

struct Lexer<'c> {
    language: &'c Language,
    code: &'c str,
    at: usize,
    /// Between `<name` and `>` of markup.
    in_tag: bool,
    /// The last word.
    last: &'c str,
}

impl<'c> Lexer<'c> {
    fn rest(&self) -> &'c str {
        &self.code[self.at..]
    }

    fn previous(&self) -> Option<char> {
        self.code[..self.at].chars().next_back()
    }

    /// Goes over one token; what it is.
    fn next_class(&mut self) -> Option<char> {
        let rest = self.rest();
        if let Some(length) = self.comment(rest) {
            self.at += length;
            return Some('c');
        }
        if self.language.is_markup && !self.in_tag {
            return self.markup(rest);
        }
        if let Some(length) = self.string(rest) {
            self.at += length;
            return Some(if self.is_key() { 'v' } else { 's' });
        }
        let first = rest.chars().next()?;
        if first.is_ascii_digit() || (first == '#' && self.is_hex_colour(rest)) {
            self.at += 1 + number_length(&rest[1..]);
            return Some('n');
        }
        if let Some(length) = self.word_length(rest) {
            self.at += length;
            let class = self.class_of(&rest[..length]);
            self.last = &rest[..length];
            return class;
        }
        self.at += first.len_utf8();
        if self.in_tag && first == '>' {
            self.in_tag = false;
            return Some('k');
        }
        (self.in_tag && first == '/').then_some('k')
    }

    fn comment(&self, rest: &str) -> Option<usize> {
        let language = self.language;
        for begin in language.line_comments {
            // A number sign inside a word begins nothing (`$#`, `a#b`).
            let begins_word = *begin != "#" || self.previous().is_none_or(char::is_whitespace);
            if begins_word && rest.starts_with(begin) {
                return Some(rest.find('\n').unwrap_or(rest.len()));
            }
        }
        language.block_comments.iter().find_map(|(begin, end)| {
            let inside = rest.strip_prefix(begin)?;
            let length = inside.find(end).map(|at| at + end.len());
            Some(begin.len() + length.unwrap_or(inside.len()))
        })
    }

    fn string(&self, rest: &str) -> Option<usize> {
        let language = self.language;
        if language.has_lifetimes && rest.starts_with('\'') {
            return char_length(rest);
        }
        let (begin, end) = language
            .strings
            .iter()
            .find(|(begin, _)| rest.starts_with(begin))?;
        let many_lines = end.len() > 1 || *end == "`" || begin.len() > 1;
        let escapes = !begin.starts_with('r') && !begin.starts_with('@');
        let mut at = begin.len();
        while at < rest.len() {
            let inside = &rest[at..];
            if inside.starts_with(end) {
                return Some(at + end.len());
            }
            let c = inside.chars().next()?;
            if c == '\n' && !many_lines {
                return Some(at);
            }
            at += c.len_utf8();
            if c == '\\' && escapes {
                at += rest[at..].chars().next().map_or(0, char::len_utf8);
            }
        }
        Some(rest.len())
    }

    fn word_length(&self, rest: &str) -> Option<usize> {
        let is_part = |c: char| c == '_' || c.is_alphanumeric();
        let extra = self.language.word_characters;
        let sigil = rest.starts_with(['$', '@', '#'])
            && rest.starts_with(|c| self.language.sigils.contains(c));
        let rest_of_word = &rest[usize::from(sigil)..];
        if !rest_of_word.starts_with(|c: char| is_part(c) || (c == '-' && extra.contains('-'))) {
            return None;
        }
        let length = rest_of_word
            .find(|c: char| !is_part(c) && !extra.contains(c))
            .unwrap_or(rest_of_word.len());
        Some(length + usize::from(sigil))
    }

    fn class_of(&self, word: &str) -> Option<char> {
        let language = self.language;
        let has = |list: &str| {
            if language.ignores_case {
                list.split(' ').any(|one| one.eq_ignore_ascii_case(word))
            } else {
                list.split(' ').any(|one| one == word)
            }
        };
        if self.in_tag {
            return Some('v');
        }
        if has(language.keywords) || (word.starts_with('#') && language.sigils.contains('#')) {
            return Some('k');
        }
        if has(language.types) {
            return Some('t');
        }
        let next = self.rest();
        if word.starts_with(['$', '@']) || self.is_key() {
            return Some('v');
        }
        let is_defined = matches!(self.last, "fn" | "def" | "func" | "function" | "fun");
        if language.has_calls && (next.starts_with('(') || next.starts_with("!(") || is_defined) {
            return Some('v');
        }
        let is_type = language.has_capital_types && word.starts_with(char::is_uppercase);
        is_type.then_some('t')
    }

    /// Whether what was just read is the name of a value.
    fn is_key(&self) -> bool {
        let next = self.rest().trim_start_matches([' ', '\t']);
        match self.language.keys {
            Keys::None => false,
            Keys::Before(mark) => next.starts_with(mark) && !next.starts_with("=="),
        }
    }

    fn is_hex_colour(&self, rest: &str) -> bool {
        let digits = rest[1..].bytes().take_while(u8::is_ascii_hexdigit).count();
        self.language.has_hex_colours && matches!(digits, 3 | 4 | 6 | 8)
    }

    /// Text of markup, up to and with the name of a tag.
    fn markup(&mut self, rest: &str) -> Option<char> {
        if let Some(tag) = rest.strip_prefix('<') {
            let name = tag.trim_start_matches(['/', '!', '?']);
            let length = name
                .find(|c: char| !(c.is_alphanumeric() || "-:_.".contains(c)))
                .unwrap_or(name.len());
            if length > 0 {
                self.at += rest.len() - name.len() + length;
                self.in_tag = true;
                return Some('k');
            }
        }
        if rest.starts_with('&')
            && let Some(end) = rest.find(';').filter(|end| *end < 12)
        {
            self.at += end + 1;
            return Some('n');
        }
        let text = &rest[rest.chars().next()?.len_utf8()..];
        self.at += rest.len() - text.len() + text.find(['<', '&']).unwrap_or(text.len());
        None
    }
}

/// The length of the digits, letters and points that follow the first digit.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    (0..bytes.len())
        .find(|&i| match bytes[i] {
            b'.' => !bytes.get(i + 1).is_some_and(u8::is_ascii_digit),
            b'+' | b'-' => i == 0 || !matches!(bytes[i - 1], b'e' | b'E'),
            b'_' | b'%' => false,
            byte => !byte.is_ascii_alphanumeric(),
        })
        .unwrap_or(bytes.len())
}

/// The length of a character literal; None for a lifetime.
fn char_length(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next();
        let end = chars.take(10).find(|(_, c)| *c == '\'')?;
        return Some(end.0 + 1);
    }
    let (end, c) = chars.next()?;
    (c == '\'').then_some(end + 1)
}
