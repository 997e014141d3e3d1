//! A Redis server that lives in a temporary folder for as long as the value does, and keeps nothing.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use super::find_program;
use crate::procs;

const PATIENCE: Duration = Duration::from_secs(30);

/// The running server. Dropping it stops it.
pub struct Redis {
    child: Child,
    // Declared last: the server must be down before its folder goes.
    folder: TempDir,
}

impl Redis {
    /// Starts a server on a Unix socket, so that it needs no port.
    ///
    /// # Errors
    /// When there is none, or it does not accept connections within half a minute.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("parlour-redis-")
            .tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let program = find_program("redis-server").context("no redis-server found")?;
        let child = Command::new(program)
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(folder.path().join("redis.sock"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C is for us, and we stop the server when the tests are done.
            .process_group(0)
            .spawn()
            .context("redis-server did not start")?;
        let mut server = Self { child, folder };
        let limit = Instant::now() + PATIENCE;
        while UnixStream::connect(server.socket()).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("redis-server ended with {status}");
            }
            ensure!(Instant::now() < limit, "not ready after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// What `REDIS_URL` is for it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        procs::end(&mut self.child, "TERM", Duration::from_secs(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_and_leaves_nothing() {
        let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
        if without.split(',').any(|name| name == "redis") {
            return;
        }
        let server = Redis::start().expect("started");
        let folder = server.folder.path().to_path_buf();
        assert!(UnixStream::connect(server.socket()).is_ok());
        drop(server);
        assert!(!folder.exists());
    }
}
