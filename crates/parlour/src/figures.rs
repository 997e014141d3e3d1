//! The figures at /metrics: each crate describes its own; here they are gathered, so that the recorder,
//! its buckets and docs/guide/metrics.md come from one place.

use crate::{canary, jobs};
use anyhow::Context as _;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Upper bounds of the buckets of times, in seconds: a commit on a fast disk takes 0.1 ms, and who waits
/// waits 5 s at most.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Upper bounds of the buckets of sizes: a batch has 256 messages at most, a turn 256 events for as many
/// sockets as there are.
const SIZES: [f64; 12] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1_024.0, 16_384.0, 262_144.0,
];

/// How often what histograms were given is put into their buckets. Until then it is kept as it came,
/// also when nobody ever looks.
const KEEP_UP: Duration = Duration::from_secs(5);

/// What sort of figure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

impl Sort {
    /// The word of the text format (Prometheus exposition format 0.0.4).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A figure as its crate describes it.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Its name at /metrics; histograms add `_bucket`, `_sum` and `_count`.
    pub(crate) name: String,
    /// What sort.
    pub(crate) sort: Sort,
    /// What it counts.
    pub(crate) unit: Unit,
    /// What it means.
    pub(crate) says: String,
}

fn describe_all() {
    parlour_core::describe_metrics();
    parlour_store::describe_metrics();
    parlour_realtime::describe_metrics();
    parlour_web::describe_metrics();
    jobs::describe_metrics();
    canary::describe_metrics();
}

/// All figures, in the order of the crates.
pub(crate) fn all() -> Vec<Figure> {
    let listener = Listener::default();
    metrics::with_local_recorder(&listener, describe_all);
    listener
        .0
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Puts the recorder in force. What is recorded before is lost.
///
/// # Errors
/// When there is one already.
pub(crate) fn install() -> anyhow::Result<PrometheusHandle> {
    let mut builder = PrometheusBuilder::new();
    for figure in all() {
        let buckets: &[f64] = match (figure.sort, figure.unit) {
            (Sort::Histogram, Unit::Seconds) => &SECONDS,
            (Sort::Histogram, _) => &SIZES,
            _ => continue,
        };
        builder = builder
            .set_buckets_for_metric(Matcher::Full(figure.name), buckets)
            .context("metrics")?;
    }
    let handle = builder.install_recorder().context("metrics")?;
    describe_all();
    Ok(handle)
}

/// Puts what histograms were given into their buckets again and again, until told to stop.
pub(crate) async fn keep_up(metrics: PrometheusHandle, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(KEEP_UP) => metrics.run_upkeep(),
        }
    }
}

/// Writes descriptions down and records nothing.
#[derive(Default)]
struct Listener(Mutex<Vec<Figure>>);

impl Listener {
    fn note(&self, sort: Sort, name: &KeyName, unit: Option<Unit>, says: &SharedString) {
        let figure = Figure {
            name: name.as_str().to_owned(),
            sort,
            unit: unit.unwrap_or(Unit::Count),
            says: says.to_string(),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(figure);
    }
}

impl Recorder for Listener {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, says: SharedString) {
        self.note(Sort::Counter, &key, unit, &says);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, says: SharedString) {
        self.note(Sort::Gauge, &key, unit, &says);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, says: SharedString) {
        self.note(Sort::Histogram, &key, unit, &says);
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
