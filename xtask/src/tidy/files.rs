//! Which files tidy looks at.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Kinds of files that people write; all others (lock files, pictures, generated JSON) are left alone.
const EXTENSIONS: [&str; 11] = [
    "rs", "toml", "js", "mjs", "css", "html", "jinja", "j2", "sql", "ftl", "sh",
];

/// Folders whose content nobody here writes: build output, packages, code of others kept as it came.
const SKIPPED: [&str; 5] = ["target", "node_modules", "vendor", "vendored", "data"];

/// A text and where it stands.
pub(crate) struct SourceFile {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl SourceFile {
    /// A file by its relative path.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Whether the name ends in `.extension`.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path
            .strip_suffix(extension)
            .is_some_and(|rest| rest.ends_with('.'))
    }

    /// Whether the file holds tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self
                .path
                .split('/')
                .any(|part| part == "tests" || part == "e2e")
    }
}

/// Reads every file that the rules are about, in a stable order.
pub(crate) fn collect(root: &Path) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort_by(|a: &SourceFile, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {prefix}"))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        // A name that is not UTF-8 is no source of ours.
        let Some(name) = name.to_str() else { continue };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name) {
                walk(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file() && is_source(name) {
            let text = fs::read_to_string(entry.path())
                .with_context(|| format!("{path} is not readable UTF-8"))?;
            files.push(SourceFile::new(&path, &text));
        }
    }
    Ok(())
}

fn is_source(name: &str) -> bool {
    let minified = name.contains(".min.");
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension) && !minified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_written_sources_are_collected() {
        let root = tempfile::tempdir().expect("a folder");
        for path in [
            "src/lib.rs",
            "web/room.js",
            "web/other.min.js",
            "web/vendor/big.js",
            "target/debug/x.rs",
            ".git/x.rs",
            "Cargo.lock",
            "picture.png",
        ] {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("made");
            fs::write(file, "x").expect("written");
        }
        let found = collect(root.path()).expect("collected");
        let paths: Vec<_> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["src/lib.rs", "web/room.js"]);
    }

    #[test]
    fn tests_are_known_by_their_folder_or_name() {
        let is_test = |path| SourceFile::new(path, "").is_test();
        assert!(is_test("crates/parlour/tests/it/main.rs"));
        assert!(is_test("crates/parlour-core/src/text/tests.rs"));
        assert!(is_test("e2e/room.mjs"));
        assert!(!is_test("crates/parlour/src/contests.rs"));
    }
}
