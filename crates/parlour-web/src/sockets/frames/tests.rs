use super::*;
use proptest::prelude::*;

const LARGEST: usize = 100_000;
const MASK: [u8; 4] = [0x12, 0xf4, 0x56, 0x78];

/// A client's frame with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(MASKED | u8::try_from(len).expect("short")),
        len @ 126..=0xffff => {
            bytes.push(MASKED | 126);
            bytes.extend(u16::try_from(len).expect("fits").to_be_bytes());
        }
        len => {
            bytes.push(MASKED | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

fn frames(bytes: &[u8]) -> Frames {
    let mut frames = Frames::new(&[], LARGEST);
    frames.room().extend_from_slice(bytes);
    frames
}

/// What is heard of these bytes, up to the first fault.
fn heard(bytes: &[u8]) -> (Vec<Heard>, Option<TransportError>) {
    let mut frames = frames(bytes);
    let mut all = Vec::new();
    loop {
        match frames.next() {
            Ok(Some(heard)) => all.push(heard),
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error)),
        }
    }
}

fn text(text: &str) -> Heard {
    Heard::Text(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn many_frames_of_one_read_come_one_after_the_other() {
    let mut bytes = Vec::new();
    for len in [0, 1, 7, 8, 9, 125, 126, 65_535, 65_536] {
        bytes.extend(frame(0x81, "x".repeat(len).as_bytes()));
    }
    bytes.extend(frame(0x82, &[0xff, 0]));
    bytes.extend(frame(0x89, b"there?"));
    bytes.extend(frame(0x8a, b""));
    let (all, error) = heard(&bytes);
    assert_eq!(error, None);
    let lens: Vec<_> = all[..9]
        .iter()
        .map(|heard| match heard {
            Heard::Text(text) => text.len(),
            _ => usize::MAX,
        })
        .collect();
    assert_eq!(lens, [0, 1, 7, 8, 9, 125, 126, 65_535, 65_536]);
    assert_eq!(
        all[9..],
        [
            Heard::Binary(Bytes::from_static(&[0xff, 0])),
            Heard::Ping(Bytes::from_static(b"there?")),
            Heard::Pong,
        ]
    );
}

#[test]
fn fragments_are_put_together_and_may_have_control_frames_between() {
    let bytes = [
        frame(0x01, "grü".as_bytes().split_at(3).0),
        frame(0x89, b"p"),
        frame(0x00, "ü".as_bytes().split_at(1).1),
        frame(0x80, b" dich"),
        frame(0x81, b"next"),
    ]
    .concat();
    let ping = Heard::Ping(Bytes::from_static(b"p"));
    assert_eq!(
        heard(&bytes),
        (vec![ping, text("grü dich"), text("next")], None)
    );
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let protocol = Some(TransportError::Protocol);
    for (bytes, why) in [
        (frame(0x80, b"x"), "the end of nothing"),
        (
            [frame(0x01, b"x"), frame(0x81, b"y")].concat(),
            "a beginning inside",
        ),
        (frame(0xc1, b"x"), "a reserved bit"),
        (frame(0x83, b"x"), "an unknown kind of data"),
        (frame(0x8b, b"x"), "an unknown control frame"),
        (frame(0x09, b"x"), "half a ping"),
        (frame(0x89, &[0; 126]), "a long ping"),
        (frame(0x88, &[3]), "half a code"),
        (vec![0x81, 1, b'x'], "no mask"),
        (
            vec![0x81, MASKED | 126, 0, 1, 0, 0, 0, 0, b'x'],
            "a longer length than needed",
        ),
        (
            [
                &[0x81, MASKED | 127, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0][..],
                &[b'x'; 256],
            ]
            .concat(),
            "a much longer length than needed",
        ),
    ] {
        assert_eq!(heard(&bytes).1, protocol, "{why}");
    }
    let not_utf8 = Some(TransportError::NotUtf8);
    assert_eq!(heard(&frame(0x81, &[0xff])).1, not_utf8);
    assert_eq!(heard(&frame(0x88, &[3, 232, 0xff])).1, not_utf8);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_here() {
    let too_big = (vec![], Some(TransportError::TooBig));
    let head = |payload: u64| {
        let mut head = vec![0x81, MASKED | 127];
        head.extend(payload.to_be_bytes());
        head.extend(MASK);
        head
    };
    assert_eq!(heard(&head(LARGEST as u64 + 1)), too_big);
    assert_eq!(heard(&head(u64::MAX >> 1)), too_big);
    // No length at all: its first bit must be 0.
    let broken = (vec![], Some(TransportError::Protocol));
    assert_eq!(heard(&head(u64::MAX)), broken);
    let exactly = frame(0x81, &vec![b'x'; LARGEST]);
    assert_eq!(heard(&exactly).0.len(), 1);
    let pieces = [
        frame(0x01, &vec![b'x'; LARGEST - 1]),
        frame(0x89, b"pings do not count"),
        frame(0x00, b"x"),
        frame(0x80, b"x"),
    ]
    .concat();
    let (all, error) = heard(&pieces);
    assert_eq!((all.len(), error), (1, Some(TransportError::TooBig)));
}

#[test]
fn behind_a_refused_frame_the_good_bye_is_found() {
    let large = vec![b'x'; LARGEST + 1];
    let bytes = [frame(0x81, &large), frame(0x88, &[3, 232])].concat();
    let mut frames = frames(&bytes[..50_000]);
    assert_eq!(frames.next(), Err(TransportError::TooBig));
    assert_eq!(frames.next(), Ok(None));
    frames.room().extend_from_slice(&bytes[50_000..]);
    assert_eq!(frames.next(), Ok(Some(Heard::Close(Some(1000)))));
}

#[test]
fn good_byes_are_answered_with_their_code_if_that_may_be() {
    for (payload, code) in [
        (&[][..], None),
        (&[3, 232], Some(1000)),
        (&[0x0f, 0xa8, b'x'], Some(4008)),
        (&[3, 237], Some(1002)),
        (&[0, 0], Some(1002)),
        (&[0x13, 0x88], Some(1002)),
    ] {
        assert_eq!(
            heard(&frame(0x88, payload)),
            (vec![Heard::Close(code)], None)
        );
    }
}

#[test]
fn nothing_is_held_between_frames() {
    let mut frames = frames(&frame(0x81, b"hello"));
    assert_eq!(frames.next(), Ok(Some(text("hello"))));
    assert_eq!(frames.next(), Ok(None));
    frames.rest();
    assert_eq!(frames.buffer.capacity(), 0);
    // The beginning of a frame holds as much as it is.
    frames.room().extend_from_slice(&frame(0x81, b"hello")[..8]);
    assert_eq!(frames.next(), Ok(None));
    frames.rest();
    assert!(frames.buffer.capacity() < 64);
    frames.room().extend_from_slice(&frame(0x81, b"hello")[8..]);
    assert_eq!(frames.next(), Ok(Some(text("hello"))));
}

proptest! {
    /// However the bytes are cut into reads, the same is heard; and nothing panics.
    #[test]
    fn cuts_do_not_matter(
        pieces in proptest::collection::vec(
            prop_oneof![
                4 => "[a-zü]{0,200}".prop_map(|text| frame(0x81, text.as_bytes())),
                1 => "[a-z]{0,20}".prop_map(|text| {
                    [frame(0x01, text.as_bytes()), frame(0x80, b"!")].concat()
                }),
                1 => proptest::collection::vec(any::<u8>(), 0..40),
            ],
            0..12,
        ),
        cuts in proptest::collection::vec(1..60_usize, 1..40),
    ) {
        let bytes = pieces.concat();
        let (expected, fault) = heard(&bytes);
        let mut frames = Frames::new(&[], LARGEST);
        let mut all = Vec::new();
        let mut rest = &bytes[..];
        let mut found = None;
        for cut in cuts.iter().cycle() {
            match frames.next() {
                Ok(Some(heard)) => all.push(heard),
                Ok(None) if rest.is_empty() => break,
                Ok(None) => {
                    frames.rest();
                    let (now, later) = rest.split_at((*cut).min(rest.len()));
                    frames.room().extend_from_slice(now);
                    rest = later;
                }
                Err(error) => {
                    found = Some(error);
                    break;
                }
            }
        }
        prop_assert_eq!(all, expected);
        prop_assert_eq!(found, fault);
    }
}
