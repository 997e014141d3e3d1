//! Pure rules about text: names, bodies, how two names compare.

use crate::{
    error::Problem,
    given::{Given, Problems},
};
use unicode_normalization::UnicodeNormalization;

/// Longest username, first name and last name.
pub const MAX_NAME_CHARS: usize = 150;
/// Longest nickname and room name.
pub const MAX_SHORT_NAME_CHARS: usize = 50;
/// Longest topic of a room.
pub const MAX_TOPIC_CHARS: usize = 250;
/// Longest email address (RFC 5321, 4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_CHARS: usize = 254;
/// Longest nonce.
pub const MAX_NONCE_CHARS: usize = 64;

/// The form in which names of accounts are compared: NFKC, lower case, without characters that
/// nobody sees (contract section 3, D-08).
#[must_use]
pub fn key(name: &str) -> String {
    let lower: String = visible(name).nfkc().flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

/// The form in which names of rooms are compared: NFKC, without characters that nobody sees. Rooms
/// tell upper and lower case apart (contract section 4).
#[must_use]
pub fn room_key(name: &str) -> String {
    visible(name).nfkc().collect()
}

fn visible(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| !is_invisible(*c))
}

/// Zero-width and direction-changing characters: they make two names look the same that are not.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What a text field of an input may hold.
#[derive(Clone, Copy, Debug)]
pub struct TextRule {
    /// Most characters (code points).
    pub max: usize,
    /// Whether an empty text is fine.
    pub may_be_blank: bool,
    /// Whether some character must be visible (names).
    pub must_be_seen: bool,
}

impl TextRule {
    /// A name: something must be there to see.
    #[must_use]
    pub const fn name(max: usize) -> Self {
        Self {
            max,
            may_be_blank: false,
            must_be_seen: true,
        }
    }

    /// Anything up to `max` characters, also nothing.
    #[must_use]
    pub const fn free(max: usize) -> Self {
        Self {
            max,
            may_be_blank: true,
            must_be_seen: false,
        }
    }

    /// Trims the text and applies the rule; notes every problem.
    pub fn apply(self, field: &'static str, text: &str, problems: &mut Problems) -> Option<String> {
        let text = text.trim();
        if !self.may_be_blank
            && (text.is_empty() || (self.must_be_seen && visible(text).all(char::is_whitespace)))
        {
            problems.add(field, Problem::Blank);
            return None;
        }
        let before = problems.has(field);
        let actual = text.chars().count();
        if actual > self.max {
            problems.add(
                field,
                Problem::TooLong {
                    max: self.max,
                    actual,
                },
            );
        }
        if text.contains('\0') {
            problems.add(field, Problem::Nul);
        }
        (before || !problems.has(field)).then(|| text.to_owned())
    }

    /// [`TextRule::apply`] to a field that must be there.
    pub fn required(
        self,
        field: &'static str,
        given: Given<String>,
        problems: &mut Problems,
    ) -> Option<String> {
        given
            .required(field, problems)
            .and_then(|text| self.apply(field, &text, problems))
    }

    /// [`TextRule::apply`] to a field that may be missing.
    pub fn optional(
        self,
        field: &'static str,
        given: Given<String>,
        problems: &mut Problems,
    ) -> Option<String> {
        given
            .optional(field, problems)
            .and_then(|text| self.apply(field, &text, problems))
    }
}

/// A username: letters and digits of any script and `@ . + - _`.
pub fn username(text: &str, problems: &mut Problems) -> Option<String> {
    let name = TextRule::name(MAX_NAME_CHARS).apply("username", text, problems)?;
    if name.chars().all(fits_username) {
        Some(name)
    } else {
        problems.add("username", Problem::UsernameCharacters);
        None
    }
}

/// Whether a username may hold this character.
#[must_use]
pub fn fits_username(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '@' | '.' | '+' | '-' | '_')
}

/// An email address with a domain that has a dot.
pub fn email(text: &str, problems: &mut Problems) -> Option<String> {
    let text = TextRule::name(MAX_EMAIL_CHARS).apply("email", text, problems)?;
    let options = email_address::Options::default()
        .without_display_text()
        .without_domain_literal()
        .with_required_tld();
    if email_address::EmailAddress::parse_with_options(&text, options).is_ok() {
        Some(text)
    } else {
        problems.add("email", Problem::NotEmail);
        None
    }
}

/// A client's own id of a message: 1 to [`MAX_NONCE_CHARS`] characters.
pub fn nonce(given: Given<String>, problems: &mut Problems) -> Option<String> {
    let given = if given == Given::Null {
        Given::Missing
    } else {
        given
    };
    TextRule::name(MAX_NONCE_CHARS).optional("nonce", given, problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checked<T>(rule: impl FnOnce(&mut Problems) -> T) -> (T, Option<String>) {
        let mut problems = Problems::default();
        let value = rule(&mut problems);
        (
            value,
            problems
                .check()
                .err()
                .map(|e| e.field_errors()[0].problem.to_string()),
        )
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        assert_eq!(key("Ａda"), key("ada"));
        assert_eq!(key("a\u{200b}da"), key("ADA"));
        assert_eq!(key("ﬁn"), key("FIN"));
        assert_ne!(room_key("Ada"), room_key("ada"));
        assert_eq!(room_key("Ａda"), room_key("Ada"));
    }

    #[test]
    fn usernames() {
        for good in ["a", "ada.lovelace@x+y-z_1", "다은", "Ünal"] {
            assert_eq!(
                checked(|p| username(good, p)),
                (Some(good.to_owned()), None)
            );
        }
        for bad in ["a b", "a/b", "<b>", "a\u{202e}b", "a,b"] {
            let text = checked(|p| username(bad, p)).1.expect("refused");
            assert!(text.starts_with("Enter a valid username."), "{bad}: {text}");
        }
        assert_eq!(
            checked(|p| username("  ", p)).1.as_deref(),
            Some("This field may not be blank.")
        );
    }

    #[test]
    fn emails() {
        for good in ["a@b.co", "ada+x@example.org", "다은@example.org"] {
            assert!(checked(|p| email(good, p)).0.is_some(), "{good}");
        }
        for bad in [
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a b@c.de",
            "a@b..co",
            "A <a@b.co>",
            "a@[127.0.0.1]",
        ] {
            assert_eq!(
                checked(|p| email(bad, p)).1.as_deref(),
                Some("Enter a valid email address."),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_name_of_nothing_visible_is_blank() {
        let (_, problem) = checked(|p| TextRule::name(50).apply("name", "\u{200b}\u{202e} ", p));
        assert_eq!(problem.as_deref(), Some("This field may not be blank."));
    }

    proptest! {
        #[test]
        fn keys_are_stable(name in "\\PC{0,40}") {
            prop_assert_eq!(key(&key(&name)), key(&name));
            prop_assert_eq!(room_key(&room_key(&name)), room_key(&name));
        }

        #[test]
        fn what_passes_is_trimmed_and_short_enough(name in "\\PC{0,80}") {
            let (value, problem) = checked(|p| TextRule::name(50).apply("name", &name, p));
            match value {
                Some(value) => {
                    prop_assert_eq!(value.trim(), value.as_str());
                    prop_assert!((1..=50).contains(&value.chars().count()));
                }
                None => prop_assert!(problem.is_some()),
            }
        }
    }
}
