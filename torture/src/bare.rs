//! A bare version-2 account socket, for scenarios that need many, or ones that behave badly.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// How long the handshake and any single answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What comes over a socket.
#[derive(Debug)]
pub enum Said {
    /// A text frame.
    Text(String),
    /// The server closed, with this code; 0 where it gave none.
    Closed(u16),
    /// The connection ended without a good bye.
    Gone,
}

/// The socket.
#[derive(Debug)]
pub struct Bare {
    socket: WebSocketStream<TcpStream>,
}

impl Bare {
    /// Connects with the operating system's usual buffers.
    pub async fn connect(addr: SocketAddr, token: &str) -> Result<Self> {
        Self::connect_with(addr, token, None).await
    }

    /// Connects; `receive` is the size of the receive buffer in bytes, so that a socket that is not
    /// read does not hide its frames in the kernel.
    pub async fn connect_with(addr: SocketAddr, token: &str, receive: Option<u32>) -> Result<Self> {
        let opening = async {
            let socket = TcpSocket::new_v4()?;
            if let Some(bytes) = receive {
                socket.set_recv_buffer_size(bytes)?;
            }
            let stream = socket.connect(addr).await?;
            stream.set_nodelay(true)?;
            let url = format!("ws://{addr}/?token={token}&v=2");
            let (socket, _) = client_async(url, stream).await?;
            anyhow::Ok(Self { socket })
        };
        timeout(PATIENCE, opening)
            .await
            .context("no handshake in time")?
            .context("a socket was refused")
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) -> Result<()> {
        let message = Message::text(frame.to_string());
        Ok(self.socket.send(message).await?)
    }

    /// Sends a text to a room.
    pub async fn say(&mut self, room: i64, text: &str, nonce: &str) -> Result<()> {
        let frame = json!({"type": "send", "room": room, "text": text, "nonce": nonce});
        self.send(&frame).await
    }

    /// The next frame, or how the socket ended.
    pub async fn next(&mut self) -> Said {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Said::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    return Said::Closed(frame.map_or(0, |frame| frame.code.into()));
                }
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Said::Gone,
            }
        }
    }

    /// Waits for a frame of this type; others are passed over.
    pub async fn wait_for(&mut self, kind: &str) -> Result<Value> {
        let waiting = async {
            loop {
                match self.next().await {
                    Said::Text(text) => {
                        let frame: Value = serde_json::from_str(&text)?;
                        if frame["type"] == kind {
                            return Ok(frame);
                        }
                    }
                    end => bail!("the socket ended ({end:?}) before {kind}"),
                }
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .with_context(|| format!("no {kind} in time"))?
    }

    /// The socket itself.
    #[must_use]
    pub fn into_inner(self) -> WebSocketStream<TcpStream> {
        self.socket
    }

    /// Cuts the connection as a broken network does: reset, without a good bye.
    pub fn cut(self) -> Result<()> {
        Ok(self.socket.get_ref().set_zero_linger()?)
    }
}
