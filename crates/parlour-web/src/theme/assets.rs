//! Scripts, styles and pictures: one address for all of them that changes with any of them, so that
//! browsers keep them for ever and relative imports work.

use super::{
    ThemeError,
    files::{Files, Part},
};
use axum::{
    extract::{Path, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
        },
    },
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _, io::Write as _, sync::OnceLock};

/// The style sheet that is made of the others.
const SHEET: &str = "css/parlour.css";
/// Names them, one a line, in their order.
const SHEET_ORDER: &str = "css/order.txt";
/// What is smaller than this is not worth packing.
const PACK_ABOVE: usize = 512;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_EACH_TIME: &str = "public, no-cache";
/// What a worker made from our script may do.
const WORKER_POLICY: &str =
    "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'";

/// One file as it is served.
#[derive(Debug)]
struct Asset {
    bytes: Bytes,
    media_type: &'static str,
    etag: String,
    /// Made when it is first asked for; `None` when packing does not help.
    packed: OnceLock<Option<Bytes>>,
}

/// All files.
#[derive(Debug)]
pub(crate) struct Assets {
    files: BTreeMap<String, Asset>,
    hash: String,
}

impl Assets {
    /// Reads all files and makes the style sheet.
    pub(super) fn load(files: &Files) -> Result<Self, ThemeError> {
        let mut all = BTreeMap::new();
        for path in files.list(Part::Assets)? {
            if let Some(bytes) = files.read(Part::Assets, &path)? {
                let bytes = match bytes {
                    std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                    std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
                };
                all.insert(path, bytes);
            }
        }
        if let Some(sheet) = sheet(&all)? {
            all.insert(SHEET.to_owned(), sheet);
        }
        let mut whole = Sha256::new();
        let mut assets = BTreeMap::new();
        for (path, bytes) in all {
            let digest = Sha256::digest(&bytes);
            whole.update((path.len() as u64).to_le_bytes());
            whole.update(path.as_bytes());
            whole.update(digest);
            let asset = Asset {
                media_type: media_type(&path),
                etag: format!("\"{}\"", hex(&digest[..12])),
                packed: OnceLock::new(),
                bytes,
            };
            assets.insert(path, asset);
        }
        Ok(Self {
            files: assets,
            hash: hex(&whole.finalize()[..8]),
        })
    }

    /// Where a file is served.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("/assets/{}/{path}", self.hash)
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(&self.files.get(path)?.bytes).ok()
    }

    /// Answers a request for a file at its own address (`hash`), or at a lasting one (`None`).
    pub(crate) fn answer(&self, hash: Option<&str>, path: &str, headers: &HeaderMap) -> Response {
        let Some(asset) = self.files.get(path) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let lasting = hash == Some(self.hash.as_str());
        let caching = if lasting { FOR_EVER } else { ASK_EACH_TIME };
        let mut answer = HeaderMap::new();
        answer.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if path.ends_with("sw.js") {
            answer.insert(
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(WORKER_POLICY),
            );
        }
        if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
            answer.insert(ETAG, etag);
        }
        let known = headers
            .get(IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok());
        if known.is_some_and(|tags| names(tags, &asset.etag)) {
            return (StatusCode::NOT_MODIFIED, answer).into_response();
        }
        answer.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
        let takes_gzip = headers
            .get(ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(takes_gzip);
        match asset.packed().filter(|_| takes_gzip) {
            Some(packed) => {
                answer.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                (answer, packed).into_response()
            }
            None => (answer, asset.bytes.clone()).into_response(),
        }
    }
}

impl Asset {
    fn packed(&self) -> Option<Bytes> {
        let pack = || {
            let is_text = self.media_type.contains("charset") || self.media_type.contains("svg");
            if !is_text || self.bytes.len() < PACK_ABOVE {
                return None;
            }
            let mut packer = GzEncoder::new(Vec::new(), Compression::best());
            packer.write_all(&self.bytes).ok()?;
            let packed = packer.finish().ok()?;
            (packed.len() < self.bytes.len()).then(|| Bytes::from(packed))
        };
        self.packed.get_or_init(pack).clone()
    }
}

/// `GET /assets/{hash}/{path}`.
pub(crate) async fn serve(
    State(web): State<crate::Web>,
    Path((hash, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    web.theme.assets().answer(Some(&hash), &path, &headers)
}

/// The one sheet: the others in the order that the list says.
fn sheet(all: &BTreeMap<String, Bytes>) -> Result<Option<Bytes>, ThemeError> {
    let Some(order) = all.get(SHEET_ORDER) else {
        return Ok(None);
    };
    let mut sheet = Vec::new();
    let order = String::from_utf8_lossy(order);
    let names = order.lines().map(str::trim);
    for name in names.filter(|name| !name.is_empty() && !name.starts_with('#')) {
        let path = format!("css/{name}");
        let Some(piece) = all.get(&path) else {
            return Err(ThemeError::new(format!(
                "assets/{SHEET_ORDER} names {name}, which is not there"
            )));
        };
        sheet.extend_from_slice(piece);
        sheet.push(b'\n');
    }
    Ok(Some(sheet.into()))
}

fn names(tags: &str, etag: &str) -> bool {
    tags.split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}

fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = quality
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.trim().trim_end_matches(['0', '.']).is_empty());
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json; charset=utf-8",
        "webmanifest" => "application/manifest+json; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn assets(files: &[(&str, &str)]) -> Result<Assets, ThemeError> {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join("assets").join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        Assets::load(&Files::new(Some(folder.path())))
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        let value = response.headers().get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }

    #[test]
    fn the_address_changes_with_any_file() {
        let one = assets(&[("x.txt", "a")]).expect("assets");
        let two = assets(&[("x.txt", "b")]).expect("assets");
        let three = assets(&[("x.txt", "a"), ("y.txt", "")]).expect("assets");
        assert_eq!(one.hash, assets(&[("x.txt", "a")]).expect("assets").hash);
        assert!(one.hash != two.hash && one.hash != three.hash);
    }

    #[test]
    fn the_sheet_follows_the_list() {
        let all = [
            ("css/order.txt", "b.css\n# no\n\na.css\n"),
            ("css/a.css", "a{}"),
            ("css/b.css", "b{}"),
        ];
        let made = assets(&all).expect("assets");
        assert_eq!(made.text(SHEET), Some("b{}\na{}\n"));
        let error = assets(&[("css/order.txt", "none-such.css")]).expect_err("refused");
        assert!(error.to_string().contains("none-such.css"), "{error}");
    }

    #[test]
    fn own_address_is_kept_for_ever_and_others_are_asked_for_again() {
        let long = "let x = 1;\n".repeat(200);
        let made = assets(&[("js/x.js", &long)]).expect("assets");
        let mut headers = HeaderMap::new();
        let plain = made.answer(Some(&made.hash), "js/x.js", &headers);
        assert_eq!(header(&plain, "cache-control"), FOR_EVER);
        assert_eq!(
            header(&plain, "content-type"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(header(&plain, "content-encoding"), "");
        let old = made.answer(Some("0123"), "js/x.js", &headers);
        assert_eq!(old.status(), StatusCode::OK);
        assert_eq!(header(&old, "cache-control"), ASK_EACH_TIME);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip;q=0.8"));
        let packed = made.answer(Some(&made.hash), "js/x.js", &headers);
        assert_eq!(header(&packed, "content-encoding"), "gzip");
        let etag = plain.headers()["etag"].clone();
        headers.insert(IF_NONE_MATCH, etag);
        let same = made.answer(None, "js/x.js", &headers);
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
        let none = made.answer(Some(&made.hash), "js/../x.js", &headers);
        assert_eq!(none.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn refused_codings() {
        assert!(takes_gzip("gzip") && takes_gzip("*") && takes_gzip("br;q=1, gzip; q=0.1"));
        assert!(!takes_gzip("br") && !takes_gzip("gzip;q=0") && !takes_gzip("gzip; q=0.0"));
    }
}
