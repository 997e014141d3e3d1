//! What a file says about its sender, and what of it is taken out.
//!
//! Each format is read by its structure only; no picture is decoded here.

mod boxes;
mod gif;
mod items;
mod jpeg;
mod png;
mod webp;

use super::{edit::Edits, exif};
use std::io::{self, BufRead, Seek, SeekFrom};

/// What the structure of a file tells.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Pixels from left to right, as stored.
    pub(super) width: u32,
    /// Pixels from top to bottom, as stored.
    pub(super) height: u32,
    /// How it is to be turned (EXIF); 1 when it is upright.
    pub(super) orientation: u8,
    /// For how long it plays, in milliseconds.
    pub(super) duration: Option<u64>,
    /// What has to be taken out.
    pub(super) edits: Edits,
    /// Bytes that decoding it as a whole takes, over a guess that is too high rather than too low.
    pub(super) memory: u64,
    /// Whether decoding may begin at all.
    pub(super) decodable: bool,
    /// Its colour profile (ICC), where that is short.
    pub(super) profile: Option<Vec<u8>>,
}

impl Found {
    fn new() -> Self {
        Self {
            orientation: exif::UPRIGHT,
            ..Self::default()
        }
    }
}

/// Reads the structure of a file of this type; `None` for types that have none that we know.
///
/// # Errors
/// `UnexpectedEof` or `InvalidData` when the structure is broken before it tells enough.
pub(super) fn scan(mime: &str, reader: impl BufRead + Seek) -> io::Result<Option<Found>> {
    let mut scan = Scan::new(reader)?;
    match mime {
        "image/jpeg" => jpeg::scan(&mut scan).map(Some),
        "image/png" => png::scan(&mut scan).map(Some),
        "image/gif" => gif::scan(&mut scan).map(Some),
        "image/webp" => webp::scan(&mut scan).map(Some),
        "image/avif" | "image/heic" | "image/heif" | "video/mp4" | "video/quicktime"
        | "video/3gpp" => boxes::scan(&mut scan).map(Some),
        _ => Ok(None),
    }
}

/// A reader that knows where it is.
struct Scan<R> {
    reader: R,
    at: u64,
    end: u64,
}

impl<R: BufRead + Seek> Scan<R> {
    fn new(mut reader: R) -> io::Result<Self> {
        let end = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        Ok(Self { reader, at: 0, end })
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// At most `most` bytes of the next `length`; all of these are passed.
    fn part(&mut self, length: u64, most: usize) -> io::Result<Vec<u8>> {
        let after = self.after(length)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(most).min(most)];
        self.reader.read_exact(&mut bytes)?;
        self.at += bytes.len() as u64;
        self.go(after)?;
        Ok(bytes)
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        let after = self.after(length)?;
        self.go(after)
    }

    fn go(&mut self, to: u64) -> io::Result<()> {
        self.reader
            .seek_relative(to.cast_signed() - self.at.cast_signed())?;
        self.at = to;
        Ok(())
    }

    /// The position after so many bytes more, which must lie within the file.
    fn after(&self, length: u64) -> io::Result<u64> {
        let after = self
            .at
            .checked_add(length)
            .filter(|after| *after <= self.end);
        after.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.end
    }
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A 32-bit number, the big end first, at an offset.
fn big32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// A 16-bit number, the big end first, at an offset.
fn big16(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests;
