//! A look into an SQLite file from outside, by the `sqlite3` program or by Python.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::program;

const PYTHON: &str = "\
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):
    print(*row, sep='|')
";

/// What is missing for [`ask`], if anything.
pub fn missing() -> Option<String> {
    let there = program::is_there("sqlite3") || program::is_there("python3");
    (!there).then(|| "needs sqlite3 or python3".to_owned())
}

/// The rows that a statement answers: one per line, columns apart by `|`.
pub fn ask(file: &Path, sql: &str) -> Result<String> {
    let path = file.as_os_str();
    let answer = if program::is_there("sqlite3") {
        program::run("sqlite3", &["-batch".as_ref(), path, sql.as_ref()])
    } else {
        program::run(
            "python3",
            &["-c".as_ref(), PYTHON.as_ref(), path, sql.as_ref()],
        )
    };
    answer
        .map(|text| text.trim().to_owned())
        .with_context(|| format!("{} was not read", file.display()))
}

/// Checks a copy of a file that nobody uses, with its log: looking would change the original.
pub fn check_integrity(file: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    for ending in ["", "-wal"] {
        let mut from = file.as_os_str().to_owned();
        from.push(ending);
        let to = folder.path().join(format!("copy{ending}"));
        if Path::new(&from).exists() {
            std::fs::copy(&from, to)?;
        }
    }
    let copy = folder.path().join("copy");
    let found = ask(&copy, "PRAGMA integrity_check")?;
    anyhow::ensure!(found == "ok", "PRAGMA integrity_check says: {found}");
    let found = ask(&copy, "PRAGMA foreign_key_check")?;
    anyhow::ensure!(found.is_empty(), "PRAGMA foreign_key_check says: {found}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_found_out() {
        if missing().is_some() {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("one.db");
        let fill = "CREATE TABLE t (a TEXT); \
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) \
            INSERT INTO t SELECT 'row ' || i FROM n; SELECT count(*) FROM t";
        if program::is_there("sqlite3") {
            assert_eq!(ask(&file, fill).expect("filled"), "999");
            check_integrity(&file).expect("sound");
            let mut bytes = std::fs::read(&file).expect("read");
            bytes[4096..4196].fill(0x55);
            std::fs::write(&file, bytes).expect("written");
            check_integrity(&file).expect_err("damaged");
        }
    }
}
