//! axum's WebSocket as the realtime side knows it.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{Sink, Stream};
use parlour_realtime::{Frame, TransportError};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio_tungstenite::tungstenite;

/// Adapts [`WebSocket`] to [`parlour_realtime::Transport`].
pub(super) struct AxumTransport(WebSocket);

impl AxumTransport {
    pub(super) const fn new(socket: WebSocket) -> Self {
        Self(socket)
    }

    fn socket(self: Pin<&mut Self>) -> Pin<&mut WebSocket> {
        Pin::new(&mut self.get_mut().0)
    }
}

impl Stream for AxumTransport {
    type Item = Result<Frame, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let frame = ready!(self.socket().poll_next(cx));
        Poll::Ready(frame.map(|frame| match frame {
            Ok(Message::Text(text)) => Ok(Frame::Text(text.into())),
            Ok(Message::Binary(bytes)) => Ok(Frame::Binary(bytes)),
            Ok(Message::Ping(bytes)) => Ok(Frame::Ping(bytes)),
            Ok(Message::Pong(bytes)) => Ok(Frame::Pong(bytes)),
            Ok(Message::Close(_)) => Ok(Frame::Close(1000, "")),
            Err(error) => Err(translate(error)),
        }))
    }
}

impl Sink<Frame> for AxumTransport {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.socket().poll_ready(cx).map_err(translate)
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        let message = match frame {
            Frame::Text(bytes) => {
                Message::Text(Utf8Bytes::try_from(bytes).map_err(|_| TransportError::NotUtf8)?)
            }
            Frame::Binary(bytes) => Message::Binary(bytes),
            Frame::Ping(bytes) => Message::Ping(bytes),
            Frame::Pong(bytes) => Message::Pong(bytes),
            Frame::Close(code, reason) => Message::Close(Some(CloseFrame {
                code,
                reason: Utf8Bytes::from_static(reason),
            })),
        };
        self.socket().start_send(message).map_err(translate)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.socket().poll_flush(cx).map_err(translate)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.socket().poll_close(cx).map_err(translate)
    }
}

fn translate(error: axum::Error) -> TransportError {
    use tungstenite::Error;
    match error.into_inner().downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => TransportError::TooBig,
        Some(Error::Utf8(_)) => TransportError::NotUtf8,
        Some(Error::Protocol(broken)) => match broken {
            // The peer went away without a good bye.
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake => TransportError::Gone,
            _ => TransportError::Protocol,
        },
        _ => TransportError::Gone,
    }
}
