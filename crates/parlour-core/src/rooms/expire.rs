//! The end of rooms whose time is up, and what they leave behind. Called by the server's jobs.

use crate::{App, Error};
use std::time::Duration;

/// How long the tombstone of an ended room is kept (contract 7c).
const TOMBSTONE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Ends all rooms whose time is up; answers how many this process ended.
///
/// # Errors
/// When the store does not answer; what was ended until then stays ended.
pub async fn expire_due(app: &App) -> Result<usize, Error> {
    let mut ended = 0;
    loop {
        let now = app.store().expire_rooms(app.now()).await?;
        if now.is_empty() {
            return Ok(ended);
        }
        ended += now.len();
    }
}

/// Deletes a piece of what ended rooms left behind; answers whether there is more.
///
/// # Errors
/// When the store does not answer.
pub async fn purge_some(app: &App) -> Result<bool, Error> {
    app.store().purge(app.now().minus(TOMBSTONE)).await
}
