//! What processes that share a chat tell each other of their rate limits.
//!
//! Each decides by its own buckets, at once and without asking anybody; what it gave is told soon after
//! and taken from the others' buckets too. When nobody can be told, the limit of each process holds.

use super::Key;
use crate::settings::Rate;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Which {
    /// Messages per user.
    Send,
    /// Other changes per user.
    Change,
    /// Reads per user.
    Read,
    /// Anonymous requests per address.
    Anonymous,
    /// Sign-ups per address.
    SignUp,
    /// Wrong log-ins per account.
    WrongLoginAccount,
    /// Wrong log-ins per address.
    WrongLoginAddress,
}

/// What was done to one bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The limit.
    pub which: Which,
    /// The bucket.
    pub key: Key,
    /// Whether it was filled first.
    pub filled: bool,
    /// How much was taken then.
    pub count: u32,
}

/// The part of a bucket that may be taken before the others are told: a tenth, whether or not the bucket
/// filled again meanwhile.
const PART: u32 = 10;

/// Buckets that wait to be told of; of more nobody is told, and each process's own limit holds.
const MOST: usize = 4_096;

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    is_open: AtomicBool,
    waiting: Mutex<HashMap<(Which, Key), (bool, u32)>>,
    more: Notify,
}

impl Outbox {
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// Notes that so much was taken that nobody was told of; answers how much of it stays untold.
    pub(super) fn taken(&self, (which, key): (Which, &Key), untold: u32, rate: Rate) -> u32 {
        if untold < (rate.burst / PART).max(1) {
            return untold;
        }
        self.note((which, key), |(_, count)| {
            *count = count.saturating_add(untold);
        });
        0
    }

    /// Notes that a bucket was filled.
    pub(super) fn filled(&self, which: Which, key: &Key) {
        self.note((which, key), |what| *what = (true, 0));
    }

    fn note(&self, (which, key): (Which, &Key), change: impl FnOnce(&mut (bool, u32))) {
        if !self.is_open.load(Ordering::Relaxed) {
            return;
        }
        let mut waiting = self.waiting();
        let name = (which, key.clone());
        if waiting.len() < MOST || waiting.contains_key(&name) {
            change(waiting.entry(name).or_default());
        }
        drop(waiting);
        self.more.notify_one();
    }

    pub(super) async fn to_tell(&self) -> Vec<Taken> {
        loop {
            let waiting = std::mem::take(&mut *self.waiting());
            if waiting.is_empty() {
                self.more.notified().await;
                continue;
            }
            let told = |((which, key), (filled, count))| Taken {
                which,
                key,
                filled,
                count,
            };
            return waiting.into_iter().map(told).collect();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<(Which, Key), (bool, u32)>> {
        // A map of numbers is whole after any panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;
    use crate::{UserId, settings::Rates};
    use futures_util::FutureExt as _;
    use std::time::Duration;

    fn limits() -> Limits {
        let rates = Rates {
            send: Rate {
                burst: 20,
                every: Duration::from_secs(1),
            },
            ..Rates::default()
        };
        let limits = Limits::new(Some(&rates));
        limits.share();
        limits
    }

    /// Carries what is to be told from one to the other.
    fn carry(from: &Limits, to: &Limits) {
        if let Some(taken) = from.to_tell().now_or_never() {
            to.heed(&taken);
        }
    }

    fn take(limits: &Limits, key: &Key, times: usize) -> usize {
        (0..times).filter(|_| limits.send.take(key).is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn two_processes_give_little_more_than_one() {
        let (here, there) = (limits(), limits());
        let key = Key::User(UserId::new(1));
        let mut given = 0;
        for _ in 0..40 {
            given += take(&here, &key, 1) + take(&there, &key, 1);
            carry(&here, &there);
            carry(&there, &here);
        }
        // One that was not told yet, each.
        assert!((20..=22).contains(&given), "{given}");
        let other = Key::User(UserId::new(2));
        assert_eq!(take(&there, &other, 30), 20, "others are not touched");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(take(&there, &key, 30), 20, "and it fills again");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_at_the_same_moment_is_paid_back() {
        let (here, there) = (limits(), limits());
        let key = Key::User(UserId::new(1));
        let mut given = take(&here, &key, 20) + take(&there, &key, 20);
        carry(&here, &there);
        carry(&there, &here);
        for _ in 0..60 {
            tokio::time::advance(Duration::from_secs(1)).await;
            given += take(&here, &key, 1) + take(&there, &key, 1);
            carry(&here, &there);
            carry(&there, &here);
        }
        // The bucket, what came back in a minute, and what was not told yet.
        assert!((76..=84).contains(&given), "{given}");
    }

    #[tokio::test(start_paused = true)]
    async fn every_tenth_of_a_bucket_is_told_once() {
        let limits = limits();
        let key = Key::User(UserId::new(1));
        let mut told = 0;
        for number in 1..=10 {
            assert_eq!(take(&limits, &key, 1), 1);
            told += limits
                .to_tell()
                .now_or_never()
                .map_or(0, |taken| taken[0].count);
            assert_eq!(told, number / 2 * 2);
            tokio::time::advance(Duration::from_secs(2)).await;
        }
    }

    /// As fast as one process alone gives for ever.
    #[tokio::test(start_paused = true)]
    async fn pacing_does_not_get_as_much_from_each_process() {
        let (here, there) = (limits(), limits());
        let key = Key::User(UserId::new(1));
        let mut given = 0;
        for _ in 0..300 {
            given += take(&here, &key, 1) + take(&there, &key, 1);
            carry(&here, &there);
            carry(&there, &here);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!((300..=324).contains(&given), "{given}");
    }

    #[tokio::test(start_paused = true)]
    async fn filling_is_told_and_no_news_locks_anybody_out_for_long() {
        let (here, there) = (limits(), limits());
        let key = Key::User(UserId::new(1));
        let bad = Taken {
            which: Which::Send,
            key: key.clone(),
            filled: false,
            count: u32::MAX,
        };
        for _ in 0..3 {
            there.heed(std::slice::from_ref(&bad));
        }
        let refused = there.send.look(&key).expect_err("far too much");
        assert_eq!(refused.retry_hint(), Some(Duration::from_secs(21)));
        assert_eq!(take(&here, &key, 4), 4);
        here.send.forget(&key);
        carry(&here, &there);
        assert_eq!(take(&there, &key, 30), 20);
    }
}
