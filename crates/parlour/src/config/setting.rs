//! What one line of the table of settings says.

use super::{
    Config,
    parse::Parsed,
    raw::Raw,
    secret::{HIDDEN, redact},
};

/// A group of settings under one heading.
pub(crate) struct Section {
    /// The heading in generated files.
    pub(crate) title: &'static str,
    /// The settings.
    pub(crate) settings: &'static [Setting],
}

/// One setting. Flag and key follow from the name by rule: `PARLOUR_LISTEN` is `--listen` and
/// `listen`, `DATABASE_URL` is `--database-url` and `database_url`.
pub(crate) struct Setting {
    /// Name of the environment variable.
    pub(crate) name: &'static str,
    /// What kind of value stands behind the flag, as help texts show it.
    pub(crate) takes: &'static str,
    /// What holds when nobody says anything.
    pub(crate) default: Fallback,
    /// What it means.
    pub(crate) doc: &'static str,
    /// How much of the value may be seen.
    pub(crate) secrecy: Secrecy,
    /// Parses a value and puts it in its place.
    pub(crate) set: fn(&mut Config, &str) -> Parsed<()>,
}

/// What holds when nobody says anything.
pub(crate) enum Fallback {
    /// This value.
    Text(&'static str),
    /// A value that follows from other settings or from the machine.
    Derived {
        /// How documents describe it.
        says: &'static str,
        /// How it is found.
        find: fn(&Raw) -> String,
    },
    /// Nothing; documents describe what that means.
    Unset(&'static str),
}

/// How much of a value may be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// All of it.
    Open,
    /// A URL whose password is hidden.
    Url,
    /// Nothing.
    Hidden,
}

/// Prefix of the variables that are ours alone.
pub(crate) const PREFIX: &str = "PARLOUR_";

impl Setting {
    /// A setting that everybody may see; see [`Setting::secret`] and [`Setting::url`].
    pub(crate) const fn new(
        name: &'static str,
        takes: &'static str,
        default: Fallback,
        doc: &'static str,
        set: fn(&mut Config, &str) -> Parsed<()>,
    ) -> Self {
        Self {
            name,
            takes,
            default,
            doc,
            secrecy: Secrecy::Open,
            set,
        }
    }

    /// The same, but never shown.
    pub(crate) const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Hidden;
        self
    }

    /// The same, but shown without its password.
    pub(crate) const fn url(mut self) -> Self {
        self.secrecy = Secrecy::Url;
        self
    }

    /// The command-line flag, without its dashes.
    pub(crate) fn flag(&self) -> String {
        self.key().replace('_', "-")
    }

    /// The key in `parlour.toml`.
    pub(crate) fn key(&self) -> String {
        let bare = self.name.strip_prefix(PREFIX).unwrap_or(self.name);
        bare.to_ascii_lowercase()
    }

    /// A value of this setting as it may be shown.
    pub(crate) fn show(&self, value: &str) -> String {
        match self.secrecy {
            Secrecy::Open => value.to_owned(),
            Secrecy::Url => redact(value),
            Secrecy::Hidden => HIDDEN.to_owned(),
        }
    }
}
