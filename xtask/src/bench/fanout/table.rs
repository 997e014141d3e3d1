//! The document: one table with every target.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::loads::{
    CPU_OF_BUN, Contestant, Goal, IDLE, IDLE_MEMORY, IDLE_SHARE, Load, OF_BUN_WITH_STORAGE,
};
use super::sample::Sample;
use crate::bench::machine::Machine;
use crate::bench::measure::Syncs;

/// Every result, by load and contestant.
#[derive(Default)]
pub(crate) struct Results(BTreeMap<(&'static str, Contestant), Result<Sample, String>>);

impl Results {
    /// Keeps a result, or the reason why there is none.
    pub(crate) fn insert(&mut self, load: &Load, who: Contestant, result: Result<Sample, String>) {
        self.0.insert((load.title, who), result);
    }

    fn get(&self, load: &Load, who: Contestant) -> Result<&Sample, String> {
        match self.0.get(&(load.title, who)) {
            Some(Ok(sample)) => Ok(sample),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err("not measured".to_owned()),
        }
    }

    /// All runs of Parlour.
    fn own(&self) -> impl Iterator<Item = &Sample> {
        self.0
            .iter()
            .filter(|((_, who), _)| who.is_parlour())
            .filter_map(|(_, result)| result.as_ref().ok())
    }
}

/// What the document is made of.
pub(crate) struct Report<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) command: &'a str,
    pub(crate) syncs: &'a Syncs,
    pub(crate) pinned: bool,
    pub(crate) quick: bool,
    pub(crate) loads: &'a [&'a Load],
    pub(crate) results: &'a Results,
}

/// One of the figures of a run.
type Figure = fn(&Sample) -> f64;

/// A line of the table.
#[derive(Default)]
struct Line {
    what: String,
    ours: String,
    beside: String,
    ratio: String,
    target: String,
    met: Option<bool>,
    /// Others used the processors meanwhile: who gets how much of them is then up to the scheduler.
    busy: bool,
    details: [String; 4],
}

impl Line {
    fn write(&self, text: &mut String) {
        let met = match (self.met, self.busy) {
            (None, _) => "",
            (Some(true), false) => "yes",
            (Some(true), true) => "yes, but busy",
            (Some(false), false) => "**no**",
            (Some(false), true) => "**no**, but busy",
        };
        let Self {
            what,
            ours,
            beside,
            ratio,
            target,
            details,
            ..
        } = self;
        let details = details.join(" | ");
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "| {what} | {ours} | {beside} | {ratio} | {target} | {met} | {details} |"
        );
    }
}

/// The whole document.
pub(crate) fn render(report: &Report<'_>) -> String {
    let mut all: Vec<Line> = report
        .loads
        .iter()
        .flat_map(|load| lines(report, load))
        .collect();
    all.extend(last_lines(report.results));
    let (targets, rest): (Vec<Line>, Vec<Line>) =
        all.into_iter().partition(|line| !line.target.is_empty());
    let mut text = head(report);
    text.push_str("\n## The targets\n\n");
    table(&mut text, &targets);
    if !rest.is_empty() {
        text.push_str("\n## Beside others\n\n");
        table(&mut text, &rest);
    }
    text
}

fn table(text: &mut String, lines: &[Line]) {
    text.push_str(
        "| what | Parlour | beside | ratio | target | met | CPU us per delivery | messages per read | lost/twice/out of order | CPU: server, generator, others |\n\
         |---|---:|---:|---:|---:|---|---:|---:|---|---|\n",
    );
    for line in lines {
        line.write(text);
    }
}

fn head(report: &Report<'_>) -> String {
    let Machine {
        processor,
        cores,
        kernel,
        load,
        file_system,
        date,
        commit,
        ..
    } = report.machine;
    let place = if report.pinned {
        "Servers run on core 0, the load generator on core 1."
    } else {
        "**Nothing is bound to a core here (taskset and two cores are needed): ratios mean little.**"
    };
    let rough = if report.quick {
        " Short runs: the figures are rough."
    } else {
        ""
    };
    format!(
        "# Performance\n\n\
         Written by `{}` on {date}, commit {commit}: {processor}, {cores} cores, kernel {kernel}, load {load} before,\n\
         data on {file_system}, one sync of the disk {:.0} us (p99 {:.0}). {place}{rough}\n\n\
         A delivery is one message reaching one member: text of 64 bytes, loopback, no TLS, no compression. Parlour stores\n\
         every message durably (SQLite, synchronous=FULL) before it is delivered; peers store nothing unless their name says\n\
         so. Every peer parses the JSON that comes in and writes the JSON that goes out once (see bench/peers). Runs of all\n\
         contestants alternate; figures are medians. CPU counts all threads of a server. A ratio above 1 is in favour of\n\
         Parlour, also the one in brackets, of CPU per delivery. Machines are noisy: differences under 20 % are equal, and\n\
         where others take more than a quarter of a core (\"busy\"), only CPU per delivery says something.\n\
         [performance-requests.md](performance-requests.md) has requests, [performance-web.md](performance-web.md) pages.\n\n\
         {REPEAT}\n",
        report.command, report.syncs.p50_us, report.syncs.p99_us
    )
}

/// How a reader comes to figures of their own.
const REPEAT: &str = "To repeat it: `cargo xtask bench` (20 minutes; `--quick` for five; `--only 'x 1000'` for the loads with that in\n\
their name; `--server PATH` for a server that is built already; `--urgent` as root to go\n\
before other sessions of this machine; `--write` for this file). It needs npm, taskset and two\n\
idle cores. One load by hand, against a server that runs with `RATE_LIMITS=off`:\n\n\
```sh\n\
cargo build --release -p parlour-bench\n\
taskset -c 1 target/release/parlour-bench fanout --addr 127.0.0.1:8000 --server-pid PID --fixture /tmp/people.json \\\n\
\x20   --shape 1x100 --senders 10 --outstanding 1 --seconds 5\n\
```\n\n\
`--wire v2` speaks version 2, `sio` Socket.IO, `plain` and `plain-sio` are for the servers of bench/peers; `--mode rate`, `rounds` and `idle`\n\
are the other loads (`--help`). The fixture keeps accounts and rooms; it belongs to one database. While it sends by\n\
rate, the generator does not sleep before a message is due: its CPU says nothing there.\n";

fn lines(report: &Report<'_>, load: &Load) -> Vec<Line> {
    let found = report.results.get(load, load.contestants()[0]);
    let ours = match found {
        Ok(sample) => sample,
        Err(reason) => {
            return vec![Line {
                what: load.title.to_owned(),
                ours: format!("did not run: {}", one_line(&reason)),
                met: Some(false),
                ..Line::default()
            }];
        }
    };
    match load.goal {
        Goal::Rate { of_bun, round } => load.contestants()[1..]
            .iter()
            .map(|who| rate_line(report, load, ours, *who, (of_bun, round)))
            .collect(),
        Goal::PerCore(times) => load.contestants()[1..]
            .iter()
            .map(|who| per_core_line(report, load, ours, *who, times))
            .collect(),
        Goal::Latency { p50, p99 } => latency_lines(report, load, ours, (p50, p99)),
        Goal::Idle => idle_lines(report, load, ours),
    }
}

fn rate_line(
    report: &Report<'_>,
    load: &Load,
    ours: &Sample,
    who: Contestant,
    (of_bun, round): (f64, Option<f64>),
) -> Line {
    let what = format!("{}; {}", load.title, who.title());
    let theirs = match report.results.get(load, who) {
        Ok(theirs) => theirs,
        Err(reason) => return missing(what, &rate(ours), &reason),
    };
    let ratio = ours.delivered_per_second / theirs.delivered_per_second;
    let goal = match who {
        Contestant::Bun => Some(of_bun),
        Contestant::BunFull => Some(OF_BUN_WITH_STORAGE),
        _ => None,
    };
    let mut line = Line {
        what,
        ours: rate(ours),
        beside: rate(theirs),
        ratio: format!("{ratio:.2}"),
        target: goal.map_or_else(String::new, |goal| format!(">= {goal:.1}")),
        met: goal.map(|goal| ratio >= goal && ours.faultless()),
        busy: busy(ours) || busy(theirs),
        details: details(ours, theirs),
    };
    if who == Contestant::ParlourV2 {
        // The other way round: what version 2 costs beside version 1.
        line.ratio = format!("{:.2}", 1.0 / ratio);
    }
    let bound = round.is_some_and(|round| disk_bounds(theirs, round, of_bun, report.syncs));
    if who == Contestant::Bun && line.met == Some(false) && bound {
        let cost = ours.server_cpu_us_per_delivery.unwrap_or(f64::INFINITY);
        let times = cost / theirs.server_cpu_us_per_delivery.unwrap_or(f64::NAN);
        line.target.push_str(&format!(
            ", or CPU <= {CPU_OF_BUN} x as the sync alone bounds the rate: {times:.2} x"
        ));
        line.met = Some(times <= CPU_OF_BUN && ours.faultless());
    }
    line
}

fn per_core_line(
    report: &Report<'_>,
    load: &Load,
    ours: &Sample,
    who: Contestant,
    goal: f64,
) -> Line {
    let what = format!("per core-second: {}; {}", load.title, who.title());
    let per_core = |sample: &Sample| 1e6 / sample.server_cpu_us_per_delivery.unwrap_or(f64::NAN);
    let shown = |sample: &Sample| format!("{:.0} k/core-s", per_core(sample) / 1e3);
    let theirs = match report.results.get(load, who) {
        Ok(theirs) => theirs,
        Err(reason) => return missing(what, &shown(ours), &reason),
    };
    let ratio = per_core(ours) / per_core(theirs);
    Line {
        what,
        ours: shown(ours),
        beside: shown(theirs),
        ratio: format!("{ratio:.2}"),
        target: format!(">= {goal:.1}"),
        met: Some(ratio >= goal && ours.faultless()),
        busy: false,
        details: details(ours, theirs),
    }
}

/// Whether one sync more per round of the closed loop keeps anybody from reaching the goal.
fn disk_bounds(bun: &Sample, round: f64, goal: f64, syncs: &Syncs) -> bool {
    let took = round / bun.delivered_per_second;
    took / (took + syncs.p50_us / 1e6) < goal
}

fn latency_lines(
    report: &Report<'_>,
    load: &Load,
    ours: &Sample,
    (p50, p99): (Option<f64>, f64),
) -> Vec<Line> {
    let mut lines = Vec::new();
    for who in &load.contestants()[1..] {
        let first = *who == Contestant::Bun;
        let theirs = match report.results.get(load, *who) {
            Ok(theirs) => theirs,
            Err(reason) => {
                let what = format!("{}; {}", load.title, who.title());
                lines.push(missing(what, &ms(ours.p99_us), &reason));
                continue;
            }
        };
        let figures: [(&str, Figure, Option<f64>); 2] = [
            ("p50", |sample| sample.p50_us, p50),
            ("p99", |sample| sample.p99_us, Some(p99)),
        ];
        for (name, figure, most) in figures {
            let most = most.filter(|_| first);
            lines.push(Line {
                what: format!("{name} at {}; {}", load.title, who.title()),
                ours: ms(figure(ours)),
                beside: ms(figure(theirs)),
                ratio: format!("{:.2}", figure(theirs) / figure(ours)),
                target: most.map_or_else(String::new, |most| format!("<= {most:.1} ms")),
                met: most.map(|most| figure(ours) / 1000.0 <= most && ours.faultless()),
                busy: busy(ours),
                details: details(ours, theirs),
            });
        }
    }
    lines
}

fn idle_lines(report: &Report<'_>, load: &Load, ours: &Sample) -> Vec<Line> {
    let mut lines = Vec::new();
    let fewer = if ours.connections < IDLE {
        " (the hard limit of open files allows no more)"
    } else {
        ""
    };
    let title = format!("{} {}{fewer}", ours.connections, load.title);
    let memory = |sample: &Sample| sample.memory_per_connection.unwrap_or(f64::NAN);
    let share = |sample: &Sample| sample.server_cpu_share.unwrap_or(f64::NAN);
    for who in &load.contestants()[1..] {
        let first = *who == Contestant::Bun;
        let theirs = match report.results.get(load, *who) {
            Ok(theirs) => theirs,
            Err(reason) => {
                let what = format!("{title}; {}", who.title());
                lines.push(missing(what, &kib(memory(ours)), &reason));
                continue;
            }
        };
        lines.push(Line {
            what: format!("memory each of {title}; {}", who.title()),
            ours: kib(memory(ours)),
            beside: kib(memory(theirs)),
            ratio: format!("{:.2}", memory(theirs) / memory(ours)),
            target: if first { "<= 4.0 KiB" } else { "" }.to_owned(),
            met: first.then(|| memory(ours) <= IDLE_MEMORY),
            details: details(ours, theirs),
            ..Line::default()
        });
        lines.push(Line {
            what: format!("CPU of {title}; {}", who.title()),
            ours: percent(share(ours)),
            beside: percent(share(theirs)),
            target: if first { "<= 1.0 %" } else { "" }.to_owned(),
            met: first.then(|| share(ours) <= IDLE_SHARE),
            busy: busy(ours),
            ..Line::default()
        });
    }
    lines
}

/// What is about all runs, and what cannot run yet.
fn last_lines(results: &Results) -> Vec<Line> {
    let all: Vec<Sample> = results.own().cloned().collect();
    let faults = Sample::combine(&all).unwrap_or_default();
    vec![Line {
        what: "lost, twice, out of order in all runs of Parlour".to_owned(),
        ours: faults.faults(),
        target: "0".to_owned(),
        met: Some(faults.faultless()),
        ..Line::default()
    }]
}

fn missing(what: String, ours: &str, reason: &str) -> Line {
    Line {
        what,
        ours: ours.to_owned(),
        beside: format!("did not run: {}", one_line(reason)),
        ..Line::default()
    }
}

/// Whether others took more than a quarter of a core.
fn busy(sample: &Sample) -> bool {
    sample.others_cpu_share > 0.25
}

fn details(ours: &Sample, theirs: &Sample) -> [String; 4] {
    let cpu = |sample: &Sample| {
        sample
            .server_cpu_us_per_delivery
            .map_or_else(|| "-".to_owned(), |cost| format!("{cost:.2}"))
    };
    let shares = |sample: &Sample| {
        format!(
            "{}, {}, {}",
            percent(sample.server_cpu_share.unwrap_or(f64::NAN)),
            percent(sample.generator_cpu_share),
            percent(sample.others_cpu_share)
        )
    };
    [
        format!("{} / {}{}", cpu(ours), cpu(theirs), times(ours, theirs)),
        format!("{:.1} / {:.1}", ours.batch, theirs.batch),
        format!("{} ; {}", ours.faults(), theirs.faults()),
        format!("{} / {}", shares(ours), shares(theirs)),
    ]
}

/// How many times as cheap a delivery is.
fn times(ours: &Sample, theirs: &Sample) -> String {
    let costs = ours
        .server_cpu_us_per_delivery
        .zip(theirs.server_cpu_us_per_delivery);
    costs.map_or_else(String::new, |(ours, theirs)| {
        format!(" ({:.2})", theirs / ours)
    })
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace('|', "/")
}

fn rate(sample: &Sample) -> String {
    let rate = sample.delivered_per_second;
    if rate >= 1e6 {
        format!("{:.2} M/s", rate / 1e6)
    } else {
        format!("{:.0} k/s", rate / 1e3)
    }
}

fn ms(micros: f64) -> String {
    format!("{:.2} ms", micros / 1000.0)
}

fn kib(bytes: f64) -> String {
    format!("{:.1} KiB", bytes / 1024.0)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests;
