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
                if let Some(problem) = name_problem(&received.name) {
                    problems.add("file", problem);
                }
                if received.size() == 0 {
                    problems.add("file", Problem::FileEmpty);
                }
            }
        }
    }
}

/// What is wrong with a file's name, as the client gave it.
pub(super) fn name_problem(given: &str) -> Option<Problem> {
    let name = given.rsplit(['/', '\\']).next();
    let (max, actual) = (MAX_NAME_CHARS, name.unwrap_or_default().chars().count());
    (actual > max).then_some(Problem::FileNameTooLong { max, actual })
}

/// The files for a message.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// All of them, in their order.
    pub(crate) files: Vec<KeptFile>,
    /// Those that came with the message: nobody else knows of them.
    pub(crate) fresh: Vec<FileId>,
}

/// Keeps what came, and finds what was uploaded before; in the order given. Nothing that came is left
/// behind when one of them cannot be kept.
pub(crate) async fn keep_all(
    app: &App,
    actor: &Actor,
    files: Vec<Attachment>,
) -> Result<Kept, Error> {
    let mut kept = Kept::default();
    for file in files {
        let next = match file {
            Attachment::Received(received) => {
                let next = keep(app, actor, *received).await;
                kept.fresh.extend(next.iter().map(|kept| kept.file.id));
                next
            }
            Attachment::Uploaded(id) => uploaded(app, actor, id).await,
            Attachment::Wrong(problem) => Err(Error::field("file", problem)),
        };
        match next {
            Ok(file) => kept.files.push(file),
            Err(error) => {
                drop_unused(app, actor, &kept.fresh).await;
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
