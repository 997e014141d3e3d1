//! Receiving a file's bytes.

use crate::{
    Actor, App, Error,
    error::{FILE_TOO_LARGE, QUOTA_EXCEEDED, STORAGE_FULL},
    ports::Staged,
};

/// Bytes between two looks at the free space: so much several uploads at once may take beyond the
/// limit, each.
const LOOK_EVERY: u64 = 8 << 20;

/// A file that is being received. Dropping it removes what came so far.
#[derive(Debug)]
pub struct Receiving {
    app: App,
    staged: Staged,
    name: String,
    /// At which size the free space is looked at again.
    look_at: u64,
}

/// A file that came whole and that nobody looked at yet. Dropping it removes it.
#[derive(Debug)]
pub struct Received {
    /// Its bytes.
    pub(crate) staged: Staged,
    /// The client's name of it, as it was given.
    pub name: String,
    /// What the picture shows, in the sender's words.
    pub alt: String,
    /// SHA-256 of what came.
    pub(crate) sha256: [u8; 32],
}

/// Refuses an upload of which so many bytes of files are announced, before any of them is read.
///
/// # Errors
/// [`QUOTA_EXCEEDED`], [`STORAGE_FULL`].
pub async fn expect(app: &App, actor: &Actor, announced: u64) -> Result<(), Error> {
    if let Some(quota) = app.settings().user_quota {
        let used = app.store().stored_files(Some(actor.user)).await?.bytes;
        if used.saturating_add(announced) > quota {
            return Err(refused(QUOTA_EXCEEDED.into()));
        }
    }
    check_space(app, announced).await
}

/// Begins to receive a file of this name.
///
/// # Errors
/// [`STORAGE_FULL`]; unavailable when the storage does not answer.
pub async fn receive(app: &App, name: &str) -> Result<Receiving, Error> {
    check_space(app, 0).await?;
    Ok(Receiving {
        app: app.clone(),
        staged: app.blobs().stage().await?,
        name: name.to_owned(),
        look_at: LOOK_EVERY,
    })
}

/// Goes on with a file that was [left](Receiving::leave); `None` when it is gone. Dropping it from now
/// on leaves the file where it is.
///
/// # Errors
/// As [`receive`].
pub async fn resume(app: &App, staged: &str, name: &str) -> Result<Option<Receiving>, Error> {
    check_space(app, 0).await?;
    let Some(mut staged) = app.blobs().restage(staged).await? else {
        return Ok(None);
    };
    staged.outlive();
    Ok(Some(Receiving {
        app: app.clone(),
        look_at: staged.size() + LOOK_EVERY,
        staged,
        name: name.to_owned(),
    }))
}

impl Receiving {
    /// How many bytes came so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.staged.size()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`FILE_TOO_LARGE`]; [`STORAGE_FULL`]; unavailable when the disk fails.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let limit = self.app.settings().max_upload_bytes;
        let size = self.staged.size() + bytes.len() as u64;
        if size > limit {
            return Err(too_large(limit));
        }
        if size >= self.look_at {
            self.look_at = size + LOOK_EVERY;
            check_space(&self.app, 0).await?;
        }
        self.staged.append(bytes).await
    }

    /// Forgets all but the first bytes.
    ///
    /// # Errors
    /// As [`Receiving::push`].
    pub(super) async fn cut(&mut self, size: u64) -> Result<(), Error> {
        self.staged.cut(size).await
    }

    /// Leaves what came so far, to go on later by [`resume`]; answers the name to resume by.
    ///
    /// # Errors
    /// As [`Receiving::push`].
    pub async fn leave(self) -> Result<String, Error> {
        self.staged.leave().await
    }

    /// All bytes came. The message that it is for says what it shows.
    ///
    /// # Errors
    /// As [`Receiving::push`].
    pub async fn finish(mut self) -> Result<Received, Error> {
        let sha256 = self.staged.finish().await?;
        Ok(Received {
            staged: self.staged,
            name: self.name,
            alt: String::new(),
            sha256,
        })
    }
}

impl Received {
    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.staged.size()
    }
}

/// Refuses when so many more bytes would leave too little free space.
pub(super) async fn check_space(app: &App, more: u64) -> Result<(), Error> {
    let floor = app.settings().min_free_disk;
    match app.blobs().free().await? {
        Some(free) if free.saturating_sub(more) < floor => Err(refused(STORAGE_FULL.into())),
        _ => Ok(()),
    }
}

/// A file has more bytes than one may have.
pub(super) fn too_large(limit: u64) -> Error {
    let text = format!("This file is too large: at most {limit} bytes are taken.");
    refused(Error::from(FILE_TOO_LARGE).saying(text))
}

/// Counts a refusal.
pub(super) fn refused(error: Error) -> Error {
    metrics::counter!("parlour_files_rejected_total", "code" => error.code()).increment(1);
    error
}
