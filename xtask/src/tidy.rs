//! `tidy`: the rules of the floor plan that no compiler knows. Every finding names file, line, rule.

mod code;
mod files;
mod manifests;
mod texts;

use std::fmt;

use anyhow::Result;

use self::files::SourceFile;
use crate::workspace::Workspace;

/// A rule that is broken somewhere.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    file: String,
    line: usize,
    rule: &'static str,
    text: String,
}

impl Finding {
    fn new(file: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            rule,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            rule,
            text,
        } = self;
        write!(out, "{file}:{line}: {rule}: {text}")
    }
}

/// A library that has one home, so that the rest of the product cannot grow around it.
struct Home {
    /// The name in Cargo.toml; others that begin with it and a dash belong to it.
    library: &'static str,
    /// Packages that may depend on it.
    packages: &'static [&'static str],
    /// Beginnings of the paths whose sources may name it.
    paths: &'static [&'static str],
}

const HOMES: [Home; 5] = [
    Home {
        library: "sqlx",
        packages: &["parlour-store"],
        paths: &["crates/parlour-store/"],
    },
    Home {
        library: "axum",
        packages: &["parlour-web", "parlour"],
        // The wiring serves the router that the web crate built, and does no more with it.
        paths: &["crates/parlour-web/", "crates/parlour/src/serve"],
    },
    Home {
        library: "rusqlite",
        packages: &["parlour-store"],
        paths: &["crates/parlour-store/"],
    },
    Home {
        library: "redis",
        packages: &["parlour-realtime"],
        paths: &["crates/parlour-realtime/"],
    },
    Home {
        library: "minijinja",
        packages: &["parlour-web"],
        paths: &["crates/parlour-web/"],
    },
];

impl Home {
    /// Whether a package of this name is the library or one of its companions.
    fn covers(&self, package: &str) -> bool {
        package
            .strip_prefix(self.library)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// Prints the findings; true when there is none.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let files = files::collect(&workspace.root)?;
    let mut findings = check(&files);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    Ok(findings.is_empty())
}

fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = manifests::check(files);
    for file in files {
        findings.extend(texts::check(file));
        if file.has_extension("rs") {
            findings.extend(code::check(file));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_compilers_write_them() {
        let finding = Finding::new("a/b.rs", 7, "size", "too long");
        assert_eq!(finding.to_string(), "a/b.rs:7: size: too long");
    }

    #[test]
    fn a_home_covers_companions_but_no_namesakes() {
        let home = &HOMES[1];
        assert!(home.covers("axum") && home.covers("axum-extra"));
        assert!(!home.covers("axumatic"));
    }

    #[test]
    fn all_kinds_of_rules_are_applied() {
        let long = "\n".repeat(501);
        let files = [
            SourceFile::new(
                "crates/parlour-core/Cargo.toml",
                "[package]\nname = \"parlour-core\"\n[dependencies]\nsqlx = \"1\"\n",
            ),
            SourceFile::new("crates/parlour-core/src/lib.rs", "fn f() {}\n"),
            SourceFile::new("crates/parlour-web/assets/js/room.js", &long),
        ];
        let findings = check(&files);
        let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        assert_eq!(rules, ["crate doc", "file size", "home", "lints"]);
    }
}
