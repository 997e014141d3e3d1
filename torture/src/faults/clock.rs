//! A wall clock that can jump under a running server, by libfaketime. The monotonic clock goes on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::Tool;

/// Where distributions put the library.
const FOLDERS: [&str; 6] = [
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib/faketime",
    "/usr/lib64/faketime",
    "/usr/local/lib/faketime",
    "/opt/homebrew/lib/faketime",
];

/// The clock of the servers that were started with its environment.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
    library: PathBuf,
}

impl Clock {
    /// A clock that shows the true time until it is told to jump.
    pub fn new() -> Result<Tool<Self>> {
        let library = FOLDERS
            .iter()
            .map(|folder| Path::new(folder).join("libfaketime.so.1"))
            .find(|library| library.is_file());
        let Some(library) = library else {
            let why = "needs libfaketime (Debian: apt-get install faketime)";
            return Ok(Tool::Missing(why.to_owned()));
        };
        let clock = Self {
            folder: tempfile::tempdir()?,
            library,
        };
        clock.set(0)?;
        Ok(Tool::Ready(clock))
    }

    /// What a server needs in its environment to go by this clock.
    pub fn environment(&self) -> Vec<(String, String)> {
        let own = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("LD_PRELOAD", own(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", own(&self.file())),
            // Else a jump would be seen only after some seconds.
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Timers go on: a clock that is set does not move them either.
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// From now on the clock is this many seconds off the true time.
    pub fn set(&self, seconds: i64) -> Result<()> {
        let fresh = self.folder.path().join("fresh");
        fs::write(&fresh, format!("{seconds:+}\n"))?;
        // Nobody reads half a file.
        fs::rename(&fresh, self.file()).context("the clock could not be set")
    }

    /// Removes what the library leaves behind for a process that was killed.
    pub fn forget(&self, pid: u32) {
        for name in ["faketime_shm_", "sem.faketime_sem_"] {
            // It is not there when the process ended in good order.
            let _removed = fs::remove_file(format!("/dev/shm/{name}{pid}"));
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_clock_of_a_program_jumps() {
        let Tool::Ready(clock) = Clock::new().expect("made") else {
            return;
        };
        let seconds = || {
            let mut date = Command::new("date");
            date.arg("+%s").envs(clock.environment());
            let text = String::from_utf8(date.output().expect("it ran").stdout);
            text.expect("text").trim().parse::<i64>().expect("seconds")
        };
        let before = seconds();
        clock.set(8 * 86_400).expect("set");
        assert!(seconds() - before >= 8 * 86_400);
        clock.set(-86_400).expect("set");
        assert!(seconds() < before);
    }
}
