//! Pictures and films made for tests.

use crate::media::exif;
use jpeg_encoder::{ColorType, Encoder};
use std::{io::Write as _, path::PathBuf};

/// Words that nobody else may read: where, when, with what.
pub(in crate::media) const SECRETS: [&[u8]; 4] = [
    b"GPS-48.8584",
    b"W5M0MpCehiHzreSzNTczkc9d",
    b"IPTC-Ada",
    b"SerialNo-77",
];

/// A file in a folder that goes with it.
pub(in crate::media) struct Sample {
    pub(in crate::media) path: PathBuf,
    pub(in crate::media) folder: tempfile::TempDir,
}

impl Sample {
    pub(in crate::media) fn of(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).expect("written");
        Self { path, folder }
    }

    pub(in crate::media) fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).expect("readable")
    }
}

/// Whether one of the secrets is in there.
pub(in crate::media) fn tells(bytes: &[u8]) -> bool {
    SECRETS
        .iter()
        .any(|secret| bytes.windows(secret.len()).any(|window| window == *secret))
}

/// A pattern with a red corner at the top left.
pub(in crate::media) fn pixels(width: u32, height: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let corner = x < width / 3 && y < height / 3;
        if corner {
            [220, 10, 10]
        } else {
            [20, (x * 200 / width) as u8, (y * 200 / height) as u8]
        }
    };
    (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| pixel(x, y)))
        .collect()
}

/// EXIF with an orientation, and a place behind it.
pub(in crate::media) fn exif_of(orientation: u8) -> Vec<u8> {
    [&exif::only(orientation)[..], SECRETS[0], SECRETS[3]].concat()
}

fn segment(code: u8, body: &[u8]) -> Vec<u8> {
    [
        &[0xff, code][..],
        &(body.len() as u16 + 2).to_be_bytes(),
        body,
    ]
    .concat()
}

pub(in crate::media) fn plain_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = Encoder::new(&mut bytes, 90);
    encoder
        .encode(
            &pixels(width, height),
            width as u16,
            height as u16,
            ColorType::Rgb,
        )
        .expect("encoded");
    bytes
}

/// A profile that is none, but short.
pub(in crate::media) const PROFILE: &[u8] = b"a colour profile";

/// A photo as a phone makes it: EXIF, XMP, IPTC, a comment, a colour profile, a film at its end.
pub(in crate::media) fn photo(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let plain = plain_jpeg(width, height);
    let mut bytes = plain[..2].to_vec();
    bytes.extend(segment(
        0xe1,
        &[&b"Exif\0\0"[..], &exif_of(orientation)].concat(),
    ));
    bytes.extend(segment(
        0xe1,
        &[&b"http://ns.adobe.com/xap/1.0/\0"[..], SECRETS[1]].concat(),
    ));
    bytes.extend(segment(
        0xed,
        &[&b"Photoshop 3.0\0"[..], SECRETS[2]].concat(),
    ));
    bytes.extend(segment(
        0xe2,
        &[&b"ICC_PROFILE\0\x01\x01"[..], PROFILE].concat(),
    ));
    bytes.extend(segment(0xe2, &[&b"MPF\0"[..], SECRETS[3]].concat()));
    bytes.extend(segment(0xfe, SECRETS[3]));
    bytes.extend(&plain[2..]);
    bytes.extend(SECRETS[0]);
    bytes
}

pub(in crate::media) fn png(width: u32, height: u32, secret: bool, opacity: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    if secret {
        encoder
            .add_text_chunk("Comment".into(), String::from_utf8_lossy(SECRETS[3]).into())
            .expect("fits");
        encoder
            .add_itxt_chunk(
                "XML:com.adobe.xmp".into(),
                String::from_utf8_lossy(SECRETS[1]).into(),
            )
            .expect("fits");
    }
    let mut writer = encoder.write_header().expect("a header");
    if secret {
        writer
            .write_chunk(png::chunk::eXIf, &exif_of(1))
            .expect("written");
    }
    let whole: Vec<u8> = pixels(width, height)
        .chunks(3)
        .flat_map(|rgb| [rgb[0], rgb[1], rgb[2], opacity])
        .collect();
    writer.write_image_data(&whole).expect("written");
    drop(writer);
    if secret {
        bytes.extend(SECRETS[0]);
    }
    bytes
}

/// A PNG of nothing whose header names this size and whose pixels are all there, in few bytes.
pub(in crate::media) fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().expect("a header");
    let mut stream = writer.stream_writer().expect("a stream");
    let row = vec![0; width.div_ceil(8) as usize];
    for _ in 0..height {
        stream.write_all(&row).expect("written");
    }
    stream.finish().expect("finished");
    drop(writer);
    bytes
}

pub(in crate::media) fn webp(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif_of(orientation));
    encoder.set_xmp_metadata(SECRETS[1].to_vec());
    encoder.set_icc_profile(PROFILE.to_vec());
    encoder
        .encode(
            &pixels(width, height),
            width,
            height,
            image_webp::ColorType::Rgb8,
        )
        .expect("encoded");
    bytes
}

/// So many frames of one pixel, with a comment and XMP before them.
pub(in crate::media) fn gif(side: u16, frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder =
        gif::Encoder::new(&mut bytes, side, side, &[200, 0, 0, 0, 0, 200]).expect("a header");
    encoder.set_repeat(gif::Repeat::Infinite).expect("written");
    encoder
        .write_raw_extension(gif::AnyExtension(0xfe), &[SECRETS[3]])
        .expect("written");
    encoder
        .write_raw_extension(gif::AnyExtension(0xff), &[b"XMP DataXMP", SECRETS[1]])
        .expect("written");
    let frame = gif::Frame {
        width: side,
        height: side,
        buffer: vec![0; usize::from(side).pow(2)].into(),
        ..gif::Frame::default()
    };
    encoder.write_frame(&frame).expect("written");
    let dot = gif::Frame {
        width: 1,
        height: 1,
        buffer: vec![1].into(),
        ..gif::Frame::default()
    };
    for _ in 1..frames {
        encoder.write_frame(&dot).expect("written");
    }
    drop(encoder);
    bytes
}

fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
}

/// The header of a film of 640 by 360 that plays for 1.5 seconds, with a place and notes.
pub(in crate::media) fn film() -> Vec<u8> {
    let mut mvhd = vec![0; 100];
    mvhd[12..16].copy_from_slice(&600_u32.to_be_bytes());
    mvhd[16..20].copy_from_slice(&900_u32.to_be_bytes());
    let mut tkhd = vec![0; 84];
    tkhd[40..44].copy_from_slice(&0x0001_0000_u32.to_be_bytes());
    tkhd[76..80].copy_from_slice(&(640_u32 << 16).to_be_bytes());
    tkhd[80..84].copy_from_slice(&(360_u32 << 16).to_be_bytes());
    let track = [
        boxed(b"tkhd", &tkhd),
        boxed(b"udta", SECRETS[2]),
        boxed(b"mdia", b"kept"),
    ]
    .concat();
    let place = boxed(b"udta", &boxed(b"\xa9xyz", SECRETS[0]));
    let moov = [
        boxed(b"mvhd", &mvhd),
        boxed(b"trak", &track),
        place,
        boxed(b"meta", SECRETS[3]),
    ]
    .concat();
    [
        boxed(b"ftyp", b"isom\0\0\x02\0isomiso2"),
        boxed(b"moov", &moov),
        boxed(b"uuid", &[&[7; 16][..], SECRETS[1]].concat()),
        boxed(b"mdat", b"pictures and sound"),
    ]
    .concat()
}

/// The structure of an AVIF of 40 by 30 with EXIF in the data of the file and XMP beside it.
pub(in crate::media) fn avif() -> Vec<u8> {
    let info = |id: u16, kind: &[u8; 4], more: &[u8]| {
        boxed(
            b"infe",
            &[
                &[2, 0, 0, 0][..],
                &id.to_be_bytes(),
                &[0, 0],
                kind,
                b"\0",
                more,
            ]
            .concat(),
        )
    };
    let infos = [
        info(1, b"av01", b""),
        info(2, b"Exif", b""),
        info(3, b"mime", b"application/rdf+xml\0"),
    ]
    .concat();
    let iinf = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 3][..], &infos].concat());
    let ispe = boxed(
        b"ispe",
        &[&[0; 4][..], &40_u32.to_be_bytes(), &30_u32.to_be_bytes()].concat(),
    );
    let iprp = boxed(b"iprp", &boxed(b"ipco", &ispe));
    let ftyp = boxed(b"ftyp", b"avif\0\0\0\0avifmif1");
    let idat = boxed(b"idat", SECRETS[1]);
    let parts = |first: u32| {
        let place = |id: u16, method: u16, at: u32, length: usize| {
            [
                &id.to_be_bytes()[..],
                &method.to_be_bytes(),
                &[0, 0, 0, 1],
                &at.to_be_bytes(),
                &(length as u32).to_be_bytes(),
            ]
            .concat()
        };
        let places = [
            place(1, 0, first, 7),
            place(2, 0, first + 7, SECRETS[0].len()),
            place(3, 1, 0, SECRETS[1].len()),
        ]
        .concat();
        let iloc = boxed(
            b"iloc",
            &[&[1, 0, 0, 0, 0x44, 0, 0, 3][..], &places].concat(),
        );
        let body = [&[0; 4][..], &iinf, &iloc, &iprp, &idat].concat();
        [ftyp.clone(), boxed(b"meta", &body)].concat()
    };
    let start = parts(0).len() as u32 + 8;
    [
        parts(start),
        boxed(b"mdat", &[b"picture", SECRETS[0]].concat()),
    ]
    .concat()
}
