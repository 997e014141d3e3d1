//! The bus of a single process.

use super::{Bus, News};
use async_trait::async_trait;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;

/// How many batches may wait for the hub before announcers wait too.
const WAITING: usize = 1_024;

/// The bus of a single process: nothing is lost, repeated or reordered. Several hubs may listen (tests
/// run two "nodes" over one such bus).
#[derive(Debug, Default)]
pub struct LocalBus {
    listeners: Mutex<Vec<mpsc::Sender<News>>>,
}

impl LocalBus {
    /// A bus without listeners; what is published now is heard by nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn listeners(&self) -> Vec<mpsc::Sender<News>> {
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| !listener.is_closed());
        listeners.clone()
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, news: News) {
        let mut listeners = self.listeners();
        // The last listener (nearly always the only one) gets the original.
        let last = listeners.pop();
        for listener in listeners {
            // A hub that went away meanwhile hears nothing; that is no error.
            let _ = listener.send(news.clone()).await;
        }
        if let Some(listener) = last {
            let _ = listener.send(news).await;
        }
    }

    fn listen(&self) -> mpsc::Receiver<News> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        receiver
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::{Signal, UserId};

    #[tokio::test]
    async fn every_listener_hears_and_the_gone_are_forgotten() {
        let bus = LocalBus::new();
        bus.publish(News::Gap).await;
        let mut first = bus.listen();
        let mut second = bus.listen();
        let news = News::Signal(Signal::UserChanged(UserId::new(1)));
        bus.publish(news.clone()).await;
        assert!(matches!(first.recv().await, Some(News::Signal(_))));
        assert!(matches!(second.recv().await, Some(News::Signal(_))));
        drop(first);
        bus.publish(news).await;
        assert!(matches!(second.recv().await, Some(News::Signal(_))));
        assert_eq!(bus.listeners().len(), 1);
    }
}
