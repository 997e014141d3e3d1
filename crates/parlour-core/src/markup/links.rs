//! Web addresses: where a bare one ends, which ones become links, and what host they really lead to.

use super::plain::turns_direction;
use unicode_normalization::UnicodeNormalization;
use url::{Host, Url};

/// The length of the web address that `text` begins with.
pub(super) fn bare_url(text: &str) -> Option<usize> {
    let start = scheme_length(text)?;
    let mut in_host = true;
    let mut end = text.len();
    let mut previous = '/';
    let mut has_dot = false;
    for (at, c) in text[start..].char_indices() {
        // A particle after a host is none of it (`https://example.com에서`).
        let is_particle = in_host && has_dot && !c.is_ascii() && previous.is_ascii_alphanumeric();
        let is_mark = matches!(c, '*' | '~') && previous == c;
        if is_particle || is_mark || ends_url(c) {
            end = start + at - usize::from(is_mark);
            break;
        }
        has_dot |= c == '.';
        in_host &= !matches!(c, '/' | '?' | '#');
        previous = c;
    }
    let end = start + trimmed(&text[start..end]).len();
    text[start..end]
        .starts_with(char::is_alphanumeric)
        .then_some(end)
}

/// Whether an autolink begins after `<`.
pub(super) fn begins_autolink(text: &str) -> bool {
    scheme_length(text).is_some() || starts_with_ignore_case(text, "mailto:")
}

fn scheme_length(text: &str) -> Option<usize> {
    ["https://", "http://"]
        .iter()
        .find(|scheme| starts_with_ignore_case(text, scheme))
        .map(|scheme| scheme.len())
}

fn starts_with_ignore_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn ends_url(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || turns_direction(c)
        || matches!(
            c,
            '<' | '>' | '"' | '`' | '\\' | '[' | ']' | '{' | '}' | '|' | '^'
        )
        // Brackets, quotation marks and full stops of East Asian and typographic text.
        || matches!(c, '\u{3001}'..='\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{2018}'..='\u{201f}'
            | '\u{ff01}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff1f}' | '«' | '»')
}

/// Without the marks of the sentence around it; a closing parenthesis stays when it was opened inside.
fn trimmed(url: &str) -> &str {
    let mut url = url;
    let count = |url: &str, c| url.matches(c).count();
    let (opened, mut closed) = (count(url, '('), count(url, ')'));
    loop {
        let shorter = match url.chars().next_back() {
            Some('.' | ',' | ':' | ';' | '!' | '?' | '\'' | '*' | '_' | '~' | '…' | '(') => true,
            Some(')') => closed > opened,
            _ => return url,
        };
        if !shorter {
            return url;
        }
        closed -= usize::from(url.ends_with(')'));
        url = &url[..url.len() - url.chars().next_back().map_or(0, char::len_utf8)];
    }
}

/// Where a link leads to.
pub(super) struct Target {
    /// As browsers understand it: ASCII.
    pub(super) href: String,
    /// The host, of an email address its domain; in ASCII.
    host: String,
    is_email: bool,
}

/// The target of a link; None for everything but `http`, `https` and `mailto`.
pub(super) fn target(address: &str) -> Option<Target> {
    let is_email = starts_with_ignore_case(address, "mailto:");
    if !is_email {
        scheme_length(address)?;
    }
    let url = Url::parse(address).ok()?;
    let host = if is_email {
        let people = url.path();
        let (_, domain) = people.rsplit_once('@')?;
        domain.to_ascii_lowercase()
    } else {
        match url.host()? {
            Host::Domain(name) => name.trim_end_matches('.').to_owned(),
            ip => ip.to_string(),
        }
    };
    Some(Target {
        href: url.into(),
        host,
        is_email,
    })
}

impl Target {
    /// The host, when a reader of `text` could expect another one.
    pub(super) fn host_unless_in(&self, text: &str) -> Option<&str> {
        let same = |host: &str| without_www(host) == without_www(&self.host);
        let honest = !text.chars().any(turns_direction)
            && claimed_host(text).is_none_or(|claim| same(&claim));
        (!honest).then_some(self.host.as_str())
    }

    /// The address as text, for a link without any.
    pub(super) fn shown(&self) -> &str {
        if self.is_email {
            &self.href["mailto:".len()..]
        } else {
            &self.href
        }
    }
}

fn without_www(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

/// The first thing in a text that looks like a host or an address.
fn claimed_host(text: &str) -> Option<String> {
    if !text.contains(['.', ':', '/']) && text.is_ascii() {
        return None;
    }
    let plain: String = text
        .nfkc()
        .map(|c| if c == '\u{3002}' { '.' } else { c })
        .filter(|c| !c.is_control() && !is_unseen(*c))
        .flat_map(char::to_lowercase)
        .collect();
    let (before, address) = match plain.split_once("://") {
        Some((before, address)) => (before, Some(address)),
        None => (plain.as_str(), None),
    };
    words(before)
        .find(|word| looks_like_host(word))
        .or_else(|| words(address?).next())
        .map(str::to_owned)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
        .map(|word| word.trim_matches(['.', '-', '_']))
}

fn looks_like_host(word: &str) -> bool {
    let is_ip =
        word.matches('.').count() == 3 && word.chars().all(|c| c == '.' || c.is_ascii_digit());
    is_ip
        || word.rsplit_once('.').is_some_and(|(name, last)| {
            !name.is_empty() && last.chars().count() > 1 && last.chars().any(char::is_alphabetic)
        })
}

const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}
