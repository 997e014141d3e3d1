//! The tests that Node runs: those in a browser, and those with other people's clients.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::counts::{self, Counts, Runner};
use super::steps::Verdict;
use crate::procs::{Finished, Watch};
use crate::workspace::Workspace;

/// More failures than this are no accident of a busy machine: they are not tried again.
const ACCIDENTS: usize = 3;

/// Runs the tests of a folder with a lock file against the server as users run it: built first, so that
/// no test waits for it. The few that fail are tried once more, as the stories in Rust are, and named.
pub(super) fn run(
    workspace: &Workspace,
    watch: &Watch,
    folder: &Path,
    vars: &[(&str, PathBuf)],
) -> Result<Verdict> {
    let built = watch.stream(&mut workspace.cargo(&["build", "-p", "parlour"]))?;
    ensure!(built.status.success(), "the server does not build");
    let target = workspace.target_dir()?;
    let npm = |args: &[&str]| {
        let mut command = Command::new("npm");
        command
            .args(args)
            .current_dir(folder)
            .envs(vars.iter().map(|(name, value)| (name, value)))
            .env("PARLOUR_TEST_SERVER", target.join("debug/parlour"));
        watch.stream(&mut command)
    };
    ensure!(npm(&["ci"])?.status.success(), "npm ci failed");
    let first = npm(&["test"])?;
    let Some(accidents) = accidents(&first) else {
        return Ok(verdict(&first, &first));
    };
    println!("\n== once more: {} tests that failed", accidents.len());
    let args = again(&accidents);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let second = npm(&args)?;
    if second.status.success() {
        for Failed { name, .. } in &accidents {
            println!("passed only at the second try: {name}");
        }
    }
    Ok(verdict(&first, &second))
}

/// What both tries say together; the same one twice when there was no second.
fn verdict(first: &Finished, second: &Finished) -> Verdict {
    let Counts { passed, failed } = counts::count(Runner::Node, &first.lines);
    if first.status.success() || !second.status.success() {
        return Verdict::Tests(Counts { passed, failed }, first.status.success());
    }
    let mended = counts::count(Runner::Node, &second.lines).passed;
    let counts = Counts {
        passed: passed + mended.min(failed),
        failed: failed.saturating_sub(mended),
    };
    Verdict::Tests(counts, counts.failed == 0)
}

/// A test that failed, and the file in which it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Failed {
    file: String,
    name: String,
}

/// The tests to try again; nothing when all passed, when too many failed, or when something failed that
/// is no test.
fn accidents(finished: &Finished) -> Option<BTreeSet<Failed>> {
    let named = failures(&finished.lines)?;
    let count = counts::count(Runner::Node, &finished.lines).failed;
    let all_named = u64::try_from(named.len()).is_ok_and(|named| named == count);
    (all_named && (1..=ACCIDENTS).contains(&named.len())).then_some(named)
}

/// Reads the failed tests out of TAP: `not ok 3 - name`, and `location: 'file:line:column'` below it.
/// Nothing when one of them has no location, as a file that does not even begin.
fn failures(lines: &[String]) -> Option<BTreeSet<Failed>> {
    let mut found = BTreeSet::new();
    let mut lines = lines.iter();
    while let Some(line) = lines.next() {
        let Some((_, name)) = line
            .strip_prefix("not ok ")
            .and_then(|rest| rest.split_once(" - "))
        else {
            continue;
        };
        let location = lines
            .by_ref()
            .take_while(|line| line.trim() != "...")
            .find_map(|line| line.trim().strip_prefix("location: '"))?;
        let file = location.trim_end_matches('\'').rsplitn(3, ':').nth(2)?;
        found.insert(Failed {
            file: file.to_owned(),
            name: name.replace("\\#", "#").replace("\\\\", "\\"),
        });
    }
    Some(found)
}

/// The arguments of npm that run just these.
fn again(tests: &BTreeSet<Failed>) -> Vec<String> {
    let mut args: Vec<String> = ["run", "again", "--"].map(str::to_owned).into();
    for Failed { name, .. } in tests {
        args.push(format!("--test-name-pattern=^{}$", literally(name)));
    }
    let files: BTreeSet<_> = tests.iter().map(|test| test.file.clone()).collect();
    args.extend(files);
    args
}

/// A regular expression of JavaScript for just this text.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\^$.|?*+()[]{}/".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    const FIRST: &str = r"TAP version 13
# Subtest: one
ok 1 - one
  ---
  duration_ms: 0.9
  ...
# Subtest: 29: (two) of \#3
not ok 2 - 29: (two) of \#3
  ---
  duration_ms: 0.4
  location: '/house/e2e/tests/viewer.test.mjs:31:1'
  failureType: 'testCodeFailure'
  error: 'not ok 7 - in a text'
  ...
1..2
# pass 1
# fail 1
# cancelled 0";

    fn finished(text: &str, good: bool) -> Finished {
        Finished {
            status: ExitStatus::from_raw(i32::from(!good) << 8),
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn the_failed_test_is_found_and_asked_for_by_its_name() {
        let tests = accidents(&finished(FIRST, false)).expect("one failed");
        assert_eq!(
            again(&tests)[3..],
            [
                r"--test-name-pattern=^29: \(two\) of #3$",
                "/house/e2e/tests/viewer.test.mjs"
            ]
        );
    }

    #[test]
    fn what_passes_at_the_second_try_counts_once() {
        let first = finished(FIRST, false);
        let good = finished("# pass 1\n# fail 0\n# skipped 80", true);
        assert!(matches!(
            verdict(&first, &good),
            Verdict::Tests(
                Counts {
                    passed: 2,
                    failed: 0
                },
                true
            )
        ));
        let bad = finished("# pass 0\n# fail 1\n# skipped 80", false);
        assert!(matches!(
            verdict(&first, &bad),
            Verdict::Tests(
                Counts {
                    passed: 1,
                    failed: 1
                },
                false
            )
        ));
        // A second try that found nothing to run mends nothing.
        let none = finished("# pass 0\n# fail 0\n# skipped 80", true);
        assert!(matches!(verdict(&first, &none), Verdict::Tests(_, false)));
    }

    #[test]
    fn many_failures_and_files_that_do_not_begin_are_no_accidents() {
        assert!(accidents(&finished("# pass 2\n# fail 0", true)).is_none());
        let file = "not ok 1 - tests/x.test.mjs\n  ---\n  exitCode: 1\n  ...\n# pass 0\n# fail 1";
        assert!(accidents(&finished(file, false)).is_none());
        let one = |n| format!("not ok {n} - t{n}\n  location: '/x.mjs:{n}:1'\n  ...\n");
        let few: String = (1..=3).map(one).collect();
        assert!(accidents(&finished(&format!("{few}# fail 3"), false)).is_some());
        let many: String = (1..=4).map(one).collect();
        assert!(accidents(&finished(&format!("{many}# fail 4"), false)).is_none());
        // Something failed that has no line of its own.
        assert!(accidents(&finished(&format!("{few}# fail 4"), false)).is_none());
    }
}
