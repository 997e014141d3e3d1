//! The frames of WebSocket (RFC 6455), as a client needs them that sends small texts and reads many.

use anyhow::{Result, bail, ensure};

/// A text.
pub(crate) const TEXT: u8 = 1;
/// Bytes; no server under test sends them.
const BINARY: u8 = 2;
/// The end of the connection.
pub(crate) const CLOSE: u8 = 8;
/// To be answered with a pong.
pub(crate) const PING: u8 = 9;
/// The answer to a ping.
pub(crate) const PONG: u8 = 10;

/// A client has to mask what it sends; nothing says that the key has to change.
const MASK: [u8; 4] = [0x5a, 0xc3, 0x17, 0x8e];
/// Far more than a server under test sends; a larger length is a broken stream.
const MAX_LENGTH: u64 = 1 << 20;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// Where a frame's content lies in the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// What kind it is.
    pub(crate) opcode: u8,
    /// The content begins here.
    pub(crate) start: usize,
    /// The frame ends here, and the next one begins.
    pub(crate) end: usize,
}

/// The frame that begins at `from`, once all of it is there.
pub(crate) fn next(bytes: &[u8], from: usize) -> Result<Option<Frame>> {
    let rest = bytes.get(from..).unwrap_or_default();
    let [first, second, ..] = *rest else {
        return Ok(None);
    };
    let opcode = first & 0x0f;
    ensure!(first & 0x70 == 0, "a frame with unknown flags");
    ensure!(first & FINAL != 0, "a message in several frames");
    ensure!(second & MASKED == 0, "a masked frame from a server");
    ensure!(
        matches!(opcode, TEXT | BINARY | CLOSE | PING | PONG),
        "a frame of the unknown kind {opcode}"
    );
    let (head, length) = match (second, rest) {
        (126, [_, _, a, b, ..]) => (4, u64::from(u16::from_be_bytes([*a, *b]))),
        (127, [_, _, a, b, c, d, e, f, g, h, ..]) => {
            (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, u64::from(short)),
    };
    if length > MAX_LENGTH {
        bail!("a frame of {length} bytes");
    }
    let start = from + head;
    let end = start + length as usize;
    Ok((end <= bytes.len()).then_some(Frame { opcode, start, end }))
}

/// Appends a masked frame with this content.
pub(crate) fn write(out: &mut Vec<u8>, opcode: u8, content: &[u8]) {
    out.push(FINAL | opcode);
    match content.len() {
        short @ 0..126 => out.push(MASKED | short as u8),
        medium @ 126..=0xffff => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    let masked = content.iter().zip(MASK.iter().cycle());
    out.extend(masked.map(|(byte, key)| byte ^ key));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server sends.
    fn plain(opcode: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![FINAL | opcode];
        match content.len() {
            short @ 0..126 => out.push(short as u8),
            medium @ 126..=0xffff => {
                out.push(126);
                out.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                out.push(127);
                out.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(content);
        out
    }

    #[test]
    fn frames_of_every_length_are_read_whole_or_not_at_all() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let content = vec![b'x'; length];
            let mut bytes = b"before".to_vec();
            bytes.extend(plain(TEXT, &content));
            let end = bytes.len();
            for cut in (6..end).step_by(1 + length / 50) {
                assert_eq!(next(&bytes[..cut], 6).expect("well formed"), None, "{cut}");
            }
            bytes.extend(plain(PING, b"p"));
            let frame = next(&bytes, 6).expect("well formed").expect("whole");
            assert_eq!((frame.opcode, frame.end), (TEXT, end));
            assert_eq!(&bytes[frame.start..frame.end], content);
            let ping = next(&bytes, frame.end)
                .expect("well formed")
                .expect("whole");
            assert_eq!(
                (ping.opcode, &bytes[ping.start..ping.end]),
                (PING, &b"p"[..])
            );
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_an_error() {
        let mut masked = Vec::new();
        write(&mut masked, TEXT, b"x");
        let huge = [FINAL | TEXT, 127, 0, 0, 0, 1, 0, 0, 0, 0];
        let bad: [&[u8]; 5] = [&masked, &huge, &[TEXT, 0], &[0xc1, 0], &[FINAL | 3, 0]];
        for bytes in bad {
            assert!(next(bytes, 0).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_sent_is_masked_and_has_its_length() {
        let mut out = Vec::new();
        write(&mut out, TEXT, b"Hello");
        assert_eq!(out[..2], [0x81, 0x85]);
        let unmasked: Vec<u8> = out[6..]
            .iter()
            .zip(out[2..6].iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect();
        assert_eq!(unmasked, b"Hello");
        for (length, head) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut out = Vec::new();
            write(&mut out, TEXT, &vec![0; length]);
            assert_eq!(out.len(), head + 4 + length);
        }
    }
}
