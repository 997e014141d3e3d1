//! Rules about Cargo.toml files: who may depend on whom, and on what.

use toml::{Table, Value};

use super::files::SourceFile;
use super::{Finding, HOMES};

/// The arrows of ARCHITECTURE.md, and no others.
struct Arrows {
    package: &'static str,
    /// In the product.
    normal: &'static [&'static str],
    /// In tests, besides the above: real storage is what tests of these crates run on.
    tests: &'static [&'static str],
}

const ARROWS: [Arrows; 8] = [
    Arrows {
        package: "parlour-core",
        normal: &[],
        tests: &["parlour-store"],
    },
    Arrows {
        package: "parlour-store",
        normal: &["parlour-core"],
        tests: &[],
    },
    Arrows {
        package: "parlour-realtime",
        normal: &["parlour-core"],
        tests: &["parlour-store"],
    },
    Arrows {
        package: "parlour-web",
        normal: &["parlour-core", "parlour-realtime"],
        tests: &["parlour-store"],
    },
    Arrows {
        package: "parlour",
        normal: &[
            "parlour-core",
            "parlour-store",
            "parlour-realtime",
            "parlour-web",
        ],
        tests: &[],
    },
    Arrows {
        package: "parlour-bench",
        normal: &[],
        tests: &[],
    },
    Arrows {
        package: "parlour-torture",
        // For its throwaway PostgreSQL and the care for child processes.
        normal: &["xtask"],
        tests: &[],
    },
    Arrows {
        package: "xtask",
        normal: &[],
        tests: &[],
    },
];

/// One line of a dependency table.
struct Dependency {
    /// As the manifest spells it, to find the line.
    key: String,
    /// What it really is, when it is renamed.
    package: String,
    for_tests: bool,
}

/// Checks every manifest among the files.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let manifests = || {
        files
            .iter()
            .filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"))
    };
    let parsed: Vec<(&SourceFile, Option<Table>)> = manifests()
        .map(|file| (file, file.text.parse::<Table>().ok()))
        .collect();
    let shared = parsed
        .iter()
        .filter_map(|(_, table)| table.as_ref()?.get("workspace")?.get("dependencies"))
        .filter_map(Value::as_table)
        .next()
        .cloned()
        .unwrap_or_default();
    let mut findings = Vec::new();
    for (file, table) in &parsed {
        match table {
            Some(table) => findings.extend(check_one(file, table, &shared)),
            None => findings.push(Finding::new(&file.path, 1, "manifest", "is not TOML")),
        }
    }
    findings
}

fn check_one(file: &SourceFile, table: &Table, shared: &Table) -> Vec<Finding> {
    let Some(name) = table
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str)
    else {
        return Vec::new();
    };
    if file.path.starts_with("e2e/") && table.contains_key("workspace") {
        // A client that others wrote, in a workspace of its own: no part of the product.
        return Vec::new();
    }
    let mut findings = Vec::new();
    let inherits = table.get("lints").and_then(|lints| lints.get("workspace"));
    if inherits.and_then(Value::as_bool) != Some(true) {
        let text = "the lints of the workspace are not inherited";
        findings.push(Finding::new(&file.path, 1, "lints", text));
    }
    let Some(arrows) = ARROWS.iter().find(|arrows| arrows.package == name) else {
        let text = format!("the floor plan has no package {name}");
        findings.push(Finding::new(&file.path, 1, "edge", text));
        return findings;
    };
    for dependency in dependencies(table, shared) {
        let package = dependency.package.as_str();
        let line = line_of(&file.text, &dependency.key);
        let internal = ARROWS.iter().any(|arrows| arrows.package == package);
        let allowed = arrows.normal.contains(&package)
            || (dependency.for_tests && arrows.tests.contains(&package));
        if internal && !allowed {
            let text = format!("{name} must not depend on {package}");
            findings.push(Finding::new(&file.path, line, "edge", text));
        }
        let home = HOMES.iter().find(|home| home.covers(package));
        if let Some(home) = home.filter(|home| !home.packages.contains(&name)) {
            let text = format!("{package} belongs to {}", home.packages.join(" and "));
            findings.push(Finding::new(&file.path, line, "home", text));
        }
    }
    findings
}

/// Every dependency of a manifest, those for one target included.
fn dependencies(table: &Table, shared: &Table) -> Vec<Dependency> {
    let mut found = Vec::new();
    let targets = table
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(|targets| targets.values().filter_map(Value::as_table));
    for part in std::iter::once(table).chain(targets) {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(entries) = part.get(section).and_then(Value::as_table) else {
                continue;
            };
            found.extend(entries.iter().map(|(key, value)| Dependency {
                key: key.clone(),
                package: real_name(key, value, shared),
                for_tests: section == "dev-dependencies",
            }));
        }
    }
    found
}

fn real_name(key: &str, value: &Value, shared: &Table) -> String {
    let renamed = |value: &Value| Some(value.get("package")?.as_str()?.to_owned());
    renamed(value)
        .or_else(|| {
            value.get("workspace")?;
            renamed(shared.get(key)?)
        })
        .unwrap_or_else(|| key.to_owned())
}

/// The line where a key is written: `key = ...`, `key.workspace = true` or `[dependencies.key]`.
fn line_of(text: &str, key: &str) -> usize {
    let begins = |line: &str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with([' ', '=', '.']))
    };
    let header = format!(".{key}]");
    text.lines()
        .position(|line| begins(line) || line.trim_end().ends_with(&header))
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, rest: &str) -> Vec<String> {
        let root = SourceFile::new(
            "Cargo.toml",
            "[workspace.dependencies]\nsqlx = \"1\"\ndb = { version = \"1\", package = \"sqlx\" }\n",
        );
        let text = format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n{rest}");
        let file = SourceFile::new("x/Cargo.toml", &text);
        check(&[root, file])
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn allowed_arrows_pass() {
        let good = "[dependencies]\nparlour-core.workspace = true\nparlour-realtime.workspace = true\naxum = \"1\"\n[dev-dependencies]\nparlour-store.workspace = true\n";
        assert_eq!(findings("parlour-web", good), Vec::<String>::new());
        let good = "[dependencies]\nparlour-core.workspace = true\nsqlx.workspace = true\n";
        assert_eq!(findings("parlour-store", good), Vec::<String>::new());
    }

    #[test]
    fn a_wrong_arrow_is_named_with_its_line() {
        let bad = "[dependencies]\nserde = \"1\"\nparlour-store.workspace = true\n";
        assert_eq!(
            findings("parlour-web", bad),
            ["x/Cargo.toml:7: edge: parlour-web must not depend on parlour-store"]
        );
    }

    #[test]
    fn tests_may_use_the_store_but_the_store_uses_no_carrier() {
        let dev = "[dev-dependencies]\nparlour-store.workspace = true\n";
        assert!(findings("parlour-core", dev).is_empty());
        let dev = "[dev-dependencies]\nparlour-realtime.workspace = true\n";
        assert_eq!(findings("parlour-store", dev).len(), 1);
    }

    #[test]
    fn libraries_stay_at_home_also_when_renamed_or_for_one_target() {
        for bad in [
            "[dependencies]\nsqlx.workspace = true\n",
            "[dependencies]\ndb.workspace = true\n",
            "[dependencies]\ndb = { version = \"1\", package = \"sqlx-postgres\" }\n",
            "[dependencies.sqlx]\nversion = \"1\"\n",
            "[target.'cfg(unix)'.dependencies]\nsqlx = \"1\"\n",
            "[build-dependencies]\nredis = \"1\"\n",
        ] {
            let found = findings("parlour-core", bad);
            assert_eq!(found.len(), 1, "{bad}");
            assert!(found[0].contains("home"), "{found:?}");
        }
    }

    #[test]
    fn unknown_packages_and_missing_lints_are_found() {
        assert!(findings("parlour-extra", "")[0].contains("no package parlour-extra"));
        let bare = SourceFile::new("x/Cargo.toml", "[package]\nname = \"xtask\"\n");
        assert_eq!(check(&[bare])[0].rule, "lints");
        let apart = "[package]\nname = \"client\"\n[workspace]\n";
        assert_eq!(check(&[SourceFile::new("e2e/x/Cargo.toml", apart)]), []);
        assert_eq!(check(&[SourceFile::new("x/Cargo.toml", apart)]).len(), 2);
        let broken = SourceFile::new("x/Cargo.toml", "[package\n");
        assert_eq!(check(&[broken])[0].rule, "manifest");
    }
}
