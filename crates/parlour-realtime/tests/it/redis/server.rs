//! A Redis server in a folder of its own, on a Unix socket: no ports, and a place to come back to.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    extra: Vec<String>,
    folder: TempDir,
}

/// Whether tests with Redis are left out on purpose.
pub(crate) fn left_out() -> bool {
    let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
    without.split(',').any(|name| name == "redis")
}

impl Server {
    pub(crate) fn start(extra: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("parlour-redis-")
            .tempdir()
            .expect("a folder");
        let extra: Vec<_> = extra.iter().map(|word| (*word).to_owned()).collect();
        let child = launch(&folder, &extra);
        Self {
            child,
            extra,
            folder,
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// With a password.
    pub(crate) fn url_with(&self, password: &str) -> String {
        format!("{}?pass={password}", self.url())
    }

    /// Ends it as a power cut would: nothing is kept.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Starts an empty one in its place.
    pub(crate) fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        self.child = launch(&self.folder, &self.extra);
    }

    /// Asks it something by its own client, not by ours.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .arg("-s")
            .arg(self.socket())
            .args(words)
            .output()
            .expect("redis-cli comes with redis-server");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn launch(folder: &TempDir, extra: &[String]) -> Child {
    let socket = folder.path().join("redis.sock");
    let mut command = Command::new("redis-server");
    command
        .args([
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
            "--unixsocket",
        ])
        .arg(&socket)
        .arg("--dir")
        .arg(folder.path())
        .args(extra)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().expect(
        "redis-server runs (`cargo xtask test` installs it); PARLOUR_TEST_WITHOUT=redis leaves these tests out",
    );
    let limit = Instant::now() + Duration::from_secs(20);
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(Instant::now() < limit, "redis-server is not ready");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
