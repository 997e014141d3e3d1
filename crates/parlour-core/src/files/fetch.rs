//! Fetching a file's bytes.

use crate::{
    App, Error, UserId,
    error::NOT_FOUND,
    model::KeptFile,
    ports::{BlobKey, BlobStream},
    rooms::{self, Right},
};
use std::{ops::Range, time::Duration};

/// A file or a thumbnail that somebody may see.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// What it is, or what it is a thumbnail of.
    pub kept: KeptFile,
    /// The blob that was asked for.
    pub key: BlobKey,
    /// Its MIME type.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Fetched {
    /// Its `Content-Type`: texts are UTF-8.
    #[must_use]
    pub fn content_type(&self) -> &str {
        match self.mime.as_str() {
            "text/plain" => "text/plain; charset=utf-8",
            other => other,
        }
    }

    /// Names these very bytes: a blob never changes.
    #[must_use]
    pub fn tag(&self) -> String {
        if self.key.is_thumb() {
            let name = self.key.as_str();
            let at = name.find('-').map_or(0, |_| name.rfind('-').unwrap_or(0));
            let size = name[at..].trim_start_matches('-');
            return format!("{}-{size}", &self.kept.sha256);
        }
        self.kept.sha256.clone()
    }
}

/// A file, or a thumbnail of one, for a user who may see it: who reads the room of its message now, or
/// uploaded it as long as no message has it. Everything else does not exist.
///
/// # Errors
/// [`NOT_FOUND`].
pub async fn fetch(app: &App, user: UserId, key: &str) -> Result<Fetched, Error> {
    let key = BlobKey::parse(key).ok_or(NOT_FOUND)?;
    let kept = app.store().file(key.stem()).await?.ok_or(NOT_FOUND)?;
    match kept.place {
        Some((room, _)) => {
            let view = app.store().room(room, user).await?.ok_or(NOT_FOUND)?;
            rooms::can(&view, Right::Talk).map_err(|_| NOT_FOUND)?;
        }
        None if kept.owner == user => {}
        None => return Err(NOT_FOUND.into()),
    }
    let (mime, size) = if kept.file.key == key {
        (kept.file.mime.clone(), kept.file.size)
    } else {
        let thumb = kept.file.thumbs.iter().find(|thumb| thumb.key == key);
        let mime = thumb.ok_or(NOT_FOUND)?.mime();
        let size = app.blobs().size(&key).await?.ok_or(NOT_FOUND)?;
        (mime.to_owned(), size)
    };
    Ok(Fetched {
        kept,
        key,
        mime,
        size,
    })
}

/// Bytes of a fetched file; the range lies within its size.
///
/// # Errors
/// [`NOT_FOUND`] when the bytes are gone; unavailable when the storage does not answer.
pub async fn read(app: &App, file: &Fetched, range: Range<u64>) -> Result<BlobStream, Error> {
    let stream = app.blobs().read(&file.key, range).await?;
    stream.ok_or_else(|| {
        // Deleted a moment ago, or lost: `parlour doctor` tells which.
        tracing::warn!(key = %file.key, "the bytes of a file are not there");
        NOT_FOUND.into()
    })
}

/// An address at which the storage itself serves the file, for a minute; `None` where it does not.
///
/// # Errors
/// Unavailable when the storage does not answer.
pub async fn direct(app: &App, file: &Fetched, disposition: &str) -> Result<Option<String>, Error> {
    const LIVES: Duration = Duration::from_secs(60);
    app.blobs()
        .direct(&file.key, disposition, file.content_type(), LIVES)
        .await
}
