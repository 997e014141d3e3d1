//! Identifiers. All are positive integers given by the database, at most 2^53 - 1 so that browsers
//! read them exactly (contract section 1).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The largest id, `2^53 - 1`: the largest integer that JavaScript keeps exact.
pub const MAX_ID: i64 = (1 << 53) - 1;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number that came from the database.
            #[must_use]
            pub const fn new(raw: i64) -> Self {
                Self(raw)
            }

            /// The number itself.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// Decimal digits only, 1 to [`MAX_ID`].
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(NotAnId);
                }
                match text.parse::<i64>() {
                    Ok(raw) if (1..=MAX_ID).contains(&raw) => Ok(Self(raw)),
                    _ => Err(NotAnId),
                }
            }
        }
    };
}

/// Text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a positive integer below 2^53")
    }
}

impl std::error::Error for NotAnId {}

id!(
    /// A user account.
    UserId
);
id!(
    /// A room.
    RoomId
);
id!(
    /// A message; grows with `seq` within a room.
    MessageId
);
id!(
    /// An uploaded file.
    FileId
);
id!(
    /// A stored credential: an API token or a browser session. Never reused.
    TokenId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_positive_numbers_are_ids() {
        assert_eq!("7".parse(), Ok(RoomId::new(7)));
        assert_eq!("9007199254740991".parse(), Ok(RoomId::new(MAX_ID)));
        for bad in [
            "",
            "0",
            "-1",
            "+1",
            " 1",
            "1.0",
            "abc",
            "9007199254740992",
            "99999999999999999999",
        ] {
            assert_eq!(bad.parse::<RoomId>(), Err(NotAnId), "{bad}");
        }
    }
}
