//! People as templates see them.

use crate::theme::language::Language;
use parlour_core::model::User;
use serde::Serialize;
use serde_json::{Value, json};

/// How many hues there are for people.
const HUES: i64 = 12;

/// The one whose page it is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Me {
    id: i64,
    nickname: String,
    initials: String,
    hue: i64,
    is_admin: bool,
    preferences: Value,
}

impl Me {
    /// An account on a page in a language.
    pub(crate) fn new(user: &User, language: Language) -> Self {
        Self {
            id: user.id.get(),
            initials: initials(&user.nickname),
            nickname: user.nickname.clone(),
            hue: user.id.get().rem_euclid(HUES),
            is_admin: user.is_admin,
            preferences: json!({
                "language": language.code(), "theme": "system", "density": "roomy",
                "clock": "auto", "calm": false, "send_key": "enter", "single_keys": true,
            }),
        }
    }
}

/// One or two letters for the tile of who has no picture: the first of the first two words.
pub(crate) fn initials(name: &str) -> String {
    let first = |word: &str| word.chars().find(|c| c.is_alphanumeric());
    let letters: String = name
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '.'))
        .filter_map(first)
        .take(2)
        .flat_map(char::to_uppercase)
        .collect();
    if letters.is_empty() {
        "?".to_owned()
    } else {
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_of_names() {
        for (name, letters) in [
            ("ada", "A"),
            ("Ada Lovelace King", "AL"),
            ("김다은", "김"),
            ("mina_park", "MP"),
            ("♥♥", "?"),
            ("\u{202e}<b>", "B"),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }
}
