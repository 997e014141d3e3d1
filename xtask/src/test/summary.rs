//! What the steps add up to, and the line that says it.

use std::time::Duration;

use super::counts::Counts;
use super::steps::Verdict;

/// A step that has been looked at.
pub(crate) struct Outcome {
    name: &'static str,
    verdict: Verdict,
    took: Duration,
}

impl Outcome {
    /// Notes how a step went and how long it took.
    pub(crate) fn new(name: &'static str, verdict: Verdict, took: Duration) -> Self {
        Self {
            name,
            verdict,
            took,
        }
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let what = match &self.verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed(why) => format!("FAILED: {why}"),
            Verdict::Skipped(why) => format!("skipped: {why}"),
            Verdict::Tests(counts, content) => {
                let word = if *content { "passed" } else { "FAILED" };
                format!(
                    "{word} ({} passed, {} failed)",
                    counts.passed, counts.failed
                )
            }
        };
        format!(
            "{:<10} {:>7.1} s  {what}",
            self.name,
            self.took.as_secs_f64()
        )
    }

    fn counts(&self) -> Counts {
        match &self.verdict {
            Verdict::Passed => Counts {
                passed: 1,
                failed: 0,
            },
            Verdict::Failed(_) => Counts {
                passed: 0,
                failed: 1,
            },
            // A runner that died without naming a failed test has failed all the same.
            Verdict::Tests(counts, content) => Counts {
                passed: counts.passed,
                failed: counts.failed.max(u64::from(!content)),
            },
            Verdict::Skipped(_) => Counts::default(),
        }
    }
}

/// The sum over all steps.
pub(crate) struct Summary {
    total: Counts,
    /// Tests that ran, and whether any step was to run some.
    tests: u64,
    tests_expected: bool,
}

impl Summary {
    /// Adds up.
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let mut summary = Self {
            total: Counts::default(),
            tests: 0,
            tests_expected: false,
        };
        for outcome in outcomes {
            summary.total += outcome.counts();
            if let Verdict::Tests(counts, _) = outcome.verdict {
                summary.tests += counts.passed + counts.failed;
                summary.tests_expected = true;
            }
        }
        summary
    }

    /// Whether the run may be called a success.
    pub(crate) fn good(&self) -> bool {
        self.total.failed == 0 && self.complaint().is_none()
    }

    /// What is wrong although nothing failed: a run that tested nothing proves nothing.
    pub(crate) fn complaint(&self) -> Option<&'static str> {
        if self.tests_expected && self.tests == 0 {
            Some("no test ran")
        } else if self.total == Counts::default() {
            Some("nothing ran")
        } else {
            None
        }
    }

    /// The last line.
    pub(crate) fn line(&self) -> String {
        format!("{} passed, {} failed", self.total.passed, self.total.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(verdict: Verdict) -> Outcome {
        Outcome::new("step", verdict, Duration::from_secs(1))
    }

    fn tests(passed: u64, failed: u64, content: bool) -> Outcome {
        outcome(Verdict::Tests(Counts { passed, failed }, content))
    }

    #[test]
    fn checks_and_tests_add_up() {
        let summary = Summary::of(&[
            outcome(Verdict::Passed),
            tests(40, 0, true),
            outcome(Verdict::Skipped("why".to_owned())),
            tests(0, 0, true),
        ]);
        assert_eq!(summary.line(), "41 passed, 0 failed");
        assert!(summary.good());
    }

    #[test]
    fn failures_count_once_each() {
        let summary = Summary::of(&[
            outcome(Verdict::Failed("x".to_owned())),
            tests(3, 2, false),
            // Died before it could count, as when a test crate does not compile.
            tests(0, 0, false),
        ]);
        assert_eq!(summary.line(), "3 passed, 4 failed");
        assert!(!summary.good());
    }

    #[test]
    fn a_run_without_tests_is_no_success() {
        let none = Summary::of(&[outcome(Verdict::Passed), tests(0, 0, true)]);
        assert_eq!(none.complaint(), Some("no test ran"));
        assert!(!none.good());
        assert!(!Summary::of(&[]).good());
        let only_a_check = Summary::of(&[outcome(Verdict::Passed)]);
        assert!(only_a_check.good());
    }

    #[test]
    fn the_lines_say_what_happened() {
        let line = tests(3, 2, false).line();
        assert_eq!(line, "step           1.0 s  FAILED (3 passed, 2 failed)");
        let line = outcome(Verdict::Skipped("no deny".to_owned())).line();
        assert!(line.ends_with("skipped: no deny"));
    }
}
