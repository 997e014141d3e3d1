//! Shutdown as a value that travels. It has two phases: *soft* (take nothing new, finish what is
//! under way) and *hard* (cut what is left).

use std::{io, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The two phases. Clones share them; hard never comes before soft.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Shutdown {
    /// Follows SIGTERM and SIGINT: the first begins the soft phase; the second, or the end of
    /// `timeout`, the hard one. A little of the timeout is kept for closing what hard cuts.
    ///
    /// # Errors
    /// When the operating system does not let us listen.
    pub(crate) fn on_signals(timeout: Duration) -> io::Result<Self> {
        let shutdown = Self::default();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (tell, heard) = mpsc::channel(2);
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                // After the second signal nobody listens any more.
                if tell.send(name).await.is_err() {
                    break;
                }
            }
        });
        let follower = shutdown.clone();
        tokio::spawn(async move { follower.follow(heard, timeout).await });
        Ok(shutdown)
    }

    /// Finish what is under way, take nothing new.
    #[must_use]
    pub(crate) const fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cut what is left.
    #[must_use]
    pub(crate) const fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    async fn follow(&self, mut signals: mpsc::Receiver<&'static str>, timeout: Duration) {
        let Some(first) = signals.recv().await else {
            return;
        };
        tracing::info!(signal = first, "stopping");
        self.soft.cancel();
        let patience = timeout.saturating_sub(Duration::from_secs(1).min(timeout / 5));
        tokio::select! {
            () = tokio::time::sleep(patience) => {
                tracing::warn!(seconds = patience.as_secs_f64(), "still not done, cutting");
            }
            Some(second) = signals.recv() => {
                tracing::warn!(signal = second, "stopping at once");
            }
        }
        self.hard.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    /// A shutdown whose signals are sent by the test.
    fn by_hand(patience: Duration) -> (Shutdown, mpsc::Sender<&'static str>) {
        let (shutdown, (tell, heard)) = (Shutdown::default(), mpsc::channel(2));
        let follower = shutdown.clone();
        tokio::spawn(async move { follower.follow(heard, patience).await });
        (shutdown, tell)
    }

    #[tokio::test]
    async fn one_signal_is_soft_and_time_makes_it_hard() {
        let (shutdown, signals) = by_hand(Duration::from_millis(50));
        signals.send("TEST").await.expect("heard");
        shutdown.soft().cancelled().await;
        assert!(!shutdown.hard().is_cancelled());
        timeout(Duration::from_secs(5), shutdown.hard().cancelled())
            .await
            .expect("hard follows");
    }

    #[tokio::test]
    async fn a_second_signal_is_hard_at_once() {
        let (shutdown, signals) = by_hand(Duration::from_secs(600));
        signals.send("TEST").await.expect("heard");
        shutdown.soft().cancelled().await;
        signals.send("TEST").await.expect("heard");
        timeout(Duration::from_secs(5), shutdown.hard().cancelled())
            .await
            .expect("hard follows");
    }
}
