//! The account socket as a client holds it.

use super::{Value, json};
use futures_util::{SinkExt as _, StreamExt as _};
use std::{net::SocketAddr, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        handshake::client::Request,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

/// How long a frame that must come may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long nothing has to come before it counts as silence.
const SILENCE: Duration = Duration::from_millis(300);

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    /// Opens the account socket of version 1 with this token; the status of the refusal otherwise.
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Result<Self, u16> {
        Self::open_at(address, &format!("/?token={token}"), &[]).await
    }

    /// Opens a socket at a path with further headers.
    pub(crate) async fn open_at(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let mut request: Request = format!("ws://{address}{path}")
            .into_client_request()
            .expect("the path is one");
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, value.parse().expect("a header's value"));
        }
        let stream = TcpStream::connect(address).await.map_err(|_| 0_u16)?;
        stream.set_nodelay(true).map_err(|_| 0_u16)?;
        // Frames of any size may be sent: the limit that is tested is the server's.
        let config = WebSocketConfig::default()
            .max_frame_size(None)
            .max_message_size(None);
        match timeout(
            PATIENCE,
            client_async_with_config(request, stream, Some(config)),
        )
        .await
        {
            Ok(Ok((stream, _))) => Ok(Self { stream }),
            Ok(Err(Error::Http(answer))) => Err(answer.status().as_u16()),
            Ok(Err(_)) | Err(_) => Err(0),
        }
    }

    /// Sends a frame; false when the server has closed the socket.
    pub(crate) async fn send_message(&mut self, message: Message) -> bool {
        matches!(
            timeout(PATIENCE, self.stream.send(message)).await,
            Ok(Ok(()))
        )
    }

    /// Sends a text frame.
    pub(crate) async fn send_text(&mut self, text: impl Into<String>) -> bool {
        self.send_message(Message::text(text.into())).await
    }

    pub(crate) async fn send(&mut self, value: Value) -> bool {
        self.send_text(value.to_string()).await
    }

    /// Sends a message to a room.
    pub(crate) async fn say(&mut self, room: i64, text: &str) -> bool {
        self.send(json!({ "text": text, "room": room })).await
    }

    async fn any(&mut self, limit: Duration) -> Option<Result<Message, Error>> {
        timeout(limit, self.stream.next()).await.ok().flatten()
    }

    /// The next text frame as it stands on the wire; pings and pongs are passed over.
    pub(crate) async fn next_text(&mut self) -> String {
        loop {
            match self.any(PATIENCE).await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("a text frame was expected, not {other:?}"),
            }
        }
    }

    /// The next frame, as JSON.
    pub(crate) async fn next(&mut self) -> Value {
        let text = self.next_text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The next message frame's text; the frame must be one.
    pub(crate) async fn next_said(&mut self) -> String {
        let frame = self.next().await;
        assert!(
            frame.get("type").is_none(),
            "a message was expected: {frame}"
        );
        frame["text"]
            .as_str()
            .unwrap_or_else(|| panic!("no text in {frame}"))
            .to_owned()
    }

    /// The next frame if one comes soon, else nothing; also nothing when the socket has closed.
    pub(crate) async fn next_within(&mut self, limit: Duration) -> Option<Value> {
        loop {
            match self.any(limit).await? {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Nothing comes, and the socket stays open.
    pub(crate) async fn expect_silence(&mut self) {
        match self.any(SILENCE).await {
            None => {}
            Some(Ok(Message::Ping(_))) => {}
            Some(other) => panic!("silence was expected, not {other:?}"),
        }
    }

    /// The next frame must be an error frame of the contract; the whole frame.
    pub(crate) async fn next_error(&mut self) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["error"], "validation error", "{frame}");
        assert!(frame["detail"].is_string(), "{frame}");
        assert!(
            frame.get("text").is_none() && frame.get("type").is_none(),
            "{frame}"
        );
        frame
    }

    /// The answer to a ping.
    pub(crate) async fn ping(&mut self, payload: &'static [u8]) -> Vec<u8> {
        assert!(
            self.send_message(Message::Ping(payload.into())).await,
            "the socket is open"
        );
        loop {
            match self.any(PATIENCE).await {
                Some(Ok(Message::Pong(answer))) => return answer.to_vec(),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("a pong was expected, not {other:?}"),
            }
        }
    }

    /// The code with which the server closes; text frames before it are dropped. 0: no code, 1006: the
    /// connection broke.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match self.any(PATIENCE).await {
                Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => return code.into(),
                Some(Ok(Message::Close(None))) => return 0,
                Some(Ok(_)) => {}
                Some(Err(_)) => return 1006,
                None => panic!("the server does not close"),
            }
        }
    }

    /// Closes in an orderly way; the code of the server's answer.
    pub(crate) async fn close(mut self) -> u16 {
        let normal = CloseFrame {
            code: 1000.into(),
            reason: "".into(),
        };
        assert!(
            self.send_message(Message::Close(Some(normal))).await,
            "the socket is open"
        );
        self.close_code().await
    }
}
