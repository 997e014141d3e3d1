//! Films and pictures in boxes (ISO/IEC 14496-12): MP4, QuickTime, 3GP, AVIF, HEIC.
//!
//! In films the boxes that hold places, dates and names of devices (`udta`, `meta`, and XMP in `uuid`)
//! become free space; in pictures the EXIF and XMP items are filled with zeros. No byte moves, so the
//! tables of positions stay right.

use super::{Found, Scan, broken, items};
use std::io::{self, BufRead, Seek};

/// More boxes in a row than any file has whose boxes are worth reading.
const MOST: usize = 10_000;
/// Largest list of items that is read.
const META: u64 = 1 << 20;

struct Header {
    name: [u8; 4],
    start: u64,
    end: u64,
}

pub(super) fn scan<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<Found> {
    let mut found = Found::new();
    let end = scan.end;
    for index in 0.. {
        if scan.at + 8 > end {
            break;
        }
        if index > MOST {
            return Err(broken("too many boxes"));
        }
        let header = match header(scan, end) {
            Ok(header) => header,
            // Cut off: what was found before counts.
            Err(_) if index > 0 => break,
            Err(error) => return Err(error),
        };
        match &header.name {
            b"moov" => film(scan, &mut found, header.end)?,
            b"meta" => picture(scan, &mut found, header.end)?,
            b"uuid" | b"udta" => free(scan, &mut found, &header)?,
            _ => {}
        }
        scan.go(header.end)?;
    }
    Ok(found)
}

fn header<R: BufRead + Seek>(scan: &mut Scan<R>, limit: u64) -> io::Result<Header> {
    let start = scan.at;
    let mut size = u64::from(u32::from_be_bytes(scan.array()?));
    let name = scan.array()?;
    if size == 1 {
        size = u64::from_be_bytes(scan.array()?);
    } else if size == 0 {
        size = limit - start;
    }
    let end = start
        .checked_add(size)
        .filter(|end| *end <= limit && *end >= scan.at);
    let end = end.ok_or_else(|| broken("a box beyond its parent"))?;
    Ok(Header { name, start, end })
}

/// Makes a box free space: its name and what is in it.
fn free<R: BufRead + Seek>(scan: &Scan<R>, found: &mut Found, header: &Header) -> io::Result<()> {
    found
        .edits
        .put(header.start + 4..header.start + 8, b"free".to_vec())?;
    found.edits.zero(scan.at..header.end)
}

/// Walks the boxes of a film (`moov`) and of its tracks (`trak`).
fn film<R: BufRead + Seek>(scan: &mut Scan<R>, found: &mut Found, end: u64) -> io::Result<()> {
    for _ in 0..MOST {
        if scan.at + 8 > end {
            return Ok(());
        }
        let inner = header(scan, end)?;
        match &inner.name {
            // Its boxes come next: one loop, so no depth that a file could choose.
            b"trak" => continue,
            b"mvhd" => found.duration = duration(&scan.part(inner.end - scan.at, 32)?),
            b"tkhd" => track(found, &scan.part(inner.end - scan.at, 96)?),
            b"udta" | b"meta" | b"uuid" => free(scan, found, &inner)?,
            _ => {}
        }
        scan.go(inner.end)?;
    }
    Err(broken("too many boxes"))
}

/// Milliseconds, by the header of a film.
fn duration(body: &[u8]) -> Option<u64> {
    let (scale, length) = match body.first()? {
        0 => (super::big32(body, 12)?, u64::from(super::big32(body, 16)?)),
        _ => {
            let high = u64::from(super::big32(body, 24)?);
            (
                super::big32(body, 20)?,
                high << 32 | u64::from(super::big32(body, 28)?),
            )
        }
    };
    length
        .checked_mul(1000)?
        .checked_div(u64::from(scale))
        .filter(|length| *length > 0)
}

/// The size of the first track that is seen.
fn track(found: &mut Found, body: &[u8]) {
    let at = if body.first() == Some(&1) { 52 } else { 40 };
    let whole = |at| super::big32(body, at).map_or(0, |fixed| fixed >> 16);
    let (width, height) = (whole(at + 36), whole(at + 40));
    if width == 0 || height == 0 || found.width > 0 {
        return;
    }
    // The matrix of a quarter turn has nothing in its first place.
    let is_turned = super::big32(body, at) == Some(0);
    (found.width, found.height) = if is_turned {
        (height, width)
    } else {
        (width, height)
    };
}

/// A list of items (`meta`): pictures have it at the top of the file.
fn picture<R: BufRead + Seek>(scan: &mut Scan<R>, found: &mut Found, end: u64) -> io::Result<()> {
    let at = scan.at;
    if end - at > META {
        return Err(broken("a list of items too long to read"));
    }
    let body = scan.part(end - at, META as usize)?;
    items::scan(&body, at, scan.end, found).ok_or_else(|| broken("a list of items"))?
}
