//! A version-2 socket without any cleverness, for scenarios that look at single frames.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as WsMessage;

use crate::people::Person;
use crate::wire::{self, Socket};

/// How long a frame that must come may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open socket.
#[derive(Debug)]
pub struct Raw(Socket);

impl Raw {
    /// Opens it; the greeting is the first frame to be read.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn open(addr: SocketAddr, person: &Person) -> Result<Self> {
        let path = format!("/?token={}&v=2", person.token);
        Ok(Self(wire::open(addr, &path).await?))
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn send(&mut self, frame: &Value) -> Result<()> {
        let frame = WsMessage::text(frame.to_string());
        timeout(PATIENCE, self.0.send(frame))
            .await
            .context("the server does not read")??;
        Ok(())
    }

    /// The next text frame as it stands on the wire.
    ///
    /// # Errors
    /// When the socket ends, or none comes for half a minute.
    pub async fn next_text(&mut self) -> Result<String> {
        loop {
            let next = timeout(PATIENCE, self.0.next());
            match next.await.context("no frame comes")? {
                Some(Ok(WsMessage::Text(text))) => return Ok(text.to_string()),
                Some(Ok(WsMessage::Close(close))) => bail!("the server closed with {close:?}"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => bail!("the connection ended"),
            }
        }
    }

    /// The next frame of one of these types; others are passed over.
    ///
    /// # Errors
    /// As [`Self::next_text`].
    pub async fn next_of(&mut self, kinds: &[&str]) -> Result<Value> {
        loop {
            let frame: Value = serde_json::from_str(&self.next_text().await?)?;
            if kinds.iter().any(|kind| frame["type"] == *kind) {
                return Ok(frame);
            }
        }
    }
}
