//! Files that people attach: what they are, what of them is shown, what is taken out of them.
//!
//! Pure functions over bytes and local files, and one bounded [`Pool`] of threads on which they run.
//! The type is found from the content and nobody's word is taken. Nothing is decoded before its header
//! said how large it is, and the memory that decoding may take grows with the bytes that were sent
//! ([`decode_budget`]): few bytes cannot cost much.

mod edit;
mod exif;
mod image;
mod inspect;
mod metadata;
mod name;
mod placeholder;
mod pool;
mod shrink;
mod sniff;
mod thumbnail;

pub use inspect::{Inspected, MadeThumb, inspect};
pub use name::{extension, safe_name};
pub use placeholder::{PLACEHOLDER_CHARS, PLACEHOLDER_LONG, PLACEHOLDER_SHORT};
pub use pool::Pool;
pub use sniff::{HEAD, sniff};
pub use thumbnail::THUMB_SIZES;

/// How a page shows a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A picture that browsers draw.
    Image,
    /// Sound that browsers play.
    Audio,
    /// A film that browsers play.
    Video,
    /// Plain text.
    Text,
    /// A row with a name, to be downloaded.
    Other,
}

impl Kind {
    /// The word for it in views and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Text => "text",
            Self::Other => "other",
        }
    }
}

/// How files of this MIME type are shown; everything that is not on the list is a row to download.
#[must_use]
pub fn kind(mime: &str) -> Kind {
    match mime {
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" => Kind::Image,
        "video/mp4" | "video/webm" => Kind::Video,
        "audio/mpeg" | "audio/ogg" | "audio/x-wav" => Kind::Audio,
        "text/plain" => Kind::Text,
        _ => Kind::Other,
    }
}

/// Whether a browser may show files of this MIME type in its own window. All others are sent as
/// attachments, under a sandbox policy.
#[must_use]
pub fn is_inline(mime: &str) -> bool {
    kind(mime) != Kind::Other
}

/// Bytes of memory that decoding a picture of this file size may take: 64 MiB, and twelve for each
/// byte that was sent, up to 192 MiB. A photo of 48 megapixels and 8 MB is decoded, a picture of the
/// same size in a few KB is not.
#[must_use]
pub fn decode_budget(file_size: u64) -> u64 {
    (64 << 20) + file_size.saturating_mul(12).min(128 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_list_is_shown() {
        for (mime, expected) in [
            ("image/png", Kind::Image),
            ("video/webm", Kind::Video),
            ("audio/mpeg", Kind::Audio),
            ("text/plain", Kind::Text),
        ] {
            assert_eq!(kind(mime), expected);
            assert!(is_inline(mime));
        }
        for mime in [
            "image/svg+xml",
            "text/html",
            "text/xml",
            "application/pdf",
            "",
            "image/",
        ] {
            assert!(!is_inline(mime), "{mime}");
        }
    }
}
