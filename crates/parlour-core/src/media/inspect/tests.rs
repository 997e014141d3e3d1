use super::samples::*;
use super::*;
use crate::media::decode_budget;
use proptest::prelude::*;

fn looked(bytes: &[u8]) -> (Inspected, Vec<u8>) {
    let sample = Sample::of(bytes);
    let seen = inspect(&sample.path).expect("looked at");
    assert_eq!(
        fs::read_dir(sample.folder.path())
            .expect("a folder")
            .count(),
        1,
        "nothing is left beside"
    );
    let after = sample.bytes();
    assert_eq!(seen.size, after.len() as u64);
    match seen.rewritten {
        Some(hash) => assert_eq!(hash, <[u8; 32]>::from(Sha256::digest(&after))),
        None => assert!(after == bytes, "not a byte changed"),
    }
    (seen, after)
}

fn rgb(jpeg: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder =
        zune_jpeg::JpegDecoder::new(zune_core::bytestream::ZCursor::new(jpeg.to_vec()));
    let pixels = decoder.decode().expect("decoded");
    let (width, height) = decoder.dimensions().expect("a size");
    (width as u32, height as u32, pixels)
}

#[test]
fn a_photo_loses_what_it_says_of_its_sender_and_no_pixel() {
    let before = photo(1200, 800, 1);
    assert!(tells(&before));
    let (seen, after) = looked(&before);
    assert!(!tells(&after));
    assert!(
        after.windows(PROFILE.len()).any(|window| window == PROFILE),
        "colours stay"
    );
    assert!(rgb(&after) == rgb(&before), "pixels stay, byte for byte");
    assert_eq!((seen.mime, seen.kind), ("image/jpeg", Kind::Image));
    assert_eq!((seen.width, seen.height), (Some(1200), Some(800)));
    let sizes: Vec<_> = seen
        .thumbs
        .iter()
        .map(|t| (t.longest, t.width, t.height, t.mime))
        .collect();
    assert_eq!(
        sizes,
        [
            (360, 360, 240, "image/jpeg"),
            (1080, 1080, 720, "image/jpeg")
        ]
    );
    for thumb in &seen.thumbs {
        let (width, height, pixels) = rgb(&thumb.bytes);
        assert_eq!((width, height), (thumb.width, thumb.height));
        assert!(pixels[0] > 180 && pixels[1] < 60, "red: {:?}", &pixels[..6]);
        assert!(
            thumb
                .bytes
                .windows(PROFILE.len())
                .any(|window| window == PROFILE)
        );
    }
    let (again, unchanged) = looked(&after);
    assert!(
        again.rewritten.is_none() && unchanged == after,
        "nothing is left to do"
    );
}

#[test]
fn a_photo_on_its_side_is_turned_upright() {
    // Where the red corner is seen, by orientation: left or right, top or bottom.
    for (orientation, right, bottom) in [
        (2, true, false),
        (3, true, true),
        (4, false, true),
        (5, false, false),
        (6, true, false),
        (7, true, true),
        (8, false, true),
    ] {
        let (seen, after) = looked(&photo(480, 320, orientation));
        assert!(!tells(&after) && seen.rewritten.is_some());
        let (width, height, pixels) = rgb(&after);
        let expected = if orientation >= 5 {
            (320, 480)
        } else {
            (480, 320)
        };
        assert_eq!((width, height), expected);
        assert_eq!((seen.width, seen.height), (Some(width), Some(height)));
        let x = if right { width - 20 } else { 20 };
        let y = if bottom { height - 20 } else { 20 };
        let at = ((y * width + x) * 3) as usize;
        assert!(
            pixels[at] > 180 && pixels[at + 1] < 60,
            "{orientation}: {:?}",
            &pixels[at..at + 3]
        );
        assert!(after.windows(PROFILE.len()).any(|window| window == PROFILE));
        let thumb = &seen.thumbs[0];
        assert_eq!(
            thumb.width > thumb.height,
            width > height,
            "thumbnails are upright, too"
        );
        assert!(looked(&after).0.rewritten.is_none(), "once is enough");
    }
}

#[test]
fn png_webp_and_gif_lose_it_and_show_the_same() {
    let (seen, after) = looked(&png(700, 500, true, 255));
    assert!(!tells(&after) && seen.kind == Kind::Image);
    assert!(
        after == png(700, 500, false, 255),
        "what is left is the picture"
    );
    assert_eq!(seen.thumbs.len(), 1);
    assert_eq!(seen.thumbs[0].mime, "image/jpeg");

    let (seen, after) = looked(&png(700, 500, false, 128));
    assert!(seen.rewritten.is_none() && !after.is_empty());
    assert_eq!(
        seen.thumbs[0].mime, "image/webp",
        "what shines through stays so"
    );

    let (seen, after) = looked(&webp(500, 300, 1));
    assert!(!tells(&after) && seen.rewritten.is_some());
    let mut decoder = image_webp::WebPDecoder::new(io::Cursor::new(&after)).expect("still WebP");
    let mut whole = vec![0; decoder.output_buffer_size().expect("a size")];
    decoder.read_image(&mut whole).expect("decoded");
    assert!(whole == pixels(500, 300));
    assert_eq!(
        decoder.icc_profile().expect("read").as_deref(),
        Some(PROFILE)
    );
    assert_eq!(decoder.exif_metadata().expect("read"), None);

    let (seen, after) = looked(&gif(400, 3));
    assert!(!tells(&after) && seen.rewritten.is_some());
    assert_eq!((seen.kind, seen.width), (Kind::Image, Some(400)));
    let mut decoder = gif::DecodeOptions::new()
        .read_info(io::Cursor::new(&after))
        .expect("still GIF");
    let mut frames = 0;
    while decoder.read_next_frame().expect("decoded").is_some() {
        frames += 1;
    }
    assert_eq!((frames, decoder.repeat()), (3, gif::Repeat::Infinite));
}

#[test]
fn a_webp_on_its_side_keeps_the_one_tag_that_turns_it() {
    let (seen, after) = looked(&webp(500, 300, 6));
    assert!(!tells(&after));
    assert_eq!((seen.width, seen.height), (Some(300), Some(500)));
    let mut decoder = image_webp::WebPDecoder::new(io::Cursor::new(&after)).expect("still WebP");
    let block = decoder.exif_metadata().expect("read").expect("kept");
    assert_eq!(block, exif::only(6));
    assert!(looked(&after).0.size == after.len() as u64);
}

#[test]
fn films_and_avif_lose_places_without_a_byte_moving() {
    let (seen, after) = looked(&film());
    assert!(!tells(&after) && tells(&film()));
    assert_eq!(after.len(), film().len());
    assert!(after.ends_with(b"pictures and sound"));
    assert_eq!(
        (seen.kind, seen.width, seen.height, seen.duration),
        (Kind::Video, Some(640), Some(360), Some(1500))
    );

    let (seen, after) = looked(&avif());
    assert!(!tells(&after) && tells(&avif()));
    assert_eq!(after.len(), avif().len());
    assert!(
        after.windows(7).any(|window| window == b"picture"),
        "the picture stays"
    );
    assert_eq!(
        (seen.kind, seen.width, seen.height),
        (Kind::Image, Some(40), Some(30))
    );
}

#[test]
fn bombs_are_files_to_download() {
    // 25 and 2.5 gigapixels; the second one's pixels are all there.
    for bytes in [
        lying(&png(1, 1, false, 255), 500_000, 50_000),
        bomb(50_000, 50_000),
    ] {
        let (seen, _) = looked(&bytes);
        assert_eq!(
            (seen.mime, seen.kind, seen.width),
            ("image/png", Kind::Other, None)
        );
        assert!(seen.thumbs.is_empty() && seen.placeholder.is_none());
    }
    // Within the number of pixels, but a few hundred bytes must not cost 240 MB.
    let mut jpeg = plain_jpeg(16, 16);
    let at = jpeg
        .windows(2)
        .position(|window| window == [0xff, 0xc0])
        .expect("a frame");
    jpeg[at + 5..at + 9].copy_from_slice(&[0x23, 0x28, 0x23, 0x28]);
    let (seen, _) = looked(&jpeg);
    assert_eq!((seen.mime, seen.kind), ("image/jpeg", Kind::Other));
    assert!(decode_budget(jpeg.len() as u64) < 100 << 20);
}

/// The same PNG with another size in its header.
fn lying(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png.to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes
}

#[test]
fn a_hundred_thousand_frames_cost_one() {
    let (seen, after) = looked(&gif(40, 100_000));
    assert!(!tells(&after));
    assert_eq!((seen.kind, seen.width), (Kind::Image, Some(40)));
}

#[test]
fn files_of_two_faces_have_the_safe_one() {
    let (seen, _) = looked(b"GIF89a/*\0\0\0\0\0*/=1;alert(document.domain)//");
    assert_eq!((seen.mime, seen.kind), ("image/gif", Kind::Other));
    let (seen, _) = looked(b"%PDF-1.7\n<html><script>alert(1)</script>");
    assert_eq!((seen.mime, seen.kind), ("application/pdf", Kind::Other));
    let mut both = png(4, 4, false, 255);
    both.extend(b"<script>alert(1)</script>");
    let (seen, after) = looked(&both);
    assert_eq!(seen.kind, Kind::Image);
    assert!(
        !after.windows(7).any(|window| window == b"<script"),
        "what is behind the end goes"
    );
    let (seen, _) = looked(b"<svg onload=alert(1)>");
    assert_eq!((seen.mime, seen.kind), ("image/svg+xml", Kind::Other));
}

#[test]
fn text_and_unknown_files_are_left_alone() {
    let (seen, _) = looked(b"hello");
    assert_eq!(
        (seen.mime, seen.kind, seen.size),
        ("text/plain", Kind::Text, 5)
    );
    let (seen, _) = looked(b"\0\x01\x02");
    assert_eq!(
        (seen.mime, seen.kind),
        ("application/octet-stream", Kind::Other)
    );
    assert!(inspect(Path::new("/nowhere/at/all")).is_err());
}

#[test]
fn cut_off_files_are_kept() {
    for whole in [
        photo(300, 200, 6),
        png(300, 200, true, 255),
        webp(300, 200, 1),
        gif(300, 2),
        film(),
        avif(),
    ] {
        for part in 1..16 {
            let cut = &whole[..whole.len() * part / 16];
            let sample = Sample::of(cut);
            inspect(&sample.path).expect("no error");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn broken_bytes_never_end_the_work(which in 0usize..6, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = vec![photo(60, 40, 6), png(60, 40, true, 128), webp(60, 40, 6), gif(60, 3), film(), avif()].swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let sample = Sample::of(&bytes);
        let seen = inspect(&sample.path).expect("no error");
        let after = sample.bytes();
        prop_assert_eq!(seen.size, after.len() as u64);
        prop_assert!(after.len() <= bytes.len() + 4096 || which == 0);
        if seen.kind == Kind::Image && seen.mime != "image/avif" {
            prop_assert!(seen.placeholder.is_some_and(|text| text.len() == 36));
        }
    }
}
