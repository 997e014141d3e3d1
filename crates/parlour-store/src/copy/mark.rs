//! How far a copy came: a row of the target's `meta`, as long as it is not finished.

use super::{shape::Table, value::Value};
use crate::url::refuse;
use parlour_core::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Its key in `meta`.
pub(super) const KEY: &str = "copy";

/// The copy that a database is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The lineage of the source.
    pub(super) epoch: String,
    tables: BTreeMap<String, Progress>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    rows: u64,
    /// The key of the last row that is there.
    after: Option<Vec<Value>>,
    done: bool,
}

impl Mark {
    pub(super) fn new(epoch: &str) -> Self {
        Self {
            epoch: epoch.to_owned(),
            tables: BTreeMap::new(),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| {
            refuse(format!(
                "The target holds a copy of another version that was not finished ({error})."
            ))
        })
    }

    pub(super) fn text(&self) -> String {
        // Maps of texts and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    pub(super) fn rows_of(&self, table: &str) -> u64 {
        self.tables.get(table).map_or(0, |table| table.rows)
    }

    pub(super) fn is_done(&self, table: &str) -> bool {
        self.tables.get(table).is_some_and(|table| table.done)
    }

    /// The key after which a table goes on.
    pub(super) fn after(&self, table: &str) -> Option<Vec<Value>> {
        self.tables.get(table)?.after.clone()
    }

    /// Notes rows that are written with it.
    pub(super) fn add(&mut self, table: &Table, batch: &[Vec<Value>], is_last: bool) {
        let progress = self.tables.entry(table.name.clone()).or_default();
        progress.rows += batch.len() as u64;
        progress.done = is_last;
        if let Some(row) = batch.last() {
            progress.after = Some(table.key.iter().map(|at| row[*at].clone()).collect());
        }
    }
}

/// What to say of a database whose `meta` holds this mark.
pub(crate) fn unfinished() -> Error {
    refuse(
        "This database is a copy that was not finished. Run the same `parlour db copy` again: it goes on \
         where it stopped."
            .to_owned(),
    )
}
