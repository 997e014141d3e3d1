//! The text that is sent: 64 bytes that say who sent it and as which of theirs, so that it is found
//! again in whatever JSON the server makes of it.

/// Stands before and behind the numbers; it is nowhere else in what servers send.
const FENCE: u8 = b'~';
/// What fills the text up to 64 bytes.
const FILLER: &[u8; TEXT_LENGTH - LENGTH] = b" The kettle is on; come in and sit with us all";
/// Fence, run, sender, number, fence.
const LENGTH: usize = 18;
/// Length of the text in bytes, as the targets say.
const TEXT_LENGTH: usize = 64;

/// Which message it is. When it was sent is kept by the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// Tells this run from earlier ones in the same room.
    pub(crate) run: u16,
    /// The sender's number within the run.
    pub(crate) sender: u16,
    /// Counts the sender's messages from 0.
    pub(crate) number: u32,
}

/// Writes the text of a message.
pub(crate) fn write(out: &mut Vec<u8>, marker: Marker) {
    out.push(FENCE);
    hex(out, u32::from(marker.run), 4);
    hex(out, u32::from(marker.sender), 4);
    hex(out, marker.number, 8);
    out.push(FENCE);
    out.extend_from_slice(FILLER);
}

fn hex(out: &mut Vec<u8>, value: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = (value >> (4 * place)) & 0xf;
        out.push(b"0123456789abcdef"[digit as usize]);
    }
}

/// Finds the marker in the content of a frame. `hint` is where the last one was; servers put the
/// text at nearly the same place each time, so that the search is mostly one look.
pub(crate) fn find(content: &[u8], hint: &mut usize) -> Option<Marker> {
    if let Some(found) = content.get(*hint..).and_then(read) {
        return Some(found);
    }
    let mut from = 0;
    while let Some(step) = content.get(from..)?.iter().position(|byte| *byte == FENCE) {
        from += step;
        if let Some(found) = read(&content[from..]) {
            *hint = from;
            return Some(found);
        }
        from += 1;
    }
    None
}

fn read(bytes: &[u8]) -> Option<Marker> {
    let bytes = bytes.get(..LENGTH)?;
    if bytes[0] != FENCE || bytes[LENGTH - 1] != FENCE {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let mut value = 0;
        for byte in &bytes[range] {
            value = value << 4 | char::from(*byte).to_digit(16)?;
        }
        Some(value)
    };
    Some(Marker {
        run: u16::try_from(number(1..5)?).ok()?,
        sender: u16::try_from(number(5..9)?).ok()?,
        number: number(9..17)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Marker = Marker {
        run: 0xfeed,
        sender: 31,
        number: 0x0123_4567,
    };

    #[test]
    fn a_text_has_its_length_and_is_found_in_json() {
        let mut text = Vec::new();
        write(&mut text, SOME);
        assert_eq!(text.len(), 64);
        let mut frame = br#"{"id":7,"other":"~no~","text":""#.to_vec();
        let place = frame.len();
        frame.extend_from_slice(&text);
        frame.extend_from_slice(br#"","room":1}"#);
        let mut hint = 3;
        assert_eq!(find(&frame, &mut hint), Some(SOME));
        assert_eq!(hint, place);
        assert_eq!(find(&frame, &mut hint), Some(SOME));
        frame.insert(0, b' ');
        assert_eq!(find(&frame, &mut hint), Some(SOME));
        assert_eq!(hint, place + 1);
    }

    #[test]
    fn other_frames_have_no_marker() {
        let mut hint = 500;
        for other in [
            &b"{}"[..],
            b"",
            b"~",
            b"~~~~~~~~~~~~~~~~~~~~~~~~",
            b"~feed001f0123456g~",
        ] {
            assert_eq!(find(other, &mut hint), None);
        }
        assert_eq!(hint, 500);
    }
}
