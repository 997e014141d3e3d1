//! `parlour migrate`.

use crate::{config::Config, database, output::say};

/// Brings the tables up to date.
pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    database::migrate(config).await?;
    say(&format!("{} is up to date", database::shown(config)))?;
    Ok(())
}
