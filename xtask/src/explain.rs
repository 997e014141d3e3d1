//! `explain`: how PostgreSQL does what happens all the time, with 1,000,000 messages.

use std::process::ExitCode;

use anyhow::Result;

use crate::engines::postgres::{Durability, Postgres};
use crate::engines::{self, Engine, TABLE};
use crate::procs::Watch;
use crate::workspace::Workspace;

/// So many messages; the tests do the same with a tenth.
const MESSAGES: &str = "1000000";

/// Runs the test that asks for plans on a throwaway server.
pub(crate) fn run(workspace: &Workspace, watch: &Watch) -> Result<ExitCode> {
    let rows = TABLE.iter().filter(|row| row.engine == Engine::Postgres);
    engines::provide(watch, &rows.collect::<Vec<_>>())?;
    let postgres = Postgres::start(Durability::Pretended, None)?;
    let mut command = workspace.cargo(&["test", "-p", "parlour-store", "--lib", "explain::"]);
    command
        .args(["--", "--nocapture"])
        .env("PARLOUR_TEST_POSTGRES", postgres.url())
        .env("PARLOUR_EXPLAIN_MESSAGES", MESSAGES);
    let finished = watch.stream(&mut command)?;
    Ok(crate::passed(finished.status.success()))
}
