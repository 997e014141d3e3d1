//! What is measured, and what each figure has to be.

use super::measure::{EngineRun, Sample};

/// One call of the load generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    SendOne,
    SendMany,
    Newest,
    History,
    DeepPage,
    Rooms,
    Login,
    SendBesideLogins,
}

impl Load {
    /// In the order in which they run; reads come after writes, on the room that these made.
    pub(crate) const ALL: [Self; 8] = [
        Self::SendOne,
        Self::SendMany,
        Self::Newest,
        Self::History,
        Self::DeepPage,
        Self::Rooms,
        Self::Login,
        Self::SendBesideLogins,
    ];

    /// Scenario, connections, and connections that flood the server with logins meanwhile.
    pub(crate) fn arguments(self) -> (&'static str, usize, usize) {
        match self {
            Self::SendOne => ("send", 1, 0),
            Self::SendMany => ("send", 64, 0),
            Self::Newest => ("newest", 64, 0),
            Self::History => ("history", 64, 0),
            Self::DeepPage => ("deep-page", 64, 0),
            Self::Rooms => ("rooms", 64, 0),
            Self::Login => ("login", 8, 0),
            Self::SendBesideLogins => ("send", 8, 32),
        }
    }

    /// What people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::SendOne => "durable send, 1 connection",
            Self::SendMany => "durable send, 64 connections",
            Self::Newest => "newest page of 50, 64 connections",
            Self::History => "50 events before a random old seq, 64 connections",
            Self::DeepPage => "deep page of 50 by number, 64 connections",
            Self::Rooms => "list of rooms, 64 connections",
            Self::Login => "log in, 8 connections",
            Self::SendBesideLogins => "durable send, 8 connections, beside 32 that log in",
        }
    }

    /// Requests per second that have to be reached. Sends have a target on SQLite only.
    fn rate_target(self, engine: &str) -> Option<f64> {
        match self {
            Self::SendMany if engine == "SQLite" => Some(10_000.0),
            Self::Newest => Some(10_000.0),
            Self::History | Self::DeepPage => Some(3_000.0),
            _ => None,
        }
    }

    /// Milliseconds that 99 of 100 requests may take.
    fn p99_target(self, engine: &str) -> Option<f64> {
        match self {
            // A flood of logins must not be felt by those who talk.
            Self::SendMany | Self::SendBesideLogins if engine == "SQLite" => Some(20.0),
            _ => None,
        }
    }
}

/// A target and how it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// A figure measured in the same run, for comparison only.
    Beside(f64),
}

impl Target {
    /// How many times as good as the target: 1 and above is reached.
    pub(crate) fn ratio(self, value: f64) -> f64 {
        match self {
            Self::AtLeast(target) | Self::Beside(target) => value / target,
            Self::AtMost(target) => target / value,
        }
    }
}

/// A line of the table.
pub(crate) struct Row {
    pub(crate) engine: &'static str,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) target: Option<Target>,
    /// Latencies, processor time, refusals, errors.
    pub(crate) notes: String,
}

/// Every line of one engine.
pub(crate) fn rows(run: &EngineRun) -> Vec<Row> {
    let engine = run.engine;
    let row = |what: &str, unit, value, target, notes: String| Row {
        engine,
        what: what.to_owned(),
        unit,
        value,
        target,
        notes,
    };
    let syncs = &run.syncs;
    let mut rows = vec![row(
        "write 4 KiB and fdatasync, no server",
        "/s",
        syncs.per_second,
        None,
        format!("p50 {}, p99 {}", time(syncs.p50_us), time(syncs.p99_us)),
    )];
    for (load, sample) in &run.samples {
        let target = match load {
            Load::SendOne => Some(Target::Beside(syncs.per_second)),
            _ => load.rate_target(engine).map(Target::AtLeast),
        };
        let title = load.title();
        rows.push(row(title, "/s", sample.per_second, target, notes(sample)));
        if let Some(limit) = load.p99_target(engine) {
            let what = format!("p99 of: {title}");
            let value = sample.p99_us / 1000.0;
            let target = Some(Target::AtMost(limit));
            rows.push(row(&what, "ms", value, target, String::new()));
        }
        if *load == Load::SendBesideLogins {
            let what = "the logins beside it";
            rows.push(row(
                what,
                "/s",
                run.flood.per_second,
                None,
                notes(&run.flood),
            ));
        }
    }
    let startup = run.startup.as_secs_f64() * 1000.0;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    rows.push(row(
        "start to ready, existing database",
        "ms",
        startup,
        Some(Target::AtMost(150.0)),
        format!("median of {}", run.starts),
    ));
    rows.push(row(
        "resident memory, idle",
        "MB",
        megabytes(run.idle_memory),
        Some(Target::AtMost(25.0)),
        String::new(),
    ));
    rows.push(row(
        "resident memory after the runs",
        "MB",
        megabytes(run.final_memory),
        None,
        String::new(),
    ));
    rows
}

fn notes(sample: &Sample) -> String {
    let mut parts = vec![
        format!("p50 {}", time(sample.p50_us)),
        format!("p99 {}", time(sample.p99_us)),
    ];
    if let Some(cpu) = sample.cpu_us_per_request {
        parts.push(format!("{cpu:.0} us CPU each"));
    }
    if sample.refused > 0 {
        parts.push(format!("{} refused", sample.refused));
    }
    if sample.errors > 0 {
        parts.push(format!("**{} errors**", sample.errors));
    }
    if sample.requests == 0 {
        parts.push("**nothing measured**".to_owned());
    }
    parts.join(", ")
}

fn time(us: f64) -> String {
    if us < 1000.0 {
        format!("{us:.0} us")
    } else {
        format!("{:.1} ms", us / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::measure::Syncs;

    fn sample(per_second: f64) -> Sample {
        Sample {
            requests: 1,
            per_second,
            p50_us: 900.0,
            p99_us: 40_000.0,
            cpu_us_per_request: Some(55.0),
            ..Sample::default()
        }
    }

    fn run(engine: &'static str) -> EngineRun {
        EngineRun {
            engine,
            syncs: Syncs {
                per_second: 5000.0,
                p50_us: 100.0,
                p99_us: 900.0,
            },
            samples: Load::ALL.map(|load| (load, sample(12_000.0))).to_vec(),
            flood: Sample {
                refused: 7,
                errors: 2,
                ..sample(30.0)
            },
            startup: Duration::from_millis(75),
            starts: 10,
            idle_memory: 50_000_000,
            final_memory: 60_000_000,
        }
    }

    fn find<'a>(rows: &'a [Row], what: &str) -> &'a Row {
        let found = rows.iter().find(|row| row.what.starts_with(what));
        found.expect("a row of that name")
    }

    #[test]
    fn one_and_more_is_reached_in_both_directions() {
        assert!(Target::AtLeast(10.0).ratio(20.0) >= 1.0);
        assert!(Target::AtMost(10.0).ratio(20.0) < 1.0);
        assert!(Target::AtMost(10.0).ratio(5.0) >= 1.0);
    }

    #[test]
    fn targets_stand_beside_what_they_are_about() {
        let rows = rows(&run("SQLite"));
        let one = find(&rows, "durable send, 1 ");
        assert_eq!(one.target, Some(Target::Beside(5000.0)));
        let many = find(&rows, "durable send, 64");
        assert_eq!(many.target, Some(Target::AtLeast(10_000.0)));
        assert_eq!(many.notes, "p50 900 us, p99 40.0 ms, 55 us CPU each");
        let slow = find(&rows, "p99 of: durable send, 64");
        assert!(
            slow.target
                .is_some_and(|target| target.ratio(slow.value) < 1.0)
        );
        assert!(
            find(&rows, "the logins")
                .notes
                .ends_with("7 refused, **2 errors**")
        );
        let memory = find(&rows, "resident memory, idle");
        assert!(
            memory
                .target
                .is_some_and(|target| target.ratio(memory.value) < 1.0)
        );
    }

    #[test]
    fn postgres_has_no_target_for_sends() {
        let rows = rows(&run("PostgreSQL"));
        assert_eq!(find(&rows, "durable send, 64").target, None);
        assert!(find(&rows, "newest").target.is_some());
    }
}
