//! The threads on which files are looked at.

use super::inspect::{Inspected, inspect};
use crate::{
    error::{BUSY, Error, STORAGE_FULL},
    ports::Staged,
    workers::{Crew, Full, Workers},
};
use std::{
    io::{self, ErrorKind},
    thread,
    time::Duration,
};

/// Files that may wait per thread; a photo takes about a fifth of a second.
const QUEUE_PER_THREAD: usize = 32;
/// What a refused caller is told to wait.
const RETRY: Duration = Duration::from_secs(2);

/// A bounded number of threads and a bounded queue: a flood of pictures is answered 503 and never slows
/// messages down. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Pool(Workers);

impl Pool {
    /// One thread less than there are cores, at least one; they end when the last clone is dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(prepare: fn()) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers = Workers::start(Crew {
            name: "media",
            threads: cores.saturating_sub(1),
            waiting: QUEUE_PER_THREAD,
            prepare,
        })?;
        Ok(Self(workers))
    }

    /// [`inspect`]s a file whose bytes are all written ([`Staged::finish`]), and hands it back. Who goes
    /// away meanwhile takes the file along.
    ///
    /// # Errors
    /// [`BUSY`] at once when the queue is full; [`STORAGE_FULL`] or unavailable when the disk fails.
    pub async fn inspect(&self, mut staged: Staged) -> Result<(Staged, Inspected), Error> {
        let looked = self.0.submit(move || {
            let seen = inspect(staged.path())?;
            staged.rewritten(seen.size);
            Ok((staged, seen))
        });
        let looked = looked.map_err(|Full| Error::from(BUSY).retry_after(RETRY))?;
        looked.await.map_err(Error::internal)?.map_err(of_disk)
    }
}

fn of_disk(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::caused(STORAGE_FULL, error),
        _ => Error::unavailable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, media, ports::Lanes};
    use std::sync::Arc;

    async fn staged(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> Staged {
        let lanes = Arc::new(Lanes::of_passage(|| {}).expect("a thread"));
        let mut staged = Staged::create(folder.path(), name.into(), &lanes).expect("a file");
        staged.append(bytes).await.expect("appended");
        staged.finish().await.expect("finished");
        staged
    }

    #[tokio::test]
    async fn a_file_comes_back_with_what_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let pool = Pool::start(|| {}).expect("a thread");
        let photo = media::inspect::samples::photo(600, 400, 6);
        let (staged, seen) = pool
            .inspect(staged(&folder, "a", &photo).await)
            .await
            .expect("looked at");
        assert_eq!((seen.mime, seen.width), ("image/jpeg", Some(400)));
        assert_eq!(staged.size(), seen.size);
        assert_eq!(
            std::fs::metadata(staged.path()).expect("there").len(),
            seen.size
        );
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_an_error_and_the_thread_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let pool = Pool::start(|| {}).expect("a thread");
        let gone = staged(&folder, "a", b"x").await;
        std::fs::remove_file(gone.path()).expect("removed");
        let error = pool.inspect(gone).await.expect_err("gone");
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(
            pool.inspect(staged(&folder, "b", b"text").await)
                .await
                .is_ok()
        );
    }
}
