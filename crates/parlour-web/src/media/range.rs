//! Ranges of bytes (RFC 9110, section 14).

use axum::http::{
    HeaderMap,
    header::{IF_RANGE, RANGE},
};
use std::ops::Range;

/// Which bytes are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All: no range, several at once, or one of a file that changed meanwhile.
    Whole,
    /// These; never empty, within the file.
    Part(Range<u64>),
    /// Bytes that the file does not have.
    Outside,
}

/// Reads `Range` and `If-Range`. A header that makes no sense is as good as none.
pub(super) fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(RANGE) else {
        return Wanted::Whole;
    };
    // A date never fits: blobs have tags, and a tag says more.
    if headers.contains_key(IF_RANGE) && text(IF_RANGE) != Some(tag) {
        return Wanted::Whole;
    }
    one(range, size).unwrap_or(Wanted::Whole)
}

fn one(text: &str, size: u64) -> Option<Wanted> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let range = match (first, last) {
        ("", last) => {
            let count = number(last)?;
            size.saturating_sub(count)..size
        }
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if range.start < range.end {
        Wanted::Part(range)
    } else {
        Wanted::Outside
    })
}

/// Digits only; what no number holds is beyond every file.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(range: &'static str, size: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static(range));
        wanted(&headers, "\"a\"", size)
    }

    #[test]
    fn ranges_as_players_ask_for_them() {
        assert_eq!(of("bytes=0-", 10), Wanted::Part(0..10));
        assert_eq!(of("bytes=0-0", 10), Wanted::Part(0..1));
        assert_eq!(of("bytes=2-4", 10), Wanted::Part(2..5));
        assert_eq!(of("bytes=8-99", 10), Wanted::Part(8..10));
        assert_eq!(of("bytes=-3", 10), Wanted::Part(7..10));
        assert_eq!(of("bytes=-99", 10), Wanted::Part(0..10));
        assert_eq!(of("Bytes = 0-1", 10), Wanted::Part(0..2));
    }

    #[test]
    fn ranges_that_cannot_be_answered() {
        for outside in [
            "bytes=10-",
            "bytes=10-20",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(of(outside, 10), Wanted::Outside, "{outside}");
        }
        assert_eq!(of("bytes=0-", 0), Wanted::Outside);
        for ignored in [
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "lines=0-1",
            "0-1",
            "bytes=+1-2",
            "bytes=1 -2",
        ] {
            assert_eq!(of(ignored, 10), Wanted::Whole, "{ignored}");
        }
    }

    #[test]
    fn a_file_that_changed_comes_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
        for (condition, expected) in [
            ("\"a\"", Wanted::Part(0..1)),
            ("\"b\"", Wanted::Whole),
            ("W/\"a\"", Wanted::Whole),
            ("Sat, 21 Nov 2026 10:00:00 GMT", Wanted::Whole),
        ] {
            headers.insert(IF_RANGE, HeaderValue::from_static(condition));
            assert_eq!(wanted(&headers, "\"a\"", 10), expected, "{condition}");
        }
    }
}
