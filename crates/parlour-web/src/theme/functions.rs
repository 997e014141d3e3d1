//! What templates may call. The functions are bound to one rendering: they know its language, nonce
//! and token, also inside of macros.

use super::{Theme, language::Language};
use fluent_bundle::{FluentArgs, FluentValue};
use jiff::{Timestamp, tz::TimeZone};
use minijinja::{
    AutoEscape, Error, ErrorKind, Output, State, Value, context, escape_formatter,
    value::{Kwargs, ValueKind},
};
use std::collections::BTreeMap;

/// What a rendering is for.
#[derive(Clone, Debug)]
pub(crate) struct Rendering {
    /// The reader's language.
    pub(crate) language: Language,
    /// The nonce of this answer's policy.
    pub(crate) nonce: String,
    /// The token that forms carry.
    pub(crate) csrf_token: String,
}

/// Which modules a page needs, for the browser to fetch at once: lines of a set's name and a path.
const MODULE_SETS: &str = "js/preload.txt";

/// The functions as a context to merge others into.
pub(super) fn context(theme: &Theme, rendering: &Rendering) -> Value {
    let language = rendering.language;
    let functions: BTreeMap<&'static str, Value> = [
        ("t", texts(theme, language)),
        ("asset", {
            let theme = theme.clone();
            Value::from_function(move |path: &str| theme.assets().url(path))
        }),
        ("icon", {
            let sprite = theme.assets().url("icons.svg");
            Value::from_function(move |name: &str, options: Kwargs| icon(&sprite, name, &options))
        }),
        ("csrf_field", {
            let token = rendering.csrf_token.clone();
            // The order of the attributes is the contract's (section 7).
            Value::from_function(move || {
                safe(format!(
                    "<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{token}\">"
                ))
            })
        }),
        ("time", {
            let theme = theme.clone();
            Value::from_function(move |iso: &str, style: &str| time(&theme, language, iso, style))
        }),
        ("js_texts", {
            let theme = theme.clone();
            Value::from_function(move || safe(theme.texts().for_scripts(language).to_owned()))
        }),
        ("preload", {
            let (theme, nonce) = (theme.clone(), rendering.nonce.clone());
            Value::from_function(move |set: &str| preload(&theme, &nonce, set))
        }),
    ]
    .into();
    context! { ..Value::from_pairs(functions) }
}

fn safe(html: String) -> Value {
    Value::from_safe_string(html)
}

fn bad(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

/// `t(key, name=value, ...)`.
fn texts(theme: &Theme, language: Language) -> Value {
    let theme = theme.clone();
    Value::from_function(move |key: &str, given: Kwargs| -> Result<String, Error> {
        let mut args = FluentArgs::new();
        let names: Vec<String> = given.args().map(str::to_owned).collect();
        for name in names {
            let value: Value = given.get(&name)?;
            args.set(name, argument(&value)?);
        }
        let found = theme.texts().get(language, key, Some(&args));
        found.map_err(|error| bad(error.to_string()))
    })
}

fn argument(value: &Value) -> Result<FluentValue<'static>, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Number => match value.as_i64() {
            Some(whole) => FluentValue::from(whole),
            None => FluentValue::from(f64::try_from(value.clone())?),
        },
        _ => FluentValue::from(value.to_string()),
    })
}

fn icon(sprite: &str, name: &str, options: &Kwargs) -> Result<Value, Error> {
    let small = options.get::<Option<bool>>("small")?.unwrap_or(false);
    options.assert_all_used()?;
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        return Err(bad(format!("{name} is no name of an icon")));
    }
    let class = if small { "i s" } else { "i" };
    Ok(safe(format!(
        "<svg class=\"{class}\" aria-hidden=\"true\"><use href=\"{sprite}#{name}\"/></svg>"
    )))
}

/// `<time>` with a text in UTC; scripts put it into the reader's zone by `datetime` and `data-style`.
fn time(theme: &Theme, language: Language, iso: &str, style: &str) -> Result<Value, Error> {
    let stamp: Timestamp = iso
        .parse()
        .map_err(|_| bad(format!("{iso} is no moment")))?;
    let moment = stamp.to_zoned(TimeZone::UTC);
    let mut args = FluentArgs::new();
    args.set("year", moment.year().to_string());
    args.set("month", i64::from(moment.month()));
    args.set("day", i64::from(moment.day()));
    args.set(
        "weekday",
        i64::from(moment.weekday().to_monday_one_offset()),
    );
    args.set(
        "clock",
        format!("{:02}:{:02}", moment.hour(), moment.minute()),
    );
    let key = match style {
        "clock" => "time-clock",
        "day" => "time-day",
        "date" => "time-date",
        "datetime" => "time-datetime",
        other => return Err(bad(format!("{other} is no style of a time"))),
    };
    let text = theme
        .texts()
        .get(language, key, Some(&args))
        .map_err(|error| bad(error.to_string()))?;
    Ok(safe(format!(
        "<time datetime=\"{stamp}\" data-style=\"{style}\">{}</time>",
        escaped(&text)
    )))
}

fn preload(theme: &Theme, nonce: &str, set: &str) -> Value {
    let assets = theme.assets();
    let lines = assets.text(MODULE_SETS).unwrap_or_default().lines();
    let named = lines.filter_map(|line| line.split_once(' ').filter(|(name, _)| *name == set));
    // A large set has a list of its own: `js/<set>.modules`, one file of `js/` a line.
    let own = assets.text(&format!("js/{set}.modules"));
    let own = own.unwrap_or_default().lines().map(str::trim);
    let own = own
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|file| format!("js/{file}"));
    let paths = named.map(|(_, path)| path.trim().to_owned()).chain(own);
    let links = paths.map(|path| {
        let url = assets.url(&path);
        format!("<link rel=\"modulepreload\" href=\"{url}\" nonce=\"{nonce}\">\n")
    });
    safe(links.collect())
}

/// Writes a value into a page. Texts are escaped, but without the slash that the engine escapes too:
/// addresses in the page stay readable for programs that look for them.
pub(super) fn write(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && matches!(state.auto_escape(), AutoEscape::Html) => {
            out.write_str(&escaped(text)).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    }
}

/// Text as it may stand in HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#x27;")
}
