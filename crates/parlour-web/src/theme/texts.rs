//! What the pages say, in Fluent: `locales/<language>/*.ftl`. A file of the theme's folder replaces
//! single messages; what it does not name stays as it is built in.

use super::{
    ThemeError,
    files::{Files, Part},
    language::Language,
    script_texts,
};
use fluent_bundle::{FluentArgs, FluentError, FluentResource, concurrent::FluentBundle};
use std::collections::BTreeSet;

/// Why a text could not be made.
#[derive(Debug)]
pub(crate) enum NoText {
    /// No message of this name.
    Unknown(String),
    /// The message names something that was not given.
    Incomplete(String, Vec<FluentError>),
}

impl std::fmt::Display for NoText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(key) => write!(f, "no text is named {key}"),
            Self::Incomplete(key, errors) => write!(f, "the text {key} is incomplete: {errors:?}"),
        }
    }
}

impl std::error::Error for NoText {}

/// All texts of one language.
struct Spoken {
    language: Language,
    bundle: FluentBundle<FluentResource>,
    ids: BTreeSet<String>,
    script: String,
}

/// All texts.
pub(crate) struct Texts(Vec<Spoken>);

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

impl Texts {
    /// Reads all texts.
    pub(super) fn load(files: &Files) -> Result<Self, ThemeError> {
        let spoken = Language::ALL.into_iter().map(|language| {
            let mut bundle = FluentBundle::new_concurrent(vec![language.id()]);
            // The marks would break `title` attributes and tests of equality; direction is the
            // business of `dir` attributes around names.
            bundle.set_use_isolating(false);
            let mut ids = BTreeSet::new();
            let mut script = serde_json::Map::new();
            for resource in resources(files, language)? {
                for message in script_texts::messages(&resource) {
                    ids.insert(message.id.name.to_owned());
                    if message.id.name.starts_with(script_texts::PREFIX) {
                        let value = script_texts::compile(message).map_err(ThemeError::new)?;
                        script.insert(message.id.name.to_owned(), value);
                    }
                }
                bundle.add_resource_overriding(resource);
            }
            Ok(Spoken {
                language,
                bundle,
                ids,
                script: script_texts::in_html(&script.into()),
            })
        });
        Ok(Self(spoken.collect::<Result<_, ThemeError>>()?))
    }

    /// A text.
    ///
    /// # Errors
    /// When there is no such message, or it names what is not among the arguments.
    pub(crate) fn get(
        &self,
        language: Language,
        key: &str,
        args: Option<&FluentArgs<'_>>,
    ) -> Result<String, NoText> {
        let unknown = || NoText::Unknown(key.to_owned());
        let bundle = &self.spoken(language).ok_or_else(unknown)?.bundle;
        let (name, attribute) = key.split_once('.').unzip();
        let message = bundle
            .get_message(name.unwrap_or(key))
            .ok_or_else(unknown)?;
        let pattern = match attribute {
            Some(attribute) => message.get_attribute(attribute).map(|found| found.value()),
            None => message.value(),
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern.ok_or_else(unknown)?, args, &mut errors);
        if errors.is_empty() {
            Ok(text.into_owned())
        } else {
            Err(NoText::Incomplete(key.to_owned(), errors))
        }
    }

    /// Whether a language has a message.
    pub(crate) fn has(&self, language: Language, key: &str) -> bool {
        self.spoken(language)
            .is_some_and(|spoken| spoken.ids.contains(key))
    }

    /// The texts that scripts use, as JSON that may stand in a page; see [`script_texts`].
    pub(crate) fn for_scripts(&self, language: Language) -> &str {
        self.spoken(language)
            .map_or("{}", |spoken| spoken.script.as_str())
    }

    fn spoken(&self, language: Language) -> Option<&Spoken> {
        self.0.iter().find(|spoken| spoken.language == language)
    }

    /// The names of all messages.
    #[cfg(test)]
    pub(crate) fn ids(&self, language: Language) -> &BTreeSet<String> {
        &self.spoken(language).expect("spoken").ids
    }
}

/// The built-in files of a language, then those of the folder.
fn resources(files: &Files, language: Language) -> Result<Vec<FluentResource>, ThemeError> {
    let prefix = format!("{}/", language.code());
    let is_ours = |path: &String| path.starts_with(&prefix) && path.ends_with(".ftl");
    let mut all = Vec::new();
    for path in Part::Locales.list_built_in().into_iter().filter(is_ours) {
        if let Some(file) = Part::Locales.built_in(&path) {
            all.push(parse(&path, &file.data)?);
        }
    }
    for path in files.list_own(Part::Locales)?.into_iter().filter(is_ours) {
        if let Some(bytes) = files.read_own(Part::Locales, &path)? {
            all.push(parse(&path, &bytes)?);
        }
    }
    Ok(all)
}

fn parse(path: &str, bytes: &[u8]) -> Result<FluentResource, ThemeError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ThemeError::new(format!("locales/{path}: not UTF-8")))?;
    FluentResource::try_new(text.replace("\r\n", "\n")).map_err(|(_, errors)| {
        let first = errors.first();
        let place = first.map_or(1, |error| {
            let before = text.get(..error.pos.start).unwrap_or(text);
            before.matches('\n').count() + 1
        });
        let what = first.map(ToString::to_string).unwrap_or_default();
        ThemeError::new(format!("locales/{path}, line {place}: {what}"))
    })
}
