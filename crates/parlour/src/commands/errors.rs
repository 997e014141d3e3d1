//! `parlour errors`: docs/errors.md.

use crate::output::say;
use parlour_core::{
    Kind,
    error::{CATALOGUE, Code},
};
use std::fmt::Write;

/// Prints the document.
pub(super) fn run() -> anyhow::Result<()> {
    Ok(say(document().trim_end())?)
}

fn document() -> String {
    let mut text = "# Errors\n\n\
        <!-- Made by `parlour errors` from crates/parlour-core/src/error.rs. -->\n\n\
        Programs compare the code; people read the text, which may change and may be more exact\n\
        than here. With 429 and 503 `Retry-After` says when to come back.\n\n\
        | code | status | text |\n|---|---|---|\n"
        .to_owned();
    for Code {
        code,
        kind,
        text: sentence,
    } in CATALOGUE
    {
        let sentence = sentence.replace('|', "\\|");
        let _ = writeln!(text, "| `{code}` | {} | {sentence} |", status(*kind));
    }
    text
}

/// The status by which REST answers a kind, and pages where they differ.
const fn status(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "400",
        Kind::Unauthenticated => "401",
        Kind::Forbidden => "403",
        Kind::NotFound => "404",
        Kind::Gone => "404 (pages: 410)",
        Kind::Conflict => "409",
        Kind::TooLarge => "413",
        Kind::TooMany => "429",
        Kind::Unavailable => "503",
        Kind::StorageFull => "507",
        Kind::Internal => "500",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_line() {
        let document = document();
        for line in CATALOGUE {
            assert!(
                document.contains(&format!("| `{}` |", line.code)),
                "{}",
                line.code
            );
        }
        assert!(document.contains("| `room_full` | 400 | Max users limit for group reached. |"));
    }
}
