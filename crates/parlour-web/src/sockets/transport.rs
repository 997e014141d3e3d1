//! The library's WebSocket as the realtime side knows it, for connections that are not plain TCP.

use bytes::Bytes;
use futures_util::{Sink, Stream};
use parlour_realtime::{Frame, Transport, TransportError};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

/// A WebSocket over any connection.
pub(crate) struct WebSocket<S>(WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(super) async fn new(connection: S, config: WebSocketConfig) -> Self {
        Self(WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await)
    }

    fn socket(self: Pin<&mut Self>) -> Pin<&mut WebSocketStream<S>> {
        Pin::new(&mut self.get_mut().0)
    }
}

impl Transport for WebSocket<hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>> {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<S> {
    type Item = Result<Frame, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(self.as_mut().socket().poll_next(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(translate(&error)))),
                Some(Ok(message)) => match message {
                    Message::Text(text) => Frame::Text(text.into()),
                    Message::Binary(bytes) => Frame::Binary(bytes),
                    Message::Ping(bytes) => Frame::Ping(bytes),
                    Message::Pong(bytes) => Frame::Pong(bytes),
                    Message::Close(_) => Frame::Close(1000, ""),
                    // Only written, never read.
                    Message::Frame(_) => continue,
                },
            };
            return Poll::Ready(Some(Ok(frame)));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Frame> for WebSocket<S> {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.socket()
            .poll_ready(cx)
            .map_err(|error| translate(&error))
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        let message = match frame {
            Frame::Text(bytes) => Message::Text(text(bytes)?),
            Frame::Binary(bytes) => Message::Binary(bytes),
            Frame::Ping(bytes) => Message::Ping(bytes),
            Frame::Pong(bytes) => Message::Pong(bytes),
            Frame::Close(code, reason) => Message::Close(Some(CloseFrame {
                code: CloseCode::from(code),
                reason: Utf8Bytes::from_static(reason),
            })),
        };
        self.socket()
            .start_send(message)
            .map_err(|error| translate(&error))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.socket()
            .poll_flush(cx)
            .map_err(|error| translate(&error))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.socket()
            .poll_close(cx)
            .map_err(|error| translate(&error))
    }
}

fn text(bytes: Bytes) -> Result<Utf8Bytes, TransportError> {
    Utf8Bytes::try_from(bytes).map_err(|_| TransportError::NotUtf8)
}

fn translate(error: &tungstenite::Error) -> TransportError {
    use tungstenite::Error;
    match error {
        Error::Capacity(_) => TransportError::TooBig,
        Error::Utf8(_) => TransportError::NotUtf8,
        Error::Protocol(broken) => match broken {
            // The peer went away without a good bye.
            ProtocolError::ResetWithoutClosingHandshake => TransportError::Gone,
            _ => TransportError::Protocol,
        },
        _ => TransportError::Gone,
    }
}
