//! Recurring work. One task per job, so a job never runs twice at once in a process; what several
//! processes must not do twice is decided by the store, and what one of them is enough for is done by the
//! one on [`duty`]. Errors are logged, slow the job down, and never end it.

mod duty;
mod runner;
#[cfg(test)]
mod tests;

use duty::Duty;
use metrics::{Unit, describe_counter, describe_gauge, gauge};
use parlour_core::{App, Error, app::Followed, files, rooms};
use runner::{Job, LONGEST_PAUSE, repeat};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Describes the figures of recurring work to the recorder in force.
pub(crate) fn describe_metrics() {
    describe_counter!(
        "parlour_job_runs_total",
        Unit::Count,
        "Runs of recurring work, by `job`."
    );
    describe_counter!(
        "parlour_job_failures_total",
        Unit::Count,
        "Those that failed, by `job`."
    );
    describe_gauge!(
        "parlour_files",
        Unit::Count,
        "Files that hang on messages or wait for one, counted once a minute."
    );
    describe_gauge!(
        "parlour_files_bytes",
        Unit::Bytes,
        "Their bytes, without thumbnails."
    );
}

/// The table.
const JOBS: &[Job<Context>] = &[
    Job {
        name: "expire_rooms",
        every: Duration::from_secs(1),
        longest_pause: LONGEST_PAUSE,
        run: |context| Box::pin(expire_rooms(context)),
        wake: None,
    },
    Job {
        name: "purge_ended_rooms",
        every: Duration::from_secs(60),
        longest_pause: LONGEST_PAUSE,
        run: |context| Box::pin(purge_ended_rooms(context)),
        wake: Some(|context| &context.room_ended),
    },
    Job {
        name: "follow_revocations",
        every: Duration::from_millis(500),
        // When the database comes back, sockets of revoked credentials must close within a second.
        longest_pause: Duration::from_millis(500),
        run: |context| Box::pin(follow_revocations(context)),
        wake: None,
    },
    Job {
        name: "sweep_released_files",
        // An attachment's bytes are gone 5 s after its message's deletion (contract 7d).
        every: Duration::from_secs(1),
        longest_pause: LONGEST_PAUSE,
        run: |context| Box::pin(sweep_released_files(context)),
        wake: Some(|context| &context.files_released),
    },
    Job {
        name: "sweep_orphaned_files",
        every: files::SWEEP_EVERY,
        longest_pause: LONGEST_PAUSE,
        run: |context| Box::pin(sweep_orphaned_files(context)),
        wake: None,
    },
    Job {
        name: "count_files",
        every: Duration::from_secs(60),
        longest_pause: LONGEST_PAUSE,
        run: |context| Box::pin(count_files(context)),
        wake: None,
    },
    Job {
        name: "sweep_tokens",
        every: Duration::from_secs(3600),
        longest_pause: LONGEST_PAUSE,
        run: |context| Box::pin(sweep_tokens(context)),
        wake: None,
    },
];

/// What a job works with; each has its own.
struct Context {
    app: App,
    stop: CancellationToken,
    room_ended: Arc<Notify>,
    files_released: Arc<Notify>,
    /// Whether this process heard of released files since the last look.
    heard_of_files: Arc<AtomicBool>,
    duty: Arc<Duty>,
    /// How far the log of ended credentials was followed.
    revocations: Followed,
}

/// The jobs at work.
#[derive(Clone, Debug)]
pub(crate) struct Jobs {
    room_ended: Arc<Notify>,
    files_released: Arc<Notify>,
    heard_of_files: Arc<AtomicBool>,
}

impl Jobs {
    /// Starts all jobs of a process that is alone with its database.
    pub(crate) fn start(app: &App, tracker: &TaskTracker, stop: &CancellationToken) -> Self {
        Self::start_on(Duty::alone(), app, tracker, stop)
    }

    /// Starts all jobs of one of several processes.
    pub(crate) fn start_shared(app: &App, tracker: &TaskTracker, stop: &CancellationToken) -> Self {
        Self::start_on(Duty::shared(), app, tracker, stop)
    }

    /// Starts all jobs on the tracker. They end soon after `stop`: a step that is under way is
    /// finished first, so wait for the tracker before closing the store.
    fn start_on(duty: Duty, app: &App, tracker: &TaskTracker, stop: &CancellationToken) -> Self {
        let duty = Arc::new(duty);
        if duty.is_shared() {
            tracker.spawn(duty::keep(app.clone(), Arc::clone(&duty), stop.clone()));
        }
        let room_ended = Arc::new(Notify::new());
        let files_released = Arc::new(Notify::new());
        let heard_of_files = Arc::new(AtomicBool::new(false));
        for job in JOBS {
            let context = Context {
                app: app.clone(),
                stop: stop.clone(),
                room_ended: Arc::clone(&room_ended),
                files_released: Arc::clone(&files_released),
                heard_of_files: Arc::clone(&heard_of_files),
                duty: Arc::clone(&duty),
                revocations: Followed::default(),
            };
            tracker.spawn(repeat(job, context, stop.clone()));
        }
        Self {
            room_ended,
            files_released,
            heard_of_files,
        }
    }

    /// Says that a room ended, so that what it left behind goes soon and not within a minute.
    pub(crate) fn room_ended(&self) {
        self.room_ended.notify_one();
    }

    /// Says that files may have been released, so that their bytes go now and not within a second.
    pub(crate) fn files_released(&self) {
        self.heard_of_files.store(true, Ordering::Release);
        self.files_released.notify_one();
    }
}

async fn expire_rooms(context: &mut Context) -> Result<(), Error> {
    if !context.duty.is_mine() {
        return Ok(());
    }
    let ended = rooms::expire_due(&context.app).await?;
    if ended > 0 {
        tracing::info!(rooms = ended, "rooms ended, their time was up");
        context.room_ended.notify_one();
    }
    Ok(())
}

async fn purge_ended_rooms(context: &mut Context) -> Result<(), Error> {
    while !context.stop.is_cancelled() && context.duty.is_mine() {
        let more = rooms::purge_some(&context.app).await?;
        context.files_released.notify_one();
        if !more {
            break;
        }
        // Messages that wait for the database go first.
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn follow_revocations(context: &mut Context) -> Result<(), Error> {
    // The store answers a piece at a time: go on until nothing new comes.
    while !context.stop.is_cancelled()
        && context
            .app
            .follow_revocations(&mut context.revocations)
            .await?
    {}
    Ok(())
}

async fn sweep_tokens(context: &mut Context) -> Result<(), Error> {
    if !context.duty.is_mine() {
        return Ok(());
    }
    let swept = context.app.store().sweep_tokens(context.app.now()).await?;
    if swept > 0 {
        tracing::debug!(tokens = swept, "swept ended credentials");
    }
    Ok(())
}

async fn sweep_released_files(context: &mut Context) -> Result<(), Error> {
    // The one on duty may not have heard of it: news of a room goes where somebody listens.
    let heard = context.heard_of_files.swap(false, Ordering::AcqRel);
    if !heard && !context.duty.is_mine() {
        return Ok(());
    }
    while !context.stop.is_cancelled() && files::sweep_released(&context.app).await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn sweep_orphaned_files(context: &mut Context) -> Result<(), Error> {
    let swept = files::sweep_orphans(&context.app).await?;
    if swept != files::Swept::default() {
        tracing::info!(?swept, "removed what unfinished uploads left behind");
    }
    Ok(())
}

async fn count_files(context: &mut Context) -> Result<(), Error> {
    let stored = context.app.store().stored_files(None).await?;
    // Exact up to 2^53, which is beyond every disk.
    gauge!("parlour_files").set(stored.files as f64);
    gauge!("parlour_files_bytes").set(stored.bytes as f64);
    Ok(())
}
