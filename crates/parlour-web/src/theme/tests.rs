//! The built-in theme: every template renders, every text is there in every language, and nothing
//! that people read is written into a template.

use super::{Theme, functions::Rendering, language::Language};
use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement},
    parser::parse,
};
use std::collections::{BTreeMap, BTreeSet};

fn theme() -> Theme {
    Theme::load(None).expect("the theme")
}

fn source(name: &str) -> String {
    let file = super::files::Part::Templates
        .built_in(name)
        .expect("a template");
    String::from_utf8(file.data.into_owned()).expect("UTF-8")
}

fn locales(language: Language) -> Vec<(String, String)> {
    let prefix = format!("{}/", language.code());
    let part = super::files::Part::Locales;
    let paths = part.list_built_in().into_iter();
    paths
        .filter(|path| path.starts_with(&prefix))
        .map(|path| {
            let file = part.built_in(&path).expect("a file");
            let text = String::from_utf8(file.data.into_owned()).expect("UTF-8");
            (path, text)
        })
        .collect()
}

/// Each message with the values that it names; a message that is there twice fails the test.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (path, text) in locales(language) {
        let resource = parse(text).unwrap_or_else(|(_, errors)| panic!("{path}: {errors:?}"));
        for entry in resource.body {
            let Entry::Message(message) = entry else {
                continue;
            };
            let mut names = BTreeSet::new();
            variables(&message, &mut names);
            let id = message.id.name;
            let before = found.insert(id.clone(), names);
            assert!(before.is_none(), "{path}: {id} is there twice");
        }
    }
    found
}

fn variables(message: &Message<String>, names: &mut BTreeSet<String>) {
    let attributes = message.attributes.iter().map(|attribute| &attribute.value);
    for pattern in message.value.iter().chain(attributes) {
        in_pattern(pattern, names);
    }
}

fn in_pattern(pattern: &Pattern<String>, names: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            match expression {
                Expression::Inline(inline) => in_inline(inline, names),
                Expression::Select { selector, variants } => {
                    in_inline(selector, names);
                    for variant in variants {
                        in_pattern(&variant.value, names);
                    }
                }
            }
        }
    }
}

fn in_inline(inline: &InlineExpression<String>, names: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => drop(names.insert(id.name.clone())),
        InlineExpression::FunctionReference { arguments, .. } => {
            for argument in &arguments.positional {
                in_inline(argument, names);
            }
        }
        _ => {}
    }
}

#[test]
fn languages_have_the_same_texts_with_the_same_values() {
    let english = messages(Language::English);
    let mut korean = messages(Language::Korean);
    // What the API says in English is not written a second time.
    korean.retain(|id, _| !id.starts_with("problem-") && !id.starts_with("code-"));
    for (id, names) in &english {
        let other = korean
            .get(id)
            .unwrap_or_else(|| panic!("{id} is not in Korean"));
        // A plural rule needs a number that the other language may not.
        assert_eq!(names, other, "{id}");
    }
    let more: Vec<_> = korean
        .keys()
        .filter(|id| !english.contains_key(*id))
        .collect();
    assert!(more.is_empty(), "not in English: {more:?}");
}

/// The keys of `t("…")` with a plain text in it.
fn keys_in(source: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (start, _) in source.match_indices("t(") {
        let before = source[..start].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            continue;
        }
        let rest = source[start + 2..].trim_start();
        let Some(quote) = rest.chars().next().filter(|c| *c == '"' || *c == '\'') else {
            continue;
        };
        let Some((key, after)) = rest[1..].split_once(quote) else {
            continue;
        };
        // A key that is put together is looked up when the page is rendered.
        if !after.trim_start().starts_with('~') {
            keys.insert(key.to_owned());
        }
    }
    keys
}

#[test]
fn every_text_that_templates_name_is_there() {
    let known = messages(Language::English);
    for name in theme().template_names() {
        for key in keys_in(&source(&name)) {
            let id = key.split('.').next().unwrap_or_default();
            assert!(known.contains_key(id), "{name}: {key}");
        }
    }
}

#[test]
fn every_text_that_scripts_name_is_there() {
    let known = messages(Language::English);
    let part = super::files::Part::Assets;
    let mut seen = 0;
    for path in part.list_built_in() {
        if !path.starts_with("js/") || !path.ends_with(".js") {
            continue;
        }
        let file = part.built_in(&path).expect("a file");
        let text = String::from_utf8(file.data.into_owned()).expect("UTF-8");
        for (start, _) in text.match_indices("\"js-") {
            let key = text[start + 1..].split('"').next().unwrap_or_default();
            assert!(known.contains_key(key), "{path}: {key}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen} texts");
}

#[test]
fn every_file_that_templates_name_is_there() {
    let theme = theme();
    for name in theme.template_names() {
        let source = source(&name);
        for quote in ["'", "\""] {
            let call = format!("asset({quote}");
            for (start, _) in source.match_indices(&call) {
                let rest = &source[start + call.len()..];
                let path = rest.split(quote).next().unwrap_or_default();
                assert!(theme.assets().has(path), "{name}: assets/{path}");
            }
        }
    }
}

/// The template without what the engine replaces.
fn without_marks(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    while let Some(start) = rest.find("{") {
        let (before, marked) = rest.split_at(start);
        text.push_str(before);
        let end = match marked.as_bytes().get(1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                text.push('{');
                rest = &marked[1..];
                continue;
            }
        };
        let stop = marked.find(end).map_or(marked.len(), |at| at + end.len());
        // A mark stands where a text may stand: it parts what is left and right of it.
        text.push(' ');
        rest = &marked[stop..];
    }
    text + rest
}

/// What a reader would see or hear of this HTML: texts between tags and in some attributes.
fn readable(html: &str) -> Vec<String> {
    const READ: [&str; 5] = [
        "aria-label",
        "placeholder",
        "title",
        "alt",
        "aria-description",
    ];
    let mut found = Vec::new();
    let mut rest = html;
    let mut inside_of: Option<&str> = None;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        if inside_of.is_none() {
            found.push(text.to_owned());
        }
        let stop = end_of_tag(tag);
        let (tag, after) = tag.split_at(stop);
        for name in READ {
            for quote in ['"', '\''] {
                let begin = format!(" {name}={quote}");
                if let Some(at) = tag.find(&begin) {
                    let value = tag[at + begin.len()..].split(quote).next();
                    found.push(value.unwrap_or_default().to_owned());
                }
            }
        }
        for raw in ["script", "style"] {
            if tag.starts_with(&format!("<{raw}")) {
                inside_of = Some(raw);
            } else if tag.starts_with(&format!("</{raw}")) {
                inside_of = None;
            }
        }
        rest = after;
    }
    found.push(rest.to_owned());
    found
}

fn end_of_tag(tag: &str) -> usize {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    tag.len()
}

/// Words that are the same in every language.
const NAMES: [&str; 7] = ["API", "UTC", "Parlour", "Ctrl K", "Ctrl", "Shift", "Enter"];

#[test]
fn no_template_speaks_for_itself() {
    let mut wrong = Vec::new();
    for name in theme().template_names() {
        for text in readable(&without_marks(&source(&name))) {
            // A macro that writes attributes is no text.
            if text.trim().starts_with("aria-") {
                continue;
            }
            let mut bare = text.clone();
            for entity in [
                "&nbsp;", "&middot;", "&amp;", "&lt;", "&gt;", "&times;", "&hellip;", "&ndash;",
                "&mdash;", "&shy;",
            ] {
                bare = bare.replace(entity, " ");
            }
            for word in NAMES {
                bare = bare.replace(word, " ");
            }
            if bare.chars().any(char::is_alphabetic) {
                wrong.push(format!("{name}: {:?}", text.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    let seen = |html: &str| {
        let texts = readable(&without_marks(html));
        texts
            .iter()
            .any(|text| text.chars().any(char::is_alphabetic))
    };
    assert!(seen("<p>Hello</p>") && seen("<input placeholder=\"Your name\">"));
    assert!(seen("{{ x }} left") && seen("<img alt='A > b'>"));
    assert!(!seen("<p class=\"x\">{{ t(\"hello\") }}</p>"));
    assert!(!seen(
        "<script>let x = 1;</script>{% if a %}{% endif %}{# why #}"
    ));
    assert_eq!(
        keys_in("{{ t('a') }}{{ t(\"b\", n=1) }}{{ t('c-' ~ d) }}{{ count('e') }}"),
        ["a".to_owned(), "b".to_owned()].into()
    );
}

fn rendering(language: Language) -> Rendering {
    Rendering {
        language,
        nonce: "nonce-of-this-answer".into(),
        csrf_token: "token-of-this-page".into(),
    }
}

/// Renders a template that is made up for a test.
fn made_up(files: &[(&str, &str)], template: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let theme = Theme::load(Some(folder.path())).map_err(|error| error.to_string())?;
    let values = minijinja::context! { name => "<b>\u{202e}" };
    theme
        .render(template, &rendering(Language::English), values)
        .map_err(|error| format!("{error:#}"))
}

#[test]
fn functions_know_their_rendering_inside_of_macros_and_includes() {
    let files = [
        (
            "templates/parts/x.html",
            "{% macro box(who) %}{{ csrf_field() }}{{ t('hi', who=who) }}{{ icon('door', small=true) }}{% endmacro %}",
        ),
        (
            "templates/x.html",
            "{% from 'parts/x.html' import box %}{{ box(name) }}",
        ),
        ("templates/y.html", "{% include 'x.html' %}"),
        ("locales/en/x.ftl", "hi = Hello, { $who }"),
    ];
    for template in ["x.html", "y.html"] {
        let html = made_up(&files, template).expect("rendered");
        let field =
            "<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"token-of-this-page\">";
        assert!(html.contains(field), "{html}");
        assert!(html.contains("Hello, &lt;b&gt;"), "{html}");
        assert!(
            html.contains("<svg class=\"i s\" aria-hidden=\"true\"><use href=\"/assets/"),
            "{html}"
        );
    }
}

#[test]
fn texts_are_escaped_and_addresses_stay_readable() {
    let files = [(
        "templates/x.html",
        "<a href=\"{{ '/chat/7/?a=1&b=2' }}\">{{ '<\\'>' ~ name }}{{ 7 }}{{ '<b>'|safe }}</a>",
    )];
    let html = made_up(&files, "x.html").expect("rendered");
    assert_eq!(
        html,
        "<a href=\"/chat/7/?a=1&amp;b=2\">&lt;&#x27;&gt;&lt;b&gt;\u{202e}7<b></a>"
    );
}

#[test]
fn what_is_not_there_is_an_error_and_not_an_empty_place() {
    for (template, word) in [
        ("{{ nothing }}", "undefined"),
        ("{{ name.nothing }}", "undefined"),
        ("{% if nothing %}{% endif %}", "undefined"),
        ("{{ t('no-such-text') }}", "no-such-text"),
        ("{{ t('time-clock') }}", "incomplete"),
        ("{{ time('yesterday', 'day') }}", "no moment"),
        ("{{ time('2026-11-21T05:00:00Z', 'tea') }}", "no style"),
        ("{{ icon('\"><script>') }}", "no name"),
    ] {
        let files = [("templates/x.html", template)];
        let error = made_up(&files, "x.html").expect_err(template);
        assert!(error.contains(word), "{template}: {error}");
    }
}

#[test]
fn a_broken_theme_stops_the_start_and_names_the_file() {
    for (path, text, word) in [
        ("templates/x.html", "{% if %}", "templates/x.html"),
        (
            "locales/ko/x.ftl",
            "a = b\n= c\n",
            "locales/ko/x.ftl, line 2",
        ),
        ("locales/en/x.ftl", "js-x = { other }\n", "js-x"),
        ("assets/css/order.txt", "none.css", "none.css"),
    ] {
        let error = made_up(&[(path, text)], "x.html").expect_err(path);
        assert!(error.contains(word), "{path}: {error}");
    }
}

#[test]
fn times_in_words() {
    let of = |style: &str| {
        let template = format!("{{{{ time('2026-11-21T05:03:09.5Z', '{style}') }}}}");
        made_up(&[("templates/x.html", &template)], "x.html").expect("rendered")
    };
    assert_eq!(
        of("clock"),
        "<time datetime=\"2026-11-21T05:03:09.5Z\" data-style=\"clock\">05:03</time>"
    );
    assert!(
        of("day").contains(">Saturday, 21 November<"),
        "{}",
        of("day")
    );
    assert!(of("date").contains(">21 November 2026<"));
    assert!(of("datetime").contains(">21 November 2026, 05:03 UTC<"));
}

#[test]
fn a_theme_replaces_single_texts() {
    let files = [
        (
            "templates/x.html",
            "{{ t('login-failed') }} {{ t('flash-logged-out') }}",
        ),
        ("locales/en/own.ftl", "login-failed = No."),
    ];
    let text = made_up(&files, "x.html").expect("rendered");
    assert_eq!(text, "No. You are logged out.");
}
