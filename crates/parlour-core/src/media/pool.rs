//! The threads on which files are looked at.

use super::inspect::{Inspected, inspect};
use crate::{
    error::{BUSY, Error, STORAGE_FULL},
    ports::Staged,
};
use std::{
    fmt,
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

/// Files that may wait per thread; a photo takes about a fifth of a second.
const QUEUE_PER_THREAD: usize = 32;
/// What a refused caller is told to wait.
const RETRY: Duration = Duration::from_secs(2);

type Answer = Result<(Staged, Inspected), Error>;

struct Job {
    staged: Staged,
    answer: oneshot::Sender<Answer>,
}

/// A bounded number of threads and a bounded queue: a flood of pictures is answered 503 and never slows
/// messages down. Cloning shares it.
#[derive(Clone)]
pub struct Pool(mpsc::SyncSender<Job>);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl Pool {
    /// One thread less than there are cores, at least one.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads(cores.saturating_sub(1))
    }

    /// Starts so many threads (at least one); they end when the last clone is dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn with_threads(threads: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        let (queue, jobs) = mpsc::sync_channel(threads * QUEUE_PER_THREAD);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name(format!("media-{number}"))
                .spawn(move || work(&jobs))?;
        }
        Ok(Self(queue))
    }

    /// [`inspect`]s a file whose bytes are all written ([`Staged::finish`]), and hands it back.
    ///
    /// # Errors
    /// [`BUSY`] at once when the queue is full; [`STORAGE_FULL`] or unavailable when the disk fails.
    pub async fn inspect(&self, staged: Staged) -> Answer {
        let (answer, result) = oneshot::channel();
        self.0
            .try_send(Job { staged, answer })
            .map_err(|_| Error::from(BUSY).retry_after(RETRY))?;
        result.await.map_err(Error::internal)?
    }
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { mut staged, answer }) = next else {
            return;
        };
        // A caller who went away costs nothing; the file goes with him.
        if answer.is_closed() {
            continue;
        }
        // A thread that died would be missed by everybody who comes later.
        let done = catch_unwind(AssertUnwindSafe(|| inspect(staged.path())));
        let result = match done {
            Ok(Ok(seen)) => {
                staged.rewritten(seen.size);
                Ok((staged, seen))
            }
            Ok(Err(error)) => Err(of_disk(error)),
            Err(_) => Err(Error::internal("looking at a file panicked")),
        };
        let _ = answer.send(result);
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

    async fn staged(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> Staged {
        let lanes = Arc::new(Lanes::of_passage());
        let mut staged = Staged::create(folder.path(), name.into(), &lanes).expect("a file");
        staged.append(bytes).await.expect("appended");
        staged.finish().await.expect("finished");
        staged
    }

    #[tokio::test]
    async fn a_file_comes_back_with_what_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let pool = Pool::with_threads(0).expect("a thread");
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
        let pool = Pool::with_threads(1).expect("a thread");
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

    #[tokio::test]
    async fn a_flood_is_refused_and_its_files_go() {
        let folder = tempfile::tempdir().expect("a folder");
        // No thread takes anything from this queue.
        let (queue, _jobs) = mpsc::sync_channel(2);
        let pool = Pool(queue);
        let mut waiting = Vec::new();
        for name in ["a", "b"] {
            let mut call = Box::pin(pool.inspect(staged(&folder, name, b"x").await));
            assert!(futures_util::FutureExt::now_or_never(&mut call).is_none());
            waiting.push(call);
        }
        let error = pool
            .inspect(staged(&folder, "c", b"x").await)
            .await
            .expect_err("full");
        assert!(error.is(BUSY) && error.retry_hint().is_some());
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            2
        );
    }
}
