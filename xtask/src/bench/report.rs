//! The document: machine, command, table.

use std::fmt::Write as _;

use super::machine::Machine;
use super::plan::{Row, Target};

/// Where the figures are written to.
pub(crate) const FILE: &str = "docs/performance-requests.md";

/// The whole document.
pub(crate) fn render(machine: &Machine, command: &str, rows: &[Row]) -> String {
    let mut text = String::from("# Performance of requests\n\n");
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // Writing into a String cannot fail.
        let _ = text.write_fmt(arguments);
        text.push('\n');
    };
    line(format_args!(
        "Written by `{command}` on {}, commit {}.\n\n\
         The release build of the server, its load generator and, where it is used, PostgreSQL share\n\
         one machine and talk over loopback, without TLS. Every send is on the disk before it is\n\
         answered. Rate limits are off. A ratio of 1.00 or more means that the target is reached;\n\
         machines are noisy, so compare figures of one run only.\n",
        machine.date, machine.commit
    ));
    line(format_args!("| machine | |\n|---|---|"));
    line(format_args!("| processor | {} |", machine.processor));
    line(format_args!("| cores | {} |", machine.cores));
    line(format_args!(
        "| memory | {:.1} GB |",
        machine.memory as f64 / 1e9
    ));
    line(format_args!("| kernel | {} |", machine.kernel));
    line(format_args!("| load average before | {} |", machine.load));
    line(format_args!(
        "| file system of the data | {} |",
        machine.file_system
    ));
    let mut engine = "";
    for row in rows {
        if row.engine != engine {
            engine = row.engine;
            line(format_args!("\n## {engine}\n"));
            line(format_args!("| what | measured | target | ratio | notes |"));
            line(format_args!("|---|---:|---:|---:|---|"));
        }
        line(format_args!("{}", row_line(row)));
    }
    if machine.file_system == "tmpfs" {
        line(format_args!(
            "\n**The data was kept in memory: syncs cost nothing here. Use --dir.**"
        ));
    }
    text
}

fn row_line(row: &Row) -> String {
    let target = match row.target {
        None => String::new(),
        Some(Target::AtLeast(target)) => format!(">= {}", number(target, row.unit)),
        Some(Target::AtMost(target)) => format!("<= {}", number(target, row.unit)),
        Some(Target::Beside(target)) => format!("disk: {}", number(target, row.unit)),
    };
    let ratio = row.target.map_or_else(String::new, |target| {
        let ratio = target.ratio(row.value);
        match target {
            Target::Beside(_) => format!("{ratio:.2}"),
            _ if ratio >= 1.0 => format!("{ratio:.2}"),
            _ => format!("**{ratio:.2}**"),
        }
    });
    let measured = number(row.value, row.unit);
    format!(
        "| {} | {measured} | {target} | {ratio} | {} |",
        row.what, row.notes
    )
}

/// Whole numbers with thousands apart; small ones keep a decimal.
fn number(value: f64, unit: &str) -> String {
    let space = if unit.starts_with('/') { "" } else { " " };
    if value < 100.0 {
        return format!("{value:.1}{space}{unit}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}{space}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, target: Option<Target>) -> Row {
        Row {
            engine: "SQLite",
            what: "send".to_owned(),
            unit: "/s",
            value,
            target,
            notes: "p50 1 ms".to_owned(),
        }
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(number(1_234_567.4, "/s"), "1,234,567/s");
        assert_eq!(number(999.6, "/s"), "1,000/s");
        assert_eq!(number(12.34, "ms"), "12.3 ms");
    }

    #[test]
    fn missed_targets_stand_out() {
        let good = row_line(&row(20_000.0, Some(Target::AtLeast(10_000.0))));
        assert_eq!(good, "| send | 20,000/s | >= 10,000/s | 2.00 | p50 1 ms |");
        let bad = row_line(&row(5000.0, Some(Target::AtLeast(10_000.0))));
        assert!(bad.contains("| **0.50** |"), "{bad}");
        let beside = row_line(&row(2500.0, Some(Target::Beside(5000.0))));
        assert!(beside.contains("| disk: 5,000/s | 0.50 |"), "{beside}");
    }

    #[test]
    fn the_document_names_machine_and_command() {
        let machine = Machine {
            processor: "Quick One".to_owned(),
            cores: 2,
            memory: 8_000_000_000,
            kernel: "6.1".to_owned(),
            load: "0.12".to_owned(),
            file_system: "tmpfs".to_owned(),
            date: "2026-11-21".to_owned(),
            commit: "abc1234".to_owned(),
        };
        let text = render(&machine, "cargo xtask bench requests", &[row(1.0, None)]);
        for part in [
            "Quick One",
            "8.0 GB",
            "2026-11-21",
            "abc1234",
            "## SQLite",
            "--dir",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }
}
