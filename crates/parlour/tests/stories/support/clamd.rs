//! ClamAV's daemon: the real one where it is installed, and one that pretends, by what clamd(8) says of
//! INSTREAM.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The test file that every scanner knows, as hexadecimal digits: in plain letters, scanners would remove
/// this source.
const EICAR: &str = "58354f2150254041505b345c505a58353428505e2937434329377d2445494341522d5354414e\
                     444152442d414e544956495255532d544553542d46494c452124482b482a";

/// The bytes of the test file.
pub(crate) fn eicar() -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&EICAR[at..at + 2], 16).expect("digits");
    (0..EICAR.len()).step_by(2).map(byte).collect()
}

/// The real daemon, with one signature of our own.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    pub(crate) url: String,
    _folder: TempDir,
}

impl Daemon {
    /// Starts it; `None` where it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let places = ["/usr/sbin/clamd", "/usr/local/sbin/clamd"];
        let program = places.into_iter().find(|path| Path::new(path).exists())?;
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("db")).expect("a folder");
        std::fs::write(path("db/own.ndb"), format!("Own.Test:0:*:{EICAR}\n")).expect("written");
        let socket = path("clamd.sock");
        let settings = format!(
            "Foreground yes\nLocalSocket {}\nDatabaseDirectory {}\nTemporaryDirectory {}\n",
            socket.display(),
            path("db").display(),
            folder.path().display()
        );
        std::fs::write(path("clamd.conf"), settings).expect("written");
        let child = Command::new(program)
            .arg(format!("--config-file={}", path("clamd.conf").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("clamd starts");
        super::eventually("clamd listens", || async { socket.exists() }).await;
        Some(Self {
            child,
            url: format!("unix:{}", socket.display()),
            _folder: folder,
        })
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How a pretended daemon behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// It finds these words.
    Finds(&'static str),
    /// It says this of every file.
    Says(&'static str),
    /// It takes everything and says nothing.
    Hangs,
}

/// A daemon that pretends; it ends with the story.
#[derive(Debug)]
pub(crate) struct Pretended {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<usize>>>,
}

impl Pretended {
    /// The sizes of the files it saw, in their order.
    pub(crate) fn seen(&self) -> Vec<usize> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub(crate) async fn pretend(manner: Manner) -> Pretended {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let all = Arc::clone(&all);
            tokio::spawn(async move {
                // A caller that goes away is its own business.
                let _ = serve(stream, manner, &all).await;
            });
        }
    });
    let url = format!("tcp://{address}");
    Pretended { url, seen }
}

async fn serve(
    mut stream: TcpStream,
    manner: Manner,
    seen: &Mutex<Vec<usize>>,
) -> std::io::Result<()> {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut whole = Vec::new();
    loop {
        let length = stream.read_u32().await?;
        if length == 0 {
            break;
        }
        let from = whole.len();
        whole.resize(from + usize::try_from(length).expect("small"), 0);
        stream.read_exact(&mut whole[from..]).await?;
    }
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(whole.len());
    let answer = match manner {
        Manner::Says(text) => text,
        Manner::Hangs => {
            tokio::time::sleep(Duration::from_secs(120)).await;
            return Ok(());
        }
        Manner::Finds(words) => {
            if whole
                .windows(words.len())
                .any(|part| part == words.as_bytes())
            {
                "stream: Own.Test FOUND\0"
            } else {
                "stream: OK\0"
            }
        }
    };
    stream.write_all(answer.as_bytes()).await
}
