//! How much of a room's time is left.

use crate::theme::{Theme, language::Language};
use fluent_bundle::FluentArgs;
use parlour_core::{Settings, Time, model::Room};
use std::time::Duration;

/// Segments of the wick.
const SEGMENTS: u64 = 7;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What is left of a room's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeLeft {
    left: Duration,
    whole: Duration,
}

impl TimeLeft {
    /// Of a room that ends; `None` for one that does not.
    pub(crate) fn of(room: &Room, settings: &Settings, now: Time) -> Option<Self> {
        let end = room.expires_at?;
        // A week's wick shows how much of a week is left, also of a room that was made for a day.
        let given = end.since(room.created_at);
        let whole = settings.room_lifetime.unwrap_or(given);
        Some(Self {
            left: end.since(now),
            whole,
        })
    }

    /// In words: days, hours, minutes, rounded as people do.
    pub(crate) fn text(self, theme: &Theme, language: Language) -> String {
        let seconds = self.left.as_secs();
        let (key, n) = match seconds {
            0..MINUTE => ("time-left-soon", 0),
            MINUTE..HOUR => ("time-left-minutes", seconds / MINUTE),
            HOUR..DAY => ("time-left-hours", seconds.div_ceil(HOUR)),
            _ => ("time-left-days", seconds.div_ceil(DAY)),
        };
        let mut args = FluentArgs::new();
        args.set("n", n);
        theme
            .texts()
            .get(language, key, Some(&args))
            .unwrap_or_default()
    }

    /// Whether it ends within a day.
    pub(crate) fn is_soon(self) -> bool {
        self.left < Duration::from_secs(DAY)
    }

    /// Lit segments of the wick, 0 to 7: a segment is lit until all of it is gone.
    pub(crate) fn wick(self) -> u64 {
        let (left, whole) = (self.left.as_secs(), self.whole.as_secs().max(1));
        (left * SEGMENTS).div_ceil(whole).min(SEGMENTS)
    }

    /// Lit part of the wick in percent.
    pub(crate) fn percent(self) -> u64 {
        (self.left.as_secs() * 100 / self.whole.as_secs().max(1)).min(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(seconds: u64) -> TimeLeft {
        TimeLeft {
            left: Duration::from_secs(seconds),
            whole: Duration::from_secs(7 * DAY),
        }
    }

    #[test]
    fn the_wick_burns_down() {
        for (seconds, wick, percent) in [
            (7 * DAY, 7, 100),
            (7 * DAY - 1, 7, 99),
            (6 * DAY, 6, 85),
            (6 * DAY + 1, 7, 85),
            (1, 1, 0),
            (0, 0, 0),
            (30 * DAY, 7, 100),
        ] {
            let time = left(seconds);
            assert_eq!((time.wick(), time.percent()), (wick, percent), "{seconds}");
        }
    }

    #[test]
    fn words() {
        let theme = Theme::load(None).expect("the theme");
        for (seconds, english, korean) in [
            (7 * DAY, "7 days left", "7일 남음"),
            (DAY + 1, "2 days left", "2일 남음"),
            (DAY, "1 day left", "1일 남음"),
            (DAY - 1, "24 hours left", "24시간 남음"),
            (HOUR, "1 hour left", "1시간 남음"),
            (HOUR - 1, "59 minutes left", "59분 남음"),
            (59, "closing now", "곧 닫힘"),
        ] {
            assert_eq!(left(seconds).text(&theme, Language::English), english);
            assert_eq!(left(seconds).text(&theme, Language::Korean), korean);
        }
    }
}
