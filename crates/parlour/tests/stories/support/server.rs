//! The real binary as a child process.

use super::{
    Browser, Call, Client, Raw, User, join,
    people::{self, Login},
    postgres::Database,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// How long a start or a stop may take before the story fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which database a story uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) fn setup(self) -> Setup {
        let folder = tempfile::Builder::new()
            .prefix("parlour-story-")
            .tempdir()
            .expect("a temporary folder can be made");
        let database = (self == Self::Postgres).then(Database::create);
        let url = database.as_ref().map_or_else(
            || format!("sqlite://{}", folder.path().join("parlour.db").display()),
            Database::url,
        );
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let env = vec![
            setting("PARLOUR_LISTEN", "127.0.0.1:0"),
            (
                "PARLOUR_DATA_DIR".to_owned(),
                folder.path().display().to_string(),
            ),
            ("DATABASE_URL".to_owned(), url),
            setting("RATE_LIMITS", "off"),
        ];
        Setup {
            folder,
            _database: database,
            env,
        }
    }
}

/// A server that is not running yet.
#[derive(Debug)]
pub(crate) struct Setup {
    folder: TempDir,
    /// Kept for its end: it is dropped with this value.
    _database: Option<Database>,
    env: Vec<(String, String)>,
}

impl Setup {
    /// A setting for this story; a later value replaces an earlier one.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// The same for a server that starts again with it.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// A setting of this story.
    pub(crate) fn get(&self, name: &str) -> String {
        let found = self.env.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no {name}"), |(_, value)| value.clone())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn start(self) -> Server {
        self.start_some(1).await
    }

    /// Two processes over one database and one Redis, which are one server to everybody. On SQLite
    /// just one.
    pub(crate) async fn start_all(self) -> Server {
        if self._database.is_none() || join::is_left_out() {
            return self.start().await;
        }
        self.env("REDIS_URL", &join::url()).start_two().await
    }

    /// Two processes over one database, and whatever joins them by the settings.
    pub(crate) async fn start_two(self) -> Server {
        self.start_some(2).await
    }

    async fn start_some(self, count: usize) -> Server {
        let mut server = Server {
            processes: Vec::new(),
            client: Client::of_all(&[]),
            count,
            setup: self,
        };
        server.start_again().await;
        server
    }

    /// Starts a process of its own on this database, beside the others.
    pub(crate) async fn start_beside(&self) -> Result<Process, String> {
        Process::start(self).await
    }

    /// Runs a command of the binary to its end.
    pub(crate) fn command(&self, args: &[&str], input: &str) -> Output {
        let mut child = self
            .binary(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may have closed its input already.
            let _ = stdin.write_all(input.as_bytes());
        }
        child.wait_with_output().expect("the command ends")
    }

    fn binary(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlour"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear();
        // Coverage tools and temporary folders of the surroundings go on working.
        for name in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Ok(value) = std::env::var(name) {
                command.env(name, value);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A running process that is killed with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<String>>,
    /// Everything on standard output; the ready line is the first.
    pub(crate) stdout: Arc<Mutex<String>>,
}

impl Process {
    async fn start(setup: &Setup) -> Result<Self, String> {
        let mut child = setup
            .binary(&[])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the binary does not start: {error}"))?;
        let log = collect(child.stderr.take(), None);
        let (ready, mut lines) = mpsc::unbounded_channel();
        let stdout = collect(child.stdout.take(), Some(ready));
        let line = tokio::time::timeout(PATIENCE, lines.recv()).await;
        let address = line.ok().flatten().and_then(|line| {
            line.strip_prefix("listening on http")?
                .trim_start_matches('s')
                .strip_prefix("://")?
                .trim()
                .parse()
                .ok()
        });
        let Some(address) = address else {
            let _ = child.kill();
            let status = child.wait();
            // What it said last may still be in the pipe; the thread that reads it ends after it.
            for _ in 0..200 {
                if Arc::strong_count(&log) == 1 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            return Err(format!(
                "no ready line; {status:?}; standard error:\n{}",
                text_of(&log)
            ));
        };
        Ok(Self {
            child,
            address,
            log,
            stdout,
        })
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("the program kill starts");
        assert!(status.success(), "kill -{name}: {status}");
    }

    /// Waits for the end; how it ended and how long that took.
    pub(crate) async fn ended(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .expect("the process can be waited for")
            {
                return (status, start.elapsed());
            }
            assert!(
                start.elapsed() < PATIENCE,
                "still running; log:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        text_of(&self.log)
    }

    /// Memory in use by the process, in MiB.
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the process is alive");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        kilobytes.expect("the kernel tells the memory") / 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.lines().count().saturating_sub(40);
            let tail: Vec<&str> = log.lines().skip(from).collect();
            eprintln!("--- the server's log ends with ---\n{}", tail.join("\n"));
        }
    }
}

fn collect(
    pipe: Option<impl Read + Send + 'static>,
    first: Option<mpsc::UnboundedSender<String>>,
) -> Arc<Mutex<String>> {
    let all = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&all);
    if let Some(pipe) = pipe {
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if let Some(first) = &first {
                    // Nobody listens any more after the ready line.
                    let _ = first.send(line.clone());
                }
                let mut all = kept.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&line);
                all.push('\n');
            }
        });
    }
    all
}

fn text_of(text: &Mutex<String>) -> String {
    text.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    /// First, so that the processes are gone before their database is dropped.
    processes: Vec<Process>,
    client: Client,
    /// How many processes it is.
    count: usize,
    pub(crate) setup: Setup,
}

impl Server {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.client.address()
    }

    /// Of each process.
    pub(crate) fn clients(&self) -> Vec<Client> {
        let addresses = self.client.addresses().into_iter();
        addresses.map(Client::new).collect()
    }

    /// Of several processes the first.
    pub(crate) fn process(&mut self) -> &mut Process {
        self.processes.first_mut().expect("the server runs")
    }

    /// Of all processes.
    pub(crate) fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect()
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        for mut process in self.processes.drain(..) {
            process.signal("KILL");
            process.ended().await;
        }
    }

    /// `kill -9` of those that are so; clients go on with the others. How many there were.
    pub(crate) async fn kill_those(&mut self, is: impl Fn(&Process) -> bool) -> usize {
        let (killed, left) = self.processes.drain(..).partition(is);
        self.processes = left;
        let killed: Vec<Process> = killed;
        let count = killed.len();
        for mut process in killed {
            process.signal("KILL");
            process.ended().await;
        }
        let addresses: Vec<_> = self.processes.iter().map(|left| left.address).collect();
        self.client.moved(&addresses);
        count
    }

    /// SIGTERM; how it ended and how long that took.
    pub(crate) async fn terminate(&mut self) -> (ExitStatus, Duration) {
        self.end("TERM").await
    }

    /// The same with any signal that ends it.
    pub(crate) async fn end(&mut self, signal: &str) -> (ExitStatus, Duration) {
        for process in &self.processes {
            process.signal(signal);
        }
        let mut worst = None;
        for mut process in self.processes.drain(..) {
            let end = process.ended().await;
            if worst.is_none() || !end.0.success() {
                worst = Some(end);
            }
        }
        worst.expect("the server runs")
    }

    /// Starts again on the same database; clients follow to the new ports.
    pub(crate) async fn start_again(&mut self) {
        for _ in 0..self.count {
            let process = self.setup.start_beside().await;
            self.processes
                .push(process.unwrap_or_else(|text| panic!("{text}")));
        }
        let addresses: Vec<_> = self.addresses().collect();
        self.client.moved(&addresses);
    }

    /// Stops one process in order, and starts another in its place; how it ended and how long that took.
    /// Clients are led past it meanwhile, as by a load balancer, where there is another one.
    pub(crate) async fn restart_one(&mut self, number: usize) -> (ExitStatus, Duration) {
        self.processes[number].signal("TERM");
        let address = self.processes[number].address;
        let others: Vec<_> = self.addresses().filter(|other| *other != address).collect();
        if !others.is_empty() {
            self.client.moved(&others);
        }
        let end = self.processes[number].ended().await;
        let process = self.setup.start_beside().await;
        self.processes[number] = process.unwrap_or_else(|text| panic!("{text}"));
        let all: Vec<_> = self.addresses().collect();
        self.client.moved(&all);
        end
    }

    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.processes.iter().map(|process| process.address)
    }

    /// Runs a command beside the running server; it must succeed.
    pub(crate) fn command(&self, args: &[&str]) {
        let output = self.setup.command(args, "");
        assert!(
            output.status.success(),
            "parlour {args:?}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.client.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.client.call("POST", path)
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        self.client.call(method, path)
    }

    /// Somebody at a browser.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.client)
    }

    /// Bare bytes to and from the server.
    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(self.address()).await
    }

    /// Signs somebody up and logs them in.
    pub(crate) async fn user(&self, name: &str) -> User {
        people::sign_up(&self.client, name).await
    }

    /// Logs in with name and password.
    pub(crate) async fn login(&self, name: &str, password: &str) -> Login {
        people::login(&self.client, name, password).await
    }

    /// Whether the server is well after all that was done to it. Right after a flood it may need a
    /// moment.
    pub(crate) async fn is_well(&self) -> bool {
        for client in self.clients() {
            for path in ["/healthz", "/readyz"] {
                let start = std::time::Instant::now();
                while client.call("GET", path).await.status != 200 {
                    if start.elapsed() > Duration::from_secs(5) {
                        return false;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        true
    }
}
