//! Rate limits: the generic cell rate algorithm (GCRA) over keys.
//!
//! Own code where `governor` exists, because wrong log-ins need what it has not: look without
//! taking, take afterwards, and forget after a success (docs/decisions/0003-rate-limits.md).

use crate::{
    UserId,
    error::{Error, RATE_LIMITED},
    settings::{Rate, Rates},
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Whom a limit counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// An account that is known.
    User(UserId),
    /// An address; IPv6 by its /64, because one customer has a whole one.
    Address(IpAddr),
    /// A log-in name as compared, whether or not such an account exists.
    Login(String),
}

impl Key {
    /// The key of an address.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        })
    }
}

/// One limit over many keys.
#[derive(Debug)]
pub struct Limiter {
    rate: Option<Rate>,
    /// When each key's bucket is full again ("theoretical arrival time").
    full_at: Mutex<HashMap<Key, Instant>>,
}

/// Above this many keys those whose bucket is full again are forgotten.
const SWEEP_ABOVE: usize = 20_000;

impl Limiter {
    /// A limit, or none.
    #[must_use]
    pub fn new(rate: Option<Rate>) -> Self {
        Self {
            rate,
            full_at: Mutex::default(),
        }
    }

    /// Takes one from the key's bucket.
    ///
    /// # Errors
    /// [`RATE_LIMITED`] with the time to wait when the bucket is empty; then nothing is taken.
    pub fn take(&self, key: &Key) -> Result<(), Error> {
        self.decide(key, true)
    }

    /// Whether the key's bucket has one left, without taking it.
    ///
    /// # Errors
    /// [`RATE_LIMITED`] with the time to wait.
    pub fn look(&self, key: &Key) -> Result<(), Error> {
        self.decide(key, false)
    }

    /// Fills the key's bucket.
    pub fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    fn decide(&self, key: &Key, take: bool) -> Result<(), Error> {
        let Some(rate) = self.rate else { return Ok(()) };
        let now = Instant::now();
        let mut full_at = self.lock();
        let start = full_at.get(key).copied().unwrap_or(now).max(now);
        let next = start + rate.every;
        let allowed = now + rate.every * rate.burst;
        if next > allowed {
            return Err(Error::from(RATE_LIMITED).retry_after(next - allowed));
        }
        if take {
            if full_at.len() >= SWEEP_ABOVE {
                full_at.retain(|_, full| *full > now);
            }
            full_at.insert(key.clone(), next);
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Instant>> {
        // A map of instants is whole after any panic.
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All limits in force; see [`Rates`] for what each counts.
#[derive(Debug)]
pub struct Limits {
    /// Messages per user.
    pub send: Limiter,
    /// Other changes per user.
    pub change: Limiter,
    /// Reads per user.
    pub read: Limiter,
    /// Anonymous requests per address.
    pub anonymous: Limiter,
    /// Sign-ups per address.
    pub sign_up: Limiter,
    /// Wrong log-ins per account.
    pub wrong_login_account: Limiter,
    /// Wrong log-ins per address.
    pub wrong_login_address: Limiter,
}

impl Limits {
    /// The limits of these rates, or none at all.
    #[must_use]
    pub fn new(rates: Option<&Rates>) -> Self {
        let limiter = |rate: fn(&Rates) -> Rate| Limiter::new(rates.map(rate));
        Self {
            send: limiter(|r| r.send),
            change: limiter(|r| r.change),
            read: limiter(|r| r.read),
            anonymous: limiter(|r| r.anonymous),
            sign_up: limiter(|r| r.sign_up),
            wrong_login_account: limiter(|r| r.wrong_login_account),
            wrong_login_address: limiter(|r| r.wrong_login_address),
        }
    }
}

/// Rounds a wait up to whole seconds, at least one, as `Retry-After` wants it.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(burst: u32, seconds: u64) -> Limiter {
        Limiter::new(Some(Rate {
            burst,
            every: Duration::from_secs(seconds),
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_one_at_a_time() {
        let limiter = limiter(3, 10);
        let key = Key::User(UserId::new(1));
        for _ in 0..3 {
            limiter.take(&key).expect("within the burst");
        }
        let refused = limiter.take(&key).expect_err("the bucket is empty");
        assert_eq!(refused.retry_hint(), Some(Duration::from_secs(10)));
        limiter
            .take(&Key::User(UserId::new(2)))
            .expect("another key has its own bucket");
        tokio::time::advance(Duration::from_secs(10)).await;
        limiter.take(&key).expect("one came back");
        limiter.take(&key).expect_err("only one");
        limiter.forget(&key);
        limiter.look(&key).expect("full again");
    }

    #[tokio::test(start_paused = true)]
    async fn looking_takes_nothing() {
        let limiter = limiter(1, 10);
        let key = Key::Login("ada".into());
        for _ in 0..5 {
            limiter.look(&key).expect("nothing taken");
        }
        limiter.take(&key).expect("the one");
        limiter.look(&key).expect_err("gone");
    }

    #[test]
    fn addresses_of_one_customer_share_a_bucket() {
        let key = |text: &str| Key::address(text.parse().expect("address"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::2:3"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
