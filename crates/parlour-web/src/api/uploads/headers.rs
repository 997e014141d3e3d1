//! The headers of tus.

use axum::http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_TYPE, HeaderName},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use parlour_core::Time;

pub(super) static TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) static TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) static TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(super) static TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(super) static TUS_CHECKSUM_ALGORITHM: HeaderName =
    HeaderName::from_static("tus-checksum-algorithm");
pub(super) static UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) static UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) static UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) static UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
pub(super) static UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) static METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
/// Our own: the id of the file that became of an upload.
pub(super) static FILE: HeaderName = HeaderName::from_static("x-parlour-file");

pub(super) const EXTENSIONS: &str = "creation,creation-with-upload,termination,expiration,checksum";

/// Longest metadata that is given back, in bytes.
const MAX_METADATA: usize = 4_096;

/// A header's text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A header's number: digits only.
pub(super) fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let text = text(headers, name)?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // What fits into no number is larger than every file.
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Whether the body has bytes of an upload.
pub(super) fn has_bytes(headers: &HeaderMap) -> bool {
    text(headers, &CONTENT_TYPE).is_some_and(|kind| {
        kind.trim()
            .eq_ignore_ascii_case("application/offset+octet-stream")
    })
}

/// What a client says of its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) alt: String,
    /// All of it, as it came.
    pub(super) given: String,
}

/// What a client says of its file; `None` for what is not well made. Unknown keys are passed over.
pub(super) fn metadata(headers: &HeaderMap) -> Option<Metadata> {
    let Some(given) = headers.get(&UPLOAD_METADATA) else {
        return Some(Metadata::default());
    };
    let given = given.to_str().ok()?.trim();
    if given.len() > MAX_METADATA {
        return None;
    }
    let mut found = Metadata {
        given: given.to_owned(),
        ..Metadata::default()
    };
    let pairs = given.split(',').map(str::trim);
    for pair in pairs.filter(|_| !given.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        if key.is_empty() {
            return None;
        }
        let value = STANDARD.decode(value.trim()).ok()?;
        match key {
            "filename" => found.name = String::from_utf8(value).ok()?,
            "alt" => found.alt = String::from_utf8(value).ok()?,
            // What some clients say instead.
            "name" if found.name.is_empty() => found.name = String::from_utf8(value).ok()?,
            _ => {}
        }
    }
    Some(found)
}

/// A moment as headers say it.
pub(super) fn date(at: Time) -> Option<HeaderValue> {
    let at = Timestamp::from_microsecond(at.as_micros()).ok()?;
    let text = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .ok()?;
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Metadata> {
        let mut headers = HeaderMap::new();
        headers.insert(&UPLOAD_METADATA, text.parse().expect("a header"));
        metadata(&headers)
    }

    #[test]
    fn pairs_of_key_and_base64() {
        let found = read("filename Y2F0LnBuZw==,is_private, alt YSBjYXQ= ,filetype aW1hZ2U=");
        let found = found.expect("well made");
        assert_eq!((&*found.name, &*found.alt), ("cat.png", "a cat"));
        assert_eq!(
            read("name Y2F0LnBuZw==").expect("well made").name,
            "cat.png"
        );
        assert_eq!(read("").expect("nothing"), Metadata::default());
        for bad in [
            "filename !!",
            "filename /w==",
            ",",
            "filename Y2F0,,alt YQ==",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&format!("x {}", "A".repeat(MAX_METADATA))), None);
    }

    #[test]
    fn numbers_are_digits() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(&UPLOAD_LENGTH, text.parse().expect("a header"));
            number(&headers, &UPLOAD_LENGTH)
        };
        assert_eq!((read("0"), read("17")), (Some(0), Some(17)));
        assert_eq!(read("99999999999999999999999"), Some(u64::MAX));
        for bad in ["", "-1", "+1", "1.0", "1e3", "0x1", "a"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_are_those_of_http() {
        let date = date(Time::from_micros(784_111_777_000_000)).expect("a date");
        assert_eq!(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
