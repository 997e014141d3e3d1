//! A few colours that stand where a picture will be.

use super::shrink::Canvas;

/// Cells along the longer side of a picture.
pub const PLACEHOLDER_LONG: u32 = 4;
/// Cells along the shorter side.
pub const PLACEHOLDER_SHORT: u32 = 3;
/// Length of a placeholder.
pub const PLACEHOLDER_CHARS: usize = (PLACEHOLDER_LONG * PLACEHOLDER_SHORT * 3) as usize;

/// The digits of base64url (RFC 4648, 5): each is one channel of 64 steps.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The placeholder of a picture: a grid of 4 by 3 cells (3 by 4 when it is higher than wide), row by
/// row, and for each cell red, green and blue as one base64url digit each, 0 to 63. What shines through
/// counts as middle grey. The page draws the grid on a canvas of that many pixels and lets the browser
/// stretch it. The format is in docs/guide/storage.md.
pub(super) fn placeholder(canvas: &Canvas) -> String {
    let (width, height) = if canvas.height > canvas.width {
        (PLACEHOLDER_SHORT, PLACEHOLDER_LONG)
    } else {
        (PLACEHOLDER_LONG, PLACEHOLDER_SHORT)
    };
    let grid = canvas.shrunk(width, height);
    let cell = |x: u32, y: u32| {
        // A picture of fewer pixels than cells repeats them.
        let (x, y) = (x * grid.width / width, y * grid.height / height);
        let [r, g, b, a] = grid.pixels[(y * grid.width + x) as usize].map(u32::from);
        [r, g, b].map(|channel| (channel * a + 128 * (255 - a)) / 255)
    };
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| cell(x, y))
        .map(|channel| char::from(DIGITS[(channel / 4).min(63) as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> String {
        let pixels = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| pixel(x, y))
            .collect();
        placeholder(&Canvas {
            width,
            height,
            pixels,
        })
    }

    #[test]
    fn cells_stand_row_by_row() {
        let wide = of(40, 30, |x, y| {
            [(x / 10 * 64) as u8, (y / 10 * 64) as u8, 0, 255]
        });
        assert_eq!(wide, "AAAQAAgAAwAAAQAQQAgQAwQAAgAQgAggAwgA");
        assert_eq!(wide.len(), PLACEHOLDER_CHARS);
        let high = of(3, 4, |x, _| [if x == 2 { 255 } else { 0 }, 0, 0, 255]);
        assert_eq!(high, "AAAAAA_AA".repeat(4));
    }

    #[test]
    fn one_pixel_is_enough_and_nothing_is_grey() {
        assert_eq!(of(1, 1, |_, _| [255, 255, 255, 255]), "_".repeat(36));
        assert_eq!(of(9, 9, |_, _| [255, 255, 255, 0]), "g".repeat(36));
    }
}
