//! Where settings come from besides the table's defaults.

pub(crate) mod dot_env;
pub(crate) mod environment;
pub(crate) mod file;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// What is around the process. Passed in, so that tests can choose it.
#[derive(Default)]
pub(crate) struct Surroundings {
    /// Settings given as flags, by the setting's name.
    pub(crate) flags: BTreeMap<&'static str, String>,
    /// The process's environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The working directory: home of `.env` and `parlour.toml`.
    pub(crate) directory: PathBuf,
    /// A file to read instead of `parlour.toml`.
    pub(crate) config_file: Option<PathBuf>,
}

impl Surroundings {
    /// The real ones.
    pub(crate) fn of_process(
        flags: BTreeMap<&'static str, String>,
        config_file: Option<PathBuf>,
    ) -> Self {
        Self {
            flags,
            environment: std::env::vars_os().collect(),
            directory: PathBuf::new(),
            config_file,
        }
    }
}

/// The text of a file, or `None` when there is none and none is needed.
fn text_of(path: &Path, needed: bool) -> Result<Option<String>, String> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(|_| "not UTF-8.".to_owned())?;
            Ok(Some(text.trim_start_matches('\u{feff}').to_owned()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !needed => Ok(None),
        Err(error) => Err(format!("cannot be read: {error}.")),
    }
}
