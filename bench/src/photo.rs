//! A photo as cameras make them.

use anyhow::Result;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const SIDES: (u16, u16) = (4_032, 3_024);

/// Smooth colours with noise on them: about 4 MB.
pub(crate) fn of_12_megapixels() -> Result<Vec<u8>> {
    let mut noise = 1_u32;
    let mut pixels = Vec::with_capacity(usize::from(SIDES.0) * usize::from(SIDES.1) * 3);
    for y in 0..SIDES.1 {
        for x in 0..SIDES.0 {
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
    encoder.encode(&pixels, SIDES.0, SIDES.1, ColorType::Rgb)?;
    Ok(bytes)
}
