//! The same program once more, among the clients of the namespaces: `unsafe` calls would be needed to move
//! there, and `ip netns exec` needs none.

use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::time::sleep;
use xtask::procs;

use super::Host;
use super::made::Made;

/// The exit code of a scenario that could not be run, as test programs have it.
const SKIPPED: u8 = 77;
/// How long the program inside may take to tidy up when it is told to.
const GRACE: Duration = Duration::from_secs(15);

/// How the program inside ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All went well.
    Passed,
    /// Something did not, and was told.
    Failed,
    /// It could not be run.
    Skipped,
}

impl Ended {
    /// What the program inside says to the one outside.
    #[must_use]
    pub fn code(self) -> ExitCode {
        match self {
            Self::Passed => ExitCode::SUCCESS,
            Self::Failed => ExitCode::FAILURE,
            Self::Skipped => ExitCode::from(SKIPPED),
        }
    }
}

/// Runs this program with these arguments in namespaces of its own; `--inside` and their name come last. What
/// it prints is seen.
///
/// # Errors
/// When there can be no namespaces, or it does not end within the limit.
pub async fn run(arguments: &[std::ffi::OsString], limit: Duration) -> Result<Ended> {
    let made = Made::new()?;
    let program = std::env::current_exe()?;
    let mut command: Command = made.net().place(Host::Clients).command(program);
    command.args(arguments).args(["--inside", &made.net().name]);
    let child = command.spawn().context("ip did not start")?;
    let mut inside = Inside(Some(child));
    let begun = Instant::now();
    while begun.elapsed() < limit {
        let ended = inside.0.as_mut().map(Child::try_wait).transpose()?;
        if let Some(status) = ended.flatten() {
            inside.0 = None;
            return match status.code() {
                Some(0) => Ok(Ended::Passed),
                Some(1) => Ok(Ended::Failed),
                Some(code) if code == i32::from(SKIPPED) => Ok(Ended::Skipped),
                _ => bail!("the program inside ended with {status}"),
            };
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("the program inside has not ended after {limit:?}")
}

/// Ended with this value: first asked, then killed.
struct Inside(Option<Child>);

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            procs::end(&mut child, "TERM", GRACE);
        }
    }
}
