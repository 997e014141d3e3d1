//! Values as they were given, from the source that wins.

use super::{
    refusal::{Origin, suggestion},
    setting::{Fallback, PREFIX, Setting},
    sources::{Surroundings, dot_env, environment, file},
    table,
};
use std::collections::HashMap;

/// Variables of this prefix belong to the tests and are nobody else's business.
const TEST_PREFIX: &str = "PARLOUR_TEST_";

/// Values as they were given, and all that was wrong on the way.
#[derive(Default)]
pub(crate) struct Raw {
    values: HashMap<&'static str, (String, Origin)>,
    /// What is refused.
    pub(crate) refusals: Vec<String>,
}

impl Raw {
    /// Reads all sources; a later one wins over an earlier one.
    pub(crate) fn collect(surroundings: &Surroundings) -> Self {
        let mut raw = Self::default();
        file::read(surroundings, &mut raw);
        dot_env::read(surroundings, &mut raw);
        environment::read(surroundings, &mut raw);
        for (name, value) in &surroundings.flags {
            raw.give(name, value.clone(), Origin::Flag);
        }
        raw
    }

    /// Takes a value of a known setting.
    pub(crate) fn give(&mut self, name: &'static str, value: String, origin: Origin) {
        self.values.insert(name, (value, origin));
    }

    /// Takes a variable of the environment or of `.env`. Names that are not ours are nobody's
    /// business, and an empty value counts as not set.
    pub(crate) fn give_variable(&mut self, name: &str, value: Option<String>, origin: Origin) {
        let known = table::all().find(|setting| setting.name == name);
        match (known, value) {
            (Some(setting), Some(value)) => {
                if !value.trim().is_empty() {
                    self.give(setting.name, value, origin);
                }
            }
            (Some(setting), None) => {
                self.refusals
                    .push(format!("{}: not UTF-8.", origin.of(setting)));
            }
            (None, _) if name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) => {
                self.refusals.push(unknown_variable(name, &origin));
            }
            (None, _) => {}
        }
    }

    /// The value of a setting: given, else a fixed default.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let given = self.values.get(name).map(|(value, _)| value.as_str());
        given.or_else(|| {
            let setting = table::all().find(|setting| setting.name == name)?;
            match setting.default {
                Fallback::Text(text) => Some(text),
                _ => None,
            }
        })
    }

    /// Where the value of a setting comes from.
    pub(crate) fn origin(&self, name: &str) -> Origin {
        self.values
            .get(name)
            .map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The value that holds, derived defaults included.
    pub(crate) fn effective(&self, setting: &Setting) -> Option<String> {
        match (&setting.default, self.text(setting.name)) {
            (_, Some(text)) => Some(text.to_owned()),
            (Fallback::Derived { find, .. }, None) => Some(find(self)),
            _ => None,
        }
    }
}

fn unknown_variable(name: &str, origin: &Origin) -> String {
    let place = match origin {
        Origin::DotEnv { line } => format!(".env line {line}, {name}"),
        _ => format!("environment variable {name}"),
    };
    let hint = suggestion(name, table::all().map(|setting| setting.name.to_owned()));
    // A cluster announces a service called `parlour` under our prefix.
    let cluster = ["PARLOUR_SERVICE_", "PARLOUR_PORT"]
        .iter()
        .any(|start| name.starts_with(start));
    let hint = if cluster {
        " Kubernetes sets it for a service called parlour; `enableServiceLinks: false` in the pod keeps it away."
    } else {
        &hint
    };
    format!("{place}: no such setting.{hint}")
}
