//! Turns of the uploads.

use crate::{
    Error,
    workers::{Crew, Full, Workers},
};
use std::{io, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// What all uploads together take of the machine, so that messages are committed beside them as fast as
/// without: one piece at a time is hashed and written, on a thread that gives way, and the bytes of one
/// at a time go to the disk. Who waits for a turn reads nothing from its sender meanwhile.
#[derive(Debug)]
pub struct Lanes {
    writer: Workers,
    write: Arc<Semaphore>,
    sync: Arc<Semaphore>,
    syncs: bool,
}

/// A turn, until it is dropped; `None` would be one that nobody counts.
pub type Turn = Option<OwnedSemaphorePermit>;

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
        })
    }

    /// Whether bytes are brought to the disk while more of them come.
    pub(super) fn syncs(&self) -> bool {
        self.syncs
    }

    /// Waits for a turn, and has this done on the writing thread.
    ///
    /// # Errors
    /// Internal when the thread's queue is full, which turns prevent.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Error> {
        let turn = Arc::clone(&self.write).acquire_owned().await.ok();
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
    pub async fn sync(&self) -> Turn {
        Arc::clone(&self.sync).acquire_owned().await.ok()
    }
}
