//! Attempts whose outcome is not known yet: they count while they are under way.

use super::{Key, Limiter};
use crate::error::{Error, RATE_LIMITED};
use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// When to try again while only attempts under way are in the way.
const SOON: Duration = Duration::from_secs(1);

impl Limiter {
    /// Keeps one of the key's bucket for an attempt that may turn out to cost nothing. Other processes
    /// hear of it only when it is [spent](Hold::spend).
    ///
    /// # Errors
    /// [`RATE_LIMITED`] with the time to wait when nothing is left beside what others hold.
    pub fn hold<'a>(&'a self, key: &'a Key) -> Result<Hold<'a>, Error> {
        let Some(rate) = self.rate else {
            return Ok(Hold { limiter: self, key });
        };
        let mut held = self.held();
        let others = held.get(key).copied().unwrap_or(0);
        let now = Instant::now();
        let full_at = self
            .lock()
            .get(key)
            .map_or(now, |bucket| bucket.full_at.max(now));
        let allowed = now + rate.every * rate.burst;
        let next = full_at + rate.every;
        if next + rate.every * others > allowed {
            let wait = next.saturating_duration_since(allowed).max(SOON);
            return Err(Error::from(RATE_LIMITED).retry_after(wait));
        }
        held.insert(key.clone(), others + 1);
        Ok(Hold { limiter: self, key })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Key, u32>> {
        // A map of numbers is whole after any panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of a bucket, as long as the outcome is open. Dropping it gives it back.
#[derive(Debug)]
#[must_use]
pub struct Hold<'a> {
    limiter: &'a Limiter,
    key: &'a Key,
}

impl Hold<'_> {
    /// The attempt counts.
    pub fn spend(self) {
        // There was room for it, unless other processes gave much meanwhile.
        let _ = self.limiter.take(self.key);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut held = self.limiter.held();
        if let Some(count) = held.get_mut(self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shared::Which;
    use super::*;
    use crate::settings::Rate;
    use std::sync::Arc;

    #[tokio::test(start_paused = true)]
    async fn what_is_held_counts_until_it_is_given_back() {
        let rate = Rate {
            burst: 3,
            every: Duration::from_secs(10),
        };
        let limiter = Limiter::new(Some(rate), Which::Send, &Arc::default());
        let key = Key::Login("ada".into());
        let mut held: Vec<_> = (0..3).map(|_| limiter.hold(&key).expect("room")).collect();
        let refused = limiter.hold(&key).expect_err("all are held");
        assert_eq!(refused.retry_hint(), Some(SOON));
        drop(held.pop());
        held.push(limiter.hold(&key).expect("one came back"));
        held.into_iter().for_each(Hold::spend);
        assert!(limiter.held().is_empty());
        let refused = limiter.hold(&key).expect_err("all are spent");
        assert_eq!(refused.retry_hint(), Some(Duration::from_secs(10)));
        limiter.look(&key).expect_err("all are spent");
        let without = Limiter::new(None, Which::Send, &Arc::default());
        let held: Vec<_> = (0..9)
            .map(|_| without.hold(&key).expect("no limit"))
            .collect();
        held.into_iter().for_each(Hold::spend);
    }
}
