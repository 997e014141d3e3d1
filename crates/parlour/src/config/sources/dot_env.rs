//! `.env` in the working directory. It is read like the environment, but never becomes part of it.

use super::{Surroundings, text_of};
use crate::config::{raw::Raw, refusal::Origin};

/// Reads the file, if there is one.
pub(crate) fn read(surroundings: &Surroundings, raw: &mut Raw) {
    let text = match text_of(&surroundings.directory.join(".env"), false) {
        Ok(text) => text.unwrap_or_default(),
        Err(problem) => return raw.refusals.push(format!(".env: {problem}")),
    };
    let found: Result<Vec<_>, _> = dotenvy::Iter::new(text.as_bytes()).collect();
    match found {
        Ok(variables) => {
            // Of two lines with one name the last counts, as in a shell.
            for (name, value) in variables {
                let line = line_of_name(&text, &name);
                raw.give_variable(&name, Some(value), Origin::DotEnv { line });
            }
        }
        Err(error) => {
            // The line itself is not shown: it may hold a secret.
            let line = match &error {
                dotenvy::Error::LineParse(start, _) => line_that_has(&text, start),
                _ => None,
            };
            let place = line.map_or(".env".to_owned(), |line| format!(".env line {line}"));
            raw.refusals.push(format!(
                "{place}: expected NAME=value; a value with spaces, `#` or `$` needs 'single quotes'."
            ));
        }
    }
}

/// The last line that sets a variable, counted from 1.
fn line_of_name(text: &str, name: &str) -> usize {
    let sets = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        line.strip_prefix(name)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| sets(line))
        .last()
        .map_or(1, |(index, _)| index + 1)
}

/// The number of the line that the parser stumbled over.
fn line_that_has(text: &str, start: &str) -> Option<usize> {
    let start = start.lines().next()?.trim();
    text.lines()
        .position(|line| !start.is_empty() && line.contains(start))
        .map(|index| index + 1)
}
