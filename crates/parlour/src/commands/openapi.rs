//! `parlour openapi`.

use crate::{output::say, serve};

/// Prints the document.
pub(super) fn run() -> anyhow::Result<()> {
    Ok(say(serve::openapi()?.trim_end())?)
}
