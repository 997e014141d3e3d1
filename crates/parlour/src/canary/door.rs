//! The way in: the address by which people reach the server, and a WebSocket through it.

use super::watch::Frame;
use crate::config::WebOrigin;
use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{Message, client::IntoClientRequest as _, protocol::WebSocketConfig},
};

/// Where the server is reached, as `ws://host` or `wss://host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door(String);

impl Door {
    /// The public address, else the one that is listened on.
    pub(crate) fn new(public: Option<&WebOrigin>, mut bound: SocketAddr) -> Self {
        if let Some(rest) = public.and_then(|url| url.as_str().strip_prefix("http")) {
            return Self(format!("ws{rest}"));
        }
        if bound.ip().is_unspecified() {
            bound.set_ip(match bound.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Self(format!("ws://{bound}"))
    }

    /// Opens the account socket of version 2.
    ///
    /// # Errors
    /// Whatever stands in the way; never names the token.
    pub(super) async fn open(&self, token: &str) -> anyhow::Result<Socket> {
        let request = format!("{self}/?token={token}&v=2").into_client_request()?;
        let authority = request.uri().authority().context("no host")?;
        let port = match (authority.port_u16(), self.0.starts_with("wss:")) {
            (Some(port), _) => port,
            (None, true) => 443,
            (None, false) => 80,
        };
        let host = authority.host();
        let stream = TcpStream::connect(format!("{host}:{port}"))
            .await
            .with_context(|| format!("cannot connect to {self}"))?;
        stream.set_nodelay(true)?;
        // Its messages are small.
        let config = WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .write_buffer_size(0);
        let (stream, _) = client_async_tls_with_config(request, stream, Some(config), None)
            .await
            .with_context(|| format!("{self} gave no WebSocket"))?;
        Ok(Socket(stream))
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An open socket.
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// The next frame with text. Pings are answered on the way. Cancel safe.
    pub(super) async fn next(&mut self) -> anyhow::Result<Frame> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).context("a frame that is no event");
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    bail!("closed with {} {}", u16::from(close.code), close.reason)
                }
                Some(Ok(Message::Close(None))) | None => bail!("closed"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    pub(super) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.0.send(Message::text(text)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_comes_first() {
        let bound = |text: &str| text.parse().expect("an address");
        let public = |text| WebOrigin::parse(text).expect("an origin");
        let door = |public: Option<&WebOrigin>, at| Door::new(public, bound(at)).to_string();
        let https = public("https://chat.example.org/");
        assert_eq!(door(Some(&https), "127.0.0.1:80"), "wss://chat.example.org");
        let http = public("http://localhost:8000");
        assert_eq!(door(Some(&http), "127.0.0.1:80"), "ws://localhost:8000");
        assert_eq!(door(None, "127.0.0.1:81"), "ws://127.0.0.1:81");
        assert_eq!(door(None, "0.0.0.0:81"), "ws://127.0.0.1:81");
        assert_eq!(door(None, "[::]:81"), "ws://[::1]:81");
    }
}
