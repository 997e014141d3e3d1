//! Moments, kept as whole microseconds since 1970 in UTC: the same integer on both databases.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

/// A moment in UTC with microsecond precision.
///
/// Written as `2026-11-20T23:40:14.876871Z`; the fraction is left out when it is zero (contract 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// From microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The system clock's reading. Only [`crate::ports::Clock`] implementations call this.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    pub fn now() -> Self {
        Self(Timestamp::now().as_microsecond())
    }

    /// This moment plus a duration; stops at the end of time instead of overflowing.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// This moment minus a duration.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// How far another machine's clock may be from ours before somebody should look at it.
const APART: Duration = Duration::from_secs(60);

/// What to tell the operator of another machine's clock (`whose`: "PostgreSQL's") that is more than a
/// minute away from ours. Order and delivery do not depend on clocks; when rooms and credentials end does.
#[must_use]
pub fn clock_worry(whose: &str, ours: Time, theirs: Time) -> Option<String> {
    let (apart, word) = if theirs > ours {
        (theirs.since(ours), "ahead of")
    } else {
        (ours.since(theirs), "behind")
    };
    let (minutes, seconds) = (apart.as_secs() / 60, apart.as_secs() % 60);
    (apart > APART).then(|| {
        format!(
            "{whose} clock is {minutes} min {seconds} s {word} this machine's: rooms and credentials may \
             end at the wrong time. Let a time service set both."
        )
    })
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Outside of jiff's range (years -9999 to 9999) there is no calendar date to print.
        let Ok(stamp) = Timestamp::from_microsecond(self.0) else {
            return write!(f, "{}us", self.0);
        };
        if self.0 % 1_000_000 == 0 {
            write!(f, "{stamp:.0}")
        } else {
            write!(f, "{stamp:.6}")
        }
    }
}

impl FromStr for Time {
    type Err = jiff::Error;

    /// RFC 3339 with any offset.
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<Timestamp>()
            .map(|stamp| Self(stamp.as_microsecond()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_apart_are_told_in_both_directions() {
        let ours = Time::from_micros(1_795_304_414_876_871);
        let told = |theirs| clock_worry("Redis's", ours, theirs);
        let minutes = Duration::from_secs(302);
        let ahead = told(ours.plus(minutes)).expect("a worry");
        assert!(
            ahead.starts_with("Redis's clock is 5 min 2 s ahead of"),
            "{ahead}"
        );
        let behind = told(ours.minus(minutes)).expect("a worry");
        assert!(behind.contains("5 min 2 s behind"), "{behind}");
        assert_eq!(told(ours.plus(Duration::from_secs(59))), None);
        assert_eq!(told(ours.minus(Duration::from_secs(59))), None);
    }

    #[test]
    fn six_digits_or_none() {
        let at = |micros| Time::from_micros(micros).to_string();
        assert_eq!(at(1_795_304_414_876_871), "2026-11-21T23:40:14.876871Z");
        assert_eq!(at(1_795_304_414_870_000), "2026-11-21T23:40:14.870000Z");
        assert_eq!(at(1_795_304_414_000_000), "2026-11-21T23:40:14Z");
    }

    #[test]
    fn reads_what_it_writes() {
        let time = Time::from_micros(1_795_304_414_876_871);
        assert_eq!(time.to_string().parse::<Time>().expect("own format"), time);
        assert!("yesterday".parse::<Time>().is_err());
    }
}
