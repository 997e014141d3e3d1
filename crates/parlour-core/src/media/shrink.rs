//! Pictures made smaller, row by row: each new pixel is the mean of the area it covers.

/// Pixels in red, green, blue and opacity, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Canvas {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Vec<[u8; 4]>,
}

impl Canvas {
    /// Whether nothing shines through.
    pub(super) fn is_opaque(&self) -> bool {
        self.pixels.iter().all(|pixel| pixel[3] == u8::MAX)
    }

    /// The same picture, smaller.
    pub(super) fn shrunk(&self, width: u32, height: u32) -> Self {
        let mut shrink = Shrink::new((self.width, self.height), (width, height));
        for row in self.pixels.chunks_exact(self.width as usize) {
            shrink.push(|x| row[x]);
        }
        shrink.done()
    }

    /// The same picture as it is seen.
    pub(super) fn turned(self, orientation: u8) -> Self {
        if orientation == super::exif::UPRIGHT {
            return self;
        }
        let size = (self.width, self.height);
        let (width, height) = super::exif::seen(self.width, self.height, orientation);
        let pixels = (0..height)
            .flat_map(|y| (0..width).map(move |x| super::exif::stored(x, y, size, orientation)))
            .map(|(x, y)| self.pixels[(y * self.width + x) as usize])
            .collect();
        Self {
            width,
            height,
            pixels,
        }
    }
}

/// The size of a picture whose longer side is at most `longest`; never larger than it was.
pub(super) fn fit(width: u32, height: u32, longest: u32) -> (u32, u32) {
    let long = width.max(height);
    if long <= longest {
        return (width, height);
    }
    let scaled = |side: u32| {
        let exact = (u64::from(side) * u64::from(longest) + u64::from(long / 2)) / u64::from(long);
        u32::try_from(exact).unwrap_or(longest).max(1)
    };
    (scaled(width), scaled(height))
}

/// How a source pixel is shared among the one or two new ones that it covers.
#[derive(Clone, Copy)]
struct Share {
    first: usize,
    weight: f32,
    next: f32,
}

fn shares(from: u32, to: u32) -> Vec<Share> {
    let scale = f64::from(to) / f64::from(from);
    let share = |index: u32| {
        let start = f64::from(index) * scale;
        let end = f64::from(index + 1) * scale;
        let first = (start.floor() as usize).min(to as usize - 1);
        let border = (first + 1) as f64;
        let over = if first + 1 < to as usize {
            (end - border).max(0.0)
        } else {
            0.0
        };
        Share {
            first,
            weight: (end - start - over) as f32,
            next: over as f32,
        }
    };
    (0..from).map(share).collect()
}

/// Takes the rows of a picture in their order and makes the smaller one; holds two rows of it.
pub(super) struct Shrink {
    columns: Vec<Share>,
    rows: Vec<Share>,
    seen: usize,
    line: Vec<[f32; 4]>,
    current: Vec<[f32; 4]>,
    next: Vec<[f32; 4]>,
    canvas: Canvas,
}

impl Shrink {
    /// From one size to another that is not larger; none of the sides is 0.
    pub(super) fn new(from: (u32, u32), to: (u32, u32)) -> Self {
        let to = (to.0.clamp(1, from.0), to.1.clamp(1, from.1));
        let empty = vec![[0.0; 4]; to.0 as usize];
        Self {
            columns: shares(from.0, to.0),
            rows: shares(from.1, to.1),
            seen: 0,
            line: empty.clone(),
            current: empty.clone(),
            next: empty,
            canvas: Canvas {
                width: to.0,
                height: to.1,
                pixels: Vec::with_capacity(to.0 as usize * to.1 as usize),
            },
        }
    }

    /// The next row, by its pixels. Rows beyond the last one do nothing.
    pub(super) fn push(&mut self, pixel: impl Fn(usize) -> [u8; 4]) {
        let Some(row) = self.rows.get(self.seen).copied() else {
            return;
        };
        self.seen += 1;
        self.line.fill([0.0; 4]);
        for (x, share) in self.columns.iter().enumerate() {
            let [r, g, b, a] = pixel(x).map(f32::from);
            // Colours count as much as they are seen.
            let value = [r * a, g * a, b * a, a];
            add(&mut self.line[share.first], value, share.weight);
            if share.next > 0.0 {
                add(&mut self.line[share.first + 1], value, share.next);
            }
        }
        for (sum, value) in self.current.iter_mut().zip(&self.line) {
            add(sum, *value, row.weight);
        }
        if row.next > 0.0 {
            for (sum, value) in self.next.iter_mut().zip(&self.line) {
                add(sum, *value, row.next);
            }
        }
        let ends = self
            .rows
            .get(self.seen)
            .is_none_or(|following| following.first > row.first);
        if ends {
            self.finish_row();
        }
    }

    fn finish_row(&mut self) {
        let finished = self.current.iter().map(|[r, g, b, a]| {
            let colour = |sum: f32| if *a > 0.0 { (sum / a + 0.5) as u8 } else { 0 };
            [colour(*r), colour(*g), colour(*b), (a + 0.5) as u8]
        });
        self.canvas.pixels.extend(finished);
        std::mem::swap(&mut self.current, &mut self.next);
        self.next.fill([0.0; 4]);
    }

    /// The picture; rows that never came are transparent.
    pub(super) fn done(mut self) -> Canvas {
        let whole = self.canvas.width as usize * self.canvas.height as usize;
        self.canvas.pixels.resize(whole, [0; 4]);
        self.canvas
    }
}

fn add(sum: &mut [f32; 4], value: [f32; 4], weight: f32) {
    for (sum, value) in sum.iter_mut().zip(value) {
        *sum += value * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Canvas {
        let pixels = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| pixel(x, y))
            .collect();
        Canvas {
            width,
            height,
            pixels,
        }
    }

    #[test]
    fn sizes_fit_and_keep_their_shape() {
        assert_eq!(fit(4032, 3024, 1080), (1080, 810));
        assert_eq!(fit(3024, 4032, 360), (270, 360));
        assert_eq!(fit(100, 50, 360), (100, 50));
        assert_eq!(fit(50_000, 1, 360), (360, 1));
    }

    #[test]
    fn the_mean_of_four_pixels_is_one() {
        let squares = of(4, 4, |x, y| {
            if (x + y) % 2 == 0 {
                [200, 0, 0, 255]
            } else {
                [0, 100, 0, 255]
            }
        });
        let small = squares.shrunk(2, 2);
        assert!(
            small.pixels.iter().all(|pixel| *pixel == [100, 50, 0, 255]),
            "{small:?}"
        );
    }

    #[test]
    fn what_is_not_seen_has_no_colour() {
        let half = of(2, 1, |x, _| {
            if x == 0 {
                [10, 20, 30, 255]
            } else {
                [255, 255, 255, 0]
            }
        });
        assert_eq!(half.shrunk(1, 1).pixels, [[10, 20, 30, 128]]);
    }

    #[test]
    fn turning_by_a_quarter_swaps_the_sides() {
        let turned = of(3, 2, |x, y| [x as u8, y as u8, 0, 255]).turned(6);
        assert_eq!((turned.width, turned.height), (2, 3));
        assert_eq!(turned.pixels[0], [0, 1, 0, 255]);
    }

    proptest! {
        #[test]
        fn one_colour_stays_that_colour(from in (1u32..90, 1u32..90), to in (1u32..40, 1u32..40), colour in any::<[u8; 3]>()) {
            let pixel = [colour[0], colour[1], colour[2], 255];
            let small = of(from.0, from.1, |_, _| pixel).shrunk(to.0.min(from.0), to.1.min(from.1));
            prop_assert_eq!(small.pixels.len() as u32, small.width * small.height);
            prop_assert!(small.pixels.iter().all(|have| have.iter().zip(pixel).all(|(have, want)| have.abs_diff(want) <= 1)), "{:?} of {:?}", small, pixel);
        }
    }
}
