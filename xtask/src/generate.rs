//! `gen`: the documents that the server writes about itself, so that they cannot be wrong.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::procs::Watch;
use crate::workspace::Workspace;

/// Words for the server's command line, and the file that keeps its output.
const DOCUMENTS: [(&[&str], &str); 6] = [
    (&["openapi"], "docs/openapi.json"),
    (&["errors"], "docs/errors.md"),
    (&["metrics"], "docs/guide/metrics.md"),
    (
        &["config", "--example", "markdown"],
        "docs/guide/settings.md",
    ),
    (&["config", "--example", "env"], ".env.example"),
    (&["config", "--example", "toml"], "parlour.example.toml"),
];

/// Writes every document that differs.
pub(crate) fn write(workspace: &Workspace, watch: &Watch) -> Result<()> {
    for (words, path) in DOCUMENTS {
        let fresh = produce(workspace, watch, words)?;
        let file = workspace.root.join(path);
        if fs::read(&file).is_ok_and(|kept| kept == fresh) {
            println!("{path}: up to date");
            continue;
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, fresh).with_context(|| format!("cannot write {path}"))?;
        println!("{path}: written");
    }
    Ok(())
}

/// Says which documents are out of date; true when none is.
pub(crate) fn check(workspace: &Workspace, watch: &Watch) -> Result<bool> {
    let mut good = true;
    for (words, path) in DOCUMENTS {
        let fresh = produce(workspace, watch, words)?;
        let kept = fs::read(workspace.root.join(path)).unwrap_or_default();
        match first_difference(&kept, &fresh) {
            None => println!("{path}: up to date"),
            Some(line) => {
                good = false;
                println!("{path}:{line}: out of date, run `cargo xtask gen`");
            }
        }
    }
    Ok(good)
}

fn produce(workspace: &Workspace, watch: &Watch, words: &[&str]) -> Result<Vec<u8>> {
    let mut command = workspace.cargo(&["run", "-q", "-p", "parlour", "--"]);
    command.args(words);
    let (status, output) = watch.capture(&mut command)?;
    let words = words.join(" ");
    ensure!(status.success(), "`parlour {words}` failed: {status}");
    ensure!(!output.is_empty(), "`parlour {words}` printed nothing");
    Ok(output)
}

/// The first line, counted from 1, in which two texts differ.
fn first_difference(kept: &[u8], fresh: &[u8]) -> Option<usize> {
    if kept == fresh {
        return None;
    }
    let same = kept
        .split(|byte| *byte == b'\n')
        .zip(fresh.split(|byte| *byte == b'\n'))
        .take_while(|(old, new)| old == new)
        .count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference(b"a\nb\n", b"a\nb\n"), None);
        assert_eq!(first_difference(b"a\nb\n", b"a\nc\n"), Some(2));
        assert_eq!(first_difference(b"a\n", b"a\nb\n"), Some(2));
        assert_eq!(first_difference(b"", b"{}\n"), Some(1));
    }
}
