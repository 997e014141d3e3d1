//! Threads for heavy work beside the async runtime: a bounded number, with a bounded queue.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// How heavy work is done that nobody should wait for but who asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Background {
    /// How many passwords are hashed at once; at least one.
    pub hashing_threads: usize,
    /// What every such thread does first, such as giving way to the threads that carry messages.
    pub prepare: fn(),
}

impl Background {
    /// So many threads for passwords, and all like any others.
    #[must_use]
    pub const fn on(hashing_threads: usize) -> Self {
        Self {
            hashing_threads,
            prepare: || {},
        }
    }
}

/// A crew to be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crew {
    /// The threads' name, in front of their number.
    pub(crate) name: &'static str,
    /// How many there are; at least one.
    pub(crate) threads: usize,
    /// How many jobs may wait for each.
    pub(crate) waiting: usize,
    /// What each thread does first.
    pub(crate) prepare: fn(),
}

/// The threads; they end when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Workers(mpsc::SyncSender<Job>);

/// More work waits than is allowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(crew: Crew) -> io::Result<Self> {
        let threads = crew.threads.max(1);
        let (workers, jobs) = Self::idle(threads * crew.waiting);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name(format!("{}-{number}", crew.name))
                .spawn(move || {
                    (crew.prepare)();
                    work(&jobs);
                })?;
        }
        Ok(workers)
    }

    /// A queue without threads.
    fn idle(waiting: usize) -> (Self, mpsc::Receiver<Job>) {
        let (queue, jobs) = mpsc::sync_channel(waiting);
        (Self(queue), jobs)
    }

    /// Hands over a job. What it answers comes; nothing when it panicked. When nobody waits any more
    /// before it begins, it does not.
    ///
    /// # Errors
    /// [`Full`] at once when too many wait.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (answer, result) = oneshot::channel();
        let job = Box::new(move || {
            if !answer.is_closed() {
                let _ = answer.send(job());
            }
        });
        self.0.try_send(job).map_err(|_| Full)?;
        Ok(result)
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Workers")
    }
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else {
            return;
        };
        // A thread that died would be missed by everybody who comes later.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn crew(threads: usize, prepare: fn()) -> Workers {
        let crew = Crew {
            name: "test",
            threads,
            waiting: 8,
            prepare,
        };
        Workers::start(crew).expect("threads")
    }

    #[tokio::test]
    async fn every_thread_prepares_itself_first() {
        static PREPARED: AtomicUsize = AtomicUsize::new(0);
        let workers = crew(3, || {
            PREPARED.fetch_add(1, Ordering::Relaxed);
        });
        // Threads begin when the system likes; one that works has prepared itself.
        let seen = workers.submit(|| PREPARED.load(Ordering::Relaxed));
        assert!(seen.expect("room").await.expect("an answer") >= 1);
    }

    #[tokio::test]
    async fn a_panic_is_no_answer_and_the_thread_goes_on() {
        let workers = crew(0, || {});
        let fails = workers.submit(|| panic!("on purpose")).expect("room");
        assert!(fails.await.is_err());
        let works = workers.submit(|| 7).expect("room");
        assert_eq!(works.await, Ok(7));
    }

    #[test]
    fn a_flood_is_refused_and_what_nobody_waits_for_is_not_done() {
        static DONE: AtomicUsize = AtomicUsize::new(0);
        let (workers, jobs) = Workers::idle(2);
        let count = || DONE.fetch_add(1, Ordering::Relaxed);
        let one = workers.submit(count).expect("room");
        let two = workers.submit(count).expect("room");
        assert_eq!(workers.submit(count).expect_err("none"), Full);
        drop((one, workers));
        work(&Mutex::new(jobs));
        assert_eq!(two.blocking_recv(), Ok(0));
        assert_eq!(DONE.load(Ordering::Relaxed), 1);
    }
}
