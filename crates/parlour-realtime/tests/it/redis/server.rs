//! A Redis server, or a cluster of four, in a folder of its own: on Unix sockets, those of a cluster on
//! ports of this machine too, and all with a place to come back to.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// So many shards, and one replica of the first.
const SHARDS: usize = 3;
/// Slots of a cluster.
const SLOTS: usize = 16_384;

/// The running server or servers; dropping it ends them.
pub(crate) struct Server {
    nodes: Vec<Node>,
    extra: Vec<String>,
    is_cluster: bool,
    /// Goes after the servers are down.
    _folder: TempDir,
}

struct Node {
    place: PathBuf,
    /// None: only a Unix socket.
    port: Option<u16>,
    bus_port: u16,
    child: Mutex<Option<Child>>,
}

/// Whether tests with Redis are left out on purpose.
pub(crate) fn left_out() -> bool {
    let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
    without.split(',').any(|name| name == "redis")
}

impl Server {
    /// One server.
    pub(crate) fn start(extra: &[&str]) -> Self {
        Self::launch(1, extra)
    }

    /// Three shards, the first with a replica.
    pub(crate) fn start_cluster(extra: &[&str]) -> Self {
        let server = Self::launch(SHARDS + 1, extra);
        server.form();
        server
    }

    fn launch(count: usize, extra: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("parlour-redis-")
            .tempdir()
            .expect("a folder");
        let is_cluster = count > 1;
        let nodes = (0..count).map(|number| {
            let place = folder.path().join(number.to_string());
            std::fs::create_dir(&place).expect("a folder");
            Node {
                place,
                port: is_cluster.then(free_port),
                bus_port: free_port(),
                child: Mutex::default(),
            }
        });
        let server = Self {
            nodes: nodes.collect(),
            extra: extra.iter().map(|word| (*word).to_owned()).collect(),
            is_cluster,
            _folder: folder,
        };
        if is_cluster {
            server.introduce(0);
        }
        server.start_again();
        server
    }

    /// Lets the servers of a cluster know each other from the beginning, as if they had met before. Each
    /// shard has the slots of the one that is so many further.
    fn introduce(&self, shift: usize) {
        for me in 0..self.nodes.len() {
            let mut lines = String::new();
            for (number, node) in self.nodes.iter().enumerate() {
                let myself = if number == me { "myself," } else { "" };
                let port = node.port.expect("a port");
                let (role, of, epoch) = match number {
                    SHARDS => ("slave", id(0), 1),
                    _ => ("master", "-".to_owned(), number + 1),
                };
                let slots = if number == SHARDS {
                    String::new()
                } else {
                    let (first, last) = slots_of((number + shift) % SHARDS);
                    format!(" {first}-{last}")
                };
                lines += &format!(
                    "{} 127.0.0.1:{port}@{} {myself}{role} {of} 0 0 {epoch} connected{slots}\n",
                    id(number),
                    node.bus_port
                );
            }
            lines += "vars currentEpoch 4 lastVoteEpoch 0\n";
            std::fs::write(self.nodes[me].place.join("nodes.conf"), lines).expect("written");
        }
    }

    /// Waits until all agree that the cluster works and the replica follows.
    fn form(&self) {
        let limit = Instant::now() + Duration::from_secs(30);
        let is_ready = |number: usize| {
            let state = self.ask_node(number, &["cluster", "info"]);
            state.contains("cluster_state:ok") && state.contains("cluster_known_nodes:4")
        };
        let follows = || {
            let replica = self.ask_node(SHARDS, &["info", "replication"]);
            replica.contains("master_link_status:up")
        };
        while !((0..=SHARDS).all(is_ready) && follows()) {
            assert!(Instant::now() < limit, "the cluster does not form");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    fn url_as(&self, who: &str, parameters: &str) -> String {
        if self.is_cluster {
            // Some of its servers are enough.
            let hosts: Vec<_> = [1, 2].iter().map(|number| self.address(*number)).collect();
            format!("redis+cluster://{who}{}", hosts.join(","))
        } else {
            format!(
                "redis+unix://{}{parameters}",
                self.nodes[0].socket().display()
            )
        }
    }

    pub(crate) fn url(&self) -> String {
        self.url_as("", "")
    }

    /// With a password.
    pub(crate) fn url_with(&self, password: &str) -> String {
        self.url_as(&format!(":{password}@"), &format!("?pass={password}"))
    }

    /// Host and port of a server of a cluster.
    pub(crate) fn address(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.nodes[number].port.expect("a port"))
    }

    /// Lets one server that has only a Unix socket listen on a port, too.
    pub(crate) fn give_port(&self) -> u16 {
        let port = free_port();
        self.tell_all(&["config", "set", "port", &port.to_string()]);
        port
    }

    /// Ends all as a power cut would: nothing is kept.
    pub(crate) fn kill(&self) {
        for number in 0..self.nodes.len() {
            self.kill_node(number);
        }
    }

    /// Ends one of a cluster.
    pub(crate) fn kill_node(&self, number: usize) {
        if let Some(mut child) = self.nodes[number].child().take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    /// Stops one as a network that swallows everything would, or lets it go on.
    pub(crate) fn set_silent(&self, number: usize, is: bool) {
        let id = self.nodes[number].child().as_ref().map(Child::id);
        let id = id.expect("it runs").to_string();
        let signal = if is { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill").success());
    }

    /// Starts empty ones in the place of those that were killed.
    pub(crate) fn start_again(&self) {
        for node in &self.nodes {
            if node.child().is_none() {
                node.launch(&self.extra);
            }
        }
    }

    /// Puts another cluster in the place of this one, with other slots at each address.
    pub(crate) fn replace(&self) {
        self.kill();
        self.introduce(1);
        self.start_again();
        self.form();
    }

    /// Asks something by Redis's own client, not by ours: a cluster, wherever the key is.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let answer = match self.nodes[0].port {
            None => return self.ask_node(0, words),
            // The first one may be dead.
            Some(_) => {
                let alive = |node: &&Node| node.child().is_some();
                let node = self.nodes.iter().find(alive).expect("one is alive");
                let port = node.port.expect("a port").to_string();
                self.cli(&["-c", "-p", &port], words)
            }
        };
        let told = |line: &&str| !line.starts_with("-> Redirected");
        let lines: Vec<_> = answer.lines().filter(told).collect();
        lines.join("\n").trim().to_owned()
    }

    /// Asks one server.
    pub(crate) fn ask_node(&self, number: usize, words: &[&str]) -> String {
        let socket = self.nodes[number].socket();
        self.cli(&["-s", &socket.to_string_lossy()], words)
    }

    fn cli(&self, to: &[&str], words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        let mut extra = self.extra.iter();
        if extra.any(|word| word == "--requirepass") {
            command.env("REDISCLI_AUTH", extra.next().expect("a password"));
        }
        let output = command
            .args(to)
            .args(words)
            .output()
            .expect("redis-cli comes with redis-server");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Asks all that are alive.
    pub(crate) fn ask_all(&self, words: &[&str]) -> Vec<String> {
        let alive = |number: &usize| self.nodes[*number].child().is_some();
        let numbers = (0..self.nodes.len()).filter(alive);
        numbers.map(|number| self.ask_node(number, words)).collect()
    }

    /// Tells all, who do it.
    pub(crate) fn tell_all(&self, words: &[&str]) {
        for answer in self.ask_all(words) {
            assert_eq!(answer, "OK", "{words:?}");
        }
    }

    /// Gives the slot of a key to another shard, with all that is in it, as `redis-cli --cluster reshard` does.
    pub(crate) fn move_slot(&self, slot: &str, to: usize) {
        let from = (0..SHARDS)
            .find(|number| {
                owns(
                    &self.ask_node(*number, &["cluster", "slots"]),
                    slot,
                    &self.address(*number),
                )
            })
            .expect("an owner");
        assert_ne!(from, to, "it moves");
        let set = |number: usize, words: &[&str]| {
            let words = [&["cluster", "setslot", slot], words].concat();
            assert_eq!(self.ask_node(number, &words), "OK");
        };
        set(to, &["importing", &id(from)]);
        set(from, &["migrating", &id(to)]);
        let keys = self.ask_node(from, &["cluster", "getkeysinslot", slot, "1000"]);
        let port = self.nodes[to].port.expect("a port").to_string();
        for key in keys.lines().filter(|key| !key.is_empty()) {
            let moved = self.ask_node(from, &["migrate", "127.0.0.1", &port, key, "0", "2000"]);
            assert!(moved == "OK" || moved == "NOKEY", "{moved}");
        }
        set(to, &["node", &id(to)]);
        set(from, &["node", &id(to)]);
    }

    /// Which shard a slot of this key is at in the beginning, and the slot.
    pub(crate) fn shard_of(&self, key: &str) -> (usize, String) {
        let slot = self.ask(&["cluster", "keyslot", key]);
        let number: usize = slot.parse().expect("a number");
        let shard = (0..SHARDS).find(|shard| number <= slots_of(*shard).1);
        (shard.expect("a shard"), slot)
    }
}

/// The id of a server of a cluster.
fn id(number: usize) -> String {
    format!("{:040x}", number + 1)
}

fn slots_of(shard: usize) -> (usize, usize) {
    (SLOTS * shard / SHARDS, SLOTS * (shard + 1) / SHARDS - 1)
}

/// Whether the answer to `CLUSTER SLOTS` (five lines or more for each range) names this owner of the slot.
fn owns(slots: &str, slot: &str, address: &str) -> bool {
    let slot: usize = slot.parse().expect("a number");
    let port = address.rsplit(':').next().unwrap_or_default();
    let lines: Vec<_> = slots.lines().collect();
    lines.windows(4).any(|lines| {
        let [first, last, host, owner] = lines else {
            return false;
        };
        let range = first.parse::<usize>().ok().zip(last.parse::<usize>().ok());
        range.is_some_and(|(first, last)| (first..=last).contains(&slot))
            && *host == "127.0.0.1"
            && *owner == port
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Node {
    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().expect("not poisoned")
    }

    fn socket(&self) -> PathBuf {
        self.place.join("redis.sock")
    }

    fn launch(&self, extra: &[String]) {
        let socket = self.socket();
        let _ = std::fs::remove_file(&socket);
        let mut command = Command::new("redis-server");
        let port = self.port.unwrap_or(0).to_string();
        command
            .args(["--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(&self.place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if self.port.is_some() {
            command
                .args([
                    "--cluster-enabled",
                    "yes",
                    "--cluster-config-file",
                    "nodes.conf",
                ])
                .args(["--cluster-port", &self.bus_port.to_string()])
                .args(["--cluster-node-timeout", "15000"])
                .args(["--cluster-replica-validity-factor", "0"])
                .args(["--repl-diskless-sync-delay", "0"])
                .args(["--repl-ping-replica-period", "1"]);
        }
        let child = command.args(extra).spawn().expect(
            "redis-server runs (`cargo xtask test` installs it); PARLOUR_TEST_WITHOUT=redis leaves these tests out",
        );
        *self.child() = Some(child);
        let limit = Instant::now() + Duration::from_secs(20);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < limit, "redis-server is not ready");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
