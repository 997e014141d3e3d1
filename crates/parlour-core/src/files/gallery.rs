//! The files of a room.

use crate::{
    Actor, App, Error, FileId, RoomId,
    model::{FileKind, KeptFile},
    ports::GalleryPage,
    rooms::{self, Right},
};

/// Most files of one answer.
pub const MAX_GALLERY: i64 = 100;

/// A stretch of a room's files, newest first.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// The files; each hangs on a message.
    pub files: Vec<KeptFile>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// The files of a room one is in, newest first: of one kind or of all, older than `before`.
///
/// # Errors
/// [`crate::error::NOT_FOUND`], [`crate::error::NOT_IN_ROOM`].
pub async fn gallery(
    app: &App,
    actor: &Actor,
    room: RoomId,
    (kind, before): (Option<FileKind>, Option<FileId>),
    most: i64,
) -> Result<Gallery, Error> {
    let view = rooms::view(app, actor, room).await?;
    rooms::can(&view, Right::Talk)?;
    let most = most.clamp(1, MAX_GALLERY);
    let page = GalleryPage {
        kind,
        before,
        most: most + 1,
    };
    let mut files = app.store().gallery(room, page).await?;
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let has_more = files.len() > wanted;
    files.truncate(wanted);
    Ok(Gallery { files, has_more })
}
