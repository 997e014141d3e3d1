//! Which files there are, and where they hang. Their bytes are elsewhere ([`Blobs`](super::Blobs)).

use crate::{
    Error, FileId, RoomId, Time, UserId,
    model::{File, FileKind, KeptFile},
};
use async_trait::async_trait;

/// A file whose bytes are kept, on its way to a message.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// What everybody will see; the id is ignored.
    pub file: File,
    /// Who uploaded it.
    pub owner: UserId,
    /// SHA-256 of the bytes that are kept, in hexadecimal digits.
    pub sha256: String,
    /// SHA-256 of the bytes that came.
    pub received: String,
    /// Most bytes that the files of one account may have together; `None`: any.
    pub quota: Option<u64>,
    /// Now.
    pub at: Time,
}

/// Answer to noting a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageFile {
    /// Noted; it hangs nowhere yet.
    Staged(KeptFile),
    /// The account's files would have more bytes than they may. Nothing changed.
    OverQuota,
    /// No such account. Nothing changed.
    NoOwner,
}

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Files.
    pub files: u64,
    /// Their bytes, without thumbnails.
    pub bytes: u64,
}

/// A stretch of a room's gallery.
#[derive(Clone, Copy, Debug)]
pub struct GalleryPage {
    /// Only this kind.
    pub kind: Option<FileKind>,
    /// Only what is older than this one.
    pub before: Option<FileId>,
    /// At most so many.
    pub most: i64,
}

/// The files' rows.
///
/// A file is *staged* until a message takes it, *attached* as long as the message is there, and
/// *released* afterwards: nobody can see it any more, its row stays until its bytes are gone. Attaching
/// is part of [`Messages::append`](super::Messages::append) and
/// [`edit_message`](super::Messages::edit_message); a file hangs on one message at most. Deleting a
/// message or its account, replacing its files, and purging a room release what hangs there, in the
/// same transaction.
#[async_trait]
pub trait Files: Send + Sync {
    /// Notes a file whose bytes are kept. The quota holds also for parallel calls.
    async fn stage_file(&self, file: NewFile) -> Result<StageFile, Error>;
    /// The file whose key has this stem ([`BlobKey::stem`](super::BlobKey::stem)); `None` when there is
    /// none or it was released.
    async fn file(&self, stem: &str) -> Result<Option<KeptFile>, Error>;
    /// Those of these files that this account uploaded and that were not released, in the order of the
    /// ids given.
    async fn files_of(&self, owner: UserId, ids: &[FileId]) -> Result<Vec<KeptFile>, Error>;
    /// Releases those of these files of the account that hang nowhere; answers how many.
    async fn drop_files(&self, owner: UserId, ids: &[FileId], at: Time) -> Result<u64, Error>;
    /// Releases files that were staged before this moment and never attached; at most 1,000.
    async fn drop_stale_files(&self, before: Time, at: Time) -> Result<u64, Error>;
    /// Files that were not released, with ids above this one and in their order, at most `most`.
    async fn files_after(&self, after: FileId, most: i64) -> Result<Vec<KeptFile>, Error>;
    /// Released files, the longest released first, at most `most`.
    async fn released_files(&self, most: i64) -> Result<Vec<KeptFile>, Error>;
    /// Forgets released files: their bytes are gone.
    async fn forget_files(&self, ids: &[FileId]) -> Result<(), Error>;
    /// How much there is, of one account or of all; released files are not counted.
    async fn stored_files(&self, owner: Option<UserId>) -> Result<Stored, Error>;
    /// A living room's attached files, newest first.
    async fn gallery(&self, room: RoomId, page: GalleryPage) -> Result<Vec<KeptFile>, Error>;
    /// Those of these stems that any row has, released ones too.
    async fn known_stems(&self, stems: &[String]) -> Result<Vec<String>, Error>;
}
