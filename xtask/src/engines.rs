//! The programs that tests need besides cargo: where they come from, and whether they are here.

pub mod place;
pub mod postgres;
pub mod redis;
pub mod s3;
pub(crate) mod venv;

use std::env;
use std::hash::{BuildHasher as _, RandomState};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;

use crate::procs::Watch;

/// Something that a test may need and a developer may do without, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A throwaway PostgreSQL server for the Rust tests
    Postgres,
    /// A throwaway Redis server for the Rust tests
    Redis,
    /// A throwaway storage that speaks S3 for the Rust tests
    S3,
    /// Chromium and node for the browser tests in e2e/
    #[value(alias = "browser")]
    Chromium,
    /// The torture scenarios, and the tools that some of them need
    Torture,
}

/// When an engine has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// By the Rust tests.
    RustTests,
    /// By the browser tests, which are there when the folder e2e/ is.
    BrowserTests,
    /// By some torture scenarios, which are left out by name without it.
    Torture,
}

/// One row of the table.
pub struct Row {
    /// The name on the command line and in `PARLOUR_TEST_WITHOUT`.
    pub engine: Engine,
    /// When it must be there.
    pub needed: Needed,
    /// Programs, and the package that brings each: only what is missing gets installed, because a
    /// node from elsewhere and Debian's do not live together.
    parts: &'static [(&'static str, &'static str)],
}

/// Every engine there is.
pub const TABLE: [Row; 5] = [
    Row {
        engine: Engine::Postgres,
        needed: Needed::RustTests,
        parts: &[
            ("initdb", "postgresql"),
            ("postgres", "postgresql"),
            ("createdb", "postgresql"),
        ],
    },
    Row {
        engine: Engine::Redis,
        needed: Needed::RustTests,
        parts: &[
            ("redis-server", "redis-server"),
            ("redis-cli", "redis-tools"),
        ],
    },
    // The server itself comes from the Python registry: see the module `s3`.
    Row {
        engine: Engine::S3,
        needed: Needed::RustTests,
        parts: &[("python3", "python3-venv")],
    },
    Row {
        engine: Engine::Chromium,
        needed: Needed::BrowserTests,
        parts: &[("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")],
    },
    Row {
        engine: Engine::Torture,
        needed: Needed::Torture,
        parts: &[
            ("faketime", "faketime"),
            ("python3", "python3"),
            ("mkfs.ext4", "e2fsprogs"),
        ],
    },
];

impl Engine {
    /// The name as users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::S3 => "s3",
            Self::Chromium => "chromium",
            Self::Torture => "torture",
        }
    }
}

impl Row {
    fn missing(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        self.parts
            .iter()
            .filter(|(program, _)| find_program(program).is_none())
    }
}

/// Installs what is missing with apt-get, where that is possible without asking for a password.
pub fn provide(watch: &Watch, rows: &[&Row]) -> Result<()> {
    let missing = || rows.iter().flat_map(|row| row.missing());
    let mut packages: Vec<&str> = missing().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    println!("installing {}", packages.join(" "));
    let prefix = administrator()
        .with_context(|| format!("please install the packages {}", packages.join(" ")))?;
    apt(watch, prefix, &["update"])?;
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(packages);
    apt(watch, prefix, &install)?;
    if let Some((program, package)) = missing().next() {
        bail!("{package} is installed, yet there is no {program}");
    }
    Ok(())
}

/// The words to put before apt-get.
fn administrator() -> Result<&'static [&'static str]> {
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("there is no apt-get here");
    }
    if is_root() {
        return Ok(&[]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).output();
    if sudo.is_ok_and(|output| output.status.success()) {
        return Ok(&["sudo", "-n"]);
    }
    bail!("neither root nor sudo without a password")
}

fn apt(watch: &Watch, prefix: &[&str], args: &[&str]) -> Result<()> {
    let words: Vec<&str> = prefix
        .iter()
        .chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .chain(args)
        .copied()
        .collect();
    let (program, args) = words.split_first().context("no command")?;
    let finished = watch.stream(Command::new(program).args(args))?;
    ensure!(finished.status.success(), "`{}` failed", words.join(" "));
    Ok(())
}

/// Whether this process runs as uid 0.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

/// Ports from which the kernel takes none for outgoing connections.
const QUIET_PORTS: std::ops::Range<u64> = 20_000..32_000;

/// A free port of 127.0.0.1 for a server that will be stopped and started again on it: nobody gets
/// it in between by merely connecting somewhere, and nobody who tries to connect meanwhile meets
/// himself.
///
/// # Errors
/// When none of many is free.
pub fn quiet_port() -> Result<u16> {
    let width = QUIET_PORTS.end - QUIET_PORTS.start;
    for attempt in 0..200_u32 {
        // The hasher of the standard library has a random key.
        let random = RandomState::new().hash_one(attempt);
        let port = u16::try_from(QUIET_PORTS.start + random % width)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between 20000 and 32000")
}

/// A program by name: on the PATH, or among PostgreSQL's own, which Debian keeps off the PATH.
/// The newest version comes first, so that initdb and postgres are of one version.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = postgres_folders(Path::new("/usr/lib/postgresql"));
    folders
        .into_iter()
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn postgres_folders(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            // A client-only version has a folder too, but no server in it.
            Some((version, entry.path().join("bin"))).filter(|(_, bin)| bin.join("initdb").exists())
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, bin)| bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_server_comes_first_and_clients_are_left_out() {
        let parent = tempfile::tempdir().expect("a folder");
        for (version, server) in [("9", true), ("15", true), ("17", false), ("x", true)] {
            let bin = parent.path().join(version).join("bin");
            std::fs::create_dir_all(&bin).expect("made");
            if server {
                std::fs::write(bin.join("initdb"), "").expect("made");
            }
        }
        let found = postgres_folders(parent.path());
        let expected = ["15/bin", "9/bin"].map(|tail| parent.path().join(tail));
        assert_eq!(found, expected);
        assert!(postgres_folders(&parent.path().join("none")).is_empty());
    }

    #[test]
    fn programs_are_found_or_named() {
        assert!(find_program("sh").is_some());
        let row = Row {
            engine: Engine::Redis,
            needed: Needed::RustTests,
            parts: &[("sh", "dash"), ("no-such-program-here", "none")],
        };
        let missing: Vec<_> = row.missing().collect();
        assert_eq!(missing, [&("no-such-program-here", "none")]);
    }

    #[test]
    fn the_names_are_those_of_the_command_line() {
        for row in &TABLE {
            let parsed = Engine::from_str(row.engine.name(), false);
            assert_eq!(parsed, Ok(row.engine));
        }
        assert_eq!(Engine::from_str("browser", false), Ok(Engine::Chromium));
    }
}
