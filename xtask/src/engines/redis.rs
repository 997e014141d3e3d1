//! A Redis server that lives in a temporary folder for as long as the value does, and keeps nothing
//! between two lives.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use super::place::Place;
use super::{find_program, quiet_port};
use crate::procs;

/// Its place in the folder.
const SOCKET: &str = "redis.sock";
const PATIENCE: Duration = Duration::from_secs(30);

/// The server. Dropping it stops it.
pub struct Redis {
    child: Option<Child>,
    place: Place,
    port: Option<u16>,
    // Declared last: the server must be down before its folder goes.
    folder: TempDir,
}

impl Redis {
    /// Starts a server on a Unix socket, so that it needs no port.
    ///
    /// # Errors
    /// When there is none, or it does not accept connections within half a minute.
    pub fn start() -> Result<Self> {
        Self::on(Place::default(), None)
    }

    /// The same on a port of 127.0.0.1 as well.
    ///
    /// # Errors
    /// As [`Self::start`], or when no port is free.
    pub fn start_with_port() -> Result<Self> {
        Self::start_at(Place::default())
    }

    /// The same at another place, which whoever reaches its network may use without a password.
    ///
    /// # Errors
    /// As [`Self::start_with_port`].
    pub fn start_at(place: Place) -> Result<Self> {
        Self::on(place, Some(quiet_port()?))
    }

    fn on(place: Place, port: Option<u16>) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("parlour-redis-")
            .tempdir()?;
        let mut server = Self {
            child: None,
            place,
            port,
            folder,
        };
        server.begin()?;
        Ok(server)
    }

    /// Starts an empty one on the same socket and port.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn begin(&mut self) -> Result<()> {
        let log = File::create(self.folder.path().join("log"))?;
        let program = find_program("redis-server").context("no redis-server found")?;
        // What a killed one left behind is no server.
        let _ = std::fs::remove_file(self.socket());
        let child = self
            .place
            .command(program)
            .args(["--port", &self.port.unwrap_or(0).to_string()])
            .args(["--bind", &self.place.address.to_string()])
            .args(["--protected-mode", "no", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(self.socket())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C is for us, and we stop the server when the tests are done.
            .process_group(0)
            .spawn()
            .context("redis-server did not start")?;
        let child = self.child.insert(child);
        let limit = Instant::now() + PATIENCE;
        while UnixStream::connect(self.folder.path().join(SOCKET)).is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("redis-server ended with {status}");
            }
            ensure!(Instant::now() < limit, "not ready after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, which is as dead.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Bytes that it has taken in since it began.
    ///
    /// # Errors
    /// When `redis-cli` does not get through.
    pub fn taken_in(&self) -> Result<f64> {
        let program = find_program("redis-cli").context("no redis-cli found")?;
        let mut command = Command::new(program);
        command.arg("-s").arg(self.socket()).args(["info", "stats"]);
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("total_net_input_bytes:"));
        let bytes = line.with_context(|| format!("Redis does not tell: {text}"))?;
        Ok(bytes.trim().parse()?)
    }

    /// Empties it.
    ///
    /// # Errors
    /// When `redis-cli` does not get through.
    pub fn flush(&self) -> Result<()> {
        let program = find_program("redis-cli").context("no redis-cli found")?;
        let output = Command::new(program)
            .arg("-s")
            .arg(self.socket())
            .arg("flushall")
            .output()?;
        ensure!(output.stdout.starts_with(b"OK"), "{output:?}");
        Ok(())
    }

    /// Where it listens, if it has a port.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.port
            .map(|port| SocketAddr::from((self.place.address, port)))
    }

    /// Its process; 0 while it is dead.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// What `REDIS_URL` is for it: by its socket where it is at the usual place.
    #[must_use]
    pub fn url(&self) -> String {
        if let Some(addr) = self.addr().filter(|_| !self.place.is_usual()) {
            return format!("redis://{addr}");
        }
        format!("redis+unix://{}", self.socket().display())
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(SOCKET)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            procs::end(&mut child, "TERM", Duration::from_secs(5));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_server_starts_and_leaves_nothing() {
        let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
        if without.split(',').any(|name| name == "redis") {
            return;
        }
        let mut server = Redis::start_with_port().expect("started");
        let folder = server.folder.path().to_path_buf();
        let port = server.addr().expect("a port");
        assert!(UnixStream::connect(server.socket()).is_ok());
        assert!(TcpStream::connect(port).is_ok());
        server.flush().expect("emptied");
        assert!(server.taken_in().expect("told") > 0.0);
        server.kill();
        assert!(TcpStream::connect(port).is_err());
        server.begin().expect("started again");
        assert!(TcpStream::connect(port).is_ok());
        drop(server);
        assert!(!folder.exists());
    }
}
