//! `parlour db …`: moving a whole database.

use crate::{
    database::explain,
    output::{note, say},
};
use parlour_store::{Copied, CopyPlan, Step};
use std::time::{Duration, Instant};

/// What can be done with databases.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Copy everything of one database into another one that is empty, and compare both at the end. Stop the
    /// servers first. A copy that stopped goes on when the same command runs again.
    Copy {
        /// Where it comes from: `sqlite://…` or `postgres://…`. Nothing in it changes.
        #[arg(long, value_name = "URL")]
        from: String,
        /// Where it goes: an empty database, or one with a copy that was not finished.
        #[arg(long, value_name = "URL")]
        to: String,
        /// Throw away what an unfinished copy put into the target, and begin again.
        #[arg(long)]
        anew: bool,
    },
}

/// How often a copy says how far it is.
const EVERY: Duration = Duration::from_secs(2);

/// Does it.
pub(super) async fn run(action: &Action) -> anyhow::Result<()> {
    let Action::Copy { from, to, anew } = action;
    let plan = CopyPlan {
        from,
        to,
        anew: *anew,
    };
    let start = Instant::now();
    let mut teller = Teller { told: start };
    let copied = parlour_store::copy(plan, &mut |step| teller.tell(&step)).await;
    let copied = copied.map_err(|error| explain(&error))?;
    for line in report(&copied) {
        say(&line)?;
    }
    say(&format!(
        "The copy is whole: every row was read on both sides and compared ({:.1} s). Epoch {}, as in the \
         source.",
        start.elapsed().as_secs_f64(),
        copied.epoch
    ))?;
    say("From now on start servers on the copy only. Files move by `parlour blobs copy`.")?;
    Ok(())
}

/// Says on standard error how far a copy is, now and then.
struct Teller {
    told: Instant,
}

impl Teller {
    fn tell(&mut self, step: &Step) {
        match step {
            Step::GoesOn(rows) => note(&format!(
                "The target holds {rows} rows of a copy that was not finished: going on after them."
            )),
            Step::Copied { table, rows, of } => {
                if *of > 0 && (*rows == *of || self.is_time()) {
                    note(&format!("{table}: {rows} of {of} rows"));
                }
            }
            Step::Checking(table) => {
                if self.is_time() {
                    note(&format!("comparing {table}"));
                }
            }
        }
    }

    fn is_time(&mut self) -> bool {
        let due = self.told.elapsed() >= EVERY;
        if due {
            self.told = Instant::now();
        }
        due
    }
}

fn report(copied: &Copied) -> Vec<String> {
    let mut lines = vec![format!("{:<14} {:>12}  checksum", "table", "rows")];
    lines.extend(
        copied
            .tables
            .iter()
            .map(|table| format!("{:<14} {:>12}  {}", table.name, table.rows, table.checksum)),
    );
    lines
}
