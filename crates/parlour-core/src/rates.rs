//! Rate limits: the generic cell rate algorithm (GCRA) over keys.
//!
//! Own code where `governor` exists, because wrong log-ins need what it has not: look without
//! taking, take afterwards, and forget after a success (docs/decisions/0003-rate-limits.md).
//!
//! Processes that share a chat tell each other what was taken ([`shared`], docs/decisions/0017).

mod hold;
pub mod shared;

use crate::{
    UserId,
    error::{Error, RATE_LIMITED},
    settings::{Rate, Rates},
};
pub use hold::Hold;
use serde::{Deserialize, Serialize};
use shared::{Outbox, Taken, Which};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Whom a limit counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    which: Which,
    buckets: Mutex<HashMap<Key, Bucket>>,
    /// How many of each key are [held](Self::hold).
    held: Mutex<HashMap<Key, u32>>,
    outbox: Arc<Outbox>,
}

/// What is left to one key.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// When it is full again ("theoretical arrival time").
    full_at: Instant,
    /// How much was taken from it here that other processes do not know of.
    untold: u32,
}

/// Above this many keys those whose bucket is full again are forgotten.
const SWEEP_ABOVE: usize = 20_000;

impl Limiter {
    /// A limit, or none; what is taken is told by the outbox.
    fn new(rate: Option<Rate>, which: Which, outbox: &Arc<Outbox>) -> Self {
        Self {
            rate,
            which,
            buckets: Mutex::default(),
            held: Mutex::default(),
            outbox: Arc::clone(outbox),
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
        if self.lock().remove(key).is_some() {
            self.outbox.filled(self.which, key);
        }
    }

    fn decide(&self, key: &Key, take: bool) -> Result<(), Error> {
        let Some(rate) = self.rate else { return Ok(()) };
        let now = Instant::now();
        let mut buckets = self.lock();
        let bucket = buckets.get(key);
        // What is not told stays so when the bucket is full again: who paces themselves would else get
        // as much from each process.
        let (start, untold) =
            bucket.map_or((now, 0), |bucket| (bucket.full_at.max(now), bucket.untold));
        let next = start + rate.every;
        let allowed = now + rate.every * rate.burst;
        if next > allowed {
            return Err(Error::from(RATE_LIMITED).retry_after(next - allowed));
        }
        if take {
            let untold = self.outbox.taken((self.which, key), untold + 1, rate);
            let bucket = Bucket {
                full_at: next,
                untold,
            };
            put(&mut buckets, key, bucket, now);
        }
        Ok(())
    }

    /// What other processes gave to the same key. A bucket may so become emptier than empty, by once its
    /// size: what several processes gave at the same moment is paid back, and no news can lock somebody
    /// out for long.
    fn heed(&self, taken: &Taken) {
        let Some(rate) = self.rate else { return };
        let now = Instant::now();
        let mut buckets = self.lock();
        if taken.filled {
            buckets.remove(&taken.key);
        }
        if taken.count == 0 {
            return;
        }
        let known = buckets.get(&taken.key).copied();
        let known = known.unwrap_or(Bucket {
            full_at: now,
            untold: 0,
        });
        let most = (rate.every * rate.burst).saturating_mul(2);
        let more = rate.every.saturating_mul(taken.count).min(most);
        let bucket = Bucket {
            full_at: (known.full_at.max(now) + more).min(now + most),
            ..known
        };
        put(&mut buckets, &taken.key, bucket, now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Bucket>> {
        // A map of instants is whole after any panic.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(buckets: &mut HashMap<Key, Bucket>, key: &Key, bucket: Bucket, now: Instant) {
    if buckets.len() >= SWEEP_ABOVE {
        buckets.retain(|_, bucket| bucket.full_at > now);
    }
    buckets.insert(key.clone(), bucket);
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
    outbox: Arc<Outbox>,
}

impl Limits {
    /// The limits of these rates, or none at all.
    #[must_use]
    pub fn new(rates: Option<&Rates>) -> Self {
        let outbox = Arc::new(Outbox::default());
        let limiter =
            |rate: fn(&Rates) -> Rate, which| Limiter::new(rates.map(rate), which, &outbox);
        Self {
            send: limiter(|r| r.send, Which::Send),
            change: limiter(|r| r.change, Which::Change),
            read: limiter(|r| r.read, Which::Read),
            anonymous: limiter(|r| r.anonymous, Which::Anonymous),
            sign_up: limiter(|r| r.sign_up, Which::SignUp),
            wrong_login_account: limiter(|r| r.wrong_login_account, Which::WrongLoginAccount),
            wrong_login_address: limiter(|r| r.wrong_login_address, Which::WrongLoginAddress),
            outbox,
        }
    }

    /// From now on there are other processes to be told: see [`to_tell`](Self::to_tell).
    pub fn share(&self) {
        self.outbox.open();
    }

    /// Waits until there is something to tell the other processes. Cancel safe.
    pub async fn to_tell(&self) -> Vec<Taken> {
        self.outbox.to_tell().await
    }

    /// What another process told.
    pub fn heed(&self, all: &[Taken]) {
        for taken in all {
            self.of(taken.which).heed(taken);
        }
    }

    const fn of(&self, which: Which) -> &Limiter {
        match which {
            Which::Send => &self.send,
            Which::Change => &self.change,
            Which::Read => &self.read,
            Which::Anonymous => &self.anonymous,
            Which::SignUp => &self.sign_up,
            Which::WrongLoginAccount => &self.wrong_login_account,
            Which::WrongLoginAddress => &self.wrong_login_address,
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
        let rate = Rate {
            burst,
            every: Duration::from_secs(seconds),
        };
        Limiter::new(Some(rate), Which::Send, &Arc::default())
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
