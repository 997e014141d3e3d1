//! Turns of the uploads.

use crate::{
    Error,
    workers::{Crew, Full, Workers},
};
use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

/// How long a turn is waited for: a disk that hangs must not hang those who ask.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is told to who waited in vain.
const RETRY: Duration = Duration::from_secs(5);

/// What all uploads together take of the machine, so that messages are committed beside them as fast as
/// without: one piece at a time is hashed and written, on a thread that gives way, and the bytes of one
/// at a time go to the disk. Who waits for a turn reads nothing from its sender meanwhile.
#[derive(Debug)]
pub struct Lanes {
    writer: Workers,
    write: Arc<Semaphore>,
    sync: Arc<Semaphore>,
    syncs: bool,
    /// The staged files that this process has in its hands.
    held: Mutex<HashSet<String>>,
}

/// A turn, until it is dropped.
pub type Turn = OwnedSemaphorePermit;

impl Lanes {
    /// For files that stay on this disk. `prepare` is what the writing thread does first.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn of_disk(prepare: fn()) -> io::Result<Self> {
        Self::new(true, prepare)
    }

    /// For files that only pass by on their way to another storage: a power cut may take them.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn of_passage(prepare: fn()) -> io::Result<Self> {
        Self::new(false, prepare)
    }

    fn new(syncs: bool, prepare: fn()) -> io::Result<Self> {
        let writer = Workers::start(Crew {
            name: "upload",
            threads: 1,
            // Who has a turn finds it empty.
            waiting: 1,
            prepare,
        })?;
        Ok(Self {
            writer,
            write: Arc::new(Semaphore::new(1)),
            sync: Arc::new(Semaphore::new(1)),
            syncs,
            held: Mutex::default(),
        })
    }

    /// Whether somebody has the staged file of this name in their hands, be it for long.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.names().contains(name)
    }

    pub(super) fn hold(&self, name: &str) {
        self.names().insert(name.to_owned());
    }

    pub(super) fn release(&self, name: &str) {
        self.names().remove(name);
    }

    fn names(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        // Nothing panics while it has the lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether bytes are brought to the disk while more of them come.
    pub(super) fn syncs(&self) -> bool {
        self.syncs
    }

    /// Waits for a turn, and has this done on the writing thread.
    ///
    /// # Errors
    /// Unavailable when the disk keeps those in front too long.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Error> {
        let turn = of(&self.write).await?;
        let job = move || {
            let done = job();
            drop(turn);
            done
        };
        self.writer
            .submit(job)
            .map_err(|Full| Error::internal("a piece was written out of turn"))
    }

    /// A turn to sync.
    ///
    /// # Errors
    /// Unavailable when the disk keeps those in front too long.
    pub async fn sync(&self) -> Result<Turn, Error> {
        of(&self.sync).await
    }
}

async fn of(turns: &Arc<Semaphore>) -> Result<Turn, Error> {
    match timeout(PATIENCE, Arc::clone(turns).acquire_owned()).await {
        Ok(turn) => turn.map_err(Error::internal),
        Err(late) => Err(Error::unavailable(late).retry_after(RETRY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_behind_a_disk_that_hangs() {
        let lanes = Lanes::of_disk(|| {}).expect("a thread");
        let hangs = lanes.sync().await.expect("a turn");
        let error = lanes.sync().await.expect_err("it hangs");
        assert_eq!(error.kind(), Kind::Unavailable);
        assert_eq!(error.retry_hint(), Some(RETRY));
        drop(hangs);
        assert!(lanes.sync().await.is_ok());
    }
}
