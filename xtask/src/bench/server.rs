//! The server under test: started with a clean environment, ended as an operator would.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::procs;

const READY: &str = "listening on http://";
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the server keeps its data.
pub(crate) enum Database {
    /// SQLite, at the place that is the server's own choice.
    InDataDir,
    /// PostgreSQL.
    Url(String),
}

/// Starts the same server on the same data as often as wanted.
pub(crate) struct Launcher {
    program: PathBuf,
    home: PathBuf,
    database: Database,
    pinned: bool,
    settings: Vec<(&'static str, String)>,
}

impl Launcher {
    /// A launcher for a program; its data goes below `home`.
    pub(crate) fn new(program: &Path, home: &Path, database: Database, pinned: bool) -> Self {
        Self {
            program: program.to_path_buf(),
            home: home.to_path_buf(),
            database,
            pinned,
            settings: Vec::new(),
        }
    }

    /// The same with one more setting.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// The folder for the data.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Starts the server and waits until it says that it accepts connections.
    pub(crate) fn start(&self) -> Result<Server> {
        std::fs::create_dir_all(self.data_dir())?;
        let log = self.home.join("server.log");
        let mut command = pinned_command(&self.program, self.pinned.then_some(0));
        // The caller's settings must not change what is measured, nor must an .env in its folder.
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .current_dir(&self.home)
            .env("PARLOUR_LISTEN", "127.0.0.1:0")
            .env("PARLOUR_DATA_DIR", self.data_dir())
            .env("RATE_LIMITS", "off")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        if let Database::Url(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
        Server::spawn(&mut command, &log)
    }
}

/// A program, on one processor when asked for. taskset becomes the program, the pid stays.
pub(crate) fn pinned_command(program: &Path, processor: Option<u32>) -> Command {
    match processor {
        None => Command::new(program),
        Some(number) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &number.to_string()]).arg(program);
            command
        }
    }
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    /// Address and port.
    pub(crate) addr: String,
    /// From the start of the process to the ready line.
    pub(crate) startup: Duration,
}

impl Server {
    /// Starts a program and waits for its ready line; standard error goes to the log.
    pub(crate) fn spawn(command: &mut Command, log: &Path) -> Result<Self> {
        let begun = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .process_group(0)
            .spawn()
            .context("the server did not start")?;
        let mut server = Self {
            child,
            addr: String::new(),
            startup: Duration::ZERO,
        };
        match server.wait_ready() {
            Ok(addr) => {
                server.addr = addr;
                server.startup = begun.elapsed();
                Ok(server)
            }
            Err(error) => {
                let text = std::fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let tail = lines[lines.len().saturating_sub(15)..].join("\n");
                Err(error.context(format!(
                    "the server is not ready; its log ends with\n{tail}"
                )))
            }
        }
    }

    fn wait_ready(&mut self) -> Result<String> {
        let pipe = self.child.stdout.take().context("no standard output")?;
        let (sender, receiver) = mpsc::channel();
        // The thread reads on for as long as the server lives: a full pipe would stop it.
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if let Some(addr) = line.trim().strip_prefix(READY) {
                    // Nobody waits any longer for a second line.
                    drop(sender.send(addr.trim_end_matches('/').to_owned()));
                }
            }
        });
        match receiver.recv_timeout(PATIENCE) {
            Ok(addr) => Ok(addr),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("no ready line within {PATIENCE:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("it ended before its ready line: {}", self.child.wait()?)
            }
        }
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Resident memory now, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        resident(&status).context("no VmRSS in /proc/PID/status")
    }

    /// Ends it by SIGTERM and insists on a clean exit.
    pub(crate) fn stop(mut self) -> Result<()> {
        let status = procs::end(&mut self.child, "TERM", Duration::from_secs(15));
        let status = status.context("the server ignored SIGTERM and was killed")?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            procs::end(&mut self.child, "TERM", Duration::from_secs(15));
        }
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A shell script in the place of the server.
    fn launcher(home: &Path, script: &str) -> Launcher {
        let program = home.join("server");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        let runnable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, runnable).expect("runnable");
        Launcher::new(
            &program,
            home,
            Database::Url("postgres://x".to_owned()),
            false,
        )
    }

    #[test]
    fn a_ready_server_is_measured_and_ended() {
        let home = tempfile::tempdir().expect("a folder");
        let script = "trap 'exit 0' TERM\n[ \"$RATE_LIMITS$DATABASE_URL\" = offpostgres://x ] || exit 9\n\
                      echo listening on http://127.0.0.1:4711\nwhile :; do sleep 0.05; done";
        let mut server = launcher(home.path(), script).start().expect("ready");
        assert_eq!(server.addr, "127.0.0.1:4711");
        assert!(server.startup > Duration::ZERO);
        assert!(server.memory().expect("known") > 100_000);
        assert!(!server.has_ended());
        server.stop().expect("a clean exit");
    }

    #[test]
    fn a_server_that_dies_shows_its_log() {
        let home = tempfile::tempdir().expect("a folder");
        let dead = launcher(home.path(), "echo no such database >&2; exit 2");
        let Err(error) = dead.start() else {
            panic!("it cannot be ready")
        };
        let text = format!("{error:#}");
        assert!(text.contains("no such database"), "{text}");
        assert!(text.contains("exit status: 2"), "{text}");
    }

    #[test]
    fn an_unclean_exit_is_an_error() {
        let home = tempfile::tempdir().expect("a folder");
        let script =
            "trap 'exit 3' TERM\necho listening on http://x:1\nwhile :; do sleep 0.05; done";
        let server = launcher(home.path(), script).start().expect("ready");
        assert!(server.stop().is_err());
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2_097_152));
        assert_eq!(resident("Name:\tx\n"), None);
    }
}
