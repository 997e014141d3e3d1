//! Removing bytes that nobody may see any more.

use crate::{App, Error, FileId, Time, model::KeptFile, ports::BlobKey};
use futures_util::stream::{self, StreamExt as _};
use metrics::counter;
use std::time::Duration;

/// Files of one step.
const STEP: i64 = 100;

/// Blobs of one step of a listing.
const LISTED: usize = 1_000;

/// How many files' bytes are deleted at once: a storage behind a network deletes many in the time of
/// one.
const AT_ONCE: usize = 16;

/// From this age on something that belongs to nobody is removed: longer than any upload takes between
/// its pieces, and so much less than the hour within which it has to be gone that the pause between
/// two sweeps ([`SWEEP_EVERY`]) and the sweep itself fit into the rest.
pub const ORPHAN_AGE: Duration = Duration::from_secs(45 * 60);

/// Time between two sweeps for what belongs to nobody.
pub const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);

/// Deletes the bytes of released files, then their rows; answers whether there may be more. A file
/// whose bytes cannot be deleted now is tried again at the next call.
///
/// # Errors
/// When storage or database do not answer.
pub async fn sweep_released(app: &App) -> Result<bool, Error> {
    let files = app.store().released_files(STEP).await?;
    let mut deleting = Vec::with_capacity(files.len());
    for kept in &files {
        deleting.push(delete(app, kept));
    }
    let mut deleting = stream::iter(deleting).buffer_unordered(AT_ONCE);
    let mut gone = Vec::with_capacity(files.len());
    let mut failed = None;
    while let Some(outcome) = deleting.next().await {
        match outcome {
            Ok(id) => gone.push(id),
            Err(error) => failed = Some(error),
        }
    }
    drop(deleting);
    if !gone.is_empty() {
        // A power cut must not bring back what nobody knows of any more.
        app.blobs().settle_deleted().await?;
        app.store().forget_files(&gone).await?;
        counter!("parlour_files_removed_total").increment(gone.len() as u64);
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(files.len() as i64 == STEP),
    }
}

async fn delete(app: &App, kept: &KeptFile) -> Result<FileId, Error> {
    for thumb in &kept.file.thumbs {
        app.blobs().delete(&thumb.key).await?;
    }
    app.blobs().delete(&kept.file.key).await?;
    Ok(kept.file.id)
}

/// What [`sweep_orphans`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Uploads of which nothing came for too long.
    pub expired: u64,
    /// Staged files that no message took.
    pub stale: u64,
    /// Local files of uploads that stopped half way.
    pub staged: u64,
    /// Blobs without a row.
    pub blobs: u64,
}

/// Removes what uploads that stopped half way left behind [`ORPHAN_AGE`] ago, and forgets those that
/// might have gone on but expired. What may still go on stays.
///
/// # Errors
/// When storage or database do not answer; what was done until then is done.
pub async fn sweep_orphans(app: &App) -> Result<Swept, Error> {
    let now = app.now();
    let before = Time::from_micros(now.as_micros() - ORPHAN_AGE.as_micros() as i64);
    let expired = app.store().end_expired_uploads(now).await?;
    // Asked before the folder is read: whatever begins meanwhile is young.
    let open = app.store().upload_ids().await?;
    let mut swept = Swept {
        expired,
        ..Swept::default()
    };
    loop {
        // The store answers a piece at a time.
        match app.store().drop_stale_files(before, now).await? {
            0 => break,
            dropped => swept.stale += dropped,
        }
    }
    swept.staged = app.blobs().sweep_staged(ORPHAN_AGE, &open).await?;
    let mut after: Option<BlobKey> = None;
    loop {
        let listed = app.blobs().list(after.as_ref(), LISTED).await?;
        let Some(last) = listed.last() else {
            return Ok(swept);
        };
        after = Some(last.key.clone());
        let old: Vec<BlobKey> = listed
            .into_iter()
            .filter(|entry| entry.age >= ORPHAN_AGE)
            .map(|entry| entry.key)
            .collect();
        for key in orphans(app, old).await? {
            app.blobs().delete(&key).await?;
            swept.blobs += 1;
        }
    }
}

/// Those of these blobs that no row knows.
///
/// # Errors
/// When the database does not answer.
pub async fn orphans(app: &App, keys: Vec<BlobKey>) -> Result<Vec<BlobKey>, Error> {
    if keys.is_empty() {
        return Ok(keys);
    }
    let mut stems: Vec<String> = keys.iter().map(|key| key.stem().to_owned()).collect();
    stems.sort_unstable();
    stems.dedup();
    let mut known = app.store().known_stems(&stems).await?;
    known.sort_unstable();
    let unknown = |key: &BlobKey| {
        known
            .binary_search_by(|stem| stem.as_str().cmp(key.stem()))
            .is_err()
    };
    Ok(keys.into_iter().filter(unknown).collect())
}
