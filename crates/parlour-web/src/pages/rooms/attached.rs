//! Files as the rows and the gallery of a room show them. `assets/js/rows.js` draws the same of files
//! that come later.

use parlour_core::{
    FileId,
    model::{File, FileKind},
};
use parlour_realtime::FileUrl;
use serde::Serialize;

/// A file that hangs on a message.
#[derive(Debug, Serialize)]
pub(super) struct Attached {
    id: FileId,
    url: String,
    kind: FileKind,
    /// Whether it is drawn as a picture: one whose size nobody knows would move the page when it comes.
    is_picture: bool,
    name: String,
    alt: String,
    /// What its name ends with, as a mark on its row.
    ending: Option<String>,
    /// Its size for people.
    size: String,
    /// Pixels.
    width: Option<u32>,
    height: Option<u32>,
    /// Colours that stand for it until it is there.
    placeholder: Option<String>,
    thumbs: Vec<Smaller>,
}

/// A smaller version of a picture.
#[derive(Debug, Serialize)]
struct Smaller {
    url: String,
    width: u32,
}

impl Attached {
    /// Whether it is drawn as a picture.
    pub(super) const fn is_picture(&self) -> bool {
        self.is_picture
    }
}

impl From<&File> for Attached {
    fn from(file: &File) -> Self {
        let url = |key| FileUrl::of(key).to_string();
        let pixels = file
            .pixels
            .filter(|(width, height)| *width > 0 && *height > 0);
        Self {
            id: file.id,
            url: url(&file.key),
            kind: file.kind,
            is_picture: file.kind == FileKind::Image && pixels.is_some(),
            name: file.name.clone(),
            alt: file.alt.clone(),
            ending: ending(&file.name),
            size: size(file.size),
            width: pixels.map(|(width, _)| width),
            height: pixels.map(|(_, height)| height),
            placeholder: file.placeholder.clone(),
            thumbs: file
                .thumbs
                .iter()
                .map(|thumb| Smaller {
                    url: url(&thumb.key),
                    width: thumb.width,
                })
                .collect(),
        }
    }
}

/// Up to four letters or digits after the last point of a name.
fn ending(name: &str) -> Option<String> {
    let (_, ending) = name.rsplit_once('.')?;
    let short = (1..=4).contains(&ending.len());
    let plain = ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (short && plain).then(|| ending.to_ascii_uppercase())
}

/// "813 B", "1.9 MB", "12 GB": as `bytes` of texts.js says it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let bytes = u128::from(bytes);
    let (mut unit, mut scale) = (0, 1_u128);
    // 1023.5 of a unit are one of the next.
    while unit + 1 < UNITS.len() && bytes * 2 >= scale * 2047 {
        unit += 1;
        scale *= 1024;
    }
    let tenths = (bytes * 10 + scale / 2) / scale;
    let few = unit > 0 && bytes * 100 < scale * 995;
    match (few, tenths % 10) {
        (true, rest @ 1..) => format!("{}.{rest} {}", tenths / 10, UNITS[unit]),
        (true, 0) => format!("{} {}", tenths / 10, UNITS[unit]),
        (false, _) => format!("{} {}", (bytes + scale / 2) / scale, UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_people_read_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1 KB"),
            (1_500, "1.5 KB"),
            (10_189, "10 KB"),
            (700 << 10, "700 KB"),
            (1_048_063, "1023 KB"),
            (1_048_064, "1 MB"),
            (26_214_400, "25 MB"),
            (u64::MAX, "16777216 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn endings_are_short_and_plain() {
        assert_eq!(ending("plan.pdf").as_deref(), Some("PDF"));
        assert_eq!(ending("a.tar.gz").as_deref(), Some("GZ"));
        for name in ["plan", "plan.", "plan.backup", "plan.한글", "a.b c"] {
            assert_eq!(ending(name), None, "{name}");
        }
    }
}
