//! A PostgreSQL server that lives in a temporary folder for as long as the value does.

mod outage;
mod standby;

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use super::place::Place;
use super::{find_program, is_root, quiet_port};
use crate::procs;

/// The superuser of the cluster; a database of the same name exists, so that a URL without one works.
const USER: &str = "parlour";
/// The system account that Debian's package makes; PostgreSQL refuses to run as uid 0.
const ACCOUNT: &str = "postgres";
const ATTEMPTS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a commit means on this cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production.
    Real,
    /// Nothing is synced. `synchronous_commit` stays on all the same: the server asks for it.
    Pretended,
}

/// The running cluster. Dropping it stops the server and removes the folder.
pub struct Postgres {
    child: Child,
    place: Place,
    port: u16,
    durability: Durability,
    // Declared last: the server must be down before its folder goes.
    folder: TempDir,
}

impl Postgres {
    /// Makes a new cluster, below `parent` or in the system's temporary folder, and starts it on a
    /// free port of 127.0.0.1.
    pub fn start(durability: Durability, parent: Option<&Path>) -> Result<Self> {
        Self::start_at(&Place::default(), durability, parent)
    }

    /// The same at another place, which whoever reaches its network may use without a password.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_at(place: &Place, durability: Durability, parent: Option<&Path>) -> Result<Self> {
        let folder = make_folder(parent)?;
        let data = folder.path().join("data");
        let mut initdb = command("initdb", folder.path(), None)?;
        initdb
            .args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"])
            .args(["--no-sync", "-D"])
            .arg(&data);
        let output = initdb.output().context("initdb did not start")?;
        ensure!(
            output.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        if !place.is_usual() {
            let mut rules = File::options()
                .append(true)
                .open(data.join("pg_hba.conf"))?;
            writeln!(rules, "host all all samenet trust")?;
        }
        let mut folder = Some(folder);
        let mut last = anyhow::anyhow!("no attempt was made");
        for _ in 0..ATTEMPTS {
            // Somebody may take the port between our look and the server's bind: then try another.
            let port = quiet_port()?;
            let Some(kept) = folder.take() else { break };
            let child = launch(place, kept.path(), port, durability)?;
            let mut server = Self {
                child,
                place: place.clone(),
                port,
                durability,
                folder: kept,
            };
            match server.wait_ready() {
                Ok(()) => return Ok(server),
                Err(error) => {
                    last = error;
                    folder = Some(server.stop_and_keep()?);
                }
            }
        }
        Err(last.context("PostgreSQL did not start"))
    }

    /// The port that it listens on, in every life.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where tests and servers connect to.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@{}", self.addr())
    }

    fn addr(&self) -> SocketAddr {
        SocketAddr::from((self.place.address, self.port))
    }

    /// A program that connects to it, with the arguments that say where it is.
    fn client(&self, program: &str) -> Result<Command> {
        let mut command = command(program, self.folder.path(), None)?;
        command.args(["-h", &self.place.address.to_string()]);
        command.args(["-p", &self.port.to_string(), "-U", USER]);
        Ok(command)
    }

    /// Makes an empty database and returns its URL.
    pub fn database(&self, name: &str) -> Result<String> {
        let output = self.createdb(name)?.output()?;
        ensure!(
            output.status.success(),
            "createdb {name} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(format!("{}/{name}", self.url()))
    }

    /// The answer of a query in a database of this cluster: one row, one column.
    ///
    /// # Errors
    /// When `psql` does not get through, or the query is wrong.
    pub fn ask(&self, database: &str, query: &str) -> Result<String> {
        let mut psql = self.client("psql")?;
        psql.args(["-At", "-c", query, database]);
        let output = psql.output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "psql failed: {text}");
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Ready means that the database of the user could be made, which needs a whole working server.
    fn wait_ready(&mut self) -> Result<()> {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}\n{}", self.log_tail());
            }
            if accepts(self.addr()) && self.database(USER).is_ok() {
                return Ok(());
            }
            if Instant::now() > limit {
                bail!("it was not ready after {PATIENCE:?}\n{}", self.log_tail());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn createdb(&self, name: &str) -> Result<Command> {
        let mut createdb = self.client("createdb")?;
        createdb.arg(name);
        Ok(createdb)
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn stop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
        procs::end(&mut self.child, "INT", Duration::from_secs(10));
    }

    fn stop_and_keep(mut self) -> Result<TempDir> {
        self.stop();
        let spare = tempfile::tempdir()?;
        Ok(std::mem::replace(&mut self.folder, spare))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A folder that PostgreSQL may write to, below `parent` or in the system's temporary folder.
fn make_folder(parent: Option<&Path>) -> Result<TempDir> {
    let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
    let folder = tempfile::Builder::new()
        .prefix("parlour-postgres-")
        .tempdir_in(parent)?;
    if is_root() {
        let uid = id_of("-u")?;
        let gid = id_of("-g")?;
        std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid))?;
    }
    Ok(folder)
}

fn launch(place: &Place, folder: &Path, port: u16, durability: Durability) -> Result<Child> {
    // Should this process be killed outright, the server gets its own SIGINT from the kernel.
    let setpriv = Some("--pdeathsig=INT");
    let mut server = command_at(place, "postgres", folder, setpriv)?;
    let listen = format!("listen_addresses={}", place.address);
    server.arg("-D").arg(folder.join("data"));
    server.args(["-p", &port.to_string(), "-k", ""]);
    let mut settings = vec![listen.as_str(), "max_connections=300"];
    if durability == Durability::Pretended {
        settings.extend(["fsync=off", "full_page_writes=off"]);
    }
    for setting in settings {
        server.args(["-c", setting]);
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))?;
    server
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Out of our process group: Ctrl-C is for us, and we stop the server when the tests are done.
        .process_group(0)
        .spawn()
        .context("postgres did not start")
}

fn command(program: &str, folder: &Path, setpriv: Option<&str>) -> Result<Command> {
    command_at(&Place::default(), program, folder, setpriv)
}

/// A program of PostgreSQL as the right user, in a clean environment.
fn command_at(
    place: &Place,
    program: &str,
    folder: &Path,
    setpriv: Option<&str>,
) -> Result<Command> {
    let path: PathBuf = find_program(program).with_context(|| format!("no {program} found"))?;
    let mut command = if is_root() {
        let mut command = place.command("setpriv");
        command.args([
            format!("--reuid={ACCOUNT}"),
            format!("--regid={ACCOUNT}"),
            "--init-groups".to_owned(),
        ]);
        command.args(setpriv).arg(path);
        command
    } else {
        place.command(path)
    };
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder);
    Ok(command)
}

fn id_of(flag: &str) -> Result<u32> {
    let output = Command::new("id").args([flag, ACCOUNT]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .with_context(|| format!("there is no account {ACCOUNT}"))
}

fn accepts(addr: SocketAddr) -> bool {
    std::net::TcpStream::connect(addr).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows the same switch as every other test that needs PostgreSQL.
    pub(super) fn left_out() -> bool {
        let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
        without.split(',').any(|name| name == "postgres")
    }

    #[test]
    fn a_cluster_starts_serves_databases_and_leaves_nothing() {
        if left_out() {
            return;
        }
        let server = Postgres::start(Durability::Pretended, None).expect("started");
        let folder = server.folder.path().to_path_buf();
        let (port, addr) = (server.port, server.addr());
        let url = server.database("one").expect("made");
        assert_eq!(url, format!("postgres://parlour@127.0.0.1:{port}/one"));
        assert!(server.database("one").is_err(), "the name is taken");
        assert!(accepts(addr));
        drop(server);
        assert!(!accepts(addr));
        assert!(!folder.exists());
    }
}
