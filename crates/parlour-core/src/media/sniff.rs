//! The MIME type of a file by its first bytes, named as libmagic names it (contract D-17).

/// Bytes that are looked at.
pub const HEAD: usize = 2048;

/// Bytes at an offset, and the type of a file that has them. The first line that fits decides.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"%!PS-", "application/postscript"),
    (0, b"{\\rtf", "text/rtf"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"MThd", "audio/midi"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/x-rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"MZ", "application/x-dosexec"),
    (0, b"\xca\xfe\xba\xbe", "application/x-java-applet"),
    (0, b"\0asm", "application/wasm"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "application/x-ole-storage",
    ),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\0\0\x01\0", "image/vnd.microsoft.icon"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\0\0\x01\xba", "video/mpeg"),
    (0, b"\0\0\x01\xb3", "video/mpeg"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"OTTO\0", "font/otf"),
    (0, b"\0\x01\0\0\0", "font/sfnt"),
];

/// Brands of ISO base media files (ISO/IEC 14496-12) and their types; other brands are MP4.
const BRANDS: &[(&[u8], &str)] = &[
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"hevc", "image/heic-sequence"),
    (b"mif1", "image/heif"),
    (b"msf1", "image/heif-sequence"),
    (b"crx ", "image/x-canon-cr3"),
    (b"qt  ", "video/quicktime"),
    (b"M4A ", "audio/x-m4a"),
    (b"M4B ", "audio/x-m4a"),
    (b"3gp", "video/3gpp"),
    (b"3g2", "video/3gpp2"),
    (b"jp2 ", "image/jp2"),
];

/// Words that a text of HTML begins with, after spaces; compared without regard to case.
const HTML: &[&str] = &[
    "<!doctype html",
    "<html",
    "<head",
    "<body",
    "<title",
    "<script",
    "<style",
    "<table",
    "<iframe",
    "<a href",
    "<img",
    "<link",
    "<meta",
    "<h1",
    "<div",
    "<form",
    "<base",
];

/// The MIME type of a file that begins with these bytes (at most [`HEAD`] of them count).
#[must_use]
pub fn sniff(head: &[u8]) -> &'static str {
    let head = head.get(..HEAD).unwrap_or(head);
    let fits =
        |at: &usize, bytes: &[u8]| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes));
    if head.starts_with(b"OggS") && contains(head, b"\x80theora") {
        return "video/ogg";
    }
    let known = SIGNATURES.iter().find(|(at, bytes, _)| fits(at, bytes));
    if let Some((_, _, mime)) = known {
        return mime;
    }
    container(head)
        .or_else(|| is_mp3(head).then_some("audio/mpeg"))
        .or_else(|| text(head))
        .unwrap_or("application/octet-stream")
}

fn contains(head: &[u8], wanted: &[u8]) -> bool {
    head.windows(wanted.len()).any(|window| window == wanted)
}

/// Formats that share their beginning with others.
fn container(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"RIFF") {
        return match head.get(8..12)? {
            b"WEBP" => Some("image/webp"),
            b"WAVE" => Some("audio/x-wav"),
            b"AVI " => Some("video/x-msvideo"),
            _ => None,
        };
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Some(brand(head));
    }
    if head.starts_with(b"\x1a\x45\xdf\xa3") {
        let webm = contains(head.get(..64).unwrap_or(head), b"webm");
        return Some(if webm {
            "video/webm"
        } else {
            "video/x-matroska"
        });
    }
    if head.starts_with(b"PK\x03\x04") {
        return Some(zip(head));
    }
    // A bitmap's header has a length of its own, and zeros where it is reserved.
    (head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]) && head.len() > 26)
        .then_some("image/bmp")
}

/// By the major brand; where that is of the family only (`mif1`), by the compatible ones.
fn brand(head: &[u8]) -> &'static str {
    let of = |brand: &[u8]| {
        BRANDS
            .iter()
            .find(|(name, _)| brand.starts_with(name))
            .map(|(_, mime)| *mime)
    };
    let major = head.get(8..12).unwrap_or_default();
    if matches!(major, b"mif1" | b"msf1") {
        let length = head
            .get(..4)
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u32::from_be_bytes);
        let end = (length as usize).min(head.len());
        let compatible = head.get(16..end).unwrap_or_default().chunks_exact(4);
        let special = compatible
            .filter_map(of)
            .find(|mime| matches!(*mime, "image/avif" | "image/heic"));
        if let Some(mime) = special {
            return mime;
        }
    }
    of(major).unwrap_or("video/mp4")
}

/// Office documents are zip files whose first entries have well-known names.
fn zip(head: &[u8]) -> &'static str {
    let first = head.get(30..).unwrap_or_default();
    if let Some(named) = first.strip_prefix(b"mimetype") {
        for mime in [
            "application/epub+zip",
            "application/vnd.oasis.opendocument.text",
            "application/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.presentation",
        ] {
            if named.starts_with(mime.as_bytes()) {
                return mime;
            }
        }
    }
    if first.starts_with(b"[Content_Types].xml") || first.starts_with(b"_rels/") {
        for (part, mime) in [
            (
                &b"word/"[..],
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (
                b"xl/",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            (
                b"ppt/",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            ),
        ] {
            if contains(head, part) {
                return mime;
            }
        }
    }
    if first.starts_with(b"META-INF/") {
        return "application/java-archive";
    }
    "application/zip"
}

/// Two headers of frames in a row: one alone is found in many files that are no sound.
fn is_mp3(head: &[u8]) -> bool {
    frame_length(head).is_some_and(|length| match head.get(length..) {
        Some(next) if next.len() >= 4 => frame_length(next).is_some(),
        // A frame that goes beyond what we see.
        _ => head.len() == HEAD,
    })
}

/// Length of an MPEG audio frame of layer 3 (ISO/IEC 11172-3, 2.4.1.3).
fn frame_length(bytes: &[u8]) -> Option<usize> {
    const RATES: [usize; 16] = [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0,
    ];
    const RATES_2: [usize; 16] = [
        0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0,
    ];
    let [a, b, c, _] = *bytes.first_chunk::<4>()?;
    let version = b >> 3 & 3;
    if a != 0xff || b & 0xe6 != 0xe2 || version == 1 {
        return None;
    }
    let frequency =
        [44_100, 48_000, 32_000, 0][usize::from(c >> 2 & 3)] / [4, 1, 2, 1][usize::from(version)];
    let (rates, samples) = if version == 3 {
        (RATES, 144)
    } else {
        (RATES_2, 72)
    };
    let rate = rates[usize::from(c >> 4)] * 1000;
    (rate > 0 && frequency > 0).then(|| samples * rate / frequency + usize::from(c >> 1 & 1))
}

/// Texts and languages of texts; `None` for what is no text.
fn text(head: &[u8]) -> Option<&'static str> {
    if head.is_empty() {
        return None;
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        // UTF-16 with its mark.
        return (head.len() >= 4).then_some("text/plain");
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // What libmagic takes for text: no control characters but those of printers, escape included.
    let is_text = head
        .iter()
        .all(|byte| !matches!(byte, 0..=6 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f));
    if !is_text {
        return None;
    }
    let whole = String::from_utf8_lossy(head);
    let start = whole.trim_start();
    Some(language(start).unwrap_or("text/plain"))
}

fn language(start: &str) -> Option<&'static str> {
    let begins = |word: &str| {
        start
            .get(..word.len())
            .is_some_and(|have| have.eq_ignore_ascii_case(word))
    };
    if HTML.iter().any(|word| begins(word)) {
        return Some("text/html");
    }
    if start.starts_with('<') {
        let lower = start.to_ascii_lowercase();
        let markup = begins("<?xml") || begins("<!--") || begins("<!doctype") || begins("<svg");
        if markup && lower.contains("<svg") {
            return Some("image/svg+xml");
        }
        if markup && HTML.iter().any(|word| lower.contains(word)) {
            return Some("text/html");
        }
        return begins("<?xml").then_some("text/xml");
    }
    if start.starts_with("#!") {
        return Some(script(start.lines().next().unwrap_or_default()));
    }
    is_json(start).then_some("application/json")
}

fn script(first: &str) -> &'static str {
    for (word, mime) in [
        ("python", "text/x-script.python"),
        ("perl", "text/x-perl"),
        ("ruby", "text/x-ruby"),
        ("sh", "text/x-shellscript"),
    ] {
        if first.contains(word) {
            return mime;
        }
    }
    "text/plain"
}

/// An object or an array that is right as far as it is seen.
fn is_json(start: &str) -> bool {
    if !start.starts_with(['{', '[']) {
        return false;
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(start) {
        Ok(_) => true,
        // The rest was not looked at.
        Err(error) => error.is_eof() && start.len() >= HEAD / 2,
    }
}

#[cfg(test)]
mod tests;
