//! Tells listeners what was committed, in the order of the commits.
//!
//! Each lane has one announcer: a task fed by a bounded queue in commit order. The next commit does
//! not wait for listeners of the last one until the queue is full.

use parlour_core::{
    Error, Event,
    ports::{Announce, Append},
};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Commits that may wait to be announced, per lane.
const QUEUE: usize = 256;

/// The answer to one waiting append.
pub(crate) type Answer = (
    oneshot::Sender<Result<Append, Error>>,
    Result<Append, Error>,
);

/// Events of one commit, and who is answered once they are announced.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) told: Option<oneshot::Sender<()>>,
}

impl News {
    fn answer(self) {
        for (caller, answer) in self.answers {
            // A caller who went away is no failure: the commit holds.
            let _ = caller.send(answer);
        }
        if let Some(told) = self.told {
            let _ = told.send(());
        }
    }
}

/// The feeding end.
#[derive(Clone, Debug)]
pub(crate) struct Announcer(mpsc::Sender<News>);

impl Announcer {
    pub(crate) fn start(announce: Arc<dyn Announce>) -> Self {
        let (sender, mut receiver) = mpsc::channel::<News>(QUEUE);
        // Ends by itself when the last feeding end is gone.
        tokio::spawn(async move {
            while let Some(mut news) = receiver.recv().await {
                let events = std::mem::take(&mut news.events);
                if !events.is_empty() {
                    announce.events(events).await;
                }
                news.answer();
            }
        });
        Self(sender)
    }

    /// Queues news; waits when listeners are far behind.
    pub(crate) async fn tell(&self, news: News) {
        if let Err(unsent) = self.0.send(news).await {
            // The announcer died with a listener's panic. What was committed is still answered.
            unsent.0.answer();
        }
    }

    /// Queues events and answers when they are announced.
    pub(crate) async fn tell_events(&self, events: Vec<Arc<Event>>) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.tell(News {
            events,
            told: Some(sender),
            ..News::default()
        })
        .await;
        receiver
    }
}
