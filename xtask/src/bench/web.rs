//! `bench web`: the pages in a browser against the release build of the server, beside their budgets.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::machine::Machine;
use crate::engines::{self, Needed, TABLE};
use crate::procs::Watch;

/// Where the figures are written to.
pub(crate) const FILE: &str = "docs/performance-web.md";

/// One figure of `e2e/bench.mjs`.
#[derive(Debug, Deserialize)]
struct Figure {
    value: Value,
    unit: String,
    budget: Value,
    ok: Option<bool>,
}

/// Runs the browser's measurements against this server; answers the report.
pub(crate) fn run(watch: &Watch, root: &Path, server: &Path, machine: &Machine) -> Result<String> {
    let rows: Vec<_> = TABLE
        .iter()
        .filter(|row| row.needed == Needed::BrowserTests)
        .collect();
    engines::provide(watch, &rows)?;
    let folder = root.join("e2e");
    let mut install = Command::new("npm");
    install.arg("ci").current_dir(&folder);
    ensure!(
        watch.stream(&mut install)?.status.success(),
        "npm ci failed"
    );
    let mut measure = Command::new("node");
    measure
        .arg("bench.mjs")
        .current_dir(&folder)
        .env("PARLOUR_TEST_SERVER", server)
        .env("PARLOUR_BENCH_BUILD", "release");
    let (status, out) = watch.capture(&mut measure)?;
    ensure!(status.success(), "the browser's measurements failed");
    let figures: BTreeMap<String, Figure> =
        serde_json::from_slice(&out).context("e2e/bench.mjs printed no figures")?;
    ensure!(!figures.is_empty(), "e2e/bench.mjs printed no figures");
    Ok(render(machine, &figures))
}

fn render(machine: &Machine, figures: &BTreeMap<String, Figure>) -> String {
    let mut text = format!(
        "# Performance of the pages\n\n\
         Written by `cargo xtask bench web --write` on {}, commit {}: Chromium and the release build of\n\
         the server on one machine ({}, {} cores, load {} before).\n\n\
         | what | measured | budget | |\n|---|---:|---:|---|\n",
        machine.date, machine.commit, machine.processor, machine.cores, machine.load
    );
    for (name, figure) in figures {
        let verdict = match figure.ok {
            Some(true) => "",
            Some(false) => "**over**",
            None => "",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {} {} | {} | {verdict} |",
            shown(&figure.value),
            figure.unit,
            shown(&figure.budget),
        );
    }
    text
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_its_budget_is_seen() {
        let figures = r#"{"css": {"value": 12.1, "unit": "KB", "budget": 14, "ok": true},
            "slow": {"value": 90, "unit": "ms", "budget": "<= 50", "ok": false},
            "plain": {"value": 3, "unit": "", "budget": null, "ok": null}}"#;
        let figures = serde_json::from_str(figures).expect("figures");
        let machine = Machine {
            processor: "a".into(),
            cores: 2,
            memory: 1,
            kernel: "k".into(),
            load: "0.1".into(),
            file_system: "f".into(),
            date: "2026-11-21".into(),
            commit: "c".into(),
        };
        let text = render(&machine, &figures);
        assert!(text.contains("| css | 12.1 KB | 14 |  |"), "{text}");
        assert!(
            text.contains("| slow | 90 ms | <= 50 | **over** |"),
            "{text}"
        );
        assert!(text.contains("| plain | 3  |  |  |"), "{text}");
    }
}
