//! Moving house: every blob of one storage into another one.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use parlour_core::{
    Error,
    ports::{BlobEntry, BlobKey, BlobStream, Blobs},
};
use sha2::{Digest as _, Sha256};
use std::cmp::Ordering;

/// Blobs that are copied side by side.
const AT_ONCE: usize = 8;
/// Blobs of one listing.
const LISTED: usize = 1_000;
/// Parlour says the type of a file itself whenever it serves one; the storage need not know it.
const TYPE: &str = "application/octet-stream";

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Blobs that were copied, read again from the target, and had the same SHA-256.
    pub copied: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that were there already.
    pub skipped: u64,
    /// Blobs that were deleted from the source while it was read.
    pub gone: u64,
}

/// What one side has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// SHA-256 over all keys and sizes, as hexadecimal digits.
    pub checksum: String,
}

/// Both sides at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What the source has.
    pub source: Stock,
    /// What the target has of it.
    pub target: Stock,
    /// What the target has besides; it stays.
    pub others: u64,
}

/// What became of a blob.
enum Fate {
    Copied(u64),
    Skipped,
    Gone,
}

/// Copies what the target does not have with the same size; `all`: reads also that on both sides, and
/// copies it again when it is not the same. `tell` hears how far it is, after every blob.
///
/// # Errors
/// When a storage does not answer or takes nothing, or a blob that was copied is another one when it is
/// read again. Running it again goes on.
pub async fn copy_blobs(
    from: &dyn Blobs,
    to: &dyn Blobs,
    all: bool,
    tell: &mut (dyn FnMut(Moved) + Send),
) -> Result<Moved, Error> {
    let mut moved = Moved::default();
    let mut after: Option<BlobKey> = None;
    loop {
        let listed = from.list(after.as_ref(), LISTED).await?;
        let Some(last) = listed.last() else {
            return Ok(moved);
        };
        after = Some(last.key.clone());
        let mut fates = stream::iter(listed)
            .map(|entry| one(from, to, all, entry))
            .buffer_unordered(AT_ONCE);
        while let Some(fate) = fates.try_next().await? {
            match fate {
                Fate::Copied(bytes) => {
                    moved.copied += 1;
                    moved.bytes += bytes;
                }
                Fate::Skipped => moved.skipped += 1,
                Fate::Gone => moved.gone += 1,
            }
            tell(moved);
        }
    }
}

async fn one(
    from: &dyn Blobs,
    to: &dyn Blobs,
    all: bool,
    BlobEntry { key, size, .. }: BlobEntry,
) -> Result<Fate, Error> {
    if to.size(&key).await? == Some(size) {
        if !all {
            return Ok(Fate::Skipped);
        }
        let (one, other) = tokio::try_join!(hash(from, &key, size), hash(to, &key, size))?;
        if one == other {
            return Ok(Fate::Skipped);
        }
    }
    let Some(mut pieces) = from.read(&key, 0..size).await? else {
        return Ok(Fate::Gone);
    };
    let mut staged = to.stage().await?;
    while let Some(piece) = pieces.try_next().await? {
        staged.append_bytes(piece).await?;
    }
    let read = staged.finish().await?;
    to.keep(&key, staged, TYPE).await?;
    if hash(to, &key, size).await? != Some(read) {
        to.delete(&key).await?;
        let text = format!("the target gave back other bytes for {key} than it was given");
        return Err(Error::internal(text.clone()).saying(text));
    }
    Ok(Fate::Copied(size))
}

/// The SHA-256 of a blob; `None` when it is not there.
async fn hash(side: &dyn Blobs, key: &BlobKey, size: u64) -> Result<Option<[u8; 32]>, Error> {
    let Some(mut pieces): Option<BlobStream> = side.read(key, 0..size).await? else {
        return Ok(None);
    };
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.try_next().await? {
        hash.update(&piece);
    }
    Ok(Some(hash.finalize().into()))
}

/// Lists both sides and compares; `differs` hears of every blob of the source that the target has not, or
/// with another size.
///
/// # Errors
/// When a storage does not answer.
pub async fn compare_blobs(
    from: &dyn Blobs,
    to: &dyn Blobs,
    differs: &mut (dyn FnMut(&BlobKey) + Send),
) -> Result<Compared, Error> {
    let (mut source, mut target) = (Listing::of(from), Listing::of(to));
    let (mut theirs, mut ours) = (Sum::default(), Sum::default());
    let mut others = 0;
    loop {
        let (one, other) = (source.peek().await?, target.peek().await?);
        let order = match (&one, &other) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.key.cmp(&other.key),
        };
        if order != Ordering::Greater
            && let Some(one) = source.next()
        {
            theirs.add(&one);
            if other.is_none_or(|other| other.key != one.key || other.size != one.size) {
                differs(&one.key);
            }
        }
        if order != Ordering::Less
            && let Some(other) = target.next()
        {
            if order == Ordering::Equal {
                ours.add(&other);
            } else {
                others += 1;
            }
        }
    }
    Ok(Compared {
        source: theirs.told(),
        target: ours.told(),
        others,
    })
}

#[derive(Default)]
struct Sum {
    blobs: u64,
    bytes: u64,
    hash: Sha256,
}

impl Sum {
    fn add(&mut self, entry: &BlobEntry) {
        self.blobs += 1;
        self.bytes += entry.size;
        self.hash.update(format!("{} {}\n", entry.key, entry.size));
    }

    fn told(self) -> Stock {
        let hash = self.hash.finalize();
        Stock {
            blobs: self.blobs,
            bytes: self.bytes,
            checksum: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// A storage's blobs in order, some at a time.
struct Listing<'a> {
    side: &'a dyn Blobs,
    some: std::collections::VecDeque<BlobEntry>,
    after: Option<BlobKey>,
    ended: bool,
}

impl<'a> Listing<'a> {
    fn of(side: &'a dyn Blobs) -> Self {
        Self {
            side,
            some: std::collections::VecDeque::new(),
            after: None,
            ended: false,
        }
    }

    async fn peek(&mut self) -> Result<Option<BlobEntry>, Error> {
        if self.some.is_empty() && !self.ended {
            let some = self.side.list(self.after.as_ref(), LISTED).await?;
            self.ended = some.is_empty();
            self.after = some
                .last()
                .map(|entry| entry.key.clone())
                .or(self.after.take());
            self.some = some.into();
        }
        Ok(self.some.front().cloned())
    }

    fn next(&mut self) -> Option<BlobEntry> {
        self.some.pop_front()
    }
}
