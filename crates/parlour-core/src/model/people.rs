//! People as others see them in a room, and what they chose for themselves.

use crate::{RoomId, UserId};
use serde::{Deserialize, Serialize};

/// How an author is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The nickname.
    pub nickname: String,
    /// The colour, below [`super::User::HUES`].
    pub hue: u8,
}

/// Somebody who belongs to a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The account.
    pub id: UserId,
    /// The nickname.
    pub nickname: String,
    /// The colour, below [`super::User::HUES`].
    pub hue: u8,
    /// Whether they own the room.
    pub is_host: bool,
    /// Whether they have a seat.
    pub is_member: bool,
    /// Whether a socket of theirs is open.
    pub here: bool,
    /// How far they have read, if they ever did.
    pub read_seq: Option<i64>,
}

/// The people of a room: the host first, then by nickname.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// Seats taken.
    pub taken: i64,
    /// Seats there are.
    pub seats: i64,
    /// The host, also without a seat, and the members.
    pub people: Vec<Person>,
}

/// What a user has not read in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The room.
    pub room: RoomId,
    /// Position of its newest event.
    pub seq: i64,
    /// How far the user has read.
    pub read_seq: i64,
    /// Messages of others after that, counted up to [`Unread::MOST`].
    #[serde(rename = "unread")]
    pub messages: i64,
    /// Those among them that address the user, counted up to [`Unread::MOST`].
    pub mentions: i64,
}

impl Unread {
    /// Counting ends here: a person reads "99+".
    pub const MOST: i64 = 100;
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal),* $(,)? })*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $text)] $word,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$word),*];

            /// The word that is kept and sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = super::Unknown;

            fn from_str(word: &str) -> Result<Self, super::Unknown> {
                match word {
                    $($text => Ok(Self::$word),)*
                    _ => Err(super::Unknown),
                }
            }
        })*
    };
}

words! {
    /// A language of the pages.
    Language {
        /// English.
        #[default]
        English = "en",
        /// Korean.
        Korean = "ko",
    }

    /// Light or dark.
    Theme {
        /// As the device says.
        #[default]
        System = "system",
        /// Always light.
        Light = "light",
        /// Always dark.
        Dark = "dark",
    }

    /// How close rows stand.
    Density {
        /// With pictures and air.
        #[default]
        Roomy = "roomy",
        /// One line each.
        Compact = "compact",
    }

    /// How times of the day are written.
    HourCycle {
        /// As the language does.
        #[default]
        Auto = "auto",
        /// 12 hours.
        Twelve = "h12",
        /// 24 hours.
        TwentyFour = "h24",
    }

    /// Which keys send a message.
    SendKey {
        /// Enter sends, Shift Enter makes a new line.
        #[default]
        Enter = "enter",
        /// Ctrl Enter sends, Enter makes a new line.
        CtrlEnter = "ctrl_enter",
    }
}

/// What a person chose for their own pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Language; `None`: as the browser says.
    pub language: Option<Language>,
    /// Light or dark.
    pub theme: Theme,
    /// How close rows stand.
    pub density: Density,
    /// How times of the day are written.
    pub clock: HourCycle,
    /// No movement, whatever the device says.
    pub calm: bool,
    /// Which keys send.
    pub send_key: SendKey,
    /// Whether single keys are shortcuts (WCAG 2.1.4).
    pub single_keys: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: None,
            theme: Theme::default(),
            density: Density::default(),
            clock: HourCycle::default(),
            calm: false,
            send_key: SendKey::default(),
            single_keys: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_of_yesterday_are_read() {
        let old: Preferences = serde_json::from_str(r#"{"theme":"dark","gone":1}"#).expect("read");
        assert_eq!(old.theme, Theme::Dark);
        assert!(old.single_keys);
        assert_eq!(old.language, None);
    }
}
