//! What stands between people and the server: passes bytes on, until it does not.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the proxy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Passes everything on.
    Pass,
    /// Passes on what clients say, and nothing of what the server says.
    Swallow,
    /// Cuts connections.
    Cut,
}

/// A proxy whose address is known before its server runs.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    behind: Arc<OnceLock<SocketAddr>>,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (mode, modes) = watch::channel(Mode::Pass);
        let behind = Arc::new(OnceLock::new());
        let to = Arc::clone(&behind);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Some(address) = to.get() {
                    tokio::spawn(carry(client, *address, modes.clone()));
                }
            }
        });
        Self {
            address,
            behind,
            mode,
        }
    }

    /// From now on there is a server behind it; until then connections are closed.
    pub(crate) fn stand_before(&self, server: SocketAddr) {
        self.behind.set(server).expect("said once");
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn carry(mut client: TcpStream, to: SocketAddr, mut modes: watch::Receiver<Mode>) {
    let Ok(mut server) = TcpStream::connect(to).await else {
        return;
    };
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    loop {
        let mode = *modes.borrow_and_update();
        if mode == Mode::Cut {
            return;
        }
        tokio::select! {
            changed = modes.changed() => if changed.is_err() { return },
            Ok(count) = client.read(&mut up) => {
                if count == 0 || server.write_all(&up[..count]).await.is_err() {
                    return;
                }
            }
            Ok(count) = server.read(&mut down) => {
                let is_lost = mode == Mode::Swallow;
                if count == 0 || (!is_lost && client.write_all(&down[..count]).await.is_err()) {
                    return;
                }
            }
            else => return,
        }
    }
}
