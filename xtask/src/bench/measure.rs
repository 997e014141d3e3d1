//! One engine from the first start to the last request.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::plan::Load;
use super::server::{Launcher, Server, pinned_command};
use crate::procs::Watch;

/// A result of the load generator.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Sample {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) refused: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) cpu_us_per_request: Option<f64>,
}

/// What the disk does without a server.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Syncs {
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// Everything measured on one engine.
pub(crate) struct EngineRun {
    pub(crate) engine: &'static str,
    pub(crate) syncs: Syncs,
    pub(crate) samples: Vec<(Load, Sample)>,
    /// The logins that ran as a flood beside messages.
    pub(crate) flood: Sample,
    /// Median time to the ready line with an existing database, and how often it was taken.
    pub(crate) startup: Duration,
    pub(crate) starts: usize,
    pub(crate) idle_memory: u64,
    pub(crate) final_memory: u64,
}

/// How the generator is called.
pub(crate) struct Loads {
    generator: PathBuf,
    home: PathBuf,
    quick: bool,
    pinned: bool,
}

impl Loads {
    /// Calls of a generator that keeps its fixture below `home`.
    pub(crate) fn new(generator: &Path, home: &Path, quick: bool, pinned: bool) -> Self {
        Self {
            generator: generator.to_path_buf(),
            home: home.to_path_buf(),
            quick,
            pinned,
        }
    }

    fn seconds(&self) -> &'static str {
        if self.quick { "2" } else { "10" }
    }

    fn starts(&self) -> usize {
        if self.quick { 3 } else { 10 }
    }

    fn fixture(&self) -> PathBuf {
        self.home.join("fixture.json")
    }

    fn command(&self) -> Command {
        pinned_command(&self.generator, self.pinned.then_some(1))
    }

    fn setup(&self, watch: &Watch, server: &Server) -> Result<()> {
        let mut command = self.command();
        command.args(["setup", "--addr", &server.addr]);
        let (status, output) = watch.capture(&mut command)?;
        ensure!(status.success(), "the room could not be set up");
        fs::write(self.fixture(), output)?;
        Ok(())
    }

    fn disk(&self, watch: &Watch, folder: &Path) -> Result<Syncs> {
        let seconds = if self.quick { "1" } else { "3" };
        let mut command = self.command();
        command
            .args(["disk", "--seconds", seconds, "--dir"])
            .arg(folder);
        json(watch, &mut command)
    }

    fn run(&self, watch: &Watch, server: &Server, load: Load) -> Result<Vec<Sample>> {
        let (scenario, connections, flood) = load.arguments();
        let mut command = self.command();
        command.args(["run", scenario, "--addr", &server.addr, "--fixture"]);
        command.arg(self.fixture());
        command.args(["--seconds", self.seconds()]);
        command.args(["--connections", &connections.to_string()]);
        command.args(["--login-flood", &flood.to_string()]);
        command.args(["--server-pid", &server.pid().to_string()]);
        json(watch, &mut command)
    }
}

/// Runs everything on one engine.
pub(crate) fn measure(
    watch: &Watch,
    engine: &'static str,
    launcher: &Launcher,
    loads: &Loads,
) -> Result<EngineRun> {
    // The first start makes the database; the second is one that operators see every day.
    let server = launcher.start()?;
    let syncs = loads.disk(watch, &launcher.data_dir())?;
    println!("one sync takes {:.0} us; filling the room", syncs.p50_us);
    loads.setup(watch, &server)?;
    server.stop()?;

    let mut times = Vec::new();
    for _ in 0..loads.starts() {
        ensure!(!watch.interrupted(), "interrupted");
        let server = launcher.start()?;
        times.push(server.startup);
        server.stop()?;
    }
    let startup = median(&mut times);
    println!("ready after {:.1} ms", startup.as_secs_f64() * 1000.0);

    let server = launcher.start()?;
    // Start-up work that goes on behind the ready line belongs to the figure.
    thread::sleep(Duration::from_secs(2));
    let idle_memory = server.memory()?;
    let mut samples = Vec::new();
    let mut flood = Sample::default();
    for load in Load::ALL {
        let mut found = loads.run(watch, &server, load)?.into_iter();
        let Some(sample) = found.next() else {
            bail!("the generator measured nothing")
        };
        println!(
            "{}: {:.0}/s, {} errors",
            load.title(),
            sample.per_second,
            sample.errors
        );
        if let Some(error) = &sample.first_error {
            println!("  the first error: {error}");
        }
        samples.push((load, sample));
        if let Some(beside) = found.next() {
            flood = beside;
        }
    }
    let final_memory = server.memory()?;
    server.stop()?;
    Ok(EngineRun {
        engine,
        syncs,
        samples,
        flood,
        startup,
        starts: loads.starts(),
        idle_memory,
        final_memory,
    })
}

fn json<T: DeserializeOwned>(watch: &Watch, command: &mut Command) -> Result<T> {
    let (status, output) = watch.capture(command)?;
    ensure!(status.success(), "the load generator failed: {status}");
    serde_json::from_slice(&output).context("the load generator printed something else")
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let mut times = [5, 1, 9].map(Duration::from_millis);
        assert_eq!(median(&mut times), Duration::from_millis(5));
        assert_eq!(median(&mut []), Duration::ZERO);
    }

    #[test]
    fn samples_read_what_the_generator_prints() {
        let text = r#"[{"scenario":"send","connections":1,"requests":5,"errors":0,"refused":0,
            "first_error":null,"seconds":1.0,"per_second":5.0,"p50_us":1.5,"p99_us":2.0,
            "p999_us":2.0,"max_us":2.0,"cpu_us_per_request":null}]"#;
        let samples: Vec<Sample> = serde_json::from_str(text).expect("samples");
        assert_eq!(samples[0].requests, 5);
    }
}
