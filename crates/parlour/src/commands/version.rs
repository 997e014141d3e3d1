//! `parlour version`.

use crate::output::say;

/// Prints the version.
pub(super) fn run() -> anyhow::Result<()> {
    Ok(say(concat!("parlour ", env!("CARGO_PKG_VERSION")))?)
}
