//! What is asked to hang on a message.

use super::{MAX_NAME_CHARS, Received, keep};
use crate::{Actor, App, Error, FileId, error::Problem, given::Problems, model::KeptFile};

/// A file for a message.
#[derive(Debug)]
pub enum Attachment {
    /// Came with the message.
    Received(Box<Received>),
    /// Was uploaded before and is still staged.
    Uploaded(FileId),
    /// Is none.
    Wrong(Problem),
}

/// Notes what is wrong with the files, all at once.
pub(crate) fn check(app: &App, files: &[Attachment], problems: &mut Problems) {
    let max = app.settings().max_files;
    if files.len() > max {
        problems.add("file", Problem::TooManyFiles { max });
    }
    for file in files {
        match file {
            Attachment::Wrong(problem) => problems.add("file", problem.clone()),
            Attachment::Uploaded(_) => {}
            Attachment::Received(received) => {
                let name = received.name.rsplit(['/', '\\']).next();
                let actual = name.unwrap_or_default().chars().count();
                if actual > MAX_NAME_CHARS {
                    let max = MAX_NAME_CHARS;
                    problems.add("file", Problem::FileNameTooLong { max, actual });
                }
                if received.size() == 0 {
                    problems.add("file", Problem::FileEmpty);
                }
            }
        }
    }
}

/// Keeps what came, and finds what was uploaded before; in the order given. Nothing is left behind
/// when one of them cannot be kept.
pub(crate) async fn keep_all(
    app: &App,
    actor: &Actor,
    files: Vec<Attachment>,
) -> Result<Vec<KeptFile>, Error> {
    let mut kept: Vec<KeptFile> = Vec::with_capacity(files.len());
    for file in files {
        let next = match file {
            Attachment::Received(received) => keep(app, actor, *received).await,
            Attachment::Uploaded(id) => uploaded(app, actor, id).await,
            Attachment::Wrong(problem) => Err(Error::field("file", problem)),
        };
        match next {
            Ok(file) => kept.push(file),
            Err(error) => {
                let ids: Vec<FileId> = kept.iter().map(|kept| kept.file.id).collect();
                drop_unused(app, actor, &ids).await;
                return Err(error);
            }
        }
    }
    Ok(kept)
}

/// A file that the actor uploaded. One that hangs on a message already is found too: a retry of that
/// message answers it.
async fn uploaded(app: &App, actor: &Actor, id: FileId) -> Result<KeptFile, Error> {
    let mut found = app.store().files_of(actor.user, &[id]).await?;
    found
        .pop()
        .ok_or_else(|| Error::field("file", Problem::FileGone))
}

/// Lets go of files that no message took. Fails in silence: the sweeper finds them within the hour.
pub(crate) async fn drop_unused(app: &App, actor: &Actor, files: &[FileId]) {
    if !files.is_empty()
        && let Err(error) = discard(app, actor, files).await
    {
        tracing::debug!(?error, "staged files are left to the sweeper");
    }
}

/// Lets go of the actor's files that hang nowhere.
///
/// # Errors
/// When the store does not answer.
pub async fn discard(app: &App, actor: &Actor, files: &[FileId]) -> Result<(), Error> {
    app.store()
        .drop_files(actor.user, files, app.now())
        .await
        .map(|_| ())
}
