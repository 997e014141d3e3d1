//! `parlour.toml`: flat keys, the settings' names in lower case without `PARLOUR_`.

use super::{Surroundings, text_of};
use crate::config::{
    raw::Raw,
    refusal::{Origin, suggestion},
    table,
};
use std::path::Path;
use toml::{Table, Value};

/// Reads `parlour.toml` or the file that `--config` names.
pub(crate) fn read(surroundings: &Surroundings, raw: &mut Raw) {
    let given = surroundings.config_file.as_deref();
    let name = given.unwrap_or_else(|| Path::new("parlour.toml"));
    let shown = name.display().to_string();
    let text = match text_of(&surroundings.directory.join(name), given.is_some()) {
        Ok(Some(text)) => text,
        Ok(None) => return,
        Err(problem) => return raw.refusals.push(format!("{shown}: {problem}")),
    };
    match text.parse::<Table>() {
        Ok(keys) => take(keys, &shown, raw),
        Err(error) => {
            // Only the parser's own words: its full report quotes the line, which may hold a secret.
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            let what = error.message().trim_end_matches('.');
            raw.refusals
                .push(format!("{shown} line {line}: not TOML: {what}."));
        }
    }
}

fn take(keys: Table, file: &str, raw: &mut Raw) {
    for (key, value) in keys {
        let Some(setting) = table::all().find(|setting| setting.key() == key) else {
            let hint = suggestion(&key, table::all().map(crate::config::setting::Setting::key));
            raw.refusals
                .push(format!("{file}, key {key}: no such setting.{hint}"));
            continue;
        };
        let origin = Origin::File {
            file: file.to_owned(),
        };
        match as_text(value) {
            Some(value) => raw.give(setting.name, value, origin),
            None => raw.refusals.push(format!(
                "{}: expected a text, a number, true or false, or a list of texts.",
                origin.of(setting)
            )),
        }
    }
}

/// A value as it would stand in a flag.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(on) => Some(if on { "on" } else { "off" }.to_owned()),
        Value::Array(values) => {
            let texts: Option<Vec<String>> = values
                .into_iter()
                .map(|value| value.as_str().map(ToOwned::to_owned))
                .collect();
            texts.map(|texts| texts.join(","))
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}
