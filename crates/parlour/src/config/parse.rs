//! Parsers of single values. Each answers the value, or what was expected as a noun phrase that ends
//! the sentence "expected …".

use std::{
    fmt::Display,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

/// A value, or what was expected instead.
pub(crate) type Parsed<T> = Result<T, String>;

/// Longest duration that is taken: no moment computed from it leaves the calendar.
const LONGEST: Duration = Duration::from_secs(36_500 * DAY);
const DAY: u64 = 24 * 3600;

/// An address and port. `localhost` is understood without asking a name server.
pub(crate) fn address(text: &str) -> Parsed<SocketAddr> {
    text.parse()
        .ok()
        .or_else(|| {
            let port = text.strip_prefix("localhost:")?.parse().ok()?;
            Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        })
        .ok_or_else(|| "an address and port such as 127.0.0.1:8000 or [::]:8000".to_owned())
}

/// A whole number within bounds.
pub(crate) fn number<T>(text: &str, bounds: RangeInclusive<T>) -> Parsed<T>
where
    T: FromStr + PartialOrd + Display,
{
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| plain && bounds.contains(number))
        .ok_or_else(|| format!("a whole number from {} to {}", bounds.start(), bounds.end()))
}

/// Reads a path to a folder that is there.
pub(crate) fn folder(text: &str) -> Parsed<PathBuf> {
    let path = PathBuf::from(text);
    if path.is_dir() {
        Ok(path)
    } else {
        Err("a folder that is there".to_owned())
    }
}

/// Reads a path to a file that is there.
pub(crate) fn file(text: &str) -> Parsed<PathBuf> {
    let path = PathBuf::from(text);
    if path.is_file() {
        Ok(path)
    } else {
        Err("a file that is there".to_owned())
    }
}

/// `on` or `off`.
pub(crate) fn switch(text: &str) -> Parsed<bool> {
    choice(
        text,
        &[
            ("on", true),
            ("off", false),
            ("true", true),
            ("false", false),
        ],
    )
    .map_err(|_| "`on` or `off`".to_owned())
}

/// One of a few words, in any case.
pub(crate) fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Parsed<T> {
    choices
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text))
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let words: Vec<String> = choices
                .iter()
                .map(|(word, _)| format!("`{word}`"))
                .collect();
            format!("one of {}", words.join(", "))
        })
}

/// What stands between commas or spaces, each parsed; an empty text is an empty list.
pub(crate) fn list<T>(text: &str, one: fn(&str) -> Parsed<T>) -> Parsed<Vec<T>> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .map(one)
        .collect()
}

/// `7d`, `12h`, `1h30m`, `500ms`.
pub(crate) fn duration(text: &str) -> Parsed<Duration> {
    units(text)
        .ok_or_else(|| "a duration such as `7d`, `12h`, `1h30m`, `10s` or `500ms`".to_owned())
}

/// How long a room lives: a duration, or `0` or `never` for ever.
pub(crate) fn lifetime(text: &str) -> Parsed<Option<Duration>> {
    if text == "0" || text.eq_ignore_ascii_case("never") {
        return Ok(None);
    }
    match units(text) {
        Some(duration) if duration.is_zero() => Ok(None),
        Some(duration) if duration >= Duration::from_secs(1) => Ok(Some(duration)),
        _ => Err("a duration of at least a second such as `7d` or `12h`, or `never`".to_owned()),
    }
}

/// Numbers with units, largest unit first, each unit at most once.
fn units(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 6] = [
        ("w", 7 * DAY * 1000),
        ("d", DAY * 1000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let mut rest = text;
    let mut larger = u64::MAX;
    let mut millis = 0_u64;
    while !rest.is_empty() {
        let (count, after) = digits(rest)?;
        let unit = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if *size >= larger {
            return None;
        }
        larger = *size;
        millis = millis.checked_add(count.checked_mul(*size)?)?;
        rest = after;
    }
    let duration = Duration::from_millis(millis);
    (!text.is_empty() && duration <= LONGEST).then_some(duration)
}

/// A number of bytes: `25MiB`, `25 MB`, `26214400`.
pub(crate) fn size(text: &str, bounds: RangeInclusive<u64>) -> Parsed<u64> {
    let bytes = digits(text).and_then(|(count, unit)| {
        let scale = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kb" => 1000,
            "kib" => 1 << 10,
            "mb" => 1_000_000,
            "mib" => 1 << 20,
            "gb" => 1_000_000_000,
            "gib" => 1 << 30,
            _ => return None,
        };
        count.checked_mul(scale)
    });
    bytes.filter(|bytes| bounds.contains(bytes)).ok_or_else(|| {
        format!(
            "a number of bytes from {} to {} such as `25MiB`, `25MB` or `26214400`",
            bounds.start(),
            bounds.end()
        )
    })
}

/// The number that a text begins with, and the rest.
fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        let at = |text| address(text).map(|address| address.to_string());
        assert_eq!(at("127.0.0.1:8000"), Ok("127.0.0.1:8000".into()));
        assert_eq!(at("[::]:0"), Ok("[::]:0".into()));
        assert_eq!(at("localhost:80"), Ok("127.0.0.1:80".into()));
        for bad in [
            "",
            "8000",
            ":8000",
            "example.org:80",
            "1.2.3.4",
            "1.2.3.4:65536",
        ] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        let seconds = |text| duration(text).map(|d| d.as_secs()).ok();
        assert_eq!(seconds("7d"), Some(7 * DAY));
        assert_eq!(seconds("2w"), Some(14 * DAY));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("0s"), Some(0));
        for bad in [
            "",
            "7",
            "d",
            "-1d",
            "1.5h",
            "1 d",
            "30m1h",
            "1h1h",
            "36501d",
            "99999999999999999999d",
            "18446744073709551615w",
            "7D",
            "٣d",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lifetimes() {
        assert_eq!(lifetime("0"), Ok(None));
        assert_eq!(lifetime("Never"), Ok(None));
        assert_eq!(lifetime("0d"), Ok(None));
        assert_eq!(lifetime("12h"), Ok(Some(Duration::from_secs(43_200))));
        assert!(lifetime("500ms").is_err());
        assert!(lifetime("7").is_err());
    }

    #[test]
    fn sizes() {
        let size = |text| size(text, 1..=1 << 40).ok();
        assert_eq!(size("25MiB"), Some(26_214_400));
        assert_eq!(size("26214400"), Some(26_214_400));
        assert_eq!(size("25 mb"), Some(25_000_000));
        assert_eq!(size("1GiB"), Some(1 << 30));
        for bad in [
            "",
            "0",
            "25M",
            "-1",
            "1.5MB",
            "MiB",
            "2000GiB",
            "99999999999999999GiB",
        ] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_and_words() {
        assert_eq!(number("250", 1..=1000_i64), Ok(250));
        for bad in ["0", "1001", "+5", "-5", "5.0", "", "five"] {
            assert_eq!(
                number(bad, 1..=1000_i64),
                Err("a whole number from 1 to 1000".into()),
                "{bad}"
            );
        }
        assert_eq!(switch("OFF"), Ok(false));
        assert!(switch("0").is_err());
        assert_eq!(choice("b", &[("a", 1), ("b", 2)]), Ok(2));
        assert_eq!(
            choice("c", &[("a", 1), ("b", 2)]),
            Err("one of `a`, `b`".into())
        );
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            let _ = (address(&text), duration(&text), lifetime(&text), switch(&text));
            let _ = size(&text, 0..=u64::MAX);
            let _ = number(&text, 0..=i64::MAX);
        }

        #[test]
        fn whatever_looks_like_a_duration_is_one_or_is_refused(
            text in "([0-9]{1,21}(w|d|h|m|s|ms)){1,4}"
        ) {
            if let Ok(duration) = duration(&text) {
                prop_assert!(duration <= LONGEST);
            }
        }

        #[test]
        fn durations_add_up(d in 0_u64..1000, h in 0_u64..100, m in 0_u64..100, s in 0_u64..100) {
            let expected = Duration::from_secs(d * DAY + h * 3600 + m * 60 + s);
            prop_assert_eq!(duration(&format!("{d}d{h}h{m}m{s}s")), Ok(expected));
        }

        #[test]
        fn sizes_scale(count in 1_u64..1000) {
            let all = 0..=u64::MAX;
            prop_assert_eq!(size(&count.to_string(), all.clone()), Ok(count));
            prop_assert_eq!(size(&format!("{count}KiB"), all.clone()), Ok(count * 1024));
            prop_assert_eq!(size(&format!("{count} GB"), all), Ok(count * 1_000_000_000));
        }
    }
}
