//! The files of a room.

use crate::{
    Actor, App, Error, FileId, RoomId, UserId,
    model::{FileKind, KeptFile, Sender, Unknown},
    ports::GalleryPage,
    rooms::{self, Right},
};
use std::{cmp::Reverse, collections::HashMap, str::FromStr, sync::Arc};

/// Most files of one answer.
pub const MAX_GALLERY: i64 = 100;

/// What one looks for among the files of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GalleryKind {
    /// One kind.
    One(FileKind),
    /// What is neither picture nor sound nor film.
    Document,
}

impl GalleryKind {
    /// The word for it in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One(kind) => kind.as_str(),
            Self::Document => "document",
        }
    }

    const fn kinds(self) -> &'static [FileKind] {
        match self {
            Self::One(FileKind::Image) => &[FileKind::Image],
            Self::One(FileKind::Audio) => &[FileKind::Audio],
            Self::One(FileKind::Video) => &[FileKind::Video],
            Self::One(FileKind::Text) => &[FileKind::Text],
            Self::One(FileKind::Other) => &[FileKind::Other],
            Self::Document => &[FileKind::Text, FileKind::Other],
        }
    }
}

impl FromStr for GalleryKind {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        if word == Self::Document.as_str() {
            return Ok(Self::Document);
        }
        word.parse().map(Self::One)
    }
}

/// A stretch of a room's files, newest first.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// The files; each hangs on a message.
    pub files: Vec<KeptFile>,
    /// Who sent them.
    pub senders: HashMap<UserId, Arc<Sender>>,
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
    (kind, before): (Option<GalleryKind>, Option<FileId>),
    most: i64,
) -> Result<Gallery, Error> {
    let view = rooms::view(app, actor, room).await?;
    rooms::can(&view, Right::Talk)?;
    let most = most.clamp(1, MAX_GALLERY);
    let kinds: Vec<_> = kind.map_or_else(
        || vec![None],
        |kind| kind.kinds().iter().copied().map(Some).collect(),
    );
    let mut files = Vec::new();
    for kind in kinds {
        let page = GalleryPage {
            kind,
            before,
            most: most + 1,
        };
        files.extend(app.store().gallery(room, page).await?);
    }
    files.sort_by_key(|kept| Reverse(kept.file.id));
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let has_more = files.len() > wanted;
    files.truncate(wanted);
    let mut owners: Vec<_> = files.iter().map(|kept| kept.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let senders = app.senders(&owners).await?.into_iter().collect();
    Ok(Gallery {
        files,
        senders,
        has_more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for word in ["image", "audio", "video", "text", "other", "document"] {
            let kind: GalleryKind = word.parse().expect(word);
            assert_eq!(kind.as_str(), word);
        }
        assert!("".parse::<GalleryKind>().is_err() && "Image".parse::<GalleryKind>().is_err());
    }
}
