//! `bench files`: uploads and downloads of the release build beside the disk alone.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::machine::Machine;
use super::server::Launcher;
use crate::procs::Watch;

/// Where the figures are written to.
pub(crate) const FILE: &str = "docs/performance-files.md";

/// What the generator prints.
#[derive(Debug, Deserialize)]
struct Measured {
    disk_mib_s: f64,
    upload_mib_s: f64,
    upload_cpu_ms: f64,
    upload_memory_mib: f64,
    parallel_mib_s: f64,
    parallel_memory_mib: f64,
    messages_alone: Talk,
    messages_beside: Talk,
    download_mib_s: f64,
    download_mib_per_cpu_s: f64,
    photo_cpu_ms: f64,
    as_large_cpu_ms: f64,
}

#[derive(Debug, Deserialize)]
struct Talk {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    errors: u64,
}

/// Runs the measurements against a server of this launcher; answers the report.
pub(crate) fn run(
    watch: &Watch,
    (launcher, generator): (&Launcher, &Path),
    quick: bool,
    (machine, command): (&Machine, &str),
) -> Result<String> {
    let server = launcher.start()?;
    let mut measure = Command::new(generator);
    measure
        .args(["files", "--addr", &server.addr])
        .args(["--server-pid", &server.pid().to_string()])
        .arg("--dir")
        .arg(launcher.data_dir())
        .args(["--rounds", if quick { "2" } else { "7" }])
        .args(["--seconds", if quick { "2" } else { "10" }]);
    let (status, out) = watch.capture(&mut measure)?;
    ensure!(status.success(), "the load generator failed: {status}");
    let measured: Measured =
        serde_json::from_slice(&out).context("the load generator printed something else")?;
    server.stop()?;
    Ok(render(machine, command, &measured))
}

/// One line of the table: what, figure, target, and whether the target is met.
type Line = (&'static str, String, &'static str, Option<bool>);

fn lines(m: &Measured) -> Vec<Line> {
    let mut lines = uploads(m);
    lines.extend(messages(m));
    lines.extend(downloads_and_photos(m));
    lines
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

fn mib_s(figure: f64) -> String {
    format!("{figure:.0} MiB/s")
}

fn uploads(m: &Measured) -> Vec<Line> {
    let share = m.upload_mib_s / m.disk_mib_s;
    let memory = m.upload_memory_mib;
    let together = "20 uploads of 20 MiB at once, all together";
    let more = format!("{:.1} MiB", m.parallel_memory_mib);
    vec![
        (
            "the disk alone: 100 MiB written and synced",
            mib_s(m.disk_mib_s),
            "",
            None,
        ),
        ("upload of 100 MiB", mib_s(m.upload_mib_s), "", None),
        (
            "the same, of what the disk does alone",
            percent(share),
            ">= 60 %",
            Some(share >= 0.6),
        ),
        (
            "its processor time",
            format!("{:.0} ms", m.upload_cpu_ms),
            "",
            None,
        ),
        (
            "the server's memory grows meanwhile by",
            format!("{memory:.1} MiB"),
            "<= 16 MiB",
            Some(memory <= 16.0),
        ),
        (together, mib_s(m.parallel_mib_s), "", None),
        ("memory grows meanwhile by", more, "", None),
    ]
}

fn messages(m: &Measured) -> Vec<Line> {
    let slower = m.messages_beside.p99_us / m.messages_alone.p99_us - 1.0;
    let rate = |talk: &Talk| format!("{:.0}/s", talk.per_second);
    let (alone, beside) = (&m.messages_alone, &m.messages_beside);
    vec![
        ("messages without uploads", rate(alone), "", None),
        (
            "messages without uploads, p50",
            micros(alone.p50_us),
            "",
            None,
        ),
        (
            "messages without uploads, p99",
            micros(alone.p99_us),
            "",
            None,
        ),
        ("messages beside them", rate(beside), "", None),
        ("messages beside them, p50", micros(beside.p50_us), "", None),
        ("messages beside them, p99", micros(beside.p99_us), "", None),
        (
            "the p99 grows by",
            percent(slower),
            "<= 20 %",
            Some(slower <= 0.2),
        ),
    ]
}

fn downloads_and_photos(m: &Measured) -> Vec<Line> {
    let per_core = m.download_mib_per_cpu_s * 1.048_576 / 1_000.0;
    let photo = m.photo_cpu_ms - m.as_large_cpu_ms;
    vec![
        (
            "download of 100 MiB, one connection",
            mib_s(m.download_mib_s),
            "",
            None,
        ),
        (
            "download by the server's processor time",
            format!("{per_core:.2} GB/s per core"),
            ">= 1 GB/s",
            Some(per_core >= 1.0),
        ),
        (
            "photo of 12 megapixels, processor time above that of any file as large",
            format!("{photo:.0} ms"),
            "<= 250 ms",
            Some(photo <= 250.0),
        ),
        (
            "any file as large",
            format!("{:.0} ms", m.as_large_cpu_ms),
            "",
            None,
        ),
    ]
}

fn micros(us: f64) -> String {
    format!("{:.2} ms", us / 1_000.0)
}

fn render(machine: &Machine, command: &str, measured: &Measured) -> String {
    let mut text = format!(
        "# Performance of files\n\n\
         Written by `{command}` on {}, commit {}: the release build on SQLite and its files on one disk\n\
         ({}), client and server on one machine ({}, {} cores, load {} before). Disk and uploads take\n\
         turns; medians.\n\n\
         | what | measured | target | |\n|---|---:|---:|---|\n",
        machine.date,
        machine.commit,
        machine.file_system,
        machine.processor,
        machine.cores,
        machine.load
    );
    for (what, figure, target, met) in lines(measured) {
        let verdict = if met == Some(false) { "**missed**" } else { "" };
        text.push_str(&format!("| {what} | {figure} | {target} | {verdict} |\n"));
    }
    let errors = measured.messages_alone.errors + measured.messages_beside.errors;
    if errors > 0 {
        text.push_str(&format!("\n{errors} messages failed.\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(p99_us: f64) -> Talk {
        Talk {
            per_second: 1_000.0,
            p50_us: 500.0,
            p99_us,
            errors: 0,
        }
    }

    #[test]
    fn what_misses_its_target_is_seen() {
        let measured = Measured {
            disk_mib_s: 200.0,
            upload_mib_s: 119.0,
            upload_cpu_ms: 300.0,
            upload_memory_mib: 3.0,
            parallel_mib_s: 150.0,
            parallel_memory_mib: 20.0,
            messages_alone: talk(1_000.0),
            messages_beside: talk(1_210.0),
            download_mib_s: 900.0,
            download_mib_per_cpu_s: 1_000.0,
            photo_cpu_ms: 200.0,
            as_large_cpu_ms: 20.0,
        };
        let missed: Vec<&str> = lines(&measured)
            .into_iter()
            .filter(|line| line.3 == Some(false))
            .map(|line| line.0)
            .collect();
        assert_eq!(
            missed,
            ["the same, of what the disk does alone", "the p99 grows by"]
        );
        let figures = lines(&measured);
        assert!(figures.iter().any(|line| line.1 == "1.05 GB/s per core"));
    }
}
