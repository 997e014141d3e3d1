//! A Redis Cluster of three shards on ports of this machine that speaks only TLS, with a user, made as
//! the guide says: `redis-cli --cluster create`.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What the user of the cluster says; never seen in any output.
pub(crate) const PASSWORD: &str = "velvet-underground";

/// The running cluster; dropping it ends its servers.
#[derive(Debug)]
pub(crate) struct Cluster {
    servers: Vec<Child>,
    ports: Vec<u16>,
    folder: PathBuf,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Cluster {
    /// Starts it with its files in this folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = vec!["127.0.0.1".to_owned()];
        let params = rcgen::CertificateParams::new(names).expect("a name");
        let cert = params.self_signed(&key).expect("signed");
        std::fs::write(folder.join("redis.pem"), cert.pem()).expect("written");
        std::fs::write(folder.join("redis.key"), key.serialize_pem()).expect("written");
        let mut cluster = Self {
            servers: Vec::new(),
            ports: (0..3).map(|_| free_port()).collect(),
            folder: folder.to_owned(),
        };
        for port in cluster.ports.clone() {
            let server = cluster.launch(port);
            cluster.servers.push(server);
        }
        cluster.join();
        cluster
    }

    fn launch(&self, port: u16) -> Child {
        let place = self.folder.join(format!("redis-{port}"));
        std::fs::create_dir(&place).expect("a folder");
        let server = Command::new("redis-server")
            .args(["--port", "0", "--bind", "127.0.0.1", "--save", ""])
            .args(["--tls-port", &port.to_string(), "--tls-cluster", "yes"])
            .args(["--tls-auth-clients", "no", "--tls-cert-file"])
            .arg(self.certificate())
            .arg("--tls-key-file")
            .arg(self.folder.join("redis.key"))
            .arg("--tls-ca-cert-file")
            .arg(self.certificate())
            .args([
                "--cluster-enabled",
                "yes",
                "--cluster-config-file",
                "nodes.conf",
            ])
            .args(["--cluster-port", &free_port().to_string()])
            .args(["--user", "ada", "on", &format!(">{PASSWORD}")])
            .args(["~parlour:*", "&parlour:*", "+@all"])
            .arg("--dir")
            .arg(&place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server runs");
        let limit = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < limit, "redis-server is not ready");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn join(&self) {
        let hosts: Vec<_> = self
            .ports
            .iter()
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        let made =
            self.cli(&[&["--cluster", "create"], &*strs(&hosts), &["--cluster-yes"]].concat());
        assert!(made.contains("All 16384 slots covered"), "{made}");
        let limit = Instant::now() + Duration::from_secs(20);
        let is_ready = |port: &u16| {
            let port = port.to_string();
            let info = self.cli(&["-p", &port, "cluster", "info"]);
            info.contains("cluster_state:ok")
        };
        while !self.ports.iter().all(is_ready) {
            assert!(Instant::now() < limit, "the cluster does not form");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn cli(&self, words: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .arg("--tls")
            .arg("--cacert")
            .arg(self.certificate())
            .args(words)
            .output()
            .expect("redis-cli comes with redis-server");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Who is to be trusted.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("redis.pem")
    }

    /// Its address for servers: two of its three.
    pub(crate) fn url(&self) -> String {
        let (one, two) = (self.ports[0], self.ports[1]);
        format!("rediss+cluster://ada:{PASSWORD}@127.0.0.1:{one},127.0.0.1:{two}")
    }

    /// The address of one of its servers, as if it were the only one.
    pub(crate) fn plain_url(&self) -> String {
        format!("rediss://ada:{PASSWORD}@127.0.0.1:{}", self.ports[0])
    }
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
