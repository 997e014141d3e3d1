//! Why the settings were refused: sentences that say where and what.

use super::setting::Setting;
use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// The process's environment.
    Environment,
    /// A line of `.env`.
    DotEnv {
        /// Which, counted from 1.
        line: usize,
    },
    /// A configuration file.
    File {
        /// The file's name as it was given.
        file: String,
    },
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// "flag --listen", "environment variable PARLOUR_LISTEN" and so on.
    pub(crate) fn of(&self, setting: &Setting) -> String {
        match self {
            Self::Flag => format!("flag --{}", setting.flag()),
            Self::Environment => format!("environment variable {}", setting.name),
            Self::DotEnv { line } => format!(".env line {line}, {}", setting.name),
            Self::File { file } => format!("{file}, key {}", setting.key()),
            Self::Default => format!("default of {}", setting.name),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::DotEnv { line } => write!(f, ".env line {line}"),
            Self::File { file } => f.write_str(file),
            Self::Default => f.write_str("default"),
        }
    }
}

/// All that is wrong with the settings, one sentence each; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusals(pub(crate) Vec<String>);

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Refusals {}

/// ` Did you mean X?`, or nothing when no name is close.
pub(crate) fn suggestion(given: &str, names: impl Iterator<Item = String>) -> String {
    let bare = |name: &str| {
        let name = name.to_ascii_uppercase().replace('-', "_");
        name.strip_prefix(super::setting::PREFIX)
            .map_or(name.clone(), ToOwned::to_owned)
    };
    let given = bare(given);
    let allowed = (given.chars().count() / 3).max(1);
    names
        .map(|name| (strsim::damerau_levenshtein(&given, &bare(&name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| format!(" Did you mean {name}?"))
        .unwrap_or_default()
}
