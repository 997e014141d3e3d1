//! What a hue does to contrast: computed from the same numbers that `assets/css/tokens.css` holds
//! (a test compares them).

use serde::Serialize;

/// Two colours that stand on each other, and how well they can be told apart (WCAG 2.2, 1.4.3).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Pair {
    /// What it is, in words.
    pair: String,
    /// The ratio in the light theme.
    light: String,
    /// The ratio in the dark theme.
    dark: String,
}

/// A colour by lightness, chroma and perhaps a hue of its own.
type Colour = (f64, f64, Option<f64>);

/// Name, then text and ground of the light theme, then of the dark one.
const PAIRS: [(&str, [Colour; 2], [Colour; 2]); 4] = [
    (
        "ink",
        [(0.25, 0.02, None), (0.988, 0.004, None)],
        [(0.935, 0.008, None), (0.215, 0.012, None)],
    ),
    (
        "hint",
        [(0.505, 0.018, None), (0.935, 0.012, None)],
        [(0.70, 0.014, None), (0.285, 0.016, None)],
    ),
    (
        "link",
        [(0.46, 0.075, None), (0.988, 0.004, None)],
        [(0.79, 0.085, None), (0.215, 0.012, None)],
    ),
    (
        "button",
        [(0.99, 0.005, None), (0.46, 0.075, None)],
        [(0.20, 0.03, None), (0.79, 0.085, None)],
    ),
];

/// The pairs that follow the hue, named by `words`.
pub(crate) fn pairs(hue: u16, words: impl Fn(&str) -> String) -> Vec<Pair> {
    let hue = f64::from(hue);
    PAIRS
        .into_iter()
        .map(|(name, light, dark)| Pair {
            pair: words(name),
            light: format!("{:.1}", ratio(light, hue)),
            dark: format!("{:.1}", ratio(dark, hue)),
        })
        .collect()
}

fn ratio([one, other]: [Colour; 2], hue: f64) -> f64 {
    let (one, other) = (luminance(one, hue), luminance(other, hue));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Relative luminance of an OKLCH colour (CSS Color 4, 9.3; WCAG 2.2), out-of-gamut parts cut off.
fn luminance((lightness, chroma, own_hue): Colour, hue: f64) -> f64 {
    let angle = own_hue.unwrap_or(hue).to_radians();
    let (a, b) = (chroma * angle.cos(), chroma * angle.sin());
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let red = 4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s;
    let green = -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s;
    let blue = -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s;
    let cut = |part: f64| part.clamp(0.0, 1.0);
    0.2126 * cut(red) + 0.7152 * cut(green) + 0.0722 * cut(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: &str = include_str!("../../assets/css/tokens.css");

    #[test]
    fn no_hue_can_break_contrast() {
        for hue in 0..360 {
            for (name, light, dark) in PAIRS {
                let hue = f64::from(hue);
                assert!(ratio(light, hue) >= 4.5, "{name} light at {hue}");
                assert!(ratio(dark, hue) >= 4.5, "{name} dark at {hue}");
            }
        }
    }

    #[test]
    fn black_on_white_is_21() {
        let ratio = ratio([(0.0, 0.0, None), (1.0, 0.0, None)], 0.0);
        assert!((ratio - 21.0).abs() < 0.01, "{ratio}");
    }

    #[test]
    fn the_numbers_are_those_of_the_style_sheet() {
        let sheet: String = TOKENS.replace(" 0.", " .").replace("(0.", "(.");
        for (name, light, dark) in PAIRS {
            for (lightness, chroma, _) in light.into_iter().chain(dark) {
                let short = |number: f64| number.to_string().trim_start_matches('0').to_owned();
                let wanted = format!("oklch({} {}", short(lightness), short(chroma));
                assert!(sheet.contains(&wanted), "{name}: {wanted}");
            }
        }
    }
}
