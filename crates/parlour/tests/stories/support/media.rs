//! Small files of known kinds, and how they are met.

use super::{Answer, MESSAGES, User, Value};
use std::path::Path;

/// A picture of 4 by 3 pixels.
pub(crate) const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x03, 0x08, 0x02, 0x00, 0x00, 0x00, 0x3b, 0x96, 0x39,
    0x91, 0x00, 0x00, 0x00, 0x27, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x0d, 0xc7, 0xc1, 0x09, 0x00,
    0x30, 0x0c, 0x03, 0xb1, 0x83, 0xe0, 0x40, 0x3c, 0xe2, 0xed, 0x3f, 0x48, 0xab, 0x9f, 0x00, 0x07,
    0x17, 0x0f, 0x21, 0x4e, 0xdc, 0x78, 0xf9, 0xa9, 0x53, 0xb7, 0x5e, 0x7d, 0x54, 0x89, 0x04, 0xab,
    0x77, 0x76, 0xaa, 0x16, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// Sends one file; the message object.
pub(crate) async fn send_file(user: &User, room: i64, name: &str, content: &[u8]) -> Value {
    try_file(user, room, name, content).await.ok(201)
}

pub(crate) async fn try_file(user: &User, room: i64, name: &str, content: &[u8]) -> Answer {
    let room = room.to_string();
    user.post(MESSAGES)
        .file(&[("room", &room)], name, content)
        .await
}

/// The files in a folder and below it: how many, and their bytes.
pub(crate) fn on_disk(folder: &Path) -> (usize, u64) {
    let mut sum = (0, 0);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(data) = entry.metadata() else { continue };
        if data.is_dir() {
            let below = on_disk(&entry.path());
            sum = (sum.0 + below.0, sum.1 + below.1);
        } else {
            sum = (sum.0 + 1, sum.1 + data.len());
        }
    }
    sum
}

/// A picture of 1,000 by 500 grey pixels, large enough for thumbnails.
pub(crate) fn large_png() -> Vec<u8> {
    const SIDES: (u32, u32) = (1_000, 500);
    let mut rows = Vec::new();
    for y in 0..SIDES.1 {
        rows.push(0);
        rows.extend((0..SIDES.0).map(|x| u8::try_from((x / 5 + y / 3) % 256).unwrap_or(0)));
    }
    let mut head = Vec::new();
    head.extend(SIDES.0.to_be_bytes());
    head.extend(SIDES.1.to_be_bytes());
    head.extend([8, 0, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", head),
        (b"IDAT", stored(&rows)),
        (b"IEND", Vec::new()),
    ] {
        let length = u32::try_from(data.len()).expect("small");
        png.extend(length.to_be_bytes());
        let body = [&kind[..], &data].concat();
        png.extend(&body);
        png.extend(crc(&body).to_be_bytes());
    }
    png
}

/// [`PNG`] with a text in it that is nobody's business.
pub(crate) fn noted_png(note: &str) -> Vec<u8> {
    let body = [b"tEXtComment\0", note.as_bytes()].concat();
    let length = u32::try_from(body.len() - 4).expect("small");
    // Behind the signature and IHDR.
    let (head, rest) = PNG.split_at(8 + 25);
    let mut png = head.to_vec();
    png.extend(length.to_be_bytes());
    png.extend(&body);
    png.extend(crc(&body).to_be_bytes());
    png.extend(rest);
    png
}

/// A zlib stream that compresses nothing.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(60_000).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("small");
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}
