//! Which of several processes does what one of them is enough for (docs/decisions/0017).

use parlour_core::{App, Error};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often the one on duty gives a sign of life, and the others look for it.
const BEAT: Duration = Duration::from_secs(1);
/// How long the duty lasts without another sign of life.
const LASTS: Duration = Duration::from_secs(3);
/// How long the sign of life stands still before another process takes the duty: longer than it lasts.
const STILL: Duration = Duration::from_secs(5);
/// The mark of a duty that somebody put down.
const FREE: &str = "free";

/// Whether this process is on duty.
#[derive(Debug)]
pub(super) struct Duty(Held);

#[derive(Debug)]
enum Held {
    /// There is no other process.
    Always,
    /// Until then, unless there is another sign of life.
    Until(Mutex<Option<Instant>>),
}

impl Duty {
    /// Of a process that is alone.
    pub(super) const fn alone() -> Self {
        Self(Held::Always)
    }

    /// Of one of several processes; nobody's until [`keep`] is at work.
    pub(super) const fn shared() -> Self {
        Self(Held::Until(Mutex::new(None)))
    }

    pub(super) const fn is_shared(&self) -> bool {
        matches!(self.0, Held::Until(_))
    }

    /// Whether this process is on duty now.
    pub(super) fn is_mine(&self) -> bool {
        match &self.0 {
            Held::Always => true,
            Held::Until(until) => {
                let until = until.lock().unwrap_or_else(PoisonError::into_inner);
                until.is_some_and(|until| Instant::now() < until)
            }
        }
    }

    fn set(&self, new: Option<Instant>) {
        if let Held::Until(until) = &self.0 {
            *until.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
    }
}

/// Takes the duty when nobody has it, and keeps it until stopped; then puts it down.
pub(super) async fn keep(app: App, duty: Arc<Duty>, stop: CancellationToken) {
    let mut keeper = Keeper::new(app, duty);
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = beat.tick() => {}
        }
        if let Err(error) = keeper.look().await {
            // The duty ends by itself when this goes on.
            tracing::debug!(%error, "no sign of life");
        }
    }
    keeper.put_down().await;
}

struct Keeper {
    app: App,
    duty: Arc<Duty>,
    /// The name of this process.
    me: String,
    /// How many signs of life it gave.
    count: u64,
    /// The newest mark of somebody else, and since when it stands.
    seen: Option<(String, Instant)>,
}

impl Keeper {
    fn new(app: App, duty: Arc<Duty>) -> Self {
        let mut bytes = [0; 8];
        app.random(&mut bytes);
        Self {
            app,
            duty,
            me: format!("{:016x}", u64::from_be_bytes(bytes)),
            count: 0,
            seen: None,
        }
    }

    /// One look at the mark, and a sign of life if the duty is or becomes ours.
    async fn look(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let found = self.app.store().duty().await?;
        let may_take = match found.as_deref() {
            None | Some(FREE) => true,
            Some(mark) => self.is_own(mark) || self.stands_still(mark, begun),
        };
        if !may_take {
            self.duty.set(None);
            return Ok(());
        }
        self.count += 1;
        let mark = format!("{} {}", self.me, self.count);
        let store = self.app.store();
        if store.mark_duty(found.as_deref(), &mark).await? {
            if !self.duty.is_mine() {
                tracing::info!("this process does the recurring work from now on");
            }
            self.seen = None;
            self.duty.set(Some(begun + LASTS));
        } else {
            self.duty.set(None);
        }
        Ok(())
    }

    fn is_own(&self, mark: &str) -> bool {
        mark.split(' ').next() == Some(&self.me)
    }

    fn stands_still(&mut self, mark: &str, now: Instant) -> bool {
        match &self.seen {
            Some((seen, since)) if seen == mark => now.duration_since(*since) >= STILL,
            _ => {
                self.seen = Some((mark.to_owned(), now));
                false
            }
        }
    }

    /// The next process need not wait for our silence to be noticed.
    async fn put_down(&self) {
        let was_mine = self.duty.is_mine();
        self.duty.set(None);
        let mark = format!("{} {}", self.me, self.count);
        let store = self.app.store();
        let put = store.mark_duty(Some(&mark), FREE);
        if was_mine && !matches!(timeout(BEAT, put).await, Ok(Ok(true))) {
            tracing::debug!("the duty was not put down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::tests::Process;
    use tokio::time::sleep;

    async fn becomes(duty: &Duty, within: Duration) {
        let start = Instant::now();
        while !duty.is_mine() {
            assert!(start.elapsed() < within, "not within {within:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn on(process: &Process) -> (Arc<Duty>, CancellationToken, tokio::task::JoinHandle<()>) {
        let (duty, stop) = (Arc::new(Duty::shared()), CancellationToken::new());
        let task = tokio::spawn(keep(process.app.clone(), Arc::clone(&duty), stop.clone()));
        (duty, stop, task)
    }

    #[tokio::test]
    async fn one_is_on_duty_and_another_follows_when_it_dies_or_stops() {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, two) = (Process::start(&dir).await, Process::start(&dir).await);
        let (first, _, dying) = on(&one);
        becomes(&first, BEAT * 2).await;
        let (second, stop, task) = on(&two);
        sleep(STILL + BEAT * 2).await;
        assert!(first.is_mine() && !second.is_mine(), "signs of life count");
        dying.abort();
        // realtime.md has no bound; decision 0017 has this one. The rest is for a busy machine.
        becomes(&second, STILL + BEAT * 2 + Duration::from_secs(3)).await;
        assert!(!first.is_mine(), "it ended before");
        let (third, ..) = on(&one);
        sleep(BEAT).await;
        assert!(!third.is_mine());
        stop.cancel();
        task.await.expect("ends");
        becomes(&third, BEAT * 2 + Duration::from_secs(1)).await;
        assert!(!second.is_mine());
    }
}
