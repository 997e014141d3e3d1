//! The real server as a child process that can be killed, stopped and started again on one port.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use xtask::engines::place::Place;
use xtask::{engines, procs};

use crate::database::Database;

const READY: &str = "listening on http://";
/// How long a start or an orderly stop may take before the scenario fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The binary.
    pub program: PathBuf,
    /// Folder of the data; its parent holds `server.log` and is the working folder.
    pub data_dir: PathBuf,
    /// Where messages are kept.
    pub database: Database,
    /// Where it runs.
    pub place: Place,
    /// Settings besides the usual; a later one of the same name wins.
    pub env: Vec<(String, String)>,
    /// Words before the program, such as `faketime` and its arguments. They must become the
    /// program (exec), so that the process id stays.
    pub wrapper: Vec<String>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// What it ended with.
    pub status: ExitStatus,
    /// From the signal to the end.
    pub took: Duration,
}

/// A server, running or between two lives. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    child: Option<Child>,
    addr: SocketAddr,
    started: Duration,
}

impl Server {
    /// Starts it and waits until it accepts connections.
    ///
    /// # Errors
    /// When it does not become ready; the end of its log is part of the text.
    pub async fn start(setup: &Setup) -> Result<Self> {
        let addr = SocketAddr::from((setup.place.address, engines::quiet_port()?));
        let mut server = Self {
            setup: setup.clone(),
            child: None,
            addr,
            started: Duration::ZERO,
        };
        server.restart().await?;
        Ok(server)
    }

    /// Where it listens, in every life.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process; 0 between two lives.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// From the last start of the process to its ready line.
    #[must_use]
    pub fn started(&self) -> Duration {
        self.started
    }

    /// What it was started with, to be changed before the next life.
    pub fn setup_mut(&mut self) -> &mut Setup {
        &mut self.setup
    }

    /// Where its standard error goes.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home().join("server.log")
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, which is as dead.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// SIGTERM; waits for the end.
    ///
    /// # Errors
    /// When it does not run, or is still there after half a minute (it is killed then).
    pub async fn term(&mut self) -> Result<Ended> {
        let mut child = self.child.take().context("the server does not run")?;
        let begun = Instant::now();
        procs::signal("TERM", &[child.id()]);
        while begun.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait()? {
                let took = begun.elapsed();
                return Ok(Ended { status, took });
            }
            sleep(Duration::from_millis(5)).await;
        }
        drop(child.kill());
        drop(child.wait());
        bail!("the server ignored SIGTERM for {PATIENCE:?}")
    }

    /// Begins the next life on the same data and port; kills the old one if it still runs. Returns
    /// the time from the start of the process to its ready line.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn restart(&mut self) -> Result<Duration> {
        self.kill();
        std::fs::create_dir_all(&self.setup.data_dir)?;
        let begun = Instant::now();
        let mut child = self
            .command()?
            .spawn()
            .context("the server did not start")?;
        let pipe = child.stdout.take().context("no standard output")?;
        let ready = timeout(PATIENCE, ready_line(pipe)).await;
        if !matches!(ready, Ok(Ok(()))) {
            drop(child.kill());
            let status = child.wait()?;
            bail!(
                "no ready line from the server ({status}); its log ends with\n{}",
                self.log_tail()
            );
        }
        self.started = begun.elapsed();
        self.child = Some(child);
        Ok(self.started)
    }

    /// Runs a command of the binary on the data of this server, which may run; what it printed, and
    /// whether it went well.
    ///
    /// # Errors
    /// When it does not start.
    pub fn run(&self, arguments: &[&str]) -> Result<(bool, String)> {
        let mut command = self.command()?;
        command.args(arguments).stderr(Stdio::piped());
        let output = command.output().context("the command did not start")?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok((output.status.success(), text))
    }

    /// An orderly end for good; insists on exit code 0.
    ///
    /// # Errors
    /// When it ends in another way.
    pub async fn stop(mut self) -> Result<()> {
        self.stop_and_keep().await
    }

    /// An orderly end; [`Self::restart`] may follow.
    ///
    /// # Errors
    /// When it ends with another exit code than 0.
    pub async fn stop_and_keep(&mut self) -> Result<()> {
        let ended = self.term().await?;
        ensure!(
            ended.status.success(),
            "the server ended with {}",
            ended.status
        );
        Ok(())
    }

    /// The last lines of the log of all lives.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn home(&self) -> PathBuf {
        let parent = self.setup.data_dir.parent();
        parent.unwrap_or(&self.setup.data_dir).to_path_buf()
    }

    fn command(&self) -> Result<Command> {
        let program = self.setup.program.as_path();
        let place = &self.setup.place;
        let mut command = match self.setup.wrapper.split_first() {
            None => place.command(program),
            Some((first, rest)) => {
                let mut command = place.command(first);
                command.args(rest).arg(program);
                command
            }
        };
        let log = File::options().create(true).append(true).open(self.log())?;
        // The caller's settings must not change what is tested, nor must an .env in its folder.
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .current_dir(self.home())
            .env("PARLOUR_LISTEN", self.addr.to_string())
            .env("PARLOUR_DATA_DIR", &self.setup.data_dir)
            .env("PARLOUR_LOG_FORMAT", "json")
            .env("PARLOUR_HASHING_THREADS", "2")
            .env("RATE_LIMITS", "off");
        if let Some(url) = self.setup.database.url() {
            command.env("DATABASE_URL", url);
        }
        for (name, value) in &self.setup.env {
            command.env(name, value);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            // Ctrl-C is for us: the drop of this value ends the server.
            .process_group(0);
        Ok(command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for the ready line. The thread reads on for as long as the server lives: a full pipe would
/// stop it.
async fn ready_line(pipe: ChildStdout) -> Result<()> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let mut sender = Some(sender);
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if line.starts_with(READY)
                && let Some(sender) = sender.take()
            {
                // Nobody waits when the patience has ended meanwhile.
                let _ = sender.send(());
            }
        }
    });
    receiver.await.context("it ended before its ready line")
}
