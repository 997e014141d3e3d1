//! The measured constants: one file, each with the command that measures it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

const FILE: &str = include_str!("constants.toml");

/// One constant as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The figure; its unit is the end of the name.
    value: f64,
    /// What it is, in half a sentence.
    what: String,
    /// The command or document that it comes from.
    source: String,
}

/// What things cost. Microseconds of processor time, bytes, seconds; see `constants.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Constants {
    pub(super) delivery_write_us: f64,
    pub(super) delivery_frame_us: f64,
    pub(super) send_us: f64,
    pub(super) bus_frame_us: f64,
    pub(super) bus_publish_us: f64,
    pub(super) bus_subscriber_us: f64,
    pub(super) bus_frame_bytes: f64,
    pub(super) database_message_us: f64,
    pub(super) database_commit_us: f64,
    pub(super) database_commit_s: f64,
    pub(super) database_position_us: f64,
    pub(super) compare_every_s: f64,
    pub(super) message_bytes: f64,
    pub(super) connection_bytes: f64,
    pub(super) connection_kernel_bytes: f64,
    pub(super) room_bytes: f64,
    pub(super) idle_connection_us: f64,
    pub(super) idle_room_us: f64,
}

/// Every entry by its name.
///
/// # Errors
/// When the file cannot be read.
fn entries() -> Result<BTreeMap<String, Entry>> {
    toml::from_str(FILE).context("constants.toml cannot be read")
}

/// All of them as a table, as docs/scaling.md has it.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn table() -> Result<String> {
    let mut text = "| constant | value | what | measured by |\n|---|---:|---|---|\n".to_owned();
    for (name, entry) in entries()? {
        let Entry {
            value,
            what,
            source,
        } = entry;
        text.push_str(&format!("| `{name}` | {value} | {what} | {source} |\n"));
    }
    Ok(text)
}

impl Constants {
    /// Those of the file.
    ///
    /// # Errors
    /// When one is missing, unknown, or no positive number.
    pub(super) fn read() -> Result<Self> {
        let mut values = toml::Table::new();
        for (name, entry) in entries()? {
            ensure!(
                entry.value.is_finite() && entry.value > 0.0,
                "{name} is not above 0"
            );
            values.insert(name, toml::Value::Float(entry.value));
        }
        values.try_into().context("constants.toml names others")
    }

    /// Processor time of a delivery that is alone in its write.
    pub(super) fn delivery_us(&self) -> f64 {
        self.delivery_write_us + self.delivery_frame_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_every_constant_with_its_source() {
        assert!(Constants::read().expect("constants").delivery_us() > 0.0);
        for (name, entry) in entries().expect("entries") {
            assert!(entry.what.len() > 10, "{name} says what it is");
            assert!(entry.source.len() > 10, "{name} says where it is from");
        }
    }

    #[test]
    fn the_page_shows_the_constants_that_are_used() {
        let page = include_str!("../../../docs/scaling.md");
        let table = table().expect("a table");
        assert!(page.contains(&table), "docs/scaling.md needs:\n{table}");
    }
}
