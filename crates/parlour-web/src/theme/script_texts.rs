//! The messages for scripts: those whose name begins with `js-`, compiled to JSON, so that the browser
//! needs no Fluent.
//!
//! A message is a string with `{name}` where a value goes, or, when it selects by a value, an object
//! with the value's name under `select` and a string per case:
//!
//! ```json
//! {"js-hello": "Hello, {name}", "js-new": {"select": "n", "one": "{n} new", "other": "{n} new"}}
//! ```
//!
//! Cases are plural categories, exact numbers (`"0"`) or words; `other` is always there. A script takes
//! the case of the value's own text, else of its plural category (`Intl.PluralRules`), else `other`.

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Message, Pattern, PatternElement, VariantKey,
};
use serde_json::{Map, Value};

/// How the names of these messages begin.
pub(super) const PREFIX: &str = "js-";

/// The case for everything that has none of its own.
const OTHER: &str = "other";

/// The messages of a resource.
pub(super) fn messages(resource: &FluentResource) -> impl Iterator<Item = &Message<&str>> {
    resource.entries().filter_map(|entry| match entry {
        Entry::Message(message) => Some(message),
        _ => None,
    })
}

/// A message as scripts read it; the error is a sentence for its author.
pub(super) fn compile(message: &Message<&str>) -> Result<Value, String> {
    let id = message.id.name;
    let refuse = |what: &str| format!("the text {id} is for scripts and cannot have {what}");
    let pattern = message.value.as_ref().ok_or_else(|| refuse("no value"))?;
    let select = pattern.elements.iter().position(is_select);
    let Some(place) = select else {
        return plain(pattern)
            .map(Value::String)
            .map_err(|what| refuse(&what));
    };
    if pattern.elements[place + 1..].iter().any(is_select) {
        return Err(refuse("two selections"));
    }
    let PatternElement::Placeable {
        expression: Expression::Select { selector, variants },
    } = &pattern.elements[place]
    else {
        return Err(refuse("this selection"));
    };
    let InlineExpression::VariableReference { id: name } = selector else {
        return Err(refuse("a selection by anything but a value"));
    };
    let text = |elements: &[PatternElement<&str>]| pieces(elements).map_err(|what| refuse(&what));
    let before = text(&pattern.elements[..place])?;
    let after = text(&pattern.elements[place + 1..])?;
    let mut cases = Map::new();
    cases.insert("select".to_owned(), name.name.into());
    for variant in variants {
        let case = match &variant.key {
            VariantKey::Identifier { name } => *name,
            VariantKey::NumberLiteral { value } => *value,
        };
        let whole = format!("{before}{}{after}", text(&variant.value.elements)?);
        if variant.default {
            cases.insert(OTHER.to_owned(), whole.clone().into());
        }
        cases.insert(case.to_owned(), whole.into());
    }
    Ok(cases.into())
}

fn is_select(element: &PatternElement<&str>) -> bool {
    matches!(
        element,
        PatternElement::Placeable {
            expression: Expression::Select { .. }
        }
    )
}

fn plain(pattern: &Pattern<&str>) -> Result<String, String> {
    pieces(&pattern.elements)
}

fn pieces(elements: &[PatternElement<&str>]) -> Result<String, String> {
    let mut text = String::new();
    for element in elements {
        match element {
            PatternElement::TextElement { value } => text.push_str(value),
            PatternElement::Placeable {
                expression: Expression::Inline(inline),
            } => match inline {
                InlineExpression::VariableReference { id } => {
                    text.push('{');
                    text.push_str(id.name);
                    text.push('}');
                }
                InlineExpression::StringLiteral { value } => text.push_str(value),
                InlineExpression::NumberLiteral { value } => text.push_str(value),
                _ => return Err("functions or references to other texts".to_owned()),
            },
            PatternElement::Placeable { .. } => {
                return Err("a selection inside of a selection".to_owned());
            }
        }
    }
    Ok(text)
}

/// JSON that may stand inside of a `<script>` element.
pub(crate) fn in_html(value: &Value) -> String {
    let json = value.to_string();
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compiled(ftl: &str) -> Result<Value, String> {
        let resource = FluentResource::try_new(ftl.to_owned()).expect("Fluent");
        let message = messages(&resource).next().expect("a message");
        compile(message)
    }

    #[test]
    fn strings_and_selections() {
        assert_eq!(
            compiled("js-a = Hello, { $name }!"),
            Ok(json!("Hello, {name}!"))
        );
        let plural =
            "js-n = You have { $n ->\n    [one] { $n } thing\n   *[other] { $n } things\n}.";
        assert_eq!(
            compiled(plural),
            Ok(
                json!({"select": "n", "one": "You have {n} thing.", "other": "You have {n} things."})
            )
        );
        let number = "js-n = { $n ->\n    [0] none\n   *[many] { $n }\n}";
        assert_eq!(
            compiled(number),
            Ok(json!({"select": "n", "0": "none", "many": "{n}", "other": "{n}"}))
        );
    }

    #[test]
    fn what_the_browser_could_not_do_is_refused() {
        for ftl in [
            "js-a = { other-text }",
            "js-a = { NUMBER($n) }",
            "js-a = { $a ->\n   *[x] { $b ->\n       *[y] z\n    }\n}",
            "js-a = { $a ->\n   *[x] y\n} { $b ->\n   *[x] y\n}",
        ] {
            let error = compiled(ftl).expect_err("refused");
            assert!(error.starts_with("the text js-a is for scripts"), "{error}");
        }
    }

    #[test]
    fn no_text_ends_the_element() {
        let html = in_html(&json!({"a": "</script><!-- & \u{2028}"}));
        assert!(!html.contains(['<', '>', '&', '\u{2028}']), "{html}");
        assert_eq!(
            serde_json::from_str::<Value>(&html).expect("still JSON"),
            json!({"a": "</script><!-- & \u{2028}"})
        );
    }
}
