//! Where to go after a form: only to paths of ours (contract 7, D-27).

use std::fmt::Write as _;

/// The list of rooms: where everybody goes who did not say where to.
pub(crate) const LIST: &str = "/chat/list/";
/// Where one logs in.
pub(crate) const LOG_IN: &str = "/accounts/login/";

/// Longest path that is followed.
const MAX_BYTES: usize = 2_000;

/// The path if it is one on this host, as it may stand in a `Location` header.
///
/// Browsers take `//host`, `/\host` and `/<tab>/host` for another host.
pub(crate) fn safe(path: &str) -> Option<String> {
    let strange = |c: char| c.is_control() || c == '\\';
    let is_ours = path.starts_with('/') && !path.starts_with("//");
    if !is_ours || path.len() > MAX_BYTES || path.contains(strange) {
        return None;
    }
    // Back to a form that one has just left would be a circle.
    let circle = path.starts_with("/accounts/");
    (!circle).then(|| ascii(path))
}

/// Everything that is not visible ASCII as `%XX`.
fn ascii(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_graphic() && byte != b'"' && byte != b'<' && byte != b'>' {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The log-in form that leads back to a path.
pub(crate) fn log_in_then(path: &str) -> String {
    let quoted: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    // A slash may stand in a query as it is, and the contract writes it so.
    format!("{LOG_IN}?next={}", quoted.replace("%2F", "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours() {
        for good in ["/", "/chat/7/", "/chat/7/?at=3#m3", "/chat/list/?a=//b"] {
            assert_eq!(safe(good).as_deref(), Some(good));
        }
        assert_eq!(safe("/다").as_deref(), Some("/%EB%8B%A4"));
        assert_eq!(safe("/a b").as_deref(), Some("/a%20b"));
        for bad in [
            "",
            "chat/7/",
            "//evil.example/",
            "///evil.example/",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            " /chat/",
            "/accounts/logout/",
            "/chat/\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(safe(bad), None, "{bad:?}");
        }
        assert_eq!(safe(&format!("/{}", "x".repeat(2_000))), None);
    }

    #[test]
    fn the_way_back_is_in_the_query() {
        assert_eq!(
            log_in_then("/chat/create/"),
            "/accounts/login/?next=/chat/create/"
        );
        assert_eq!(
            log_in_then("/chat/7/?at=1&x=2"),
            "/accounts/login/?next=/chat/7/%3Fat%3D1%26x%3D2"
        );
    }
}
