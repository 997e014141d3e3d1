//! Forms: `application/x-www-form-urlencoded` and `multipart/form-data`.

use super::{
    fields::{Field, Fields},
    read::{BodyError, guarded},
    uploads::{self, Keeper},
};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Most parts of one form.
const MAX_PARTS: usize = 1_000;

/// Most bytes of the head of a part, or of what stands before the first part: the parser keeps them in
/// memory and searches them again with every piece that comes.
const MAX_HEAD: u64 = 2 << 20;

/// How much of a file is kept in memory: one byte more than the largest small file.
const SMALL_FILE: usize = parlour_core::site::MAX_LOGO_BYTES + 1;

/// Reads an urlencoded form; of a repeated key the last value counts.
pub(super) fn urlencoded(bytes: &[u8]) -> Result<Fields, BodyError> {
    let mut fields = Fields::default();
    for (count, (name, value)) in form_urlencoded::parse(bytes).enumerate() {
        if count >= MAX_PARTS {
            return Err(too_many_parts());
        }
        fields.insert(name.into_owned(), Field::Text(value.into_owned()));
    }
    Ok(fields)
}

/// Reads a multipart form, its parts in any order. Texts are kept up to `text_limit` bytes together;
/// files go where the keeper says, of others only the name, size and beginning are kept.
pub(super) async fn multipart(
    body: Body,
    boundary: String,
    (limit, text_limit): (u64, usize),
    mut keeper: Keeper<'_>,
) -> Result<Fields, BodyError> {
    let unread = Unread::default();
    let mut parts = multer::Multipart::new(unread.watch(guarded(body, limit)), boundary);
    let mut fields = Fields::default();
    let mut alts = Vec::new();
    let mut texts = 0;
    for count in 0.. {
        let Some(mut part) = parts.next_field().await.map_err(mend)? else {
            break;
        };
        unread.settle();
        if count >= MAX_PARTS {
            return Err(too_many_parts());
        }
        let Some(name) = part.name().map(str::to_owned) else {
            return Err(BodyError::Malformed(
                "Multipart form parse error - a part has no name".into(),
            ));
        };
        match part.file_name().map(str::to_owned) {
            Some(file_name) => match keeper.begin(&name, &file_name).await? {
                Some(mut receiving) => {
                    while let Some(piece) = part.chunk().await.map_err(mend)? {
                        unread.settle();
                        receiving.push(&piece).await.map_err(BodyError::Refused)?;
                    }
                    uploads::finish(&name, fields.uploads(), receiving).await?;
                }
                None => {
                    let file = beginning(&mut part, file_name, &unread).await?;
                    fields.insert(name, file);
                }
            },
            None => {
                let text = text(&mut part, (&mut texts, text_limit), &unread).await?;
                if name == "alt" {
                    alts.push(text);
                } else {
                    fields.insert(name, Field::Text(text));
                }
            }
        }
    }
    fields.uploads().describe(alts);
    Ok(fields)
}

/// How many bytes the parser took since it last gave something.
#[derive(Default)]
struct Unread(Arc<AtomicU64>);

impl Unread {
    /// The pieces of a body, as long as the parser makes something of them.
    fn watch(
        &self,
        pieces: impl Stream<Item = Result<Bytes, BodyError>>,
    ) -> impl Stream<Item = Result<Bytes, BodyError>> {
        let count = Arc::clone(&self.0);
        pieces.map(move |piece| {
            let piece = piece?;
            let size = piece.len() as u64;
            if count.fetch_add(size, Ordering::Relaxed) + size > MAX_HEAD {
                let text = "Multipart form parse error - the head of a part is too long";
                return Err(BodyError::Malformed(text.into()));
            }
            Ok(piece)
        })
    }

    fn settle(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A file that is not kept: only so much of it that a small picture fits, and that a larger one is
/// seen to be one.
async fn beginning(
    part: &mut multer::Field<'_>,
    name: String,
    unread: &Unread,
) -> Result<Field, BodyError> {
    let mut size = 0_u64;
    let mut start = BytesMut::new();
    while let Some(piece) = part.chunk().await.map_err(mend)? {
        unread.settle();
        size += piece.len() as u64;
        let room = SMALL_FILE.saturating_sub(start.len());
        start.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    Ok(Field::File {
        name,
        size,
        start: start.freeze(),
    })
}

/// A text; `texts` counts the bytes of all.
async fn text(
    part: &mut multer::Field<'_>,
    (texts, limit): (&mut usize, usize),
    unread: &Unread,
) -> Result<String, BodyError> {
    let mut text = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(mend)? {
        unread.settle();
        *texts += piece.len();
        if *texts > limit {
            return Err(BodyError::TooLarge);
        }
        text.extend_from_slice(&piece);
    }
    String::from_utf8(text).map_err(|_| {
        BodyError::Malformed("Multipart form parse error - a text is not UTF-8".into())
    })
}

fn too_many_parts() -> BodyError {
    BodyError::Malformed(format!("Form parse error - more than {MAX_PARTS} parts"))
}

/// The reason inside of multer's error.
fn mend(error: multer::Error) -> BodyError {
    if let multer::Error::StreamReadFailed(source) = error {
        return match source.downcast::<BodyError>() {
            Ok(ours) => *ours,
            Err(_) => BodyError::Broken,
        };
    }
    BodyError::Malformed(format!("Multipart form parse error - {error}"))
}
