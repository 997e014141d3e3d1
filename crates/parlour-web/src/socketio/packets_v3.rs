//! Several packets in one body as Engine.IO 3 has them: each behind its length.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use parlour_realtime::Frame;

/// Behind the length in a body of bytes.
const END: u8 = 0xff;
/// Most digits of a length.
const MAX_DIGITS: usize = 9;

/// The packets as a body of text: the length of each in UTF-16 units, a colon, the packet. Ours are
/// never bytes.
pub(super) fn join(packets: impl Iterator<Item = Bytes>) -> Vec<u8> {
    let mut body = Vec::new();
    for packet in packets {
        let units = String::from_utf8_lossy(&packet).encode_utf16().count();
        body.extend_from_slice(format!("{units}:").as_bytes());
        body.extend_from_slice(&packet);
    }
    body
}

/// The packets in a body; `None` when there is something else in it. A client with bytes to send may
/// send all of its packets as bytes.
pub(super) fn split(body: &Bytes, is_bytes: bool) -> Option<Vec<Frame>> {
    if body.is_empty() {
        return None;
    }
    let mut packets = Vec::new();
    let mut rest = body.clone();
    while !rest.is_empty() {
        packets.push(if is_bytes {
            of_bytes(&mut rest)?
        } else {
            of_text(&mut rest)?
        });
    }
    Some(packets)
}

fn of_text(rest: &mut Bytes) -> Option<Frame> {
    let colon = rest
        .iter()
        .take(MAX_DIGITS + 1)
        .position(|byte| *byte == b':')?;
    let units: usize = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
    let text = std::str::from_utf8(&rest[colon + 1..]).ok()?;
    let mut left = units;
    let mut len = 0;
    for character in text.chars() {
        if left == 0 {
            break;
        }
        left = left.checked_sub(character.len_utf16())?;
        len += character.len_utf8();
    }
    if left > 0 {
        return None;
    }
    let packet = rest.slice(colon + 1..colon + 1 + len);
    *rest = rest.slice(colon + 1 + len..);
    packet_of(packet)
}

fn of_bytes(rest: &mut Bytes) -> Option<Frame> {
    let (is_text, digits) = (*rest.first()? == 0, rest.get(1..)?);
    let end = digits
        .iter()
        .take(MAX_DIGITS + 1)
        .position(|byte| *byte == END)?;
    let len = digits[..end].iter().try_fold(0_usize, |len, digit| {
        (*digit < 10).then(|| len * 10 + usize::from(*digit))
    })?;
    let begin = end + 2;
    let packet = (begin + len <= rest.len()).then(|| rest.slice(begin..begin + len))?;
    *rest = rest.slice(begin + len..);
    if !is_text {
        return of_message(&packet);
    }
    std::str::from_utf8(&packet).ok()?;
    packet_of(packet)
}

/// A packet of text, which may be bytes in base64.
pub(super) fn packet_of(packet: Bytes) -> Option<Frame> {
    match packet.first()? {
        b'1' | b'2' | b'3' | b'4' => Some(Frame::Text(packet)),
        b'b' if packet.get(1) == Some(&b'4') => {
            let bytes = STANDARD.decode(&packet[2..]).ok()?;
            Some(Frame::Binary(bytes.into()))
        }
        _ => None,
    }
}

/// A packet of bytes: its type comes first, and only messages have any.
fn of_message(packet: &Bytes) -> Option<Frame> {
    (*packet.first()? == 4).then(|| Frame::Binary(packet.slice(1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(packet: &str) -> Frame {
        Frame::Text(packet.to_owned().into())
    }

    #[test]
    fn lengths_are_those_of_javascript() {
        let packets = ["40", "42[\"안녕 👍\"]", "2"];
        let body = join(
            packets
                .map(|packet| Bytes::from_static(packet.as_bytes()))
                .into_iter(),
        );
        assert_eq!(body, "2:4011:42[\"안녕 👍\"]1:2".as_bytes());
        let split = split(&Bytes::from(body), false);
        assert_eq!(split, Some(packets.map(text).to_vec()));
    }

    #[test]
    fn bytes_come_as_base64_or_as_they_are() {
        let bytes = Frame::Binary(Bytes::from_static(&[1, 2, 3]));
        let as_text = Bytes::from_static(b"6:451-[]6:b4AQID");
        let wanted = Some(vec![text("451-[]"), bytes]);
        assert_eq!(split(&as_text, false), wanted);
        let as_bytes = Bytes::from_static(b"\x00\x06\xff451-[]\x01\x04\xff\x04\x01\x02\x03");
        assert_eq!(split(&as_bytes, true), wanted);
        let long = Bytes::from([b"\x00\x01\x02\xff4".as_slice(), &[b'x'; 11]].concat());
        assert_eq!(split(&long, true).map(|all| all.len()), Some(1));
    }

    #[test]
    fn what_is_no_body() {
        for body in [
            "",
            "40",
            ":40",
            "x:40",
            "3:40",
            "0:",
            "1:👍",
            "2:40x",
            "-1:4",
            "99999999999:4",
            "1:0",
            "1:5",
            "2:b4\u{0}",
            "6:b4!!!!",
            "4:b2AQ",
        ] {
            assert_eq!(split(&Bytes::from(body), false), None, "{body:?}");
        }
        for body in [
            b"\x00".as_slice(),
            b"\x00\xff",
            b"\x00\x02\xff4",
            b"\x00\x0a\xff4",
            b"\x00\x01\xff\xfe",
            b"\x01\x01\xff\x02",
            b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4",
        ] {
            assert_eq!(
                split(&Bytes::copy_from_slice(body), true),
                None,
                "{body:x?}"
            );
        }
    }
}
