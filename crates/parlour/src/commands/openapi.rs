//! `parlour openapi`.

use crate::output::say;

/// Prints the document.
pub(super) fn run() -> anyhow::Result<()> {
    Ok(say(parlour_web::openapi::json()?.trim_end())?)
}
