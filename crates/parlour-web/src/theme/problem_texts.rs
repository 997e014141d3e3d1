//! What the pages say about bad fields and errors. The English texts are those of `parlour-core`, so
//! that there is one of each; other languages have a message per problem and per code.

use super::{language::Language, texts::Texts};
use fluent_bundle::{FluentArgs, FluentValue};
use parlour_core::{Error, Problem};

/// Each variant with the name of its message. A variant that is not here does not compile.
macro_rules! keys {
    ($($variant:ident = $key:literal;)*) => {
        fn key(problem: &Problem) -> &'static str {
            match problem {
                $(Problem::$variant { .. } => $key,)*
            }
        }

        #[cfg(test)]
        const KEYS: &[&str] = &[$($key),*];
    };
}

keys! {
    Required = "problem-required";
    Blank = "problem-required";
    Null = "problem-required";
    NotBoolean = "problem-not-boolean";
    NotText = "problem-not-text";
    NotInteger = "problem-not-integer";
    NotTime = "problem-not-time";
    TooLong = "problem-too-long";
    TooSmall = "problem-too-small";
    NotAChoice = "problem-not-a-choice";
    Nul = "problem-nul";
    UsernameTaken = "problem-username-taken";
    UsernameCharacters = "problem-username-characters";
    NicknameTaken = "problem-nickname-taken";
    EmailTaken = "problem-email-taken";
    NotEmail = "problem-not-email";
    RoomNameTaken = "problem-room-name-taken";
    SeatsAboveLimit = "problem-seats-above-limit";
    BadEnd = "problem-bad-end";
    NotInRoom = "problem-not-in-room";
    NoSuchKey = "problem-no-such-key";
    NotAKey = "problem-not-a-key";
    NoSuchChoice = "problem-no-such-choice";
    RoomFixed = "problem-room-fixed";
    EmptyMessage = "problem-empty-message";
    NotAnObject = "problem-not-an-object";
    FileEmpty = "problem-file-empty";
    FileNameTooLong = "problem-file-name-too-long";
    TooManyFiles = "problem-too-many-files";
    FileGone = "problem-file-gone";
    NotAFile = "problem-not-a-file";
    PasswordTooShort = "problem-password-too-short";
    PasswordCommon = "problem-password-common";
    PasswordNumeric = "problem-password-numeric";
    PasswordSimilar = "problem-password-similar";
    PasswordMismatch = "problem-password-mismatch";
    NotEmoji = "problem-not-emoji";
    NotALogo = "problem-not-a-logo";
    NoSuchPerson = "problem-no-such-person";
    NotConfirmed = "problem-not-confirmed";
    WrongPassword = "problem-wrong-password";
}

/// What a problem's message may name.
fn args(problem: &Problem) -> FluentArgs<'static> {
    let mut args = FluentArgs::new();
    let number = |number: usize| FluentValue::from(i64::try_from(number).unwrap_or(i64::MAX));
    match problem {
        Problem::TooLong { max, actual } | Problem::FileNameTooLong { max, actual } => {
            args.set("max", number(*max));
            args.set("actual", number(*actual));
        }
        Problem::TooManyFiles { max } => args.set("max", number(*max)),
        Problem::NotALogo { kib } => args.set("kib", number(*kib)),
        Problem::TooSmall { min } => args.set("min", *min),
        Problem::NotAChoice { given } => args.set("given", given.clone()),
        Problem::SeatsAboveLimit { limit } => args.set("limit", *limit),
        Problem::PasswordTooShort { min } => args.set("min", number(*min)),
        // Case names in Fluent are one word.
        Problem::PasswordSimilar { to } => args.set("to", to.replace(' ', "-")),
        _ => {}
    }
    args
}

/// What a page says of a problem.
pub(crate) fn problem(texts: &Texts, language: Language, problem: &Problem) -> String {
    let english = || problem.form_text();
    match language {
        Language::English => english(),
        Language::Korean => texts
            .get(language, key(problem), Some(&args(problem)))
            .unwrap_or_else(|_| english()),
    }
}

/// What a page says of an error that belongs to no field.
pub(crate) fn error(texts: &Texts, language: Language, error: &Error) -> String {
    match language {
        Language::English => error.text().to_owned(),
        Language::Korean => texts
            .get(language, &code_key(error.code()), None)
            .unwrap_or_else(|_| error.text().to_owned()),
    }
}

/// The message of a code.
fn code_key(code: &str) -> String {
    format!("code-{}", code.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Theme;
    use parlour_core::error::CATALOGUE;

    #[test]
    fn every_problem_and_code_has_a_korean_text_and_no_english_one() {
        let theme = Theme::load(None).expect("the theme");
        let texts = theme.texts();
        let codes: Vec<String> = CATALOGUE.iter().map(|line| code_key(line.code)).collect();
        for key in KEYS.iter().copied().chain(codes.iter().map(String::as_str)) {
            assert!(texts.has(Language::Korean, key), "{key}");
            // The English text is the one of parlour-core.
            assert!(!texts.has(Language::English, key), "{key}");
        }
        let known = |id: &&String| id.starts_with("problem-") || id.starts_with("code-");
        for id in texts.ids(Language::Korean).iter().filter(known) {
            assert!(KEYS.contains(&id.as_str()) || codes.contains(id), "{id}");
        }
    }

    #[test]
    fn texts_of_both_languages() {
        let theme = Theme::load(None).expect("the theme");
        let of = |language, problem: &Problem| super::problem(theme.texts(), language, problem);
        let long = Problem::TooLong {
            max: 50,
            actual: 51,
        };
        assert_eq!(
            of(Language::English, &long),
            "Ensure this value has at most 50 characters (it has 51)."
        );
        for problem in [
            long,
            Problem::TooSmall { min: 1 },
            Problem::NotAChoice { given: "x".into() },
            Problem::SeatsAboveLimit { limit: 9 },
            Problem::PasswordTooShort { min: 8 },
            Problem::PasswordSimilar { to: "username" },
            Problem::PasswordSimilar { to: "nickname" },
            Problem::PasswordSimilar {
                to: "email address",
            },
        ] {
            let korean = of(Language::Korean, &problem);
            assert!(!korean.is_ascii(), "{problem:?}: {korean}");
        }
    }
}
