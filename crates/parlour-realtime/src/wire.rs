//! Frames as they are on the wire (RFC 6455, section 5): what a server sends is never masked and, here,
//! never in fragments, so the bytes of a frame are the same for every socket that gets it.

use bytes::Bytes;

/// Final fragment, text.
const TEXT: u8 = 0x81;
/// Final fragment, bytes.
const BINARY: u8 = 0x82;
/// A ping without a payload.
pub(crate) const PING: Bytes = Bytes::from_static(&[0x89, 0]);

/// Longest payload whose length fits into the second byte.
const SHORT: usize = 125;
/// In the second byte: the length follows in two bytes.
const IN_TWO: u8 = 126;
/// In the second byte: the length follows in eight bytes.
const IN_EIGHT: u8 = 127;

/// Whether a payload of ours is bytes rather than text: it begins as a map of msgpack does, and as no
/// text in UTF-8 can.
pub(crate) fn is_binary(payload: &[u8]) -> bool {
    matches!(payload.first(), Some(0x80..=0x8f))
}

/// Appends a frame: of text, unless the payload is [none](is_binary).
pub(crate) fn append(wire: &mut Vec<u8>, payload: &[u8]) {
    let kind = if is_binary(payload) { BINARY } else { TEXT };
    append_as(kind, wire, payload);
}

/// A frame of bytes, whatever it begins with.
#[cfg(feature = "protocol-suite")]
pub(crate) fn bytes(payload: &[u8]) -> Bytes {
    let mut wire = Vec::new();
    append_as(BINARY, &mut wire, payload);
    wire.into()
}

fn append_as(kind: u8, wire: &mut Vec<u8>, payload: &[u8]) {
    wire.reserve(payload.len() + 10);
    wire.push(kind);
    match payload.len() {
        len @ 0..=SHORT => wire.push(u8::try_from(len).unwrap_or_default()),
        len => {
            if let Ok(len) = u16::try_from(len) {
                wire.push(IN_TWO);
                wire.extend_from_slice(&len.to_be_bytes());
            } else {
                wire.push(IN_EIGHT);
                // A length in memory always fits into 64 bits.
                let len = u64::try_from(len).unwrap_or(u64::MAX);
                wire.extend_from_slice(&len.to_be_bytes());
            }
        }
    }
    wire.extend_from_slice(payload);
}

/// A frame of text, or of [bytes](is_binary).
pub(crate) fn frame(payload: &[u8]) -> Bytes {
    let mut wire = Vec::new();
    append(&mut wire, payload);
    wire.into()
}

/// Where the payload of the first frame begins and ends; `None` when the frame is not whole.
fn first(wire: &[u8]) -> Option<(usize, usize)> {
    let (begin, len): (usize, usize) = match *wire.get(1)? {
        IN_TWO => {
            let len = wire.get(2..4)?.try_into().ok().map(u16::from_be_bytes)?;
            (4, usize::from(len))
        }
        IN_EIGHT => {
            let len = wire.get(2..10)?.try_into().ok().map(u64::from_be_bytes)?;
            (10, usize::try_from(len).ok()?)
        }
        len => (2, usize::from(len)),
    };
    let end = begin.checked_add(len)?;
    (end <= wire.len()).then_some((begin, end))
}

/// The payloads of whole frames, one after the other.
pub fn payloads(mut wire: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let (begin, end) = first(&wire)?;
        let frame = wire.split_to(end);
        Some(frame.slice(begin..))
    })
}

/// Where the frame ends that this byte is in the middle of; the byte's own place when a frame begins
/// there.
pub(crate) fn end_of_frame(wire: &[u8], byte: usize) -> usize {
    let mut at = 0;
    while at < byte {
        match wire.get(at..).and_then(first) {
            Some((_, end)) => at += end,
            None => return wire.len(),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_short_as_they_can_be() {
        let head = |len: usize| {
            let frame = frame(&vec![b'x'; len]);
            frame[..frame.len() - len].to_vec()
        };
        assert_eq!(head(0), [0x81, 0]);
        assert_eq!(*super::frame(&[0x80]), [0x82, 1, 0x80]);
        assert_eq!(*super::frame("é".as_bytes()), [0x81, 2, 0xc3, 0xa9]);
        assert_eq!(head(125), [0x81, 125]);
        assert_eq!(head(126), [0x81, 126, 0, 126]);
        assert_eq!(head(65_535), [0x81, 126, 0xff, 0xff]);
        assert_eq!(head(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn frames_are_found_again() {
        let lens = [0, 5, 125, 126, 300, 65_535, 65_536, 70_000];
        let mut wire = Vec::new();
        let mut ends = vec![0];
        for len in lens {
            append(&mut wire, &vec![b'x'; len]);
            ends.push(wire.len());
        }
        let found: Vec<_> = payloads(wire.clone().into())
            .map(|payload| payload.len())
            .collect();
        assert_eq!(found, lens);
        for pair in ends.windows(2) {
            assert_eq!(end_of_frame(&wire, pair[0]), pair[0]);
            assert_eq!(end_of_frame(&wire, pair[0] + 1), pair[1]);
            assert_eq!(end_of_frame(&wire, pair[1] - 1), pair[1]);
        }
    }
}
