//! Where the sources are and where cargo puts what it builds.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The checkout that the command was called in.
pub struct Workspace {
    /// The folder of the workspace's Cargo.toml.
    pub root: PathBuf,
}

impl Workspace {
    /// Goes up from the current folder; the path is not compiled in, because a target folder may be
    /// shared by several checkouts.
    pub fn find() -> Result<Self> {
        let here = env::current_dir().context("no current folder")?;
        for folder in here.ancestors() {
            let manifest = folder.join("Cargo.toml");
            let text = fs::read_to_string(manifest).unwrap_or_default();
            if text.lines().any(|line| line.trim() == "[workspace]") {
                let root = folder.to_path_buf();
                return Ok(Self { root });
            }
        }
        bail!("no workspace above {}", here.display())
    }

    /// A cargo call in this workspace.
    ///
    /// When `CARGO_TARGET_DIR` is unset and the user keeps a folder `parlour/target` in the cache
    /// folder, that one is used, so that several checkouts share one build of the dependencies.
    /// Whoever tests two checkouts at the same moment sets `CARGO_TARGET_DIR` for one of them: the
    /// finished programs in a shared folder belong to whoever built last.
    pub fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args).current_dir(&self.root);
        // `cargo run` describes xtask in the environment. Some build scripts look there, and what
        // depends on them would be built again each time that cargo is called by hand in between.
        for (name, _) in env::vars_os() {
            if describes_a_package(&name) {
                command.env_remove(name);
            }
        }
        if let Some(folder) = shared_target(
            env::var_os("CARGO_TARGET_DIR").is_some(),
            env::var_os("XDG_CACHE_HOME"),
            env::var_os("HOME"),
        ) {
            command.env("CARGO_TARGET_DIR", folder);
        }
        command
    }

    /// The folder that cargo really builds into, also when a config file names it.
    pub fn target_dir(&self) -> Result<PathBuf> {
        let output = self
            .cargo(&["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cargo metadata did not start")?;
        let data: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
        let folder = data["target_directory"]
            .as_str()
            .context("cargo metadata named no target folder")?;
        Ok(PathBuf::from(folder))
    }
}

/// Whether cargo sets a variable of this name for the package that it runs.
fn describes_a_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

fn shared_target(
    already_set: bool,
    cache: Option<OsString>,
    home: Option<OsString>,
) -> Option<PathBuf> {
    if already_set {
        return None;
    }
    let cache = cache
        .filter(|folder| Path::new(folder).is_absolute())
        .map(PathBuf::from)
        .or_else(|| home.map(|folder| Path::new(&folder).join(".cache")))?;
    Some(cache.join("parlour/target")).filter(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_of_xtask_is_not_passed_on() {
        for (name, expected) in [
            ("CARGO_PKG_NAME", true),
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_TARGET_DIR", false),
            ("CARGO_HOME", false),
            ("PATH", false),
        ] {
            assert_eq!(describes_a_package(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn the_shared_target_is_used_only_when_it_exists_and_nothing_is_set() {
        let home = tempfile::tempdir().expect("a folder");
        let home_is = || Some(home.path().as_os_str().to_owned());
        assert_eq!(shared_target(false, None, home_is()), None);

        let shared = home.path().join(".cache/parlour/target");
        fs::create_dir_all(&shared).expect("made");
        assert_eq!(shared_target(false, None, home_is()), Some(shared));
        assert_eq!(shared_target(true, None, home_is()), None);
        let elsewhere = tempfile::tempdir().expect("a folder");
        let cache = Some(elsewhere.path().as_os_str().to_owned());
        assert_eq!(shared_target(false, cache, home_is()), None);
    }
}
