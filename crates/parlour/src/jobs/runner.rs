//! Runs one job again and again.

use futures_util::FutureExt;
use parlour_core::{
    Error,
    ports::{Random, SystemRandom},
};
use std::{panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

/// One run of a job.
pub(super) type Run<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// A line of the table of recurring work.
pub(super) struct Job<C> {
    /// For logs and metrics.
    pub(super) name: &'static str,
    /// Time from the end of a run to the next; up to a tenth is added by chance, so that processes
    /// that start together do not stay together.
    pub(super) every: Duration,
    /// Longest pause between tries that fail.
    pub(super) longest_pause: Duration,
    /// The work.
    pub(super) run: fn(&mut C) -> Run<'_>,
    /// What makes the next run come at once.
    pub(super) wake: Option<fn(&C) -> &Arc<Notify>>,
}

/// Least pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A job that fails for long is still tried this often, unless it says otherwise.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs a job now, then every so often, until told to stop.
pub(super) async fn repeat<C: Send>(job: &Job<C>, mut context: C, stop: CancellationToken) {
    let wake = job.wake.map(|wake| Arc::clone(wake(&context)));
    let mut failures = 0_u32;
    while !stop.is_cancelled() {
        if once(job, &mut context, failures).await {
            failures = 0;
        } else {
            failures = failures.saturating_add(1);
        }
        let pause = with_jitter(pause(job, failures), &SystemRandom);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Waking does not shorten the pause after a failure.
            () = woken(wake.as_deref()), if failures == 0 => {}
            () = sleep(pause) => {}
        }
    }
}

/// Runs a job once; answers whether it went well. A panic is a failure like any other.
async fn once<C: Send>(job: &Job<C>, context: &mut C, failures: u32) -> bool {
    let result = AssertUnwindSafe((job.run)(context)).catch_unwind().await;
    metrics::counter!("parlour_job_runs_total", "job" => job.name).increment(1);
    let attempt = failures.saturating_add(1);
    match result {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::error!(job = job.name, attempt, ?error, "a job failed"),
        // The panic hook has printed where and why.
        Err(_) => tracing::error!(job = job.name, attempt, "a job panicked"),
    }
    metrics::counter!("parlour_job_failures_total", "job" => job.name).increment(1);
    false
}

/// The time to the next run after so many failures in a row: the job's own after none, else longer
/// each time within bounds.
fn pause<C>(job: &Job<C>, failures: u32) -> Duration {
    if failures == 0 {
        return job.every;
    }
    FIRST_PAUSE
        .saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX))
        .min(job.longest_pause)
}

fn with_jitter(pause: Duration, random: &dyn Random) -> Duration {
    let mut byte = [0_u8];
    random.fill(&mut byte);
    pause + pause / 10 * u32::from(byte[0]) / 255
}

async fn woken(wake: Option<&Notify>) {
    match wake {
        Some(wake) => wake.notified().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    #[derive(Default)]
    struct Probe {
        wake: Arc<Notify>,
        runs: Arc<AtomicU32>,
        at_once: Arc<AtomicU32>,
    }

    const fn job(every: Duration, run: fn(&mut Probe) -> Run<'_>) -> Job<Probe> {
        Job {
            name: "probe",
            every,
            longest_pause: LONGEST_PAUSE,
            run,
            wake: Some(|probe| &probe.wake),
        }
    }

    async fn slow(probe: &mut Probe) -> Result<(), Error> {
        assert_eq!(probe.at_once.fetch_add(1, SeqCst), 0, "two runs at once");
        sleep(Duration::from_millis(5)).await;
        probe.at_once.fetch_sub(1, SeqCst);
        probe.runs.fetch_add(1, SeqCst);
        probe.wake.notify_one();
        Ok(())
    }

    #[tokio::test]
    async fn waking_brings_the_next_run_and_never_two_at_once() {
        static JOB: Job<Probe> = job(Duration::from_secs(3600), |probe| Box::pin(slow(probe)));
        let (probe, stop) = (Probe::default(), CancellationToken::new());
        let runs = Arc::clone(&probe.runs);
        let task = tokio::spawn(repeat(&JOB, probe, stop.clone()));
        while runs.load(SeqCst) < 5 {
            sleep(Duration::from_millis(2)).await;
        }
        stop.cancel();
        task.await.expect("ends by itself");
    }

    async fn bad(probe: &mut Probe) -> Result<(), Error> {
        match probe.runs.fetch_add(1, SeqCst) {
            0 => Err(Error::internal("as expected")),
            1 => panic!("as expected"),
            _ => Ok(()),
        }
    }

    #[tokio::test]
    async fn errors_and_panics_are_survived() {
        static JOB: Job<Probe> = job(Duration::from_millis(1), |probe| Box::pin(bad(probe)));
        let mut probe = Probe::default();
        assert!(!once(&JOB, &mut probe, 0).await);
        assert!(!once(&JOB, &mut probe, 1).await);
        assert!(once(&JOB, &mut probe, 2).await);
    }

    #[test]
    fn pauses_grow_within_bounds() {
        let every = Duration::from_millis(500);
        let mut patient = job(every, |probe| Box::pin(bad(probe)));
        let seconds = |job: &Job<Probe>| -> Vec<f32> {
            (0..7).map(|n| pause(job, n).as_secs_f32()).collect()
        };
        assert_eq!(seconds(&patient), [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(pause(&patient, u32::MAX), LONGEST_PAUSE);
        patient.longest_pause = Duration::from_millis(500);
        assert_eq!(seconds(&patient), [0.5; 7]);
        for _ in 0..100 {
            let pause = with_jitter(every, &SystemRandom);
            assert!(pause >= every && pause <= every + every / 10);
        }
    }
}
