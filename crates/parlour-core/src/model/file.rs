//! Files that hang on messages.

use super::Unknown;
use crate::{FileId, MessageId, RoomId, Time, UserId, media, ports::BlobKey};
use serde::{Deserialize, Serialize};
use std::{str::FromStr, sync::Arc};

/// A file as everybody in the room sees it. Its serialised form is kept in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The id.
    #[serde(default = "no_id")]
    pub id: FileId,
    /// Where its bytes are, and the end of its address.
    pub key: BlobKey,
    /// The client's name of it, without path parts and what does not belong in a name.
    pub name: String,
    /// Its MIME type, found from its content.
    #[serde(rename = "type")]
    pub mime: String,
    /// How it is shown: a picture that cannot be drawn is not shown as one.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// Width and height in pixels, of pictures and films whose header tells them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<(u32, u32)>,
    /// How long it plays in milliseconds, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// A few bytes that paint something like the image until it is there, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// What the image shows, in the sender's words; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alt: String,
    /// Smaller pictures of it, the smallest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbs: Vec<Thumb>,
}

/// The id of a file that is not kept yet.
const fn no_id() -> FileId {
    FileId::new(0)
}

/// A smaller picture of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumb {
    /// Where its bytes are, and the end of its address.
    pub key: BlobKey,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Thumb {
    /// Its MIME type: thumbnails are WebP or JPEG.
    #[must_use]
    pub fn mime(&self) -> &'static str {
        if self.key.as_str().ends_with(".webp") {
            "image/webp"
        } else {
            "image/jpeg"
        }
    }
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Text.
    Text,
    /// Anything else: a row with its name.
    Other,
}

impl FileKind {
    /// The word kept in the database and used in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Text => "text",
            Self::Other => "other",
        }
    }
}

impl From<media::Kind> for FileKind {
    fn from(kind: media::Kind) -> Self {
        match kind {
            media::Kind::Image => Self::Image,
            media::Kind::Audio => Self::Audio,
            media::Kind::Video => Self::Video,
            media::Kind::Text => Self::Text,
            media::Kind::Other => Self::Other,
        }
    }
}

impl FromStr for FileKind {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        [
            Self::Image,
            Self::Audio,
            Self::Video,
            Self::Text,
            Self::Other,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .ok_or(Unknown)
    }
}

/// A file with what only the server needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// What everybody sees.
    pub file: Arc<File>,
    /// Who uploaded it.
    pub owner: UserId,
    /// Where it hangs; `None`: nowhere yet.
    pub place: Option<(RoomId, MessageId)>,
    /// SHA-256 of the bytes that are kept, in hexadecimal digits.
    pub sha256: String,
    /// SHA-256 of the bytes that came: an image may have lost its metadata on the way.
    pub received: String,
    /// When it was kept.
    pub created_at: Time,
}
