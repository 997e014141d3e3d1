//! Uploads that may stop and go on later. Their bytes are staged files ([`Blobs`](super::Blobs)).

use crate::{Error, FileId, Time, UserId};
use async_trait::async_trait;

/// An upload. How far it came is the length of its staged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its name for the client: 32 hexadecimal digits, the name of the staged file too.
    pub id: String,
    /// Who uploads.
    pub owner: UserId,
    /// How many bytes it will have.
    pub size: u64,
    /// The client's name of the file.
    pub name: String,
    /// What the picture shows, in the uploader's words.
    pub alt: String,
    /// What the client said of it, as it was given.
    pub metadata: String,
    /// How far it came.
    pub state: UploadState,
}

/// What changes while an upload goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadState {
    /// Bytes behind this offset came with a checksum that was not compared yet.
    pub sure: Option<u64>,
    /// Whether all bytes came. From then on the staged file may be rewritten, or gone.
    pub whole: bool,
    /// The file that became of it.
    pub file: Option<FileId>,
    /// When it is forgotten.
    pub expires_at: Time,
}

/// How much one account may have under way.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// Most uploads at once.
    pub most: i64,
    /// Most bytes of the account's files and open uploads together; `None`: any.
    pub quota: Option<u64>,
    /// Now: what expired does not count.
    pub at: Time,
}

/// Answer to beginning an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginUpload {
    /// Noted.
    Begun,
    /// The account has as many under way as it may. Nothing changed.
    TooMany,
    /// The account's files would have more bytes than they may. Nothing changed.
    OverQuota,
    /// No such account. Nothing changed.
    NoOwner,
}

/// The rows of uploads. Deleting an account removes its uploads.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Notes a new upload. The limits hold also for parallel calls.
    async fn begin_upload(
        &self,
        upload: Upload,
        limits: UploadLimits,
    ) -> Result<BeginUpload, Error>;
    /// The account's upload of this id that did not expire.
    async fn upload(&self, owner: UserId, id: &str, at: Time) -> Result<Option<Upload>, Error>;
    /// Notes how far an upload came; answers whether it is still there.
    async fn save_upload(&self, id: &str, state: UploadState) -> Result<bool, Error>;
    /// Forgets an upload; answers whether it was there.
    async fn end_upload(&self, id: &str) -> Result<bool, Error>;
    /// Forgets the uploads that expired; answers how many.
    async fn end_expired_uploads(&self, at: Time) -> Result<u64, Error>;
    /// The ids of all uploads, of any node.
    async fn upload_ids(&self) -> Result<Vec<String>, Error>;
}
