//! What looking at a picture costs: `cargo bench -p parlour-core`.
//!
//! Each measures the whole of [`inspect`]: type, metadata, decoding, both thumbnails, placeholder.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use parlour_core::media::inspect;
use std::{fs, path::PathBuf};

fn main() {
    divan::main();
}

/// Smooth colours with noise on them, as cameras see: about 4 MB for 12 megapixels.
fn photo(width: u16, height: u16, orientation: u8) -> Vec<u8> {
    let mut noise = 1_u32;
    let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    for y in 0..height {
        for x in 0..width {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let wave =
                (f32::from(x) / 91.0).sin() * 60.0 + (f32::from(y) / 37.0).cos() * 50.0 + 120.0;
            let grey = (wave + (noise % 17) as f32) as u8;
            pixels.extend([grey, grey.wrapping_add((x / 160) as u8), 255 - grey]);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let mut exif = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    exif[19] = orientation;
    encoder.add_exif_metadata(&exif).expect("fits");
    encoder
        .encode(&pixels, width, height, ColorType::Rgb)
        .expect("encoded");
    bytes
}

fn bench(bencher: divan::Bencher<'_, '_>, orientation: u8) {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("photo");
    let bytes = photo(4032, 3024, orientation);
    bencher
        .with_inputs(|| fs::write(&path, &bytes))
        .bench_local_values(|written| {
            written.expect("written");
            inspect(&path).expect("looked at")
        });
}

#[divan::bench(sample_count = 20)]
fn photo_of_12_megapixels(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, 1);
}

#[divan::bench(sample_count = 20)]
fn photo_of_12_megapixels_on_its_side(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, 6);
}
