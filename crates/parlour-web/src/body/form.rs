//! Forms: `application/x-www-form-urlencoded` and `multipart/form-data`.

use super::{
    fields::{Field, Fields},
    read::{BodyError, guarded},
};
use axum::body::Body;
use bytes::BytesMut;

/// Most parts of one form.
const MAX_PARTS: usize = 1_000;

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

/// Reads a multipart form. Texts are kept up to `text_limit` bytes together; of a file only its name,
/// size and beginning are kept until files are stored.
pub(super) async fn multipart(
    body: Body,
    boundary: String,
    limit: u64,
    text_limit: usize,
) -> Result<Fields, BodyError> {
    let mut parts = multer::Multipart::new(guarded(body, limit), boundary);
    let mut fields = Fields::default();
    let mut texts = 0;
    for count in 0.. {
        let Some(mut part) = parts.next_field().await.map_err(mend)? else {
            break;
        };
        if count >= MAX_PARTS {
            return Err(too_many_parts());
        }
        let Some(name) = part.name().map(str::to_owned) else {
            return Err(BodyError::Malformed(
                "Multipart form parse error - a part has no name".into(),
            ));
        };
        let file_name = part.file_name().map(str::to_owned);
        let mut size = 0_u64;
        let mut text = BytesMut::new();
        while let Some(piece) = part.chunk().await.map_err(mend)? {
            size += piece.len() as u64;
            if file_name.is_some() {
                // Only so much that a small picture fits, and that a larger one is seen to be one.
                let room = SMALL_FILE.saturating_sub(text.len());
                text.extend_from_slice(&piece[..piece.len().min(room)]);
            } else {
                texts += piece.len();
                if texts > text_limit {
                    return Err(BodyError::TooLarge);
                }
                text.extend_from_slice(&piece);
            }
        }
        let field = match file_name {
            Some(name) => Field::File {
                name,
                size,
                start: text.freeze(),
            },
            None => Field::Text(String::from_utf8(text.into()).map_err(|_| {
                BodyError::Malformed("Multipart form parse error - a text is not UTF-8".into())
            })?),
        };
        fields.insert(name, field);
    }
    Ok(fields)
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
