//! The second fence: a sanitiser that parses the HTML as browsers do and knows nothing of the writer.

use ammonia::{Builder, UrlRelative};
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// The elements that a message may hold.
pub(super) const TAGS: [&str; 13] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "ul",
];
/// The classes of `span`.
pub(super) const CLASSES: [&str; 8] = ["at", "host", "k", "s", "c", "n", "v", "t"];
/// The `rel` of every link.
pub(super) const REL: &str = "noopener noreferrer nofollow ugc";

static FENCE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut fence = Builder::empty();
    fence
        .tags(HashSet::from(TAGS))
        .generic_attributes(HashSet::new())
        .url_relative(UrlRelative::Deny)
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("ol", HashSet::from(["start"])),
            ("pre", HashSet::from(["data-lang"])),
            ("span", HashSet::from(["data-user"])),
        ]))
        .tag_attribute_values(HashMap::from([
            ("a", HashMap::from([("target", HashSet::from(["_blank"]))])),
            ("pre", HashMap::from([("tabindex", HashSet::from(["0"]))])),
        ]))
        .allowed_classes(HashMap::from([("span", HashSet::from(CLASSES))]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .set_tag_attribute_value("a", "target", "_blank")
        .set_tag_attribute_value("pre", "tabindex", "0")
        .link_rel(Some(REL));
    fence
});

/// Removes whatever a message may not hold.
pub(super) fn clean(html: &str) -> String {
    FENCE.clean(html).to_string()
}
