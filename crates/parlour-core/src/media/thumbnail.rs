//! Thumbnails, and photos turned upright: what is encoded here.

use super::{
    exif,
    image::Whole,
    inspect::MadeThumb,
    shrink::{Canvas, fit},
};
use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor, rgb_to_ycbcr};
use std::{io::Write, ops::Range};

/// Longer sides of thumbnails in pixels; a picture that is not longer gets none of that size.
pub const THUMB_SIZES: [u32; 2] = [360, 1080];

/// Quality of JPEG for thumbnails: 1080 pixels of a photo take about 120 KB.
const THUMB_QUALITY: u8 = 80;
/// Quality for photos that are turned: a second round of losses that nobody sees.
const PHOTO_QUALITY: u8 = 92;
/// Longest colour profile that goes into thumbnails; those of printers are half a megabyte.
const THUMB_PROFILE: usize = 4096;

/// The thumbnails of a picture of this size, from a canvas that is as large as the largest of them.
pub(super) fn thumbnails(
    canvas: &Canvas,
    size: (u32, u32),
    profile: Option<&[u8]>,
) -> Vec<MadeThumb> {
    let wanted = THUMB_SIZES
        .iter()
        .filter(|longest| size.0.max(size.1) > **longest);
    wanted
        .filter_map(|longest| {
            let (width, height) = fit(size.0, size.1, *longest);
            let smaller;
            let canvas = if (canvas.width, canvas.height) == (width, height) {
                canvas
            } else {
                smaller = canvas.shrunk(width, height);
                &smaller
            };
            encode(canvas, *longest, profile)
        })
        .collect()
}

/// JPEG; WebP without losses where something shines through.
fn encode(canvas: &Canvas, longest: u32, profile: Option<&[u8]>) -> Option<MadeThumb> {
    let mut bytes = Vec::new();
    let opaque = canvas.is_opaque();
    if opaque {
        let mut encoder = Encoder::new(&mut bytes, THUMB_QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        if let Some(profile) = profile.filter(|profile| profile.len() <= THUMB_PROFILE) {
            encoder.add_icc_profile(profile).ok()?;
        }
        let (width, height) = (
            u16::try_from(canvas.width).ok()?,
            u16::try_from(canvas.height).ok()?,
        );
        let colours = jpeg_encoder::ColorType::Rgba;
        encoder
            .encode(canvas.pixels.as_flattened(), width, height, colours)
            .ok()?;
    } else {
        let encoder = image_webp::WebPEncoder::new(&mut bytes);
        let pixels = canvas.pixels.as_flattened();
        encoder
            .encode(
                pixels,
                canvas.width,
                canvas.height,
                image_webp::ColorType::Rgba8,
            )
            .ok()?;
    }
    Some(MadeThumb {
        longest,
        width: canvas.width,
        height: canvas.height,
        mime: if opaque { "image/jpeg" } else { "image/webp" },
        bytes,
    })
}

/// Writes a photo as it is seen, with its colour profile and without anything else. The turned picture
/// is never held besides the stored one: it is read in another order.
pub(super) fn upright(
    whole: &Whole,
    orientation: u8,
    profile: Option<&[u8]>,
    to: impl Write,
) -> Option<()> {
    let mut encoder = Encoder::new(std::io::BufWriter::new(to), PHOTO_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile).ok()?;
    }
    let (width, height) = exif::seen(whole.width, whole.height, orientation);
    let turned = Turned {
        whole,
        orientation,
        width: u16::try_from(width).ok()?,
        height: u16::try_from(height).ok()?,
    };
    encoder.encode_image(turned).ok()
}

struct Turned<'a> {
    whole: &'a Whole,
    orientation: u8,
    width: u16,
    height: u16,
}

impl Turned<'_> {
    fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let size = (self.whole.width, self.whole.height);
        let (x, y) = exif::stored(x, y, size, self.orientation);
        let at = (y as usize * self.whole.width as usize + x as usize) * 3;
        let pixel: Option<&[u8; 3]> = self.whole.pixels.get(at..).and_then(<[u8]>::first_chunk);
        pixel.copied().unwrap_or_default()
    }

    fn columns(&self) -> Range<u32> {
        0..u32::from(self.width)
    }
}

impl ImageBuffer for Turned<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        for x in self.columns() {
            let [r, g, b] = self.pixel(x, u32::from(y));
            let (luma, blue, red) = rgb_to_ycbcr(r, g, b);
            buffers[0].push(luma);
            buffers[1].push(blue);
            buffers[2].push(red);
        }
    }
}
