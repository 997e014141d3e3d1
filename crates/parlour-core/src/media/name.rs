//! Names of files as their senders call them: shown and offered at download, never a path of ours.

/// Longest safe name in bytes of UTF-8: what common file systems take.
const MAX_BYTES: usize = 200;
/// Longest extension with its dot (contract 5).
const MAX_EXTENSION: usize = 16;
/// What a file is called of whose name nothing is left.
const NAMELESS: &str = "file";
/// Names that Windows keeps for devices, whatever extension follows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The name without what could harm the person who downloads it: path parts, control characters and
/// those that change the direction of writing, characters that file systems refuse, names of devices,
/// dots and spaces at its ends. Never empty; at most 200 bytes, the extension is kept.
#[must_use]
pub fn safe_name(given: &str) -> String {
    // Percent signs may hide a path from us that a client unwraps later.
    let decoded = given.replace("%2e", ".").replace("%2E", ".");
    let decoded = decoded
        .replace("%2f", "/")
        .replace("%2F", "/")
        .replace("%5c", "/")
        .replace("%5C", "/")
        .replace("%00", "");
    let last = decoded.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| !is_hidden(*c))
        .map(|c| match c {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    let mut name = cut(kept.trim_matches([' ', '.']));
    if name.is_empty() {
        return NAMELESS.to_owned();
    }
    if is_device(&name) {
        name.insert(0, '_');
    }
    name
}

/// Control characters, and those that nobody sees or that turn the direction of what follows.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_lowercase();
    let numbered = stem
        .strip_prefix("com")
        .or_else(|| stem.strip_prefix("lpt"));
    let is_port = numbered.is_some_and(|number| {
        let mut chars = number.chars();
        chars
            .next()
            .is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'))
            && chars.next().is_none()
    });
    DEVICES.contains(&stem.as_str()) || is_port
}

/// Cuts the part before the extension, at a whole character.
fn cut(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let tail = name.rfind('.').map_or("", |dot| &name[dot..]);
    let tail = if tail.len() <= 4 * MAX_EXTENSION {
        tail
    } else {
        ""
    };
    let mut end = MAX_BYTES - tail.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{tail}", name[..end].trim_end_matches([' ', '.']))
}

/// The extension for the key of a file: that of its name if it is plain, cut when it is long, else the
/// usual one of its type. With its dot, at most 16 characters of lower case ASCII; empty when neither is known.
#[must_use]
pub fn extension(name: &str, mime: &str) -> String {
    let given = name
        .rsplit_once('.')
        .map(|(_, end)| end)
        .unwrap_or_default();
    // Cut to 16 with its dot (contract 5).
    if !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let cut = &given[..given.len().min(MAX_EXTENSION - 1)];
        return format!(".{}", cut.to_ascii_lowercase());
    }
    match mime {
        "image/png" => ".png",
        "image/jpeg" => ".jpg",
        "image/gif" => ".gif",
        "image/webp" => ".webp",
        "image/avif" => ".avif",
        "video/mp4" => ".mp4",
        "video/webm" => ".webm",
        "audio/mpeg" => ".mp3",
        "audio/ogg" => ".ogg",
        "audio/x-wav" => ".wav",
        "application/pdf" => ".pdf",
        "application/zip" => ".zip",
        "text/plain" => ".txt",
        _ => "",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_attackers() {
        for (given, safe) in [
            ("photo.png", "photo.png"),
            ("다은의 사진.jpg", "다은의 사진.jpg"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\x.exe", "x.exe"),
            ("C:\\Users\\x\\a.txt", "a.txt"),
            ("%2e%2e%2fx", "x"),
            ("..%5C..%5Cx", "x"),
            ("a\0b.png", "ab.png"),
            ("a%00.png", "a.png"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie_ x"),
            ("photo\u{202e}gnp.exe", "photognp.exe"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("COM1.log", "_COM1.log"),
            ("lpt².x", "_lpt².x"),
            ("console.log", "console.log"),
            ("com10", "com10"),
            ("x.", "x"),
            (" .x. . ", "x"),
            (".bashrc", "bashrc"),
            ("a/", "file"),
            ("...", "file"),
            ("", "file"),
            ("a\u{200b}\u{feff}b", "ab"),
            ("a<b>:\"c|?*", "a_b___c___"),
            ("x.tar.gz.exe", "x.tar.gz.exe"),
        ] {
            assert_eq!(safe_name(given), safe, "{given:?}");
        }
        let long = safe_name(&format!("{}.png", "가".repeat(4096)));
        assert!(
            long.len() <= MAX_BYTES && long.ends_with("가.png"),
            "{long}"
        );
    }

    #[test]
    fn extensions() {
        for (name, mime, expected) in [
            ("a.PNG", "image/png", ".png"),
            ("a.tar.gz", "application/gzip", ".gz"),
            ("a", "image/png", ".png"),
            ("a.", "image/jpeg", ".jpg"),
            ("a.p/g", "x/y", ""),
            ("a.한국어", "text/plain", ".txt"),
            ("a.exe.123456789012345", "x/y", ".123456789012345"),
            ("a.1234567890123456", "x/y", ".123456789012345"),
        ] {
            assert_eq!(extension(name, mime), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_safe_name_is_safe_and_stays(given in any::<String>()) {
            let name = safe_name(&given);
            prop_assert!(!name.is_empty() && name.len() <= MAX_BYTES + 1);
            prop_assert!(!name.contains(['/', '\\', '\0', '\n', '\r', '"']));
            prop_assert!(!name.chars().any(is_hidden));
            prop_assert!(!name.starts_with('.') && !name.ends_with(['.', ' ']));
            prop_assert!(!is_device(&name));
        }

        #[test]
        fn an_extension_is_short_and_plain(name in any::<String>()) {
            let extension = extension(&name, "x/y");
            prop_assert!(extension.len() <= MAX_EXTENSION);
            prop_assert!(extension.chars().all(|c| c == '.' || c.is_ascii_alphanumeric()));
        }
    }
}
