use super::*;
use proptest::prelude::*;

#[test]
fn types_that_are_shown() {
    let mp3 = [
        &[0xff, 0xfb, 0x90, 0x00][..],
        &[0; 413],
        &[0xff, 0xfb, 0x90, 0x00],
    ]
    .concat();
    let cases: &[(&[u8], &str)] = &[
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "image/avif"),
        (
            b"\0\0\0\x20ftypmif1\0\0\0\0mif1avif\0\0\0\0\0\0\0\0",
            "image/avif",
        ),
        (
            b"\0\0\0\x20ftypmif1\0\0\0\0mif1heic\0\0\0\0\0\0\0\0",
            "image/heic",
        ),
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\x02\0", "video/quicktime"),
        (
            b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
            "video/webm",
        ),
        (b"ID3\x04\0", "audio/mpeg"),
        (&mp3, "audio/mpeg"),
        (b"OggS\0\x02", "audio/ogg"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/x-wav"),
        (b"hello, world\n", "text/plain"),
        ("다은: 안녕".as_bytes(), "text/plain"),
        (b"\xff\xfeh\0i\0", "text/plain"),
        (b"caf\xe9 in latin 1", "text/plain"),
    ];
    for (head, mime) in cases {
        assert_eq!(sniff(head), *mime, "{:?}", String::from_utf8_lossy(head));
    }
}

#[test]
fn what_a_browser_could_run_is_named_as_what_it_is() {
    let cases: &[(&[u8], &str)] = &[
        (b"<!DOCTYPE html><p>", "text/html"),
        (b"\n\n  <HTML><script>alert(1)</script>", "text/html"),
        (b"\xef\xbb\xbf<html>", "text/html"),
        (b"<script>alert(1)</script>", "text/html"),
        (b"<!-- x --><html>", "text/html"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "image/svg+xml",
        ),
        (b"<?xml version='1.0'?><!-- c --><svg>", "image/svg+xml"),
        (b"<?xml version='1.0'?><a/>", "text/xml"),
        (
            b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>",
            "text/html",
        ),
        (b"{\"a\": [1, 2]}", "application/json"),
        (b"[]", "application/json"),
        (b"{not json}", "text/plain"),
        (b"#!/bin/sh\necho", "text/x-shellscript"),
        (
            b"%PDF-1.4\n<html><script>alert(1)</script>",
            "application/pdf",
        ),
        (b"GIF89a/*<html>*/=1;alert(1)", "image/gif"),
        (b"PK\x03\x04rest", "application/zip"),
        (b"\x7fELF\x02\x01\x01\0", "application/x-executable"),
        (b"MZ\x90\0", "application/x-dosexec"),
    ];
    for (head, mime) in cases {
        assert_eq!(sniff(head), *mime, "{:?}", String::from_utf8_lossy(head));
    }
}

#[test]
fn what_is_nothing_we_know_is_bytes() {
    for head in [
        &b""[..],
        b"\0",
        b"\x01\x02\x03",
        b"abc\0def",
        b"RIFF\0\0\0\0????\x01",
    ] {
        assert_eq!(sniff(head), "application/octet-stream", "{head:?}");
    }
}

#[test]
fn json_that_goes_on_is_json() {
    let long = format!("[{}", "\"something\", ".repeat(400));
    assert_eq!(sniff(long.as_bytes()), "application/json");
}

proptest! {
    #[test]
    fn any_bytes_have_a_type_and_only_the_head_counts(head in proptest::collection::vec(any::<u8>(), 0..64), tail in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mime = sniff(&head);
        prop_assert!(mime.contains('/') && mime.len() <= 127);
        let mut long = head;
        long.resize(HEAD, b' ');
        let alone = sniff(&long);
        long.extend(tail);
        prop_assert_eq!(sniff(&long), alone);
    }

    #[test]
    fn no_text_with_a_tag_at_its_start_is_plain(space in "[ \n\t]{0,9}", word in "(<html|<script|<svg|<!doctype html)", rest in "\\PC{0,30}") {
        let mime = sniff(format!("{space}{word} {rest}").as_bytes());
        prop_assert!(mime == "text/html" || mime == "image/svg+xml", "{}", mime);
    }
}
