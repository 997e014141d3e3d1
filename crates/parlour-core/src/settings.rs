//! The product's rules as data. Where they come from (flags, environment, files) is the binary's
//! business; actions only read them.

use std::time::Duration;

/// Limits and lifetimes that users notice.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Upper limit of a room's `max_users` (`MAX_USERS_IN_ROOM`).
    pub max_users_in_room: i64,
    /// `max_users` of a room that does not say (`DEFAULT_MAX_USERS`), never above the limit.
    pub default_max_users: i64,
    /// How long a room lives after creation or renewal (`ROOM_LIFETIME`); `None`: for ever.
    pub room_lifetime: Option<Duration>,
    /// Longest text of a message in code points (`MAX_TEXT_CHARS`).
    pub max_text_chars: usize,
    /// Largest file in bytes (`MAX_UPLOAD_BYTES`).
    pub max_upload_bytes: u64,
    /// Most files on one message (`MAX_FILES_PER_MESSAGE`).
    pub max_files: usize,
    /// Most bytes that the files of one account may have together (`USER_QUOTA_BYTES`); `None`: any.
    pub user_quota: Option<u64>,
    /// No file is taken that would leave fewer free bytes on the disk (`MIN_FREE_DISK`).
    pub min_free_disk: u64,
    /// Whether anybody may read the list of users without a token.
    pub public_user_list: bool,
    /// Whether anybody may sign up.
    pub open_registration: bool,
    /// How long a browser session lives.
    pub session_lifetime: Duration,
    /// Rates, or `None` when they are off (`RATE_LIMITS=off`).
    pub rates: Option<Rates>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_users_in_room: 250,
            default_max_users: 50,
            room_lifetime: Some(Duration::from_secs(7 * 24 * 3600)),
            max_text_chars: 10_000,
            max_upload_bytes: 25 << 20,
            max_files: 10,
            user_quota: None,
            min_free_disk: 256 << 20,
            public_user_list: true,
            open_registration: true,
            session_lifetime: Duration::from_secs(14 * 24 * 3600),
            rates: Some(Rates::default()),
        }
    }
}

/// A token bucket: `burst` at once, then one per `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// One more each.
    pub every: Duration,
}

/// The rates in force. Keys are a user or an address, as the field says.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Messages per user, over every door.
    pub send: Rate,
    /// Other changes (rooms, joins, profile) per user.
    pub change: Rate,
    /// Reads per user.
    pub read: Rate,
    /// Requests without a credential per address.
    pub anonymous: Rate,
    /// Sign-ups per address.
    pub sign_up: Rate,
    /// Wrong log-ins in a row per account. Contract 7d: 429 at the latest at the 20th.
    pub wrong_login_account: Rate,
    /// Wrong log-ins in a row per address. Contract 7d: 429 at the latest at the 20th.
    pub wrong_login_address: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |burst, millis| Rate {
            burst,
            every: Duration::from_millis(millis),
        };
        Self {
            send: rate(60, 50),
            change: rate(60, 200),
            read: rate(300, 10),
            anonymous: rate(120, 50),
            sign_up: rate(30, 10_000),
            wrong_login_account: rate(10, 60_000),
            wrong_login_address: rate(18, 20_000),
        }
    }
}
