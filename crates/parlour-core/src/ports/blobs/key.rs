//! Names of blobs.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::fmt;

/// Longest extension, with its dot.
const MAX_EXTENSION: usize = 16;
/// Characters of a UUID.
const UUID: usize = 36;
/// The class of thumbnails.
const THUMB: &str = "thumb";

/// The key of a blob: `<major type>/<uuid4><extension>` for a file (contract 5), and
/// `thumb/<the file's uuid4>-<size>.<webp|jpg>` for a thumbnail of it. Safe as a path and in a URL; at
/// most 80 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BlobKey(String);

impl BlobKey {
    /// The key of a new file of this MIME type, made of 16 random bytes. The extension keeps its dot;
    /// what is not safe in it is left out.
    #[must_use]
    pub fn new(mime: &str, random: [u8; 16], extension: &str) -> Self {
        let major = mime.split('/').next().unwrap_or_default();
        let fits = (1..=16).contains(&major.len()) && major != THUMB;
        let class = if fits && major.bytes().all(|byte| byte.is_ascii_lowercase()) {
            major
        } else {
            "application"
        };
        let extension: String = extension
            .trim_start_matches('.')
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(MAX_EXTENSION - 1)
            .collect();
        let dot = if extension.is_empty() { "" } else { "." };
        Self(format!("{class}/{}{dot}{extension}", uuid(random)))
    }

    /// The key of a thumbnail of this file; `size` is the longer side in pixels, `extension` has no dot.
    #[must_use]
    pub fn thumb(&self, size: u32, extension: &str) -> Self {
        Self(format!("{THUMB}/{}-{size}.{extension}", self.stem()))
    }

    /// Reads a key; `None` for what none of the above makes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (class, name) = text.split_once('/')?;
        let is_class =
            (1..=16).contains(&class.len()) && class.bytes().all(|byte| byte.is_ascii_lowercase());
        let (stem, rest) = (name.get(..UUID)?, name.get(UUID..)?);
        let extension = match rest.strip_prefix('-') {
            Some(sized) if class == THUMB => {
                let (size, _) = sized.split_once('.')?;
                let is_size =
                    (1..=5).contains(&size.len()) && size.bytes().all(|byte| byte.is_ascii_digit());
                is_size.then(|| &sized[size.len()..])?
            }
            Some(_) => return None,
            None if class == THUMB => return None,
            None => rest,
        };
        let is_extension = extension.is_empty()
            || (2..=MAX_EXTENSION).contains(&extension.len())
                && extension.starts_with('.')
                && extension[1..]
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric());
        (is_class && is_uuid(stem) && is_extension).then(|| Self(text.to_owned()))
    }

    /// The key as it stands in paths and URLs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The UUID that a file shares with its thumbnails.
    #[must_use]
    pub fn stem(&self) -> &str {
        let at = self.0.find('/').map_or(0, |slash| slash + 1);
        self.0.get(at..at + UUID).unwrap_or_default()
    }

    /// Whether it names a thumbnail.
    #[must_use]
    pub fn is_thumb(&self) -> bool {
        self.0.starts_with("thumb/")
    }
}

impl<'de> Deserialize<'de> for BlobKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("no key of a blob"))
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A UUID of version 4 (RFC 9562) of these random bytes.
fn uuid(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(UUID);
    for (index, byte) in random.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for half in [byte >> 4, byte & 0x0f] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    text
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: [u8; 16] = [0xab; 16];

    #[test]
    fn keys_are_made_as_the_contract_says_and_read_again() {
        let png = BlobKey::new("image/png", RANDOM, ".png");
        assert_eq!(
            png.as_str(),
            "image/abababab-abab-4bab-abab-abababababab.png"
        );
        assert_eq!(png.stem(), "abababab-abab-4bab-abab-abababababab");
        let thumb = png.thumb(360, "webp");
        assert_eq!(
            thumb.as_str(),
            "thumb/abababab-abab-4bab-abab-abababababab-360.webp"
        );
        assert_eq!(thumb.stem(), png.stem());
        assert!(thumb.is_thumb() && !png.is_thumb());
        let bare = BlobKey::new("application/octet-stream", RANDOM, "");
        for key in [png, thumb, bare] {
            assert_eq!(BlobKey::parse(key.as_str()), Some(key));
        }
    }

    #[test]
    fn nothing_given_gets_into_a_path() {
        for (mime, extension) in [
            ("../etc/passwd", "./../x"),
            ("thumb/x", ".tar gz"),
            ("IMAGE/png", ".%2e%2e"),
            ("", "...."),
            ("application/x", ".ext한국어"),
            ("image/png", ".aVeryLongExtensionThatNobodyUses"),
        ] {
            let key = BlobKey::new(mime, RANDOM, extension);
            assert_eq!(BlobKey::parse(key.as_str()), Some(key.clone()), "{key}");
            assert!(key.as_str().len() <= 80 && !key.as_str().contains(".."));
        }
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        let stem = "abababab-abab-4bab-abab-abababababab";
        for bad in [
            String::new(),
            "image/".into(),
            format!("image/../{stem}"),
            format!("image/{stem}/x"),
            format!("image/{stem}-360.webp"),
            format!("image/{stem}."),
            format!("image/{stem}.p/g"),
            format!("Image/{stem}.png"),
            format!("thumb/{stem}.png"),
            format!("thumb/{stem}-.webp"),
            format!("thumb/{stem}-3x.webp"),
            format!(".staging/{stem}"),
            format!("image/{}", stem.to_uppercase()),
            format!("image/한{stem}"),
            format!("/image/{stem}.png"),
        ] {
            assert_eq!(BlobKey::parse(&bad), None, "{bad}");
        }
    }
}
