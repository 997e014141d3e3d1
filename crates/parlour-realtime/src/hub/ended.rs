//! Credentials that ended a short while ago.

use parlour_core::TokenId;
use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// How long an ended credential is remembered. A socket that was authenticated before the end and
/// registers after it is much faster than this.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How many are remembered; the oldest are forgotten first.
const MAX_REMEMBERED: usize = 65_536;

/// Remembers ended credentials, so that a socket whose authentication raced the end of its credential
/// is refused when it registers. Ids of credentials are never reused.
#[derive(Debug, Default)]
pub(super) struct Ended {
    ids: HashSet<TokenId>,
    order: VecDeque<(Instant, TokenId)>,
}

impl Ended {
    pub(super) fn add(&mut self, id: TokenId, now: Instant) {
        if self.ids.insert(id) {
            self.order.push_back((now, id));
        }
        self.forget(now);
    }

    pub(super) fn contains(&self, id: TokenId) -> bool {
        self.ids.contains(&id)
    }

    /// Forgets what is old enough; called now and then.
    pub(super) fn forget(&mut self, now: Instant) {
        while let Some((at, id)) = self.order.front() {
            if self.order.len() <= MAX_REMEMBERED && now.duration_since(*at) < REMEMBERED {
                break;
            }
            self.ids.remove(id);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn remembered_for_minutes_not_for_ever() {
        let mut ended = Ended::default();
        ended.add(TokenId::new(1), Instant::now());
        tokio::time::advance(REMEMBERED / 2).await;
        ended.add(TokenId::new(2), Instant::now());
        ended.add(TokenId::new(1), Instant::now());
        assert!(ended.contains(TokenId::new(1)));
        tokio::time::advance(REMEMBERED / 2).await;
        ended.forget(Instant::now());
        assert!(!ended.contains(TokenId::new(1)));
        assert!(ended.contains(TokenId::new(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn bounded() {
        let mut ended = Ended::default();
        for id in 1..70_000 {
            ended.add(TokenId::new(id), Instant::now());
        }
        assert_eq!(ended.ids.len(), MAX_REMEMBERED);
        assert!(ended.contains(TokenId::new(69_999)));
    }
}
