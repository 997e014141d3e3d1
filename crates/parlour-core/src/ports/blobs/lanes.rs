//! Turns of the uploads.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all uploads together take of the machine, so that messages are committed beside them as fast as
/// without: one piece at a time is hashed and written, and the bytes of one at a time go to the disk.
/// Who waits for a turn reads nothing from its sender meanwhile.
#[derive(Debug)]
pub struct Lanes {
    write: Arc<Semaphore>,
    sync: Arc<Semaphore>,
    syncs: bool,
}

/// A turn, until it is dropped; `None` would be one that nobody counts.
pub type Turn = Option<OwnedSemaphorePermit>;

impl Lanes {
    /// For files that stay on this disk.
    #[must_use]
    pub fn of_disk() -> Self {
        Self::new(true)
    }

    /// For files that only pass by on their way to another storage: a power cut may take them.
    #[must_use]
    pub fn of_passage() -> Self {
        Self::new(false)
    }

    fn new(syncs: bool) -> Self {
        Self {
            write: Arc::new(Semaphore::new(1)),
            sync: Arc::new(Semaphore::new(1)),
            syncs,
        }
    }

    /// Whether bytes are brought to the disk while more of them come.
    pub(super) fn syncs(&self) -> bool {
        self.syncs
    }

    /// A turn to hash and write.
    pub(super) async fn write(&self) -> Turn {
        Arc::clone(&self.write).acquire_owned().await.ok()
    }

    /// A turn to sync.
    pub async fn sync(&self) -> Turn {
        Arc::clone(&self.sync).acquire_owned().await.ok()
    }
}
