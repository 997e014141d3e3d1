//! Files as clients see them: one serialisation for REST and every socket.

use parlour_core::{
    FileId, UserId,
    model::{File, FileKind},
    ports::BlobKey,
};
use serde::{Serialize, Serializer, ser::SerializeSeq as _};
use std::{fmt, sync::Arc};

/// Where the files of this server are.
pub const MEDIA: &str = "/media/";

/// Makes the whole address of a file, for one who may read it.
pub type Signer = dyn Fn(&BlobKey) -> String + Send + Sync;

/// Makes addresses of files that load as they stand, each for one account: what sockets are told whose
/// clients may bring nothing of their own to a file (contract 5 and 6).
#[derive(Clone)]
pub struct FileSigner(Arc<Sign>);

/// For whom, and which file.
type Sign = dyn Fn(UserId, &BlobKey) -> String + Send + Sync;

impl FileSigner {
    /// By this function.
    #[must_use]
    pub fn new(sign: impl Fn(UserId, &BlobKey) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(sign))
    }

    /// What puts addresses for this account into views.
    pub(crate) fn of(&self, user: UserId) -> Box<Signer> {
        let sign = Arc::clone(&self.0);
        Box::new(move |key| sign(user, key))
    }
}

impl fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileSigner")
    }
}

/// The address of a file: its path, or what a [`Signer`] makes.
#[derive(Clone, Copy)]
pub struct FileUrl<'a> {
    key: &'a BlobKey,
    signer: Option<&'a Signer>,
}

impl<'a> FileUrl<'a> {
    /// The path, for those who come with a session or token of their own.
    #[must_use]
    pub const fn of(key: &'a BlobKey) -> Self {
        Self { key, signer: None }
    }

    pub(crate) const fn signed(self, signer: &'a Signer) -> Self {
        Self {
            key: self.key,
            signer: Some(signer),
        }
    }
}

impl fmt::Display for FileUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.signer {
            Some(signer) => f.write_str(&signer(self.key)),
            None => write!(f, "{MEDIA}{}", self.key),
        }
    }
}

impl fmt::Debug for FileUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the signature: it is a credential.
        write!(f, "{MEDIA}{}", self.key)
    }
}

impl Serialize for FileUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The files of a message.
#[derive(Clone, Copy)]
pub struct FileViews<'a> {
    files: &'a [Arc<File>],
    signer: Option<&'a Signer>,
}

impl<'a> FileViews<'a> {
    /// With their paths.
    #[must_use]
    pub const fn of(files: &'a [Arc<File>]) -> Self {
        Self {
            files,
            signer: None,
        }
    }

    /// With addresses that load as they stand.
    #[must_use]
    pub const fn signed(self, signer: &'a Signer) -> Self {
        Self {
            files: self.files,
            signer: Some(signer),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl fmt::Debug for FileViews<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.files).finish()
    }
}

impl Serialize for FileViews<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.files.len()))?;
        for file in self.files {
            list.serialize_element(&FileView::of(file, self.signer))?;
        }
        list.end()
    }
}

/// A file on the wire. The order of the fields is the order of the keys.
#[derive(Serialize)]
pub struct FileView<'a> {
    id: FileId,
    url: FileUrl<'a>,
    /// Its MIME type.
    #[serde(rename = "type")]
    mime: &'a str,
    kind: FileKind,
    name: &'a str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<&'a str>,
    alt: &'a str,
    thumbs: Vec<ThumbView<'a>>,
}

/// A thumbnail on the wire.
#[derive(Serialize)]
struct ThumbView<'a> {
    url: FileUrl<'a>,
    width: u32,
    height: u32,
}

impl<'a> FileView<'a> {
    /// A file, with addresses that load as they stand or with paths.
    #[must_use]
    pub fn of(file: &'a File, signer: Option<&'a Signer>) -> Self {
        let url = |key| FileUrl { key, signer };
        Self {
            id: file.id,
            url: url(&file.key),
            mime: &file.mime,
            kind: file.kind,
            name: &file.name,
            size: file.size,
            width: file.pixels.map(|pixels| pixels.0),
            height: file.pixels.map(|pixels| pixels.1),
            duration: file.duration,
            placeholder: file.placeholder.as_deref(),
            alt: &file.alt,
            thumbs: file
                .thumbs
                .iter()
                .map(|thumb| ThumbView {
                    url: url(&thumb.key),
                    width: thumb.width,
                    height: thumb.height,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::model::Thumb;

    #[test]
    fn a_file_as_it_is_told() {
        let key = BlobKey::new("image/png", [1; 16], ".png");
        let file = File {
            id: FileId::new(7),
            name: "a \"cat\".png".to_owned(),
            mime: "image/png".to_owned(),
            kind: FileKind::Image,
            size: 4,
            pixels: Some((640, 480)),
            duration: None,
            placeholder: None,
            alt: String::new(),
            thumbs: vec![Thumb {
                key: key.thumb(360, "webp"),
                width: 360,
                height: 270,
            }],
            key,
        };
        let stem = "01010101-0101-4101-8101-010101010101";
        let files = [Arc::new(file)];
        let json = serde_json::to_string(&FileViews::of(&files)).expect("serialises");
        let expected = format!(
            concat!(
                r#"[{{"id":7,"url":"/media/image/{0}.png","type":"image/png","kind":"image","#,
                r#""name":"a \"cat\".png","size":4,"width":640,"height":480,"alt":"","#,
                r#""thumbs":[{{"url":"/media/thumb/{0}-360.webp","width":360,"height":270}}]}}]"#
            ),
            stem
        );
        assert_eq!(json, expected);
        let signer = |key: &BlobKey| format!("https://x/media/{key}?sig=s");
        let signed = FileViews::of(&files).signed(&signer);
        let json = serde_json::to_value(signed).expect("serialises");
        assert_eq!(
            json[0]["url"],
            format!("https://x/media/image/{stem}.png?sig=s")
        );
    }
}
