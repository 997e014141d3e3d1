//! Comparing the rows of files with the bytes that are there.

use super::{ORPHAN_AGE, orphans};
use crate::{
    App, Error, FileId,
    model::KeptFile,
    ports::{BlobEntry, BlobKey},
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::{collections::BTreeSet, time::Duration};

/// Rows of one step.
const ROWS: i64 = 500;
/// Blobs of one step of a listing.
const LISTED: usize = 1_000;
/// How many blobs are asked after at once: a storage behind a network answers many in the time of one.
const AT_ONCE: usize = 16;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A row of a file without its bytes, or without those of a thumbnail.
    Missing {
        /// What is not there.
        key: BlobKey,
        /// The row.
        file: Box<KeptFile>,
    },
    /// A file that has another size than it had.
    Size {
        /// Which one.
        key: BlobKey,
        /// Bytes that are there.
        found: u64,
        /// The row.
        file: Box<KeptFile>,
    },
    /// Bytes without a row.
    Orphan {
        /// Which ones, and how old.
        entry: BlobEntry,
        /// Whether the sweeper should have removed it; younger ones may be on their way to a message.
        overdue: bool,
    },
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// Files with a row.
    pub files: u64,
    /// Bytes of them as the rows say, without thumbnails.
    pub bytes: u64,
    /// Blobs in the storage.
    pub blobs: u64,
}

/// Looks at every file and every blob, a page at a time, and tells each trouble as it is found. What
/// comes or goes meanwhile is no trouble.
///
/// # Errors
/// When storage or database do not answer, and what `tell` answers.
pub async fn audit<E: From<Error>>(
    app: &App,
    mut tell: impl FnMut(Trouble) -> Result<(), E>,
) -> Result<Audited, E> {
    let mut audited = Audited::default();
    let mut after = FileId::new(0);
    loop {
        let page = app.store().files_after(after, ROWS).await?;
        let Some(last) = page.last() else { break };
        after = last.file.id;
        audited.files += page.len() as u64;
        audited.bytes += page.iter().map(|kept| kept.file.size).sum::<u64>();
        let mut looks = Vec::with_capacity(page.len());
        for kept in &page {
            looks.push(look(app, kept));
        }
        let looks = stream::iter(looks).buffered(AT_ONCE);
        let found: Vec<Vec<Trouble>> = looks.try_collect().await?;
        for trouble in found.into_iter().flatten() {
            tell(trouble)?;
        }
    }
    let mut after: Option<BlobKey> = None;
    loop {
        let page = app.blobs().list(after.as_ref(), LISTED).await?;
        let Some(last) = page.last() else {
            return Ok(audited);
        };
        after = Some(last.key.clone());
        audited.blobs += page.len() as u64;
        let keys = page.iter().map(|entry| entry.key.clone()).collect();
        let unknown: BTreeSet<BlobKey> = orphans(app, keys).await?.into_iter().collect();
        for entry in page {
            if unknown.contains(&entry.key) {
                let overdue = entry.age >= OVERDUE;
                tell(Trouble::Orphan { entry, overdue })?;
            }
        }
    }
}

/// From this age on the sweeper has not done its work.
const OVERDUE: Duration = Duration::from_secs(3600);
const _: () = assert!(ORPHAN_AGE.as_secs() < OVERDUE.as_secs());

/// What is wrong with one file. It may be deleted while it is looked at, so a bad finding counts only
/// when the row is still there afterwards.
async fn look(app: &App, kept: &KeptFile) -> Result<Vec<Trouble>, Error> {
    let mut found = Vec::new();
    match app.blobs().size(&kept.file.key).await? {
        None => found.push(missing(&kept.file.key, kept)),
        Some(size) if size != kept.file.size => found.push(Trouble::Size {
            key: kept.file.key.clone(),
            found: size,
            file: Box::new(kept.clone()),
        }),
        Some(_) => {}
    }
    for thumb in &kept.file.thumbs {
        // An empty picture is as good as none.
        if app.blobs().size(&thumb.key).await?.unwrap_or(0) == 0 {
            found.push(missing(&thumb.key, kept));
        }
    }
    if !found.is_empty() && app.store().file(kept.file.key.stem()).await?.is_none() {
        found.clear();
    }
    Ok(found)
}

fn missing(key: &BlobKey, kept: &KeptFile) -> Trouble {
    Trouble::Missing {
        key: key.clone(),
        file: Box::new(kept.clone()),
    }
}
