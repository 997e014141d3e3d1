//! WebP (Google's container specification, RFC 9649): chunks of RIFF.

use super::{Found, Scan, broken, exif};
use std::io::{self, BufRead, Seek};

const HAS_XMP: u8 = 0x04;
const HAS_EXIF: u8 = 0x08;
/// Most bytes of EXIF that are read.
const EXIF: usize = 1 << 16;

pub(super) fn scan<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<Found> {
    let riff: [u8; 12] = scan.array()?;
    let size = u32::from_le_bytes([riff[4], riff[5], riff[6], riff[7]]);
    let mut found = Found::new();
    let mut flags = None;
    let end = (u64::from(size) + 8).min(scan.end);
    while scan.at + 8 <= end {
        let start = scan.at;
        let name: [u8; 4] = scan.array()?;
        let length = u64::from(u32::from_le_bytes(scan.array()?));
        let Ok(after) = scan.after(length + length % 2) else {
            // Cut off: the last pad byte may be missing, too.
            break;
        };
        match &name {
            b"VP8X" => {
                flags = Some((scan.at, canvas(&mut found, &scan.part(length, 10)?)?));
            }
            b"VP8 " | b"VP8L" => {
                let head = scan.part(length, 10)?;
                found.decodable = true;
                if found.width == 0 {
                    frame(&mut found, &name, &head)?;
                }
            }
            b"EXIF" => {
                found.orientation = exif::orientation(&scan.part(length, EXIF)?);
                exif_chunk(&mut found, start..after)?;
            }
            b"ANMF" => found.decodable = true,
            b"ICCP" | b"ALPH" | b"ANIM" => {}
            _ => found.edits.drop(start..after)?,
        }
        scan.go(after)?;
    }
    if let Some((at, flags)) = flags {
        let keeps = if found.orientation == exif::UPRIGHT {
            0
        } else {
            flags & HAS_EXIF
        };
        let now = flags & !(HAS_EXIF | HAS_XMP) | keeps;
        if now != flags {
            found.edits.put(at..at + 1, vec![now])?;
        }
    }
    if end < scan.end {
        found.edits.drop(end..scan.end)?;
    }
    let shorter = found.edits.shrinks_by() - (scan.end - end).cast_signed();
    if shorter != 0 {
        let size = u32::try_from(i64::from(size) - shorter).map_err(|_| broken("a size"))?;
        found.edits.put(4..8, size.to_le_bytes().to_vec())?;
    }
    let pixels = u64::from(found.width) * u64::from(found.height);
    // The picture, and the planes or the second copy of it that decoding holds.
    found.memory = pixels * 8;
    found.decodable &= found.width > 0;
    Ok(found)
}

fn exif_chunk(found: &mut Found, range: std::ops::Range<u64>) -> io::Result<()> {
    if found.orientation == exif::UPRIGHT {
        return found.edits.drop(range);
    }
    let only = exif::only(found.orientation);
    let mut chunk = b"EXIF".to_vec();
    chunk.extend((only.len() as u32).to_le_bytes());
    chunk.extend(only);
    found.edits.put(range, chunk)
}

/// The extended header: its flags are answered.
fn canvas(found: &mut Found, body: &[u8]) -> io::Result<u8> {
    let &[flags, _, _, _, a, b, c, d, e, f] =
        body.first_chunk().ok_or_else(|| broken("a canvas"))?;
    found.width = u32::from_le_bytes([a, b, c, 0]) + 1;
    found.height = u32::from_le_bytes([d, e, f, 0]) + 1;
    Ok(flags)
}

/// The header of a picture without a canvas.
fn frame(found: &mut Found, name: &[u8; 4], head: &[u8]) -> io::Result<()> {
    let &[a, b, c, d, e, _, f, g, h, i] = head.first_chunk().ok_or_else(|| broken("a frame"))?;
    if name == b"VP8L" {
        let bits = u32::from_le_bytes([b, c, d, e]);
        (found.width, found.height) = ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
        return if a == 0x2f {
            Ok(())
        } else {
            Err(broken("a signature"))
        };
    }
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    (found.width, found.height) = (side(f, g), side(h, i));
    Ok(())
}
