//! PNG (W3C, third edition): chunks. Kept are those that change what is seen.

use super::{Found, Scan, broken, exif};
use std::io::{self, BufRead, Seek};

const KEPT: [&[u8; 4]; 20] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
    b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"acTL", b"fcTL", b"fdAT",
];
/// Most bytes of EXIF that are read.
const EXIF: usize = 1 << 16;

pub(super) fn scan<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<Found> {
    if scan.array()? != *b"\x89PNG\r\n\x1a\n" {
        return Err(broken("no PNG"));
    }
    let mut found = Found::new();
    loop {
        let start = scan.at;
        if scan.is_at_end() && found.width > 0 {
            // Cut off between chunks.
            return Ok(found);
        }
        let length = u64::from(u32::from_be_bytes(scan.array()?));
        let name: [u8; 4] = scan.array()?;
        if (start == 8) != (&name == b"IHDR") {
            return Err(broken("the header is not the first chunk"));
        }
        let whole = scan.after(length + 4);
        if whole.is_err() && &name == b"IDAT" {
            // Cut off within the picture.
            return Ok(found);
        }
        let end = whole?;
        match &name {
            b"IHDR" => header(&mut found, &scan.part(length, 13)?)?,
            b"eXIf" => {
                found.orientation = exif::orientation(&scan.part(length, EXIF)?);
                if found.orientation == exif::UPRIGHT {
                    found.edits.drop(start..end)?;
                } else {
                    found
                        .edits
                        .put(start..end, chunk(*b"eXIf", &exif::only(found.orientation)))?;
                }
            }
            b"IEND" => {
                found.edits.drop(end..scan.end)?;
                found.decodable = true;
                return Ok(found);
            }
            name if KEPT.contains(&name) => {}
            _ => found.edits.drop(start..end)?,
        }
        scan.go(end)?;
    }
}

fn header(found: &mut Found, body: &[u8]) -> io::Result<()> {
    let (Some(width), Some(height), Some(&[bits, colours, _, _, interlaced])) = (
        super::big32(body, 0),
        super::big32(body, 4),
        body.get(8..13).and_then(<[u8]>::first_chunk),
    ) else {
        return Err(broken("a header"));
    };
    (found.width, found.height) = (width, height);
    let channels: u64 = match colours {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        _ => 4,
    };
    let pixels = u64::from(width) * u64::from(height);
    // Row by row, but for pictures that come in seven passes.
    found.memory = if interlaced == 0 {
        u64::from(width) * 32
    } else {
        pixels.saturating_mul(channels.max(4) * u64::from(bits.max(8) / 8))
    };
    Ok(())
}

/// A chunk with its length and checksum.
fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&name, body].concat();
    let mut chunk = (body.len() as u32).to_be_bytes().to_vec();
    chunk.extend(&named);
    chunk.extend(crc(&named).to_be_bytes());
    chunk
}

/// The checksum of PNG (annex D), bit by bit: it is of few bytes.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let carry = sum & 1;
            sum >> 1 ^ if carry == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_that_of_the_end_chunk() {
        assert_eq!(super::chunk(*b"IEND", b""), b"\0\0\0\0IEND\xae\x42\x60\x82");
    }
}
