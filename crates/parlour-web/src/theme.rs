//! How the pages look and what they say: templates, assets and texts, built in and replaceable.

pub(crate) mod assets;
mod export;
mod files;
pub(crate) mod functions;
pub(crate) mod language;
pub(crate) mod problem_texts;
#[cfg(test)]
mod samples;
pub(crate) mod script_texts;
#[cfg(test)]
mod tests;
mod texts;

pub use export::export;

use assets::Assets;
use files::{Files, Part};
use functions::Rendering;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use std::{fmt, io, path::Path, sync::Arc};
use texts::Texts;

/// A theme that cannot be used; the text says which file and why.
#[derive(Debug)]
pub struct ThemeError(String);

impl ThemeError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ThemeError {}

impl From<io::Error> for ThemeError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Templates, assets and texts. Cloning shares them.
#[derive(Clone)]
pub struct Theme(Arc<Inner>);

struct Inner {
    templates: Environment<'static>,
    assets: Assets,
    texts: Texts,
}

impl fmt::Debug for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Theme").finish_non_exhaustive()
    }
}

impl Theme {
    /// The built-in theme with the files of a folder in front of it: `templates/`, `assets/`,
    /// `locales/`. The folder is read once.
    ///
    /// # Errors
    /// When a file of the folder cannot be read or is not what its place wants.
    pub fn load(folder: Option<&Path>) -> Result<Self, ThemeError> {
        let files = Files::new(folder);
        Ok(Self(Arc::new(Inner {
            templates: templates(&files)?,
            assets: Assets::load(&files)?,
            texts: Texts::load(&files)?,
        })))
    }

    /// Scripts, styles and pictures.
    pub(crate) fn assets(&self) -> &Assets {
        &self.0.assets
    }

    /// What the pages say.
    pub(crate) fn texts(&self) -> &Texts {
        &self.0.texts
    }

    /// A page of a template and its context.
    pub(crate) fn render(
        &self,
        template: &str,
        rendering: &Rendering,
        values: Value,
    ) -> Result<String, minijinja::Error> {
        let functions = functions::context(self, rendering);
        let template = self.0.templates.get_template(template)?;
        template.render(context! { ..values, ..functions })
    }

    /// The names of all templates.
    #[cfg(test)]
    pub(crate) fn template_names(&self) -> Vec<String> {
        Part::Templates.list_built_in().into_iter().collect()
    }
}

/// Built-in templates are compiled when they are first used; those of the folder at once, so that a
/// mistake in one stops the start.
fn templates(files: &Files) -> Result<Environment<'static>, ThemeError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(functions::write);
    environment.set_loader(|name| {
        let file = Part::Templates.built_in(name);
        Ok(file.and_then(|file| String::from_utf8(file.data.into_owned()).ok()))
    });
    for path in files.list_own(Part::Templates)? {
        let Some(bytes) = files.read_own(Part::Templates, &path)? else {
            continue;
        };
        let source = String::from_utf8(bytes)
            .map_err(|_| ThemeError::new(format!("templates/{path}: not UTF-8")))?;
        environment
            .add_template_owned(path.clone(), source)
            .map_err(|error| ThemeError::new(format!("templates/{path}: {error}")))?;
    }
    Ok(environment)
}
