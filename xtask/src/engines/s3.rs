//! A storage that speaks S3, for as long as the value lives: the server of moto, from the Python
//! registry, in an environment of its own.
//!
//! It keeps everything in memory and does not check who asks; the tests for refusals bring servers of
//! their own.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use super::{quiet_port, venv};
use crate::procs::{self, Watch};

/// The server and all that it needs, each with its version.
const REQUIREMENTS: &str = include_str!("s3-requirements.txt");
const PATIENCE: Duration = Duration::from_secs(60);

/// The running server. Dropping it stops it.
pub struct S3 {
    child: Child,
    port: u16,
    // Declared last: the server must be down before its folder goes.
    folder: TempDir,
}

/// Installs the server into the cache folder, where it is not there yet, and answers its program.
///
/// # Errors
/// When python3 or its module venv is missing, or the registry does not answer.
pub fn provide(watch: &Watch) -> Result<PathBuf> {
    venv::provide(watch, "s3-server", REQUIREMENTS)?;
    let program = venv::folder("s3-server")?.join("bin/moto_server");
    ensure!(program.is_file(), "{} is not there", program.display());
    Ok(program)
}

impl S3 {
    /// Starts the program that [`provide`] answers on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When it does not accept connections within a minute.
    pub fn start(program: &Path) -> Result<Self> {
        let port = quiet_port()?;
        let folder = tempfile::Builder::new().prefix("parlour-s3-").tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C is for us, and we stop the server when the tests are done.
            .process_group(0)
            .spawn()
            .context("the S3 server did not start")?;
        let mut server = Self {
            child,
            port,
            folder,
        };
        let limit = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("it ended with {status}\n{}", server.log());
            }
            ensure!(
                Instant::now() < limit,
                "not ready after {PATIENCE:?}\n{}",
                server.log()
            );
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// What `AWS_ENDPOINT_URL` is for it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        procs::end(&mut self.child, "TERM", Duration::from_secs(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_server_has_one_version() {
        let lines: Vec<&str> = REQUIREMENTS.lines().collect();
        assert!(lines.len() > 10 && lines.iter().all(|line| line.split("==").count() == 2));
    }

    #[test]
    fn a_server_is_installed_starts_and_leaves_nothing() {
        let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
        if without.split(',').any(|name| name == "s3") {
            return;
        }
        let program = provide(&Watch::install().expect("signals")).expect("installed");
        let server = S3::start(&program).expect("started");
        let (folder, port) = (server.folder.path().to_path_buf(), server.port);
        assert_eq!(server.url(), format!("http://127.0.0.1:{port}"));
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        drop(server);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(!folder.exists());
    }
}
