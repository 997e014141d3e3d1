use super::*;
use crate::media::inspect::samples;
use std::io::Cursor;

fn found(mime: &str, bytes: &[u8]) -> io::Result<Found> {
    scan(mime, Cursor::new(bytes)).map(Option::unwrap_or_default)
}

#[test]
fn a_jpeg_of_endless_passes_is_not_decoded() {
    let plain = samples::plain_jpeg(16, 16);
    let at = plain
        .windows(2)
        .position(|window| window == [0xff, 0xda])
        .expect("a scan");
    let mut bytes = plain[..at].to_vec();
    for _ in 0..65 {
        bytes.extend(&plain[at..plain.len() - 2]);
    }
    assert!(!found("image/jpeg", &bytes).expect("read").decodable);
    assert!(found("image/jpeg", &plain).expect("read").decodable);
}

#[test]
fn a_progressive_jpeg_is_known_to_take_more() {
    let mut bytes = samples::plain_jpeg(64, 64);
    let baseline = found("image/jpeg", &bytes).expect("read").memory;
    let at = bytes
        .windows(2)
        .position(|window| window == [0xff, 0xc0])
        .expect("a frame");
    bytes[at + 1] = 0xc2;
    assert_eq!(
        found("image/jpeg", &bytes).expect("read").memory,
        baseline * 3
    );
}

#[test]
fn boxes_and_items_without_end_have_one() {
    // A hundred thousand empty boxes.
    let mut film = samples::film();
    for _ in 0..100_000 {
        film.extend(b"\0\0\0\x08free");
    }
    assert!(found("video/mp4", &film).is_err());
    // An item whose parts take no bytes: 65,535 of them for each of 65,535 items.
    let iloc = b"\x01\0\0\0\0\0\xff\xff\0\x01\0\0\0\0\xff\xff";
    let boxed = |name: &[u8], body: &[u8]| {
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
    };
    let meta = [&[0; 4][..], &boxed(b"iinf", &[0; 6]), &boxed(b"iloc", iloc)].concat();
    let bytes = [boxed(b"ftyp", b"avif\0\0\0\0"), boxed(b"meta", &meta)].concat();
    assert!(found("image/avif", &bytes).is_err());
}

#[test]
fn sizes_of_boxes_that_lie_are_refused() {
    for size in [1_u32, 7, u32::MAX] {
        let bytes = [&size.to_be_bytes()[..], b"moov", &u64::MAX.to_be_bytes()].concat();
        assert!(found("video/mp4", &bytes).is_err(), "{size}");
    }
}

#[test]
fn a_jpeg_whose_colours_would_come_out_wrong_is_not_decoded() {
    let encoded = |separate: bool, sampling| {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
        encoder.set_sampling_factor(sampling);
        encoder.set_optimized_huffman_tables(separate);
        let pixels = samples::pixels(64, 48);
        encoder
            .encode(&pixels, 64, 48, jpeg_encoder::ColorType::Rgb)
            .expect("encoded");
        found("image/jpeg", &bytes).expect("read").decodable
    };
    use jpeg_encoder::SamplingFactor::{F_1_1, F_2_2};
    assert!(encoded(false, F_2_2) && encoded(true, F_1_1));
    assert!(!encoded(true, F_2_2));
}
