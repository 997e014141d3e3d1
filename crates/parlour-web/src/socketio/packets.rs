//! Several packets in one body: Engine.IO's way of long-polling.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use parlour_realtime::Frame;

/// Between packets.
const BETWEEN: u8 = 0x1e;
/// The connection is over.
pub(super) const CLOSE: u8 = b'1';
/// Nothing.
pub(super) const NOOP: u8 = b'6';
/// A packet that says nothing.
pub(super) const NOTHING: Bytes = Bytes::from_static(&[NOOP]);

/// The packets as a body.
pub(super) fn join(packets: impl Iterator<Item = Bytes>) -> Vec<u8> {
    let mut body = Vec::new();
    for packet in packets {
        if !body.is_empty() {
            body.push(BETWEEN);
        }
        match Frame::of(packet) {
            Frame::Binary(bytes) => {
                body.push(b'b');
                body.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            }
            Frame::Text(packet) => body.extend_from_slice(&packet),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close(..) => {}
        }
    }
    body
}

/// The packets in a body; `None` when there is something else in it.
pub(super) fn split(body: &Bytes) -> Option<Vec<Frame>> {
    let text = std::str::from_utf8(body).ok()?;
    let packets = text.split(char::from(BETWEEN)).map(|packet| {
        let kind = *packet.as_bytes().first()?;
        match kind {
            b'1' | b'3' | b'4' => Some(Frame::Text(body.slice_ref(packet.as_bytes()))),
            b'b' => STANDARD
                .decode(&packet[1..])
                .ok()
                .map(|bytes| Frame::Binary(bytes.into())),
            _ => None,
        }
    });
    packets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let packets = ["40", "42[\"안녕\"]", "1"].map(|text| Bytes::from_static(text.as_bytes()));
        let body = Bytes::from(join(packets.clone().into_iter()));
        assert_eq!(split(&body), Some(packets.map(Frame::Text).to_vec()));
        let with = Bytes::from_static(b"451-[]\x1ebAQID");
        let bytes = Frame::Binary(Bytes::from_static(&[1, 2, 3]));
        let packed = Bytes::from_static(&[0x80]);
        let body = join([Bytes::from_static(b"40"), packed.clone()].into_iter());
        assert_eq!(body, b"40\x1ebgA==");
        let body = split(&Bytes::from(body)).map(|mut all| all.pop());
        assert_eq!(body, Some(Some(Frame::Binary(packed))));
        assert_eq!(split(&with).map(|mut all| all.pop()), Some(Some(bytes)));
    }

    #[test]
    fn what_is_no_packet() {
        for body in ["", "abc", "4\x1e", "\x1e4", "b!", "0{}", "2", "5"] {
            assert_eq!(split(&Bytes::from(body)), None, "{body:?}");
        }
        assert_eq!(split(&Bytes::from_static(b"4\xff")), None);
    }
}
