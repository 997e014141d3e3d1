//! A file that has arrived is looked at once, before anybody else may see it.

use super::{
    Kind, edit, exif,
    image::{self, Decoded, MAX_PIXELS},
    kind,
    metadata::{self, Found},
    placeholder::placeholder,
    sniff::{HEAD, sniff},
    thumbnail::{self, THUMB_SIZES},
};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read},
    path::Path,
};

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Its type, from its content.
    pub mime: &'static str,
    /// How it is shown. A picture that cannot be decoded is [`Kind::Other`].
    pub kind: Kind,
    /// Its size in bytes now.
    pub size: u64,
    /// The SHA-256 of the new content when it was rewritten; `None` when not a byte changed.
    pub rewritten: Option<[u8; 32]>,
    /// Pixels from left to right as it is seen, of pictures and films.
    pub width: Option<u32>,
    /// Pixels from top to bottom as it is seen.
    pub height: Option<u32>,
    /// For how long it plays, in milliseconds, where the file says so.
    pub duration: Option<u64>,
    /// Colours that stand where the picture will be; see docs/guide/storage.md.
    pub placeholder: Option<String>,
    /// Smaller versions, the smallest first; none where the picture itself is small.
    pub thumbs: Vec<MadeThumb>,
}

/// A smaller version of a picture, encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct MadeThumb {
    /// Which of [`THUMB_SIZES`] it is.
    pub longest: u32,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// `image/jpeg` or `image/webp`.
    pub mime: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for MadeThumb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {}x{} of {} bytes",
            self.mime,
            self.width,
            self.height,
            self.bytes.len()
        )
    }
}

/// Finds out what the file is, takes out of it what it says about its sender, turns a photo upright,
/// and makes thumbnails. Works on the calling thread: call it on a [`Pool`](super::Pool).
///
/// What is broken, too large to decode or of no known type is no error: it is kept as it came and
/// shown as a file to download.
///
/// # Errors
/// What the disk says.
pub fn inspect(path: &Path) -> io::Result<Inspected> {
    let mut head = Vec::with_capacity(HEAD);
    File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    let mime = sniff(&head);
    let mut seen = Inspected {
        mime,
        kind: kind(mime),
        size: 0,
        rewritten: None,
        width: None,
        height: None,
        duration: None,
        placeholder: None,
        thumbs: Vec::new(),
    };
    let reader = BufReader::with_capacity(1 << 16, File::open(path)?);
    match metadata::scan(mime, reader) {
        Ok(None) => {}
        Ok(Some(found)) => look(path, &mut seen, found)?,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData
            ) =>
        {
            hide(&mut seen);
        }
        Err(error) => return Err(error),
    }
    seen.size = fs::metadata(path)?.len();
    Ok(seen)
}

/// A broken picture is a file to download; films and sound are left to the player.
fn hide(seen: &mut Inspected) {
    if seen.kind == Kind::Image {
        seen.kind = Kind::Other;
    }
}

fn look(path: &Path, seen: &mut Inspected, mut found: Found) -> io::Result<()> {
    let sides = exif::seen(found.width, found.height, found.orientation);
    let decoded = if seen.kind == Kind::Image {
        image::decode(path, seen.mime, &found, THUMB_SIZES[1])
    } else {
        None
    };
    // No decoder of AVIF is here: its header has to do.
    let trusted =
        seen.mime == "image/avif" && u64::from(sides.0) * u64::from(sides.1) <= MAX_PIXELS;
    if decoded.is_none() && !trusted {
        hide(seen);
    }
    if sides.0 > 0 && sides.1 > 0 && matches!(seen.kind, Kind::Image | Kind::Video) {
        (seen.width, seen.height) = (Some(sides.0), Some(sides.1));
    }
    seen.duration = found.duration;
    if let Some(Decoded { canvas, whole }) = decoded {
        let canvas = canvas.turned(found.orientation);
        let profile = found.profile.as_deref();
        seen.thumbs = thumbnail::thumbnails(&canvas, sides, profile);
        seen.placeholder = Some(placeholder(&canvas));
        if let Some(whole) = whole {
            turn(path, &whole, &found)?;
            seen.rewritten = Some(hash(path)?);
            return Ok(());
        }
    }
    if seen.mime == "image/jpeg" && found.orientation != exif::UPRIGHT {
        // Too large or too odd to be turned: browsers turn it by the one tag that stays.
        found.edits.put(2..2, exif_segment(found.orientation))?;
    }
    if !found.edits.is_empty() {
        found.edits.apply(path)?;
        seen.rewritten = Some(hash(path)?);
    }
    Ok(())
}

/// An EXIF segment of JPEG with nothing but the Orientation.
fn exif_segment(orientation: u8) -> Vec<u8> {
    let block = exif::only(orientation);
    let length = (2 + 6 + block.len()) as u16;
    [
        &[0xff, 0xe1][..],
        &length.to_be_bytes(),
        b"Exif\0\0",
        &block,
    ]
    .concat()
}

fn turn(path: &Path, whole: &image::Whole, found: &Found) -> io::Result<()> {
    let beside = edit::beside(path);
    let file = edit::create(&beside)?;
    let written = thumbnail::upright(whole, found.orientation, found.profile.as_deref(), file)
        .ok_or_else(|| io::Error::other("a photo could not be turned"))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What cannot be removed now is swept with the other leftovers.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(&piece[..read]),
        }
    }
}

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
