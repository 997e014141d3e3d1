//! Frames as they come, and sockets as they are opened.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::history::{Message, What};
use crate::recorder::Recorder;

/// How long an upgrade may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Opens a socket; the path holds the credential.
pub(crate) async fn open(addr: SocketAddr, path: &str) -> Result<Socket> {
    let attempt = async {
        let request = format!("ws://{addr}{path}").into_client_request()?;
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(16 * 1024);
        let opened =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
        anyhow::Ok(opened.0)
    };
    timeout(PATIENCE, attempt)
        .await
        .context("the upgrade took too long")?
}

/// Any frame of the version-2 account socket; what is not told stays empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Frame {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) room: Option<i64>,
    pub(crate) seq: Option<u64>,
    pub(crate) id: Option<i64>,
    pub(crate) nonce: Option<String>,
    pub(crate) message: Option<WireMessage>,
    pub(crate) member: Option<Member>,
    pub(crate) reason: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) retry_ms: Option<u64>,
    pub(crate) after_ms: Option<u64>,
    pub(crate) epoch: Option<String>,
    pub(crate) cursors: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) id: i64,
}

/// A message object of any dialect; the room socket calls the text `message` as well.
#[derive(Debug, Deserialize)]
pub(crate) struct WireMessage {
    pub(crate) id: i64,
    pub(crate) owner: i64,
    pub(crate) text: String,
    pub(crate) nonce: Option<String>,
}

impl WireMessage {
    pub(crate) fn what(&self, recorder: &Recorder) -> What {
        What::Message(Message {
            id: self.id,
            author: self.owner,
            nonce: self.nonce.as_deref().map(|nonce| recorder.intern(nonce)),
            text: recorder.intern(&self.text),
        })
    }
}

impl Frame {
    /// Whether it takes a place in a room's stream.
    pub(crate) fn is_event(&self) -> bool {
        let family = self.kind.split('.').next().unwrap_or_default();
        self.seq.is_some()
            && matches!(
                family,
                "message" | "messages" | "reaction" | "member" | "room"
            )
    }

    pub(crate) fn what(&self, recorder: &Recorder) -> What {
        match (self.kind.as_str(), &self.message, &self.member) {
            ("message.created", Some(message), _) => message.what(recorder),
            ("member.joined", _, Some(member)) => What::Joined(member.id),
            ("member.left", _, Some(member)) => What::Left(member.id),
            _ => What::Other,
        }
    }
}
