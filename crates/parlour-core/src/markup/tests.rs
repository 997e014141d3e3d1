//! What people write, what attackers write, and what holds for every text.

mod attacks;
mod people;
mod properties;
mod shapes;

use super::*;

/// HTML of a text that addresses nobody.
fn show(text: &str) -> String {
    html(text, &[])
}

fn user(id: i64, name: &str) -> (UserId, String) {
    (UserId::new(id), name.to_owned())
}

/// HTML of a text in a room of these people.
fn show_to(text: &str, people: &[(UserId, String)]) -> String {
    html(text, &mentions(text, people))
}

/// What a reader sees: the HTML without tags and with its references resolved.
fn seen(html: &str) -> String {
    let mut out = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            c if !in_tag => out.push(c),
            _ => {}
        }
    }
    out.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&")
}

/// Panics when the HTML holds anything but the tags, attributes and classes of the subset, or tags
/// that are not nested.
fn assert_safe(html: &str, text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "{text:?} gives {html}");
        let end = at + rest[at..].find('>').expect("an end of the tag");
        let tag = &rest[at + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{text:?} gives {html}");
        } else {
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(fence::TAGS.contains(&name), "<{tag}> of {text:?}");
            assert!(is_safe(name, attributes), "<{tag}> of {text:?}");
            if name != "br" {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{text:?} gives {html}");
}

fn is_safe(name: &str, attributes: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let inside = |begin: &str| attributes.strip_prefix(begin)?.strip_suffix('"');
    match name {
        "a" => {
            let end = format!("\" target=\"_blank\" rel=\"{}\"", fence::REL);
            let Some(href) = attributes
                .strip_prefix("href=\"")
                .and_then(|rest| rest.strip_suffix(&end))
            else {
                return false;
            };
            let schemes = ["http://", "https://", "mailto:"];
            schemes.iter().any(|scheme| href.starts_with(scheme))
                && href.bytes().all(|b| b > b' ' && !b"\"<>`".contains(&b))
        }
        "ol" => attributes.is_empty() || inside("start=\"").is_some_and(digits),
        "pre" => {
            attributes == "tabindex=\"0\""
                || inside("tabindex=\"0\" data-lang=\"").is_some_and(|name| {
                    name.bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"+-#._".contains(&b))
                })
        }
        "span" => {
            inside("class=\"").is_some_and(|class| fence::CLASSES.contains(&class))
                || inside("class=\"at\" data-user=\"").is_some_and(digits)
        }
        _ => attributes.is_empty(),
    }
}
