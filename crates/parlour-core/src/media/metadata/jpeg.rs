//! JPEG (ITU-T T.81, annex B): segments, and coded data between them.
//!
//! Kept are the segments that decoding needs, the JFIF header, the colour profile and Adobe's note on
//! colours. Out go EXIF, XMP, IPTC, comments, thumbnails of cameras, and everything behind the end of
//! the picture (where phones put films and second pictures).

use super::{Found, Scan, broken, exif};
use std::io::{self, BufRead, ErrorKind, Seek};

/// More passes over a picture than any encoder makes; each costs a walk over all its blocks.
const MOST_SCANS: u32 = 64;
/// Most bytes that are read of one segment.
const SEGMENT: usize = 1 << 16;
const ICC: &[u8] = b"ICC_PROFILE\0";

pub(super) fn scan<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<Found> {
    if scan.array()? != [0xff, 0xd8] {
        return Err(broken("no JPEG"));
    }
    let mut found = Found::new();
    let mut scans = 0;
    let mut oriented = false;
    let mut thinned = false;
    loop {
        let marker = match next_marker(scan) {
            Ok(marker) => marker,
            // Cut off: what came before tells enough to show the part that is there.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && scans > 0 => break,
            Err(error) => return Err(error),
        };
        let start = scan.at - 2;
        match marker {
            0xd9 => {
                found.edits.drop(scan.at..scan.end)?;
                break;
            }
            // Markers without a length.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = u16::from_be_bytes(scan.array()?);
        let body = scan.part(
            u64::from(length)
                .checked_sub(2)
                .ok_or_else(|| broken("a length"))?,
            SEGMENT,
        )?;
        match marker {
            0xc0..=0xc2 => {
                frame(&mut found, &body, marker)?;
                thinned = marker != 0xc2 && is_thinned(&body);
            }
            0xda => {
                scans += 1;
                skip_coded(scan)?;
            }
            0xe1 if body.starts_with(b"Exif\0\0") => {
                if !oriented {
                    found.orientation = exif::orientation(&body);
                    oriented = true;
                }
                found.edits.drop(start..scan.at)?;
            }
            0xe2 if body.starts_with(ICC) => profile(&mut found, &body),
            0xe0 if body.starts_with(b"JFIF\0") => {}
            0xee if body.starts_with(b"Adobe") => {}
            0xe0..=0xef | 0xfe => found.edits.drop(start..scan.at)?,
            _ => {}
        }
    }
    // Arithmetic coding and the like leave the frame unknown.
    found.decodable = found.width > 0 && found.height > 0 && scans > 0 && scans <= MOST_SCANS;
    // zune-jpeg 0.5.15 gets the colours wrong where those of fewer pixels come in a pass of their own.
    found.decodable &= !(thinned && scans > 1);
    Ok(found)
}

/// Whether the components of a frame have different numbers of pixels.
fn is_thinned(body: &[u8]) -> bool {
    body.get(6..)
        .unwrap_or_default()
        .chunks_exact(3)
        .any(|component| component[1] != 0x11)
}

/// The next marker's code. Bytes that do not belong anywhere are passed, as browsers do.
fn next_marker<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<u8> {
    loop {
        if scan.byte()? != 0xff {
            continue;
        }
        let mut code = scan.byte()?;
        while code == 0xff {
            code = scan.byte()?;
        }
        if code != 0 {
            return Ok(code);
        }
    }
}

/// Goes to the marker behind coded data.
fn skip_coded<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<()> {
    let mut after_ff = false;
    loop {
        let buffer = scan.reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let mut used = buffer.len();
        let mut ends = false;
        for (index, byte) in buffer.iter().enumerate() {
            if after_ff && !matches!(byte, 0 | 0xd0..=0xd7 | 0xff) {
                used = index + 1;
                ends = true;
                break;
            }
            after_ff = *byte == 0xff;
        }
        scan.reader.consume(used);
        scan.at += used as u64;
        if ends {
            // Back before the marker, which the caller reads.
            let at = scan.at - 2;
            return scan.go(at);
        }
    }
}

/// The header of a frame: its size, and from its components what decoding takes.
fn frame(found: &mut Found, body: &[u8], marker: u8) -> io::Result<()> {
    let (Some(&bits), Some(height), Some(width), Some(&count)) = (
        body.first(),
        super::big16(body, 1),
        super::big16(body, 3),
        body.get(5),
    ) else {
        return Err(broken("a frame"));
    };
    if found.width > 0 || bits != 8 {
        return Err(broken("a second frame, or not 8 bits"));
    }
    (found.width, found.height) = (u32::from(width), u32::from(height));
    let pixels = u64::from(width) * u64::from(height);
    // Red, green and blue; a progressive picture holds the coefficients of all components besides.
    let coefficients = if marker == 0xc2 {
        2 * u64::from(count)
    } else {
        0
    };
    found.memory = pixels * (3 + coefficients);
    Ok(())
}

/// Keeps the colour profile where it is one piece and short.
fn profile(found: &mut Found, body: &[u8]) {
    if let Some([1, 1, profile @ ..]) = body.strip_prefix(ICC) {
        found.profile = Some(profile.to_vec());
    }
}
