//! The steps of the test command, one function each.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use super::counts::{self, Counts, Runner};
use super::node;
use crate::engines::{self, Engine, Needed, TABLE, find_program, venv};
use crate::procs::{Finished, Watch};
use crate::workspace::Workspace;
use crate::{generate, tidy};

/// The steps in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// rustfmt has nothing to change
    Format,
    /// The floor plan holds
    Tidy,
    /// Generated documents are up to date
    Generated,
    /// Clippy has nothing to say
    Lints,
    /// The Rust tests
    Tests,
    /// The examples in the documentation
    Doctests,
    /// Licences, sources and banned crates, where cargo-deny is installed
    Deny,
    /// The torture scenarios in their short form, against a debug build of the server
    Torture,
    /// The tests in e2e/clients: Socket.IO clients from the registries of JavaScript, Python and Rust
    Clients,
    /// The tests in e2e/, in a browser
    Browser,
}

/// How a step went.
pub(crate) enum Verdict {
    /// A check without countable tests passed.
    Passed,
    /// A check failed, or a step could not run.
    Failed(String),
    /// Tests were counted; the flag says whether the runner itself was content.
    Tests(Counts, bool),
    /// Not run, and why.
    Skipped(String),
}

impl Step {
    /// Every step, in order.
    pub(crate) const ALL: [Self; 10] = [
        Self::Format,
        Self::Tidy,
        Self::Generated,
        Self::Lints,
        Self::Tests,
        Self::Doctests,
        Self::Deny,
        Self::Torture,
        Self::Clients,
        Self::Browser,
    ];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Tidy => "tidy",
            Self::Generated => "generated",
            Self::Lints => "lints",
            Self::Tests => "tests",
            Self::Doctests => "doctests",
            Self::Deny => "deny",
            Self::Torture => "torture",
            Self::Clients => "clients",
            Self::Browser => "browser",
        }
    }

    /// Whether the step needs the engines of the Rust tests.
    pub(crate) fn is_rust_tests(self) -> bool {
        matches!(self, Self::Tests)
    }
}

/// Runs one step; an error that kept it from running is a failure like any other.
pub(crate) fn run(
    step: Step,
    workspace: &Workspace,
    watch: &Watch,
    without: &[Engine],
    vars: &[(String, String)],
) -> Verdict {
    let cargo = |args: &[&str]| check(watch, &mut workspace.cargo(args));
    let result = match step {
        Step::Format => cargo(&["fmt", "--all", "--check"]),
        Step::Tidy => tidy::run(workspace).map(|good| passed(good, "see above")),
        Step::Generated => {
            generate::check(workspace, watch).map(|good| passed(good, "run `cargo xtask gen`"))
        }
        Step::Lints => cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
        Step::Tests => tests(workspace, watch, vars),
        Step::Doctests => doctests(workspace, watch),
        Step::Deny => deny(workspace, watch),
        Step::Torture => torture(workspace, watch, without),
        Step::Clients => clients(workspace, watch),
        Step::Browser => browser(workspace, watch, without),
    };
    result.unwrap_or_else(|error| Verdict::Failed(format!("{error:#}")))
}

fn passed(good: bool, advice: &str) -> Verdict {
    if good {
        Verdict::Passed
    } else {
        Verdict::Failed(advice.to_owned())
    }
}

fn check(watch: &Watch, command: &mut Command) -> Result<Verdict> {
    colour(command);
    let finished = watch.stream(command)?;
    Ok(passed(
        finished.status.success(),
        &finished.status.to_string(),
    ))
}

/// The runners see a pipe and would leave out colours that the user's terminal has.
fn colour(command: &mut Command) {
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
}

fn tests(workspace: &Workspace, watch: &Watch, vars: &[(String, String)]) -> Result<Verdict> {
    let (runner, mut command) = if find_cargo_program("nextest") {
        let args = ["nextest", "run", "--workspace", "--no-fail-fast"];
        (Runner::Nextest, workspace.cargo(&args))
    } else {
        println!("cargo-nextest is not installed, cargo test does the same more slowly");
        let args = [
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ];
        (Runner::Libtest, workspace.cargo(&args))
    };
    // What the caller's shell says about engines is not what this run has prepared.
    command
        .env_remove("PARLOUR_TEST_POSTGRES")
        .env_remove("PARLOUR_TEST_WITHOUT")
        .envs(vars.iter().map(|(name, value)| (name, value)));
    colour(&mut command);
    let finished = watch.stream(&mut command)?;
    for line in counts::flaky(&finished.lines) {
        println!("passed only at the second try: {line}");
    }
    Ok(counted(runner, &finished))
}

fn doctests(workspace: &Workspace, watch: &Watch) -> Result<Verdict> {
    let mut command = workspace.cargo(&["test", "--doc", "--workspace", "--no-fail-fast"]);
    colour(&mut command);
    Ok(counted(Runner::Libtest, &watch.stream(&mut command)?))
}

fn counted(runner: Runner, finished: &Finished) -> Verdict {
    let counts = counts::count(runner, &finished.lines);
    Verdict::Tests(counts, finished.status.success())
}

fn deny(workspace: &Workspace, watch: &Watch) -> Result<Verdict> {
    if !find_cargo_program("deny") {
        return Ok(Verdict::Skipped("cargo-deny is not installed".to_owned()));
    }
    let mut command = workspace.cargo(&["deny", "check", "bans", "licenses", "sources"]);
    check(watch, &mut command)
}

/// The step's share of the whole run, on two cores with nothing else to do. What takes longer is said;
/// what hangs fails by its own scenario's limit.
const TORTURE_BUDGET: Duration = Duration::from_secs(360);

fn torture(workspace: &Workspace, watch: &Watch, without: &[Engine]) -> Result<Verdict> {
    if without.contains(&Engine::Torture) {
        return Ok(Verdict::Skipped("--without torture".to_owned()));
    }
    let tools: Vec<_> = TABLE
        .iter()
        .filter(|row| row.needed == Needed::Torture)
        .collect();
    if let Err(error) = engines::provide(watch, &tools) {
        println!("{error:#}: the scenarios that need it are skipped by name");
    }
    // One by one: together they would be built with other features than for the browser tests.
    for package in ["parlour", "parlour-torture"] {
        let built = watch.stream(&mut workspace.cargo(&["build", "-p", package]))?;
        ensure!(built.status.success(), "{package} does not build");
    }
    let folder = workspace.target_dir()?.join("debug");
    let engine = if without.contains(&Engine::Postgres) {
        "sqlite"
    } else {
        "both"
    };
    let mut command = Command::new(folder.join("parlour-torture"));
    command
        .arg("--server")
        .arg(folder.join("parlour"))
        .args(["--engine", engine, "--lenient"]);
    let begun = Instant::now();
    let finished = watch.stream(&mut command)?;
    let took = begun.elapsed();
    if took > TORTURE_BUDGET {
        println!("torture took {took:.0?}, more than {TORTURE_BUDGET:?}");
    }
    Ok(counted(Runner::Torture, &finished))
}

fn browser(workspace: &Workspace, watch: &Watch, without: &[Engine]) -> Result<Verdict> {
    let folder = workspace.root.join("e2e");
    if !folder.is_dir() {
        return Ok(Verdict::Skipped("there is no folder e2e".to_owned()));
    }
    if without.contains(&Engine::Chromium) {
        return Ok(Verdict::Skipped("--without chromium".to_owned()));
    }
    let rows: Vec<_> = TABLE
        .iter()
        .filter(|row| row.needed == Needed::BrowserTests)
        .collect();
    engines::provide(watch, &rows)?;
    node::run(workspace, watch, &folder, &[])
}

fn clients(workspace: &Workspace, watch: &Watch) -> Result<Verdict> {
    let folder = workspace.root.join("e2e/clients");
    let requirements = std::fs::read_to_string(folder.join("requirements.txt"))?;
    let python = venv::provide(watch, "socket-io-clients", &requirements)?;
    let mut vars = vec![("PARLOUR_TEST_PYTHON", python)];
    let client = rust_client(workspace, watch)?;
    vars.extend(client.map(|client| ("PARLOUR_TEST_RUST_CLIENT", client)));
    node::run(workspace, watch, &folder, &vars)
}

/// Builds the client in Rust, which is a package of its own; nothing where OpenSSL is missing, which it
/// wants on Linux.
fn rust_client(workspace: &Workspace, watch: &Watch) -> Result<Option<PathBuf>> {
    let has_openssl = || {
        let mut look = Command::new("pkg-config");
        look.args(["--exists", "openssl"]);
        look.status().is_ok_and(|status| status.success())
    };
    if cfg!(target_os = "linux") && !has_openssl() {
        println!("no OpenSSL to build with: the client in Rust is left out");
        return Ok(None);
    }
    let target = workspace.target_dir()?.join("clients");
    let manifest = "e2e/clients/rust/Cargo.toml";
    let mut build = workspace.cargo(&["build", "--quiet", "--locked", "--manifest-path", manifest]);
    build.arg("--target-dir").arg(&target);
    let built = watch.stream(&mut build)?;
    ensure!(built.status.success(), "the client in Rust does not build");
    Ok(Some(target.join("debug/parlour-rust-client")))
}

fn find_cargo_program(name: &str) -> bool {
    let home = std::env::var_os("CARGO_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| {
            std::env::var_os("HOME").map(|home| std::path::Path::new(&home).join(".cargo"))
        });
    let program = format!("cargo-{name}");
    find_program(&program).is_some()
        || home.is_some_and(|home| home.join("bin").join(&program).is_file())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;
    use crate::test::summary::{Outcome, Summary};

    /// The end of a whole run in which torture said this.
    fn run_with(text: &str, code: i32) -> (String, bool) {
        let finished = Finished {
            status: ExitStatus::from_raw(code << 8),
            lines: text.lines().map(str::to_owned).collect(),
        };
        let outcomes = [
            Outcome::new("format", Verdict::Passed, Duration::ZERO),
            Outcome::new(
                "torture",
                counted(Runner::Torture, &finished),
                Duration::ZERO,
            ),
        ];
        let summary = Summary::of(&outcomes);
        (summary.line(), summary.good())
    }

    #[test]
    fn a_scenario_that_fails_fails_the_run() {
        let good = run_with("seed 7\n30 passed, 0 failed, 2 skipped", 0);
        assert_eq!(good, ("31 passed, 0 failed".to_owned(), true));
        let bad = run_with("seed 7\n29 passed, 1 failed, 2 skipped", 1);
        assert_eq!(bad, ("30 passed, 1 failed".to_owned(), false));
    }

    #[test]
    fn torture_that_dies_fails_the_run() {
        let died = run_with("seed 7\nD1 on sqlite: killed", 101);
        assert_eq!(died, ("1 passed, 1 failed".to_owned(), false));
        // Also when nothing that it did say was a failure.
        let late = run_with("30 passed, 0 failed, 2 skipped", 101);
        assert_eq!(late, ("31 passed, 1 failed".to_owned(), false));
        let nothing = run_with("0 passed, 0 failed, 18 skipped", 0);
        assert!(!nothing.1, "everything was skipped");
    }
}
