//! Moving house: everything of one database into another one, of the same engine or the other.
//!
//! Rows travel table by table in the order of their keys, a batch per transaction; how far it came is a
//! row of the target's `meta`, written in the same transaction. So a copy that stopped goes on where it
//! stopped, and a server refuses a target that is not whole ([`unfinished`]). The end reads both sides
//! once more and compares.

mod digest;
mod mark;
mod shape;
mod side;
mod value;

use crate::{
    fault::Fault,
    url::{Target, redact, refuse},
};
use digest::Digest;
use futures_util::StreamExt as _;
use mark::Mark;
use parlour_core::Error;
use shape::Table;
use side::Side;
use std::mem;
use value::Value;

pub(crate) use mark::unfinished;

/// A batch ends at so many rows…
const ROWS: usize = 2_000;
/// …or when its texts have so many bytes.
const BYTES: usize = 4 << 20;

/// What is copied, and how.
#[derive(Clone, Copy, Debug)]
pub struct CopyPlan<'a> {
    /// URL of the database that is read; nothing in it changes.
    pub from: &'a str,
    /// URL of the one that is written: empty, or with a copy that was begun before.
    pub to: &'a str,
    /// Throws away what an earlier copy put into the target.
    pub anew: bool,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The target holds this many rows of an earlier run, and the copy goes on after them.
    GoesOn(u64),
    /// Rows of a table that are in the target now, of how many.
    Copied {
        /// The table.
        table: String,
        /// Rows that are there.
        rows: u64,
        /// Rows of the source.
        of: u64,
    },
    /// This table is read on both sides and compared.
    Checking(String),
}

/// A table that is the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Checksum of all its rows, as hexadecimal digits: the same rows give the same on both engines.
    pub checksum: String,
}

/// A finished copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The lineage that both have.
    pub epoch: String,
    /// Every table, in the order of copying.
    pub tables: Vec<CopiedTable>,
}

/// Copies a database; `tell` hears how far it is.
///
/// # Errors
/// With a sentence for the operator: one of the two cannot be used, is in use, has other tables than this
/// program makes, or the target holds something that is no copy of this source; or both differ at the end.
pub async fn copy(
    plan: CopyPlan<'_>,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<Copied, Error> {
    let (from, to) = (Target::parse(plan.from)?, Target::parse(plan.to)?);
    if plan.from == plan.to {
        return Err(refuse("Source and target are the same database.".into()));
    }
    let tables = shape::tables().await?;
    let mut source = Side::source(&from, &tables).await?;
    let epoch = source.meta("epoch").await.map_err(broke)?;
    let Some(epoch) = epoch else {
        let from = redact(plan.from);
        return Err(refuse(format!(
            "{from} is empty: there is nothing to copy."
        )));
    };
    if source.meta(mark::KEY).await.map_err(broke)?.is_some() {
        let from = redact(plan.from);
        return Err(refuse(format!(
            "{from} is itself a copy that was not finished."
        )));
    }
    // A copy that is killed as soon as the tables are there goes on like any other.
    let seed = Mark::new(&epoch).text();
    let mut target = Side::target(&to, &tables, Some((mark::KEY, &seed))).await?;
    let begun = begin(&mut target, &tables, &epoch, plan.anew).await?;
    let mut work = Work {
        source,
        target,
        mark: begun,
    };
    if work.mark.rows() > 0 {
        tell(Step::GoesOn(work.mark.rows()));
    }
    for table in &tables {
        work.table(table, tell).await?;
    }
    let copied = work.compare(&tables, tell).await?;
    work.finish().await?;
    Ok(Copied {
        epoch,
        tables: copied,
    })
}

/// Looks what the target holds: nothing, or a copy of this source that goes on (or is thrown away).
async fn begin(
    target: &mut Side,
    tables: &[Table],
    epoch: &str,
    anew: bool,
) -> Result<Mark, Error> {
    let held = target.meta(mark::KEY).await.map_err(broke)?;
    let Some(held) = held else {
        return begin_empty(target, tables, epoch).await;
    };
    let held = Mark::parse(&held)?;
    if held.epoch != epoch && !anew {
        return Err(refuse(
            "The target holds a copy of another database that was not finished. Nothing was changed; \
             --anew throws it away and begins with this one."
                .into(),
        ));
    }
    if !anew {
        return Ok(held);
    }
    let fresh = Mark::new(epoch);
    let cleared = async {
        target.begin().await?;
        target.clear(tables).await?;
        target.set_meta(mark::KEY, &fresh.text()).await?;
        target.commit().await
    };
    cleared.await.map_err(broke)?;
    Ok(fresh)
}

async fn begin_empty(target: &mut Side, tables: &[Table], epoch: &str) -> Result<Mark, Error> {
    for table in tables {
        if target.has_rows(table).await.map_err(broke)? {
            let same = target.meta("epoch").await.map_err(broke)?;
            let what = if same.as_deref() == Some(epoch) {
                "It has the epoch of the source: it is a finished copy, perhaps one that was used since."
            } else {
                "It is not a copy of this source. Give the copy an empty database."
            };
            return Err(refuse(format!(
                "The target is not empty (table {} has rows). {what} Nothing was changed.",
                table.name
            )));
        }
    }
    let fresh = Mark::new(epoch);
    let marked = target.set_meta(mark::KEY, &fresh.text()).await;
    marked.map_err(broke)?;
    Ok(fresh)
}

/// A copy under way.
struct Work {
    source: Side,
    target: Side,
    mark: Mark,
}

impl Work {
    async fn table(
        &mut self,
        table: &Table,
        tell: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(), Error> {
        if self.mark.is_done(&table.name) {
            return Ok(());
        }
        self.rows(table, tell).await.map_err(|fault| {
            let cause = said(fault);
            refuse(format!(
                "Copying the table {} stopped: {cause}. Run the same command again: it goes on where it \
                 stopped.",
                table.name
            ))
        })
    }

    async fn rows(
        &mut self,
        table: &Table,
        tell: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(), Fault> {
        let of = self.source.count(table).await?;
        let next_id = self.source.next_id(table).await?;
        let after = self.mark.after(&table.name);
        let mut rows = self.source.rows(table, after);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        loop {
            let row = rows.next().await.transpose()?;
            let is_last = row.is_none();
            if let Some(row) = row {
                bytes += row.iter().map(Value::len).sum::<usize>();
                batch.push(row);
            }
            if !is_last && batch.len() < ROWS && bytes < BYTES {
                continue;
            }
            self.mark.add(table, &batch, is_last);
            self.target.begin().await?;
            self.target.insert(table, mem::take(&mut batch)).await?;
            if is_last && let Some(next_id) = next_id {
                self.target.set_next_id(table, next_id).await?;
            }
            self.target.set_meta(mark::KEY, &self.mark.text()).await?;
            self.target.commit().await?;
            bytes = 0;
            tell(Step::Copied {
                table: table.name.clone(),
                rows: self.mark.rows_of(&table.name),
                of,
            });
            if is_last {
                return Ok(());
            }
        }
    }

    /// Reads both sides whole and compares.
    async fn compare(
        &mut self,
        tables: &[Table],
        tell: &mut (dyn FnMut(Step) + Send),
    ) -> Result<Vec<CopiedTable>, Error> {
        let (mut same, mut differences) = (Vec::new(), Vec::new());
        for table in tables {
            tell(Step::Checking(table.name.clone()));
            let (one, other) = tokio::try_join!(
                digest::of(&mut self.source, table),
                digest::of(&mut self.target, table)
            )
            .map_err(broke)?;
            if one == other {
                same.push(one.told(&table.name));
            } else {
                differences.push(difference(table, &one, &other));
            }
        }
        if differences.is_empty() {
            return Ok(same);
        }
        Err(refuse(format!(
            "Source and target differ: {}. Did a server change the source between two runs? Run the \
             command again with --anew. No server starts on the target as it is.",
            differences.join("; ")
        )))
    }

    async fn finish(mut self) -> Result<(), Error> {
        if let Some(who) = self.source.users().await.map_err(broke)? {
            return Err(refuse(format!(
                "{who} What it wrote since is not in the copy. Stop it, and run the command again with \
                 --anew."
            )));
        }
        self.target.forget_meta(mark::KEY).await.map_err(broke)?;
        self.target.settle().await.map_err(broke)?;
        self.source.close().await;
        self.target.close().await;
        Ok(())
    }
}

fn difference(table: &Table, one: &Digest, other: &Digest) -> String {
    let (name, rows, others) = (&table.name, one.rows, other.rows);
    if rows != others {
        return format!("{name} has {rows} rows in the source and {others} in the target");
    }
    if one.next_id != other.next_id {
        return format!("the next id of {name} is not the same");
    }
    format!("rows of {name} are not the same")
}

/// A fault for the operator.
fn broke(fault: Fault) -> Error {
    refuse(format!("The databases cannot be copied: {}.", said(fault)))
}

fn said(fault: Fault) -> String {
    match fault {
        Fault::Lost(cause) | Fault::Again(cause) | Fault::Down(cause) => cause.to_string(),
        Fault::Final(error) => std::error::Error::source(&error)
            .map_or_else(|| error.text().to_owned(), ToString::to_string),
    }
}
