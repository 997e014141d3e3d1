//! Reading the runners' own summaries: cargo-nextest, cargo test, node's test runner and our torture.

use std::{collections::BTreeSet, ops::AddAssign};

/// Tests that passed and tests that did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// How many passed.
    pub(crate) passed: u64,
    /// How many failed, timed out or could not be started.
    pub(crate) failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Who ran the tests, and so how the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// cargo-nextest: one summary for everything, the last one printed.
    Nextest,
    /// cargo test: a result for every program.
    Libtest,
    /// `node --test`: a line for every kind of outcome.
    Node,
    /// `parlour-torture`: its last line.
    Torture,
}

/// Finds the result in an output.
///
/// Only the runner's own lines are read: a failed test's output is shown as well, and nextest shows
/// the result line of the single test program in it.
pub(crate) fn count(runner: Runner, lines: &[String]) -> Counts {
    let lines = lines.iter().map(|line| plain(line));
    match runner {
        Runner::Nextest => lines
            .filter_map(|line| nextest(line.trim()))
            .next_back()
            .unwrap_or_default(),
        Runner::Libtest => sum(lines.filter_map(|line| libtest(&line))),
        Runner::Node => sum(lines.filter_map(|line| node(&line))),
        Runner::Torture => lines
            .filter_map(|line| torture(&line))
            .next_back()
            .unwrap_or_default(),
    }
}

/// The tests that cargo-nextest had to try more than once, without repetition.
pub(crate) fn flaky(lines: &[String]) -> BTreeSet<String> {
    lines
        .iter()
        .filter_map(|line| {
            let line = plain(line);
            let rest = line.trim().strip_prefix("FLAKY ")?;
            let (_, name) = rest.split_once("] ")?;
            let name = name.trim_start();
            // `(381/1774) parlour::stories …` while they run, without the count in the summary.
            Some(
                match name
                    .strip_prefix('(')
                    .and_then(|name| name.split_once(") "))
                {
                    Some((_, name)) => name.to_owned(),
                    None => name.to_owned(),
                },
            )
        })
        .collect()
}

fn sum(found: impl Iterator<Item = Counts>) -> Counts {
    let mut total = Counts::default();
    for counts in found {
        total += counts;
    }
    total
}

/// `Summary [   0.012s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 2 skipped`
fn nextest(line: &str) -> Option<Counts> {
    let rest = line.strip_prefix("Summary [")?;
    let (_, rest) = rest.split_once("] ")?;
    let (head, tail) = rest.split_once(": ")?;
    if !head.ends_with("test run") && !head.ends_with("tests run") {
        return None;
    }
    let mut counts = Counts::default();
    // What stands in parentheses says more about tests that are counted already.
    let mut depth = 0_u32;
    let flat: String = tail
        .chars()
        .filter(|letter| {
            let outside = depth == 0;
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return outside,
            }
            false
        })
        .collect();
    for part in flat.split(',') {
        let Some((number, what)) = part.trim().split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match what.trim() {
            "passed" => counts.passed += number,
            "failed" | "timed out" | "exec failed" => counts.failed += number,
            _ => {}
        }
    }
    Some(counts)
}

/// `test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s`
fn libtest(line: &str) -> Option<Counts> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, rest) = rest.split_once(". ")?;
    let number = |word: &str| -> Option<u64> {
        let part = rest.split(';').find(|part| part.trim().ends_with(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some(Counts {
        passed: number(" passed")?,
        failed: number(" failed")?,
    })
}

/// `# pass 12` (TAP) and `ℹ pass 12` (spec), with `fail` and `cancelled` beside it.
fn node(line: &str) -> Option<Counts> {
    let rest = line
        .strip_prefix("# ")
        .or_else(|| line.strip_prefix("ℹ "))?;
    let (word, number) = rest.split_once(' ')?;
    let number = number.trim().parse().ok()?;
    match word {
        "pass" => Some(Counts {
            passed: number,
            failed: 0,
        }),
        "fail" | "cancelled" => Some(Counts {
            passed: 0,
            failed: number,
        }),
        _ => None,
    }
}

/// `28 passed, 1 failed, 2 skipped`
fn torture(line: &str) -> Option<Counts> {
    let mut parts = line.split(", ");
    let mut number = |word| -> Option<u64> { parts.next()?.strip_suffix(word)?.parse().ok() };
    let (passed, failed) = (number(" passed")?, number(" failed")?);
    number(" skipped")?;
    Some(Counts { passed, failed })
}

/// The line without terminal colours (`ESC [ ... letter`).
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.find(char::is_ascii_alphabetic);
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Counts, Runner, count, flaky};

    fn of(runner: Runner, text: &str) -> (u64, u64) {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let Counts { passed, failed } = count(runner, &lines);
        (passed, failed)
    }

    #[test]
    fn nextest_summaries() {
        assert_eq!(
            of(
                Runner::Nextest,
                "     Summary [   0.005s] 3 tests run: 3 passed, 0 skipped"
            ),
            (3, 0)
        );
        assert_eq!(
            of(
                Runner::Nextest,
                "     Summary [   1.205s] 1 test run: 0 passed, 1 failed, 4 skipped"
            ),
            (0, 1)
        );
        assert_eq!(
            of(
                Runner::Nextest,
                "  Summary [ 61.2s] 9 tests run: 6 passed (2 slow, 1 flaky), 1 failed, 1 timed out, 1 exec failed, 0 skipped"
            ),
            (6, 3)
        );
        assert_eq!(
            of(
                Runner::Nextest,
                "  Summary [ 1.0s] 5/10 tests run: 4 passed (1 leaky), 1 failed, 0 skipped"
            ),
            (4, 1)
        );
    }

    #[test]
    fn who_needed_a_second_try_is_named_once() {
        let lines = [
            "        PASS [   0.5s] (  1/9) parlour::stories a::b",
            "  FLAKY 2/2 [   0.8s] (  2/9) parlour::stories a::c",
            "     Summary [ 61.2s] 9 tests run: 9 passed (1 flaky), 0 skipped",
            "  FLAKY 2/2 [   0.8s] parlour::stories a::c",
            "  FLAKY 2/2 [   0.8s] (─────────) parlour::stories a::c",
        ]
        .map(str::to_owned);
        let found: Vec<_> = flaky(&lines).into_iter().collect();
        assert_eq!(found, ["parlour::stories a::c"]);
    }

    #[test]
    fn nextest_in_colour() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.005s] \u{1b}[1m12\u{1b}[0m tests run: \u{1b}[1m11\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m1\u{1b}[0m \u{1b}[31;1mfailed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";
        assert_eq!(of(Runner::Nextest, line), (11, 1));
    }

    #[test]
    fn cargo_test_results_are_added_up() {
        let text = "
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
test a::b ... FAILED
test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        assert_eq!(of(Runner::Libtest, text), (13, 2));
    }

    #[test]
    fn node_results_in_both_shapes() {
        assert_eq!(
            of(Runner::Node, "# tests 5\n# pass 4\n# fail 1\n# cancelled 0"),
            (4, 1)
        );
        assert_eq!(
            of(Runner::Node, "ℹ pass 7\nℹ fail 0\nℹ cancelled 2"),
            (7, 2)
        );
    }

    #[test]
    fn the_last_line_of_torture() {
        let text = "D1 on sqlite: killed\n  FAILED in 2.0 s: 2 passed, 0 failed, 0 skipped?\n\
                    27 passed, 1 failed, 3 skipped\n";
        assert_eq!(of(Runner::Torture, text), (27, 1));
        assert_eq!(of(Runner::Torture, "seed 7\nD1 on sqlite: killed"), (0, 0));
    }

    #[test]
    fn ordinary_lines_count_nothing() {
        let text = "3 passed; 1 failed\nSummary of things: 3 passed\n# pass\n\u{1b}[0m";
        for runner in [
            Runner::Nextest,
            Runner::Libtest,
            Runner::Node,
            Runner::Torture,
        ] {
            assert_eq!(of(runner, text), (0, 0));
        }
        assert_eq!(of(Runner::Libtest, "test result: hello"), (0, 0));
    }

    #[test]
    fn the_output_of_a_failed_test_is_not_a_result() {
        let text = "
    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 8 filtered out
     Summary [   9.000s] 5 tests run: 5 passed, 0 skipped
     Summary [   0.700s] 22 tests run: 21 passed, 1 failed, 0 skipped
        FAIL [   0.306s] (11/22) parlour tests::one";
        assert_eq!(of(Runner::Nextest, text), (21, 1));
        assert_eq!(of(Runner::Libtest, text), (0, 0));
    }
}
