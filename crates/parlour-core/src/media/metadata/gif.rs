//! GIF (89a): blocks. Comments and XMP go, the animation and the colour profile stay.

use super::{Found, Scan, broken};
use std::io::{self, BufRead, ErrorKind, Seek};

pub(super) fn scan<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<Found> {
    let head: [u8; 13] = scan.array()?;
    let mut found = Found::new();
    found.width = u32::from(u16::from_le_bytes([head[6], head[7]]));
    found.height = u32::from(u16::from_le_bytes([head[8], head[9]]));
    // Four bytes for a pixel of the frame, and as many for the picture it lies in.
    found.memory = u64::from(found.width) * u64::from(found.height) * 8;
    skip_table(scan, head[10])?;
    match blocks(scan, &mut found) {
        // Cut off: the first frame may be whole.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && found.decodable => Ok(found),
        other => other.map(|()| found),
    }
}

fn blocks<R: BufRead + Seek>(scan: &mut Scan<R>, found: &mut Found) -> io::Result<()> {
    loop {
        let start = scan.at;
        match scan.byte()? {
            0x2c => {
                let frame: [u8; 9] = scan.array()?;
                skip_table(scan, frame[8])?;
                scan.byte()?;
                skip_pieces(scan)?;
                found.decodable = found.width > 0 && found.height > 0;
            }
            0x21 => {
                let label = scan.byte()?;
                let keep = match label {
                    0xf9 | 0x01 => true,
                    0xff => is_kept(scan)?,
                    _ => false,
                };
                skip_pieces(scan)?;
                if !keep {
                    found.edits.drop(start..scan.at)?;
                }
            }
            0x3b => {
                found.edits.drop(scan.at..scan.end)?;
                return Ok(());
            }
            _ => return Err(broken("a block")),
        }
    }
}

/// Applications whose blocks change what is seen.
fn is_kept<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<bool> {
    let length = scan.byte()?;
    let name = scan.part(u64::from(length), 255)?;
    Ok(matches!(
        name.as_slice(),
        b"NETSCAPE2.0" | b"ANIMEXTS1.0" | b"ICCRGBG1012"
    ))
}

fn skip_table<R: BufRead + Seek>(scan: &mut Scan<R>, flags: u8) -> io::Result<()> {
    if flags & 0x80 == 0 {
        return Ok(());
    }
    scan.skip(3 << (u64::from(flags & 7) + 1))
}

fn skip_pieces<R: BufRead + Seek>(scan: &mut Scan<R>) -> io::Result<()> {
    loop {
        match scan.byte()? {
            0 => return Ok(()),
            length => scan.skip(u64::from(length))?,
        }
    }
}
