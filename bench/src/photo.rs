//! A photo as cameras make them. The microbenchmarks of `parlour-core` include this file.

use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};

/// Smooth colours with noise on them: about 4 MB for 12 megapixels. `orientation` is that of EXIF.
pub(crate) fn photo(
    (width, height): (u16, u16),
    orientation: u8,
) -> Result<Vec<u8>, EncodingError> {
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
    encoder.add_exif_metadata(&exif)?;
    encoder.encode(&pixels, width, height, ColorType::Rgb)?;
    Ok(bytes)
}
