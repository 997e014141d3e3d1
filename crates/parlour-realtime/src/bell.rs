//! Wakes one task that waits for something; a ring that nobody waits for is kept.

use futures_util::task::AtomicWaker;
use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

/// A bell that one task at a time listens to.
///
/// What a listener looks at after a ring has to be guarded by a lock that whoever rings has held
/// since: then a ring that finds the bell rung already may leave it at that.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    listener: AtomicWaker,
}

impl Bell {
    /// Rings. Costs next to nothing while the last ring was not heard.
    pub(crate) fn ring(&self) {
        if !self.rung.load(Ordering::Acquire) && !self.rung.swap(true, Ordering::AcqRel) {
            self.listener.wake();
        }
    }

    /// Ready when it rang since this was last ready.
    pub(crate) fn poll_heard(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.rung.swap(false, Ordering::AcqRel) {
            return Poll::Ready(());
        }
        self.listener.register(cx.waker());
        // It may have rung before we were there to be woken.
        if self.rung.swap(false, Ordering::AcqRel) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// The same as a future. Cancel safe.
    pub(crate) async fn heard(&self) {
        poll_fn(|cx| self.poll_heard(cx)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::sync::Arc;

    #[test]
    fn a_ring_is_kept_and_heard_once() {
        let bell = Bell::default();
        assert_eq!(bell.heard().now_or_never(), None);
        bell.ring();
        bell.ring();
        assert_eq!(bell.heard().now_or_never(), Some(()));
        assert_eq!(bell.heard().now_or_never(), None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_ring_is_lost_between_threads() {
        const ROUNDS: usize = 20_000;
        let bells = Arc::new((Bell::default(), Bell::default()));
        let far = Arc::clone(&bells);
        let other = tokio::spawn(async move {
            for _ in 0..ROUNDS {
                far.0.heard().await;
                far.1.ring();
            }
        });
        for _ in 0..ROUNDS {
            bells.0.ring();
            bells.1.heard().await;
        }
        other.await.expect("no panic");
    }
}
