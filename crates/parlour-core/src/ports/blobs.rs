//! Bytes that are kept outside of the database: attached files and their thumbnails.

mod key;
mod lanes;
mod staged;

pub use key::BlobKey;
pub use lanes::{Lanes, Turn};
pub use staged::Staged;

use crate::Error;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::{ops::Range, time::Duration};

/// Bytes of a blob, in pieces of at most 1 MiB.
pub type BlobStream = BoxStream<'static, Result<Bytes, Error>>;

/// One blob of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// Its key.
    pub key: BlobKey,
    /// Its size in bytes.
    pub size: u64,
    /// How long ago it was written.
    pub age: Duration,
}

/// A storage for blobs.
///
/// A blob never changes: it is written once under a random key, read, and deleted. A method fails with
/// [`Kind::Unavailable`](crate::Kind::Unavailable) when the storage does not answer within its limit of
/// time, and with [`crate::error::STORAGE_FULL`] when it takes nothing more.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Opens a new staged file: on a local disk, readable by nobody else, with a random name.
    async fn stage(&self) -> Result<Staged, Error>;
    /// Opens a staged file again by [`Staged::name`], to append to it; `None` when it is gone.
    async fn restage(&self, name: &str) -> Result<Option<Staged>, Error>;
    /// Makes what was written of a staged file durable, and answers its size: after `Ok` so many bytes
    /// survive a power cut. `None` when it is gone.
    async fn staged_size(&self, name: &str) -> Result<Option<u64>, Error>;
    /// Removes a staged file that was [left](Staged::leave); one that is gone already is fine.
    async fn unstage(&self, name: &str) -> Result<(), Error>;
    /// Makes a staged file durable under `key` and consumes it. After `Ok` the whole blob survives a
    /// power cut; after an error nothing is under the key.
    async fn keep(&self, key: &BlobKey, staged: Staged, content_type: &str) -> Result<(), Error>;
    /// Its size in bytes; `None` when it is not there.
    async fn size(&self, key: &BlobKey) -> Result<Option<u64>, Error>;
    /// The bytes of a range that lies within the blob; `None` when the blob is not there.
    async fn read(&self, key: &BlobKey, range: Range<u64>) -> Result<Option<BlobStream>, Error>;
    /// An address at which the storage itself serves the blob for a short time, with these headers;
    /// `None` where the storage has none (a disk).
    async fn direct(
        &self,
        key: &BlobKey,
        disposition: &str,
        content_type: &str,
        lives: Duration,
    ) -> Result<Option<String>, Error>;
    /// Deletes a blob; one that is gone already is fine. After a power cut it may be there again, unless
    /// [`Blobs::settle_deleted`] was called.
    async fn delete(&self, key: &BlobKey) -> Result<(), Error>;
    /// After `Ok` what was deleted before stays deleted, also after a power cut.
    async fn settle_deleted(&self) -> Result<(), Error>;
    /// Blobs in the order of their keys, after `after`, at most `most`. What is no blob is left out.
    async fn list(&self, after: Option<&BlobKey>, most: usize) -> Result<Vec<BlobEntry>, Error>;
    /// Removes staged files that nobody wrote to for `age`, except those named; answers how many.
    async fn sweep_staged(&self, age: Duration, in_use: &[String]) -> Result<u64, Error>;
    /// Free bytes for new files, where that is known: the least of staging and storage.
    async fn free(&self) -> Result<Option<u64>, Error>;
    /// Writes and deletes something small: proves that files can be kept now.
    async fn probe(&self) -> Result<(), Error>;
}
