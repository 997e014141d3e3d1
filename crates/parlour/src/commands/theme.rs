//! `parlour theme`.

use crate::output::say;
use anyhow::Context as _;
use std::path::PathBuf;

/// What can be done about themes.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Write the built-in templates, assets and texts into a folder. Keep what you change, delete the
    /// rest, and name the folder in THEME_DIR.
    Export {
        /// The folder; it is made when it is not there.
        folder: PathBuf,
    },
}

/// Does it.
pub(super) fn run(action: &Action) -> anyhow::Result<()> {
    let Action::Export { folder } = action;
    let count = parlour_web::theme::export(folder)
        .with_context(|| format!("theme to {}", folder.display()))?;
    Ok(say(&format!(
        "{count} files written to {}",
        folder.display()
    ))?)
}
