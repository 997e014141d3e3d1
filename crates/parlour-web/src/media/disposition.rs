//! `Content-Disposition` with names of any script (RFC 6266, RFC 8187).

use std::fmt::Write as _;

/// The header's value: how the file is shown, and its name, for old clients in ASCII.
pub(super) fn disposition(inline: bool, name: &str) -> String {
    let word = if inline { "inline" } else { "attachment" };
    if name.is_empty() {
        return word.to_owned();
    }
    let ascii: String = name
        .chars()
        .map(|c| match c {
            // What some clients take for an escape or an end.
            '"' | '\\' | '%' | ';' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let mut value = format!("{word}; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            // attr-char of RFC 8187.
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                value.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_offered() {
        assert_eq!(disposition(true, "cat.png"), "inline; filename=\"cat.png\"");
        assert_eq!(
            disposition(false, "고양이 1.txt"),
            "attachment; filename=\"___ 1.txt\"; \
             filename*=UTF-8''%EA%B3%A0%EC%96%91%EC%9D%B4%201.txt"
        );
        assert_eq!(disposition(false, ""), "attachment");
    }

    #[test]
    fn nothing_in_a_name_ends_the_header() {
        for name in ["a\"b", "a\\b", "a\r\nSet-Cookie: x", "a;b", "100%.txt"] {
            let value = disposition(false, name);
            assert_eq!(value.matches('"').count(), 2, "{value}");
            assert!(
                value.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{value}"
            );
            assert!(value.contains("filename*=UTF-8''"), "{value}");
        }
    }
}
