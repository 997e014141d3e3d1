//! `bench`: how fast messages reach all members of a room, beside Bun and node in the same run.

mod contestants;
mod loads;
mod sample;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use self::contestants::{Places, Seat, Servers, Urgency, install, seated};
use self::loads::{Contestant, Goal, IDLE, LOADS, Load};
use self::sample::Sample;
use self::table::Results;
use super::machine::Machine;
use super::measure::Syncs;
use crate::engines::find_program;
use crate::procs::Watch;

/// Where the figures are written to.
pub(crate) const FILE: &str = "docs/performance.md";

/// Files besides the connections that a server or the generator may have open.
const OTHER_FILES: usize = 200;

/// What to run, and with what.
pub(crate) struct Plan<'a> {
    pub(crate) watch: &'a Watch,
    pub(crate) root: &'a Path,
    pub(crate) server: &'a Path,
    pub(crate) generator: &'a Path,
    /// Databases and logs.
    pub(crate) home: &'a Path,
    pub(crate) quick: bool,
    /// Before everything else that runs here.
    pub(crate) urgent: bool,
    /// Only loads with this in their title.
    pub(crate) only: Option<&'a str>,
    /// The call as it can be repeated.
    pub(crate) command: &'a str,
}

/// Runs everything; answers the report.
pub(crate) fn run(plan: &Plan<'_>, machine: &Machine) -> Result<String> {
    let loads: Vec<&Load> = LOADS.iter().filter(|load| plan.wants(load)).collect();
    ensure!(!loads.is_empty(), "no load has that in its title");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let seat = Seat {
        pinned: cores > 1 && find_program("taskset").is_some(),
        urgent: plan.urgent,
    };
    let _urgency = plan.urgent.then(Urgency::take).transpose()?;
    let peers = plan.root.join("bench/peers");
    // Without peers, the rows say so; Parlour's own figures are worth having.
    let installed = install(plan.watch, &peers).map_err(|error| format!("{error:#}"));
    let mut bench = Bench {
        plan,
        servers: Servers::new(Places {
            parlour: plan.server.to_path_buf(),
            peers,
            home: plan.home.to_path_buf(),
            seat,
        }),
        seat,
        installed,
        idle: idle_connections(),
    };
    let syncs = bench.disk()?;
    for load in &loads {
        bench.prepare(load)?;
    }
    let mut results = Results::default();
    for load in &loads {
        bench.measure(load, &mut results)?;
    }
    Ok(table::render(&table::Report {
        machine,
        command: plan.command,
        syncs: &syncs,
        pinned: seat.pinned,
        quick: plan.quick,
        loads: &loads,
        results: &results,
    }))
}

/// As many as the hard limit of open files allows, at most what the target names.
fn idle_connections() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let hard = hard_limit(&limits).unwrap_or(usize::MAX);
    IDLE.min(hard.saturating_sub(OTHER_FILES))
}

fn hard_limit(limits: &str) -> Option<usize> {
    let rest = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

impl Plan<'_> {
    fn wants(&self, load: &Load) -> bool {
        self.only.is_none_or(|part| load.title.contains(part))
    }

    /// The accounts and rooms that were made at the Parlour server.
    fn fixture(&self) -> PathBuf {
        self.home.join("people.json")
    }

    fn repeats(&self, load: &Load) -> usize {
        match load.goal {
            Goal::Idle => 1,
            _ if self.quick => 1,
            _ => 3,
        }
    }
}

struct Bench<'a> {
    plan: &'a Plan<'a>,
    servers: Servers,
    seat: Seat,
    installed: Result<(), String>,
    idle: usize,
}

impl Bench<'_> {
    fn generator(&self) -> std::process::Command {
        seated(self.plan.generator, self.seat, 1)
    }

    fn disk(&self) -> Result<Syncs> {
        let mut command = self.generator();
        command.args(["disk", "--seconds", "1", "--dir"]);
        command.arg(self.plan.home);
        json(self.plan.watch, &mut command)
    }

    /// Makes the accounts and rooms of a load, so that no run has them in its figures.
    fn prepare(&mut self, load: &Load) -> Result<()> {
        println!("accounts and rooms for {}", load.shape);
        let mut call = vec!["--shape".to_owned(), load.shape.to_owned()];
        let nothing = "--mode idle --connections 1 --seconds 0.1 --warm-up 0";
        call.extend(nothing.split(' ').map(str::to_owned));
        self.run(Contestant::Parlour, &call).map(drop)
    }

    /// All contestants in turn, several times: what disturbs this machine disturbs all of them.
    fn measure(&mut self, load: &Load, results: &mut Results) -> Result<()> {
        println!("\n== {}", load.title);
        let call = load.call(self.plan.quick, self.idle);
        let count = load.contestants().len();
        let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); count];
        let mut trouble: Vec<Option<String>> = vec![None; count];
        for _ in 0..self.plan.repeats(load) {
            for (index, who) in load.contestants().iter().enumerate() {
                ensure!(!self.plan.watch.interrupted(), "interrupted");
                if trouble[index].is_some() {
                    continue;
                }
                if load.goal == Goal::Idle {
                    // What earlier loads left in memory is not the price of a connection.
                    self.servers.end(*who);
                }
                match self.run(*who, &call) {
                    Ok(sample) => {
                        show(*who, &sample);
                        samples[index].push(sample);
                    }
                    Err(error) => {
                        println!("{}: {error:#}", who.title());
                        trouble[index] = Some(format!("{error:#}"));
                    }
                }
            }
        }
        for (index, who) in load.contestants().iter().enumerate() {
            // One run that failed is a result, too; the others do not hide it.
            let result = match (trouble[index].take(), Sample::combine(&samples[index])) {
                (None, Some(sample)) => Ok(sample),
                (reason, _) => Err(reason.unwrap_or_else(|| "no run".to_owned())),
            };
            results.insert(load, *who, result);
        }
        Ok(())
    }

    /// One run of the generator against one contestant.
    fn run(&mut self, who: Contestant, call: &[String]) -> Result<Sample> {
        if let (false, Err(reason)) = (who.is_parlour(), &self.installed) {
            anyhow::bail!("{reason}");
        }
        let mut command = self.generator();
        let server = self.servers.get(who)?;
        command.args(["fanout", "--wire", who.wire(), "--addr", &server.addr]);
        command.args(["--server-pid", &server.pid().to_string()]);
        command.arg("--fixture").arg(self.plan.fixture());
        command.args(call);
        json(self.plan.watch, &mut command)
    }
}

fn show(who: Contestant, sample: &Sample) {
    println!(
        "{}: {:.0} deliveries/s, {:.2} us of processor each, p50 {:.2} ms, p99 {:.2} ms, {:.1} at once; \
         server {:.0} %, generator {:.0} %, others {:.0} %; lost/twice/out of order {}",
        who.title(),
        sample.delivered_per_second,
        sample.server_cpu_us_per_delivery.unwrap_or_default(),
        sample.p50_us / 1000.0,
        sample.p99_us / 1000.0,
        sample.batch,
        sample.server_cpu_share.unwrap_or_default() * 100.0,
        sample.generator_cpu_share * 100.0,
        sample.others_cpu_share * 100.0,
        sample.faults(),
    );
}

fn json<T: serde::de::DeserializeOwned>(
    watch: &Watch,
    command: &mut std::process::Command,
) -> Result<T> {
    let (status, output) = watch.capture(command)?;
    ensure!(
        status.success(),
        "{}",
        failure(&output).unwrap_or_else(|| format!("the load generator failed: {status}"))
    );
    serde_json::from_slice(&output).context("the load generator printed no result")
}

/// The generator's own reason.
fn failure(output: &[u8]) -> Option<String> {
    let said: serde_json::Value = serde_json::from_slice(output).ok()?;
    said["failed"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_the_second_number() {
        let limits = "Limit   Soft   Hard   Units\nMax open files   1024   20000   files\n";
        assert_eq!(hard_limit(limits), Some(20_000));
        assert_eq!(hard_limit("Max open files  1024  unlimited  files"), None);
        assert!(idle_connections() <= IDLE);
    }

    #[test]
    fn the_generators_reason_is_found() {
        let found = failure(br#"{"failed":"connect: refused"}"#);
        assert_eq!(found.as_deref(), Some("connect: refused"));
        assert_eq!(failure(b"killed"), None);
    }
}
