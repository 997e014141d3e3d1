//! `parlour metrics`: docs/guide/metrics.md.

use crate::{figures, output::say};
use metrics::Unit;
use std::fmt::Write;

/// Prints the document.
pub(super) fn run() -> anyhow::Result<()> {
    Ok(say(document().trim_end())?)
}

fn document() -> String {
    let mut text = "# Metrics\n\n\
        <!-- Made by `parlour metrics` from the `describe_metrics` of each crate. -->\n\n\
        `/metrics` shows these figures in the text format of Prometheus, on the operators' own address\n\
        (`PARLOUR_OPS_LISTEN`) or on the main one with a token (`PARLOUR_METRICS_TOKEN`); see\n\
        [settings](settings.md). All are of this process since its start. A figure appears when it first\n\
        moves. Histograms have `_bucket`, `_sum` and `_count`.\n\n\
        | name | sort | unit | meaning |\n|---|---|---|---|\n"
        .to_owned();
    for figure in figures::all() {
        let unit = match figure.unit {
            Unit::Count => "",
            unit => unit.as_str(),
        };
        let (name, sort) = (figure.name, figure.sort.as_str());
        let says = figure.says.replace('|', "\\|");
        let _ = writeln!(text, "| `{name}` | {sort} | {unit} | {says} |");
    }
    text
}
