//! Texts without markup, and the plain form of those with it.

use unicode_segmentation::UnicodeSegmentation;

/// Whether the Markdown parser would find nothing in this text. Says no in doubt.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(b'\n');
    let mut at_line_start = true;
    for (i, &byte) in bytes.iter().enumerate() {
        if at_line_start {
            at_line_start = false;
            if begins_a_block(&bytes[i..]) {
                return false;
            }
        }
        let may_be_markup = match byte {
            b'\n' => {
                at_line_start = true;
                false
            }
            b'*' | b'_' | b'`' | b'\\' | 0x7f => true,
            ..0x20 => true,
            b'~' => at(i + 1) == b'~',
            b']' => at(i + 1) == b'(',
            b'&' => at(i + 1) == b'#' || at(i + 1).is_ascii_alphanumeric(),
            // Autolinks; every other `<` is text.
            b'<' => matches!(at(i + 1), b'h' | b'H' | b'm' | b'M'),
            // U+0080 to U+009F, control characters.
            0xc2 => at(i + 1) < 0xa0,
            _ => false,
        };
        if may_be_markup {
            return false;
        }
    }
    true
}

/// Whether a line begins like a heading, quote, list, rule or indented code.
fn begins_a_block(line: &[u8]) -> bool {
    let indent = line.iter().take_while(|byte| **byte == b' ').count();
    let rest = &line[indent..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    indent > 3
        || matches!(rest.first(), Some(b'#' | b'>' | b'-' | b'+' | b'='))
        || (digits > 0 && matches!(rest.get(digits), Some(b'.' | b')')))
}

/// The text on one line, white space folded, without what nobody should see.
pub(super) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(1024));
    for word in text.split_whitespace() {
        let before = out.len();
        if before > 0 {
            out.push(' ');
        }
        let start = out.len();
        out.extend(
            word.chars()
                .filter(|c| !c.is_control() && !turns_direction(*c)),
        );
        if out.len() == start {
            out.truncate(before);
        }
    }
    out
}

/// Embeddings, overrides and isolates: they can make text run backwards.
pub(super) const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Cuts between two characters as people see them; "…" counts.
pub(super) fn cut(line: &str, max_chars: usize) -> String {
    if line.chars().nth(max_chars).is_none() {
        return line.to_owned();
    }
    let Some(room) = max_chars.checked_sub(1) else {
        return String::new();
    };
    let mut out = String::new();
    let mut used = 0;
    for grapheme in line.graphemes(true) {
        used += grapheme.chars().count();
        if used > room {
            break;
        }
        out.push_str(grapheme);
    }
    if out.is_empty() && room > 0 {
        // One enormous character: its beginning is better than nothing.
        out.extend(line.chars().take(1));
    }
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}
