//! Making a received file the account's own.

use super::{MAX_ALT_CHARS, Received, receive::refused};
use crate::{
    Actor, App, Error,
    error::{FILE_INFECTED, INVALID_TOKEN, QUOTA_EXCEEDED},
    media::{self, Inspected, MadeThumb},
    model::{File, KeptFile, Thumb},
    ports::{BlobKey, NewFile, StageFile, Staged, Verdict},
};
use metrics::counter;

/// Looks at a file, takes out of it what must not be passed on, keeps its bytes, and notes it as
/// staged. Nothing is left behind when it fails, but for what the sweeper finds.
///
/// # Errors
/// [`FILE_INFECTED`]; a picture that cannot be; [`QUOTA_EXCEEDED`]; [`crate::error::STORAGE_FULL`];
/// [`crate::error::BUSY`] when too many files wait to be looked at; unavailable when storage or database
/// do not answer.
pub async fn keep(app: &App, actor: &Actor, received: Received) -> Result<KeptFile, Error> {
    let Received {
        staged,
        name,
        alt,
        sha256: came,
    } = received;
    scan(app, &staged).await?;
    let (staged, found) = app.media().inspect(staged).await.map_err(refused)?;
    let mut random = [0; 16];
    app.random(&mut random);
    let name = media::safe_name(&name);
    let key = BlobKey::new(found.mime, random, &media::extension(&name, found.mime));
    let new = NewFile {
        file: file(&key, name, &alt, &found),
        owner: actor.user,
        sha256: hex(&found.rewritten.unwrap_or(came)),
        received: hex(&came),
        quota: app.settings().user_quota,
        at: app.now(),
    };
    let (mime, size) = (new.file.mime.clone(), new.file.size);
    let thumbs: Vec<BlobKey> = new
        .file
        .thumbs
        .iter()
        .map(|thumb| thumb.key.clone())
        .collect();
    app.blobs().keep(&key, staged, &mime).await?;
    let outcome = note(app, new, &found.thumbs).await;
    match &outcome {
        Ok(kept) => {
            counter!("parlour_files_stored_total", "kind" => kept.file.kind.as_str()).increment(1);
            counter!("parlour_files_stored_bytes_total").increment(size);
        }
        Err(_) => {
            // Best effort: a blob without a row is swept.
            for key in thumbs.iter().chain([&key]) {
                let _ = app.blobs().delete(key).await;
            }
        }
    }
    outcome
}

/// Asks the scanner, where there is one, about what came, before anything else looks at it.
async fn scan(app: &App, staged: &Staged) -> Result<(), Error> {
    let Some(scanner) = app.scanner() else {
        return Ok(());
    };
    match scanner.scan(staged.path()).await? {
        Verdict::Clean => Ok(()),
        Verdict::Infected(name) => {
            tracing::warn!(%name, "a harmful file was refused");
            Err(refused(FILE_INFECTED.into()))
        }
    }
}

/// Keeps the thumbnails and the row.
async fn note(app: &App, new: NewFile, thumbs: &[MadeThumb]) -> Result<KeptFile, Error> {
    for (made, thumb) in thumbs.iter().zip(&new.file.thumbs) {
        let mut staged = app.blobs().stage().await?;
        staged.append(&made.bytes).await?;
        staged.finish().await?;
        app.blobs().keep(&thumb.key, staged, thumb.mime()).await?;
    }
    match app.store().stage_file(new).await? {
        StageFile::Staged(kept) => Ok(kept),
        StageFile::OverQuota => Err(refused(QUOTA_EXCEEDED.into())),
        // The account went away while it uploaded.
        StageFile::NoOwner => Err(INVALID_TOKEN.into()),
    }
}

/// What everybody in the room will see.
fn file(key: &BlobKey, name: String, alt: &str, found: &Inspected) -> File {
    let thumbs = found.thumbs.iter().map(|thumb| Thumb {
        key: key.thumb(thumb.longest, extension_of(thumb.mime)),
        width: thumb.width,
        height: thumb.height,
    });
    File {
        id: crate::FileId::new(0),
        thumbs: thumbs.collect(),
        key: key.clone(),
        name,
        mime: found.mime.to_owned(),
        kind: found.kind.into(),
        size: found.size,
        pixels: found.width.zip(found.height),
        duration: found.duration,
        placeholder: found.placeholder.clone(),
        alt: described(alt),
    }
}

fn extension_of(mime: &str) -> &'static str {
    if mime == "image/webp" { "webp" } else { "jpg" }
}

/// A description on one line, without control characters.
fn described(alt: &str) -> String {
    let words = alt.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    line.chars().take(MAX_ALT_CHARS).collect()
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_one_line_of_bounded_length() {
        assert_eq!(described("  a\ncat \u{0}\t here "), "a cat here");
        assert_eq!(described(&"x".repeat(5_000)).len(), MAX_ALT_CHARS);
    }
}
