//! Pictures decoded: each format by its own small decoder, and none before its header was judged.
//!
//! A decoder that panics on hostile bytes is answered as one that refuses them.

use super::{
    decode_budget,
    metadata::Found,
    shrink::{Canvas, Shrink, fit},
};
use std::{
    fs::File,
    io::{BufReader, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Most pixels of a picture: what decoding costs in time grows with them, whatever the file's size.
pub(super) const MAX_PIXELS: u64 = 100_000_000;
/// The same for PNG, whose rows are unpacked one after the other however few bytes make them.
const MAX_PIXELS_PNG: u64 = 50_000_000;
/// Bytes of a JPEG that are held while it is decoded.
const MAX_JPEG: u64 = 64 << 20;

/// A picture that was decoded.
pub(super) struct Decoded {
    /// At most as long as was asked, as stored (not turned).
    pub(super) canvas: Canvas,
    /// All pixels of a JPEG that has to be turned.
    pub(super) whole: Option<Whole>,
}

/// A picture in its full size: red, green, blue.
pub(super) struct Whole {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Vec<u8>,
}

/// Decodes a picture and makes it at most `longest` pixels long; `None` where it is too large to be
/// decoded, or broken.
pub(super) fn decode(path: &Path, mime: &str, found: &Found, longest: u32) -> Option<Decoded> {
    let size = path.metadata().ok()?.len();
    let pixels = u64::from(found.width) * u64::from(found.height);
    let most = if mime == "image/png" {
        MAX_PIXELS_PNG
    } else {
        MAX_PIXELS
    };
    if !found.decodable || pixels == 0 || pixels > most || found.memory > decode_budget(size) {
        return None;
    }
    let memory = usize::try_from(decode_budget(size)).ok()?;
    // Nothing of what a panic leaves behind is used again.
    catch_unwind(AssertUnwindSafe(|| {
        let file = BufReader::with_capacity(1 << 16, File::open(path).ok()?);
        match mime {
            "image/jpeg" if size <= MAX_JPEG => jpeg(file, found, longest),
            "image/png" => png(file, memory, longest).map(Decoded::only),
            "image/gif" => gif(file, memory, longest).map(Decoded::only),
            "image/webp" => webp(file, memory, longest).map(Decoded::only),
            _ => None,
        }
    }))
    .ok()
    .flatten()
}

impl Decoded {
    fn only(canvas: Canvas) -> Self {
        Self {
            canvas,
            whole: None,
        }
    }
}

fn jpeg(mut file: impl Read, found: &Found, longest: u32) -> Option<Decoded> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let options = zune_core::options::DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(zune_core::colorspace::ColorSpace::RGB);
    let cursor = zune_core::bytestream::ZCursor::new(bytes);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(cursor, options);
    decoder.decode_headers().ok()?;
    // A header that our own reading did not find must not decide on memory.
    if decoder.dimensions()? != (found.width as usize, found.height as usize) {
        return None;
    }
    let pixels = decoder.decode().ok()?;
    let whole = Whole {
        width: found.width,
        height: found.height,
        pixels,
    };
    let canvas = whole.shrunk(longest)?;
    let turned = found.orientation != super::exif::UPRIGHT;
    Some(Decoded {
        canvas,
        whole: turned.then_some(whole),
    })
}

impl Whole {
    fn shrunk(&self, longest: u32) -> Option<Canvas> {
        if self.pixels.len() != self.width as usize * self.height as usize * 3 {
            return None;
        }
        let size = (self.width, self.height);
        let mut shrink = Shrink::new(size, fit(size.0, size.1, longest));
        for row in self.pixels.chunks_exact(self.width as usize * 3) {
            let (row, _) = row.as_chunks::<3>();
            shrink.push(|x| {
                let [r, g, b] = row[x];
                [r, g, b, u8::MAX]
            });
        }
        Some(shrink.done())
    }
}

fn png(file: BufReader<File>, memory: usize, longest: u32) -> Option<Canvas> {
    let mut decoder = png::Decoder::new_with_limits(file, png::Limits { bytes: memory });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = reader.info().size();
    let channels = reader.output_color_type().0.samples();
    let mut shrink = Shrink::new((width, height), fit(width, height, longest));
    let pixel = |row: &[u8], x: usize| {
        let at = x * channels;
        match *row.get(at..at + channels).unwrap_or_default() {
            [grey] => [grey, grey, grey, u8::MAX],
            [grey, opacity] => [grey, grey, grey, opacity],
            [r, g, b] => [r, g, b, u8::MAX],
            [r, g, b, opacity] => [r, g, b, opacity],
            _ => [0; 4],
        }
    };
    if reader.info().interlaced {
        let mut whole = vec![0; reader.output_buffer_size()?];
        reader.next_frame(&mut whole).ok()?;
        for row in whole.chunks_exact(width as usize * channels) {
            shrink.push(|x| pixel(row, x));
        }
    } else {
        while let Some(row) = reader.next_row().ok()? {
            shrink.push(|x| pixel(row.data(), x));
        }
    }
    Some(shrink.done())
}

/// The first frame, where it lies in the picture.
fn gif(file: BufReader<File>, memory: usize, longest: u32) -> Option<Canvas> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    options.set_memory_limit(gif::MemoryLimit::Bytes(std::num::NonZeroU64::new(
        memory as u64,
    )?));
    let mut decoder = options.read_info(file).ok()?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    let frame = decoder.read_next_frame().ok()??;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (wide, high) = (usize::from(frame.width), usize::from(frame.height));
    let (pixels, _) = frame.buffer.as_chunks::<4>();
    let mut shrink = Shrink::new((width, height), fit(width, height, longest));
    for y in 0..height as usize {
        let inside = y.checked_sub(top).filter(|y| *y < high);
        let row = inside
            .and_then(|y| pixels.get(y * wide..(y + 1) * wide))
            .unwrap_or_default();
        shrink.push(|x| {
            x.checked_sub(left)
                .and_then(|x| row.get(x))
                .copied()
                .unwrap_or_default()
        });
    }
    Some(shrink.done())
}

fn webp(file: BufReader<File>, memory: usize, longest: u32) -> Option<Canvas> {
    let mut decoder = image_webp::WebPDecoder::new(file).ok()?;
    decoder.set_memory_limit(memory);
    let (width, height) = decoder.dimensions();
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut whole = vec![0; decoder.output_buffer_size()?];
    decoder.read_image(&mut whole).ok()?;
    let mut shrink = Shrink::new((width, height), fit(width, height, longest));
    for row in whole.chunks_exact(width as usize * channels) {
        shrink.push(|x| match row[x * channels..(x + 1) * channels] {
            [r, g, b, opacity] => [r, g, b, opacity],
            [r, g, b] => [r, g, b, u8::MAX],
            _ => [0; 4],
        });
    }
    Some(shrink.done())
}
