//! The languages that pages speak, and how a visitor's is chosen.

use unic_langid::LanguageIdentifier;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// All of them; the first is spoken to whom no other fits.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// The code: `en`, `ko`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// The language's name in itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Korean => "한국어",
        }
    }

    /// For plural rules.
    pub(crate) fn id(self) -> LanguageIdentifier {
        // Not a code that the parser could refuse; its default would be the root language.
        self.code().parse().unwrap_or_default()
    }

    /// The language of a code, whatever its region: `ko`, `KO`, `ko-KR`.
    pub(crate) fn of(code: &str) -> Option<Self> {
        let primary = code.trim().split(['-', '_']).next()?;
        Self::ALL
            .into_iter()
            .find(|language| language.code().eq_ignore_ascii_case(primary))
    }

    /// The best of an `Accept-Language` header.
    pub(crate) fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for entry in header.split(',').take(50) {
            let (code, quality) = entry.split_once(";").unwrap_or((entry, "q=1"));
            let quality = quality
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.trim().parse::<f32>().ok());
            let Some(quality) = quality.filter(|quality| *quality > 0.0) else {
                continue;
            };
            let Some(language) = Self::of(code) else {
                continue;
            };
            if best.is_none_or(|(known, _)| quality > known) {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

impl From<parlour_core::model::Language> for Language {
    fn from(language: parlour_core::model::Language) -> Self {
        match language {
            parlour_core::model::Language::English => Self::English,
            parlour_core::model::Language::Korean => Self::Korean,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_is_spoken_here() {
        let of = |header| Language::accepted(header);
        assert_eq!(of("ko-KR,ko;q=0.9,en-US;q=0.8"), Some(Language::Korean));
        assert_eq!(of("de, en;q=0.5, ko;q=0.4"), Some(Language::English));
        assert_eq!(of("en;q=0.1, ko;q=0.2"), Some(Language::Korean));
        assert_eq!(of("ko;q=0, de"), None);
        assert_eq!(of(""), None);
        assert_eq!(of("*;q=x,,;;"), None);
        assert_eq!(Language::of("KO_kr"), Some(Language::Korean));
        assert_eq!(Language::of("english"), None);
    }
}
