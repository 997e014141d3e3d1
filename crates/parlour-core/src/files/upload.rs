//! Uploads that may stop and go on later, also after a restart.
//!
//! What came is in a staged file, and its length on the disk is how far the upload came; the row in the
//! database says whose it is and when it expires. Before anybody is told of an offset, the bytes in front
//! of it are on the disk. A staged file is on one node, so an upload goes on where it began.

mod under_way;

pub(crate) use under_way::UnderWay;

use super::{
    Receiving, attach, keep,
    receive::{check_space, refused, too_large},
    resume,
    sweep::ORPHAN_AGE,
};
use crate::{
    Actor, App, Error, FileId, Kind, Time,
    error::{INVALID_TOKEN, NOT_FOUND, Problem, QUOTA_EXCEEDED, TOO_LARGE, TOO_MANY_UPLOADS},
    given::Problems,
    ports::{BeginUpload, Upload, UploadLimits, UploadState},
    rates::Key,
};
use std::time::Duration;
use under_way::Held;

/// How long an upload waits for its next byte.
pub const EXPIRES_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Most uploads that one account may have under way.
pub const MAX_OPEN: i64 = 100;

/// How often a long step says that the upload is alive.
const NOTE_EVERY: Duration = Duration::from_secs(600);

/// What an upload is begun with.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// How many bytes the file has.
    pub size: u64,
    /// The client's name of it.
    pub name: String,
    /// What the picture shows.
    pub alt: String,
    /// Everything that the client said of it, to be given back.
    pub metadata: String,
}

/// How far an upload came.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The upload; its state names the file once it is kept.
    pub upload: Upload,
    /// How many bytes are on the disk.
    pub offset: u64,
}

/// Whether an upload may go on.
#[derive(Debug)]
pub enum GoOn {
    /// The next bytes may be pushed.
    Ready(Box<Appending>),
    /// It is finished already.
    Finished(Box<Progress>),
    /// It goes on at another offset, this one.
    WrongOffset(u64),
    /// Another request writes to it now.
    Busy,
}

/// Begins an upload; nothing of it came yet.
///
/// # Errors
/// All bad fields at once; [`crate::error::FILE_TOO_LARGE`]; [`QUOTA_EXCEEDED`];
/// [`TOO_MANY_UPLOADS`]; [`crate::error::STORAGE_FULL`]; [`crate::error::RATE_LIMITED`].
pub async fn begin(app: &App, actor: &Actor, new: NewUpload) -> Result<Progress, Error> {
    app.limits().change.take(&Key::User(actor.user))?;
    let mut problems = Problems::default();
    if let Some(problem) = attach::name_problem(&new.name) {
        problems.add("file", problem);
    }
    if new.size == 0 {
        problems.add("file", Problem::FileEmpty);
    }
    problems.check()?;
    let limit = app.settings().max_upload_bytes;
    if new.size > limit {
        return Err(too_large(limit));
    }
    check_space(app, new.size).await?;
    let id = app.blobs().stage().await?.leave().await?;
    let upload = Upload {
        id,
        owner: actor.user,
        size: new.size,
        name: new.name,
        alt: new.alt,
        metadata: new.metadata,
        state: UploadState {
            sure: None,
            whole: false,
            file: None,
            expires_at: after(app, EXPIRES_AFTER),
        },
    };
    let noted = note(app, &upload).await;
    if noted.is_err() {
        // What cannot be removed now is swept.
        let _ = app.blobs().unstage(&upload.id).await;
    }
    noted.map(|()| Progress { upload, offset: 0 })
}

async fn note(app: &App, upload: &Upload) -> Result<(), Error> {
    app.blobs().staged_size(&upload.id).await?;
    let limits = UploadLimits {
        most: MAX_OPEN,
        quota: app.settings().user_quota,
        at: app.now(),
    };
    match app.store().begin_upload(upload.clone(), limits).await? {
        BeginUpload::Begun => Ok(()),
        BeginUpload::TooMany => {
            let wait = Duration::from_secs(60);
            Err(refused(Error::from(TOO_MANY_UPLOADS).retry_after(wait)))
        }
        BeginUpload::OverQuota => Err(refused(QUOTA_EXCEEDED.into())),
        BeginUpload::NoOwner => Err(INVALID_TOKEN.into()),
    }
}

/// How far one's own upload came.
///
/// # Errors
/// [`NOT_FOUND`] for what is not there, expired, or somebody else's.
pub async fn progress(app: &App, actor: &Actor, id: &str) -> Result<Progress, Error> {
    let upload = app.store().upload(actor.user, id, app.now()).await?;
    let upload = upload.ok_or(NOT_FOUND)?;
    let offset = offset(app, &upload).await?;
    Ok(Progress { upload, offset })
}

/// How many bytes of an upload are on the disk.
async fn offset(app: &App, upload: &Upload) -> Result<u64, Error> {
    let state = &upload.state;
    if state.file.is_some() {
        return Ok(upload.size);
    }
    // Not there: it is on another node, or was lost with a crash while it was kept.
    let size = app.blobs().staged_size(&upload.id).await?;
    let size = size.ok_or(NOT_FOUND)?;
    if state.whole {
        return Ok(upload.size);
    }
    let sure = state.sure.unwrap_or(u64::MAX);
    Ok(size.min(sure).min(upload.size))
}

/// Goes on with one's own upload at `at`. With `unsure` the bytes count only once the caller says so by
/// [`Appending::done`]: their checksum is compared at the end.
///
/// # Errors
/// [`NOT_FOUND`]; unavailable when storage or database do not answer.
pub async fn go_on(
    app: &App,
    actor: &Actor,
    id: &str,
    (at, unsure): (u64, bool),
) -> Result<GoOn, Error> {
    app.limits().read.take(&Key::User(actor.user))?;
    let Some(held) = app.uploads().hold(app, id) else {
        // Whether it is being written to is nobody else's business.
        progress(app, actor, id).await?;
        return Ok(GoOn::Busy);
    };
    let Progress { mut upload, offset } = progress(app, actor, id).await?;
    if at != offset {
        return Ok(GoOn::WrongOffset(offset));
    }
    if upload.state.file.is_some() {
        return Ok(GoOn::Finished(Box::new(Progress { upload, offset })));
    }
    let receiving = resume(app, id, &upload.name).await?;
    let mut receiving = receiving.ok_or(NOT_FOUND)?;
    if !upload.state.whole && receiving.size() > offset {
        receiving.cut(offset).await?;
    }
    if unsure && upload.state.sure != Some(offset) {
        upload.state.sure = Some(offset);
        save(app, &upload).await?;
    }
    Ok(GoOn::Ready(Box::new(Appending {
        receiving,
        noted_at: app.now(),
        begun_at: offset,
        actor: *actor,
        upload,
        unsure,
        held,
    })))
}

/// The next bytes of an upload on their way. Nobody else writes to it meanwhile. Dropping it leaves what
/// came, as far as it reached the disk.
#[derive(Debug)]
pub struct Appending {
    receiving: Receiving,
    upload: Upload,
    actor: Actor,
    begun_at: u64,
    unsure: bool,
    noted_at: Time,
    held: Held,
}

impl Appending {
    /// Bytes that are still to come.
    #[must_use]
    pub fn missing(&self) -> u64 {
        if self.upload.state.whole {
            return 0;
        }
        self.upload.size.saturating_sub(self.receiving.size())
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`TOO_LARGE`] for more than are missing; else those of [`Receiving::push`].
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() as u64 > self.missing() {
            return Err(TOO_LARGE.into());
        }
        self.receiving.push(bytes).await?;
        let now = self.held.app.now();
        if now.as_micros() - self.noted_at.as_micros() > NOTE_EVERY.as_micros() as i64 {
            self.noted_at = now;
            self.upload.state.expires_at = after(&self.held.app, EXPIRES_AFTER);
            save(&self.held.app, &self.upload).await?;
        }
        Ok(())
    }

    /// These were all for now, and they are the right ones. After the last byte of the upload the file
    /// is looked at and kept as any other.
    ///
    /// # Errors
    /// Those of [`keep`]. An upload whose file is refused is gone; after another error it waits, and
    /// going on at its end without a byte tries again.
    pub async fn done(self) -> Result<Progress, Error> {
        if self.missing() == 0 {
            return self.complete().await;
        }
        self.rest().await
    }

    /// The connection broke: what came is kept, unless nobody can say whether it is right.
    ///
    /// # Errors
    /// Unavailable when storage or database do not answer.
    pub async fn stop(mut self) -> Result<Progress, Error> {
        if self.unsure {
            self.receiving.cut(self.begun_at).await?;
        }
        self.rest().await
    }

    /// These bytes are the wrong ones.
    ///
    /// # Errors
    /// Unavailable when storage or database do not answer.
    pub async fn discard(mut self) -> Result<Progress, Error> {
        self.receiving.cut(self.begun_at).await?;
        self.rest().await
    }

    async fn rest(self) -> Result<Progress, Error> {
        let Self {
            receiving,
            mut upload,
            held,
            ..
        } = self;
        let app = &held.app;
        receiving.leave().await?;
        upload.state.sure = None;
        upload.state.expires_at = after(app, EXPIRES_AFTER);
        let offset = offset(app, &upload).await?;
        save(app, &upload).await?;
        Ok(Progress { upload, offset })
    }

    async fn complete(self) -> Result<Progress, Error> {
        let Self {
            receiving,
            mut upload,
            actor,
            held,
            ..
        } = self;
        let app = &held.app;
        let mut received = receiving.finish().await?;
        received.alt.clone_from(&upload.alt);
        app.blobs().staged_size(&upload.id).await?;
        upload.state = UploadState {
            sure: None,
            whole: true,
            file: None,
            expires_at: after(app, EXPIRES_AFTER),
        };
        save(app, &upload).await?;
        let kept = match keep(app, &actor, received).await {
            Ok(kept) => kept,
            Err(error) => {
                if !passes(error.kind()) {
                    forget(app, &upload.id).await?;
                }
                return Err(error);
            }
        };
        upload.state.file = Some(kept.file.id);
        upload.state.expires_at = after(app, ORPHAN_AGE);
        save(app, &upload).await?;
        // A storage elsewhere has a copy; what cannot be removed now is swept.
        let _ = app.blobs().unstage(&upload.id).await;
        let offset = upload.size;
        Ok(Progress { upload, offset })
    }
}

/// Whether trying again later may help.
const fn passes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Unavailable | Kind::StorageFull | Kind::TooLarge | Kind::TooMany
    )
}

/// Ends one's own upload: what came of it is removed, also when it is finished and no message has it.
/// Answers whether that was possible: not while somebody writes to it.
///
/// # Errors
/// [`NOT_FOUND`]; unavailable when storage or database do not answer.
pub async fn end(app: &App, actor: &Actor, id: &str) -> Result<bool, Error> {
    app.limits().read.take(&Key::User(actor.user))?;
    let upload = app.store().upload(actor.user, id, app.now()).await?;
    let upload = upload.ok_or(NOT_FOUND)?;
    let Some(_held) = app.uploads().hold(app, id) else {
        return Ok(false);
    };
    let files: Vec<FileId> = upload.state.file.into_iter().collect();
    if !files.is_empty() {
        super::discard(app, actor, &files).await?;
    }
    forget(app, id).await?;
    Ok(true)
}

/// Ends an upload whose maker never heard of it, unless somebody writes to it.
///
/// # Errors
/// Unavailable when storage or database do not answer.
pub async fn forget_begun(app: &App, id: &str) -> Result<(), Error> {
    match app.uploads().hold(app, id) {
        Some(_held) => forget(app, id).await,
        None => Ok(()),
    }
}

async fn forget(app: &App, id: &str) -> Result<(), Error> {
    app.store().end_upload(id).await?;
    app.blobs().unstage(id).await
}

async fn save(app: &App, upload: &Upload) -> Result<(), Error> {
    if app.store().save_upload(&upload.id, upload.state).await? {
        return Ok(());
    }
    // Its account went away, or it expired.
    Err(NOT_FOUND.into())
}

fn after(app: &App, time: Duration) -> Time {
    Time::from_micros(app.now().as_micros() + time.as_micros() as i64)
}
