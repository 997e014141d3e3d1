//! The items of a picture in boxes (ISO/IEC 23008-12): which of them are EXIF or XMP, where they are,
//! and how large the picture is.

use super::{Found, big16, big32};
use std::{io, ops::Range};

/// More items than a picture has.
const MOST: usize = 4096;

/// Reads a `meta` box whose body begins at `at` in a file of `end` bytes; `None` when it is broken.
pub(super) fn scan(body: &[u8], at: u64, end: u64, found: &mut Found) -> Option<io::Result<()>> {
    // The version and flags of the box come first.
    let lists: Vec<_> = boxes(body, 4).take(MOST).collect();
    let list = |name: &[u8; 4]| {
        lists
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, range)| range.clone())
    };
    if let Some(properties) = list(b"iprp") {
        size(&body[properties], found);
    }
    let (Some(info), Some(places)) = (list(b"iinf"), list(b"iloc")) else {
        return Some(Ok(()));
    };
    let ids = personal(&body[info])?;
    let data = list(b"idat").map_or(0, |range| at + range.start as u64);
    for (id, range) in extents(&body[places], data)? {
        if ids.contains(&id)
            && let Err(error) = found.edits.zero(range.start.min(end)..range.end.min(end))
        {
            return Some(Err(error));
        }
    }
    Some(Ok(()))
}

/// The boxes within a body after its first bytes: their names and what is in them.
fn boxes(body: &[u8], first: usize) -> impl Iterator<Item = ([u8; 4], Range<usize>)> + '_ {
    let mut at = first;
    std::iter::from_fn(move || {
        let size = big32(body, at)? as usize;
        let name = body.get(at + 4..at + 8)?.try_into().ok()?;
        let end = if size == 0 {
            body.len()
        } else {
            at.checked_add(size)?
        };
        if size == 1 || end < at + 8 || end > body.len() {
            return None;
        }
        let range = at + 8..end;
        at = end;
        Some((name, range))
    })
}

/// The largest size that is named; turned when the picture is.
fn size(properties: &[u8], found: &mut Found) {
    let Some((_, all)) = boxes(properties, 0).find(|(name, _)| name == b"ipco") else {
        return;
    };
    let all = &properties[all];
    let mut turned = false;
    for (name, range) in boxes(all, 0).take(MOST) {
        let body = &all[range];
        match &name {
            b"ispe" => {
                let (width, height) = (big32(body, 4).unwrap_or(0), big32(body, 8).unwrap_or(0));
                if u64::from(width) * u64::from(height)
                    > u64::from(found.width) * u64::from(found.height)
                {
                    (found.width, found.height) = (width, height);
                }
            }
            b"irot" => turned = body.first().is_some_and(|angle| angle & 1 == 1),
            _ => {}
        }
    }
    if turned {
        (found.width, found.height) = (found.height, found.width);
    }
}

/// Ids of the items that are EXIF or XMP.
fn personal(info: &[u8]) -> Option<Vec<u32>> {
    let first = if *info.first()? == 0 { 6 } else { 8 };
    let mut ids = Vec::new();
    for (name, range) in boxes(info, first).take(MOST) {
        let body = &info[range];
        if &name != b"infe" {
            continue;
        }
        let (id, kind_at) = match body.first()? {
            2 => (u32::from(big16(body, 4)?), 8),
            3 => (big32(body, 4)?, 10),
            _ => continue,
        };
        let kind = body.get(kind_at..kind_at + 4)?;
        let is_xmp = kind == b"mime" && body.windows(7).any(|window| window == b"rdf+xml");
        if kind == b"Exif" || is_xmp {
            ids.push(id);
        }
    }
    Some(ids)
}

/// Reads numbers of 0, 2, 4 or 8 bytes.
struct Numbers<'a> {
    bytes: &'a [u8],
}

impl Numbers<'_> {
    fn next(&mut self, size: u8) -> Option<u64> {
        let (number, rest) = self.bytes.split_at_checked(usize::from(size))?;
        self.bytes = rest;
        (size <= 8).then(|| {
            number
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        })
    }
}

/// Which ranges of the file belong to which item; `data` is where the box of loose data begins.
fn extents(places: &[u8], data: u64) -> Option<Vec<(u32, Range<u64>)>> {
    let version = *places.first()?;
    let mut numbers = Numbers {
        bytes: places.get(4..)?,
    };
    let (sizes, more) = (numbers.next(1)? as u8, numbers.next(1)? as u8);
    let (offset_size, length_size, base_size) = (sizes >> 4, sizes & 15, more >> 4);
    let index_size = if version == 0 { 0 } else { more & 15 };
    let id_size = if version < 2 { 2 } else { 4 };
    let count = numbers.next(id_size)?;
    let mut ranges = Vec::new();
    for _ in 0..count.min(MOST as u64) {
        let id = u32::try_from(numbers.next(id_size)?).ok()?;
        let method = if version == 0 {
            0
        } else {
            numbers.next(2)? & 15
        };
        numbers.next(2)?;
        let base = numbers.next(base_size)?;
        let parts = numbers.next(2)?;
        // Parts of no bytes could be said to be there without end.
        if parts > MOST as u64 {
            return None;
        }
        for _ in 0..parts {
            numbers.next(index_size)?;
            let offset = numbers.next(offset_size)?;
            let length = numbers.next(length_size)?;
            let from = if method == 1 { data } else { 0 };
            let start = from.checked_add(base)?.checked_add(offset)?;
            if ranges.len() >= MOST {
                return None;
            }
            if method < 2 {
                ranges.push((id, start..start.checked_add(length)?));
            }
        }
    }
    Some(ranges)
}
