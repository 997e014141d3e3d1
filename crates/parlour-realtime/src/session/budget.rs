//! So many within such a time, and no more.

use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// Allows `most` within any window of this length. Holds nothing while it is not used.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    window: Duration,
    spent: VecDeque<Instant>,
}

impl Budget {
    pub(crate) const fn new(most: usize, window: Duration) -> Self {
        Self {
            most,
            window,
            spent: VecDeque::new(),
        }
    }

    /// How often a client may ask for what it missed.
    pub(crate) const fn resumes() -> Self {
        Self::new(super::RESUMES, super::RESUMES_WITHIN)
    }

    /// Takes one; answers whether there was one left.
    pub(crate) fn spend(&mut self, now: Instant) -> bool {
        while self
            .spent
            .front()
            .is_some_and(|at| now.duration_since(*at) >= self.window)
        {
            self.spent.pop_front();
        }
        if self.spent.len() >= self.most {
            return false;
        }
        self.spent.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = Budget::new(2, Duration::from_secs(60));
        assert!(budget.spend(at(0)));
        assert!(budget.spend(at(50)));
        assert!(!budget.spend(at(59)));
        assert!(budget.spend(at(60)));
        assert!(!budget.spend(at(100)));
        assert!(budget.spend(at(110)));
    }
}
