//! How a connection travels, as its pump sees it: by requests, later perhaps over a WebSocket.

use super::link::Link;
use crate::sockets::PlainSocket;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use parlour_realtime::{Frame, Line, Transport, TransportError, close};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// One connection's way.
pub(super) struct Travel {
    link: Arc<Link>,
    socket: Option<Box<PlainSocket>>,
}

impl Travel {
    pub(super) const fn new(link: Arc<Link>) -> Self {
        Self { link, socket: None }
    }

    /// The WebSocket, if the connection goes on over one.
    fn socket(&mut self) -> Option<&mut PlainSocket> {
        if self.socket.is_none() {
            self.socket = self.link.take_socket();
        }
        self.socket.as_deref_mut()
    }

    /// Ready when the WebSocket has taken what no request took.
    fn poll_left_over(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let Some(socket) = self.socket.as_deref_mut() else {
            return Poll::Ready(Ok(()));
        };
        loop {
            match self.link.write_left_over() {
                Ok(true) => return Poll::Ready(Ok(())),
                Ok(false) => ready!(socket.poll_writable(cx)),
                Err(_) => return Poll::Ready(Err(TransportError::Gone)),
            }
        }
    }
}

impl Transport for Travel {
    fn line(&self) -> Option<Arc<dyn Line>> {
        Some(Arc::clone(&self.link) as Arc<dyn Line>)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.socket() {
            Some(socket) => socket.poll_writable(cx),
            None => self.link.poll_taken(false, cx),
        }
    }
}

impl Stream for Travel {
    type Item = Result<Frame, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        // What requests brought comes before what the WebSocket brings, whoever took that over meanwhile.
        if let Some(packet) = this.link.next_packet() {
            return Poll::Ready(Some(Ok(packet)));
        }
        if this.socket.is_none() {
            match this.link.poll_packet(cx) {
                Poll::Ready(packet) => {
                    let packet = packet.map(|packet| packet.map_err(|()| TransportError::Gone));
                    return Poll::Ready(packet);
                }
                Poll::Pending if this.socket().is_none() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        if let Poll::Ready(Err(error)) = this.poll_left_over(cx) {
            return Poll::Ready(Some(Err(error)));
        }
        match &mut this.socket {
            Some(socket) => socket.poll_next_unpin(cx),
            None => Poll::Pending,
        }
    }
}

impl Sink<Frame> for Travel {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        let this = self.get_mut();
        if let Some(socket) = this.socket() {
            return socket.start_send_unpin(frame);
        }
        match frame {
            Frame::Close(code, _) => {
                this.link.say_good_bye(code == close::NORMAL.code);
                Ok(())
            }
            // Everything else goes into the outbox in the first place.
            _ => Err(TransportError::Protocol),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let this = self.get_mut();
        match this.socket() {
            Some(socket) => socket.poll_flush_unpin(cx),
            None => this.link.poll_taken(true, cx).map(Ok),
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let this = self.get_mut();
        match this.socket() {
            Some(socket) => socket.poll_close_unpin(cx),
            None => this.link.poll_taken(true, cx).map(Ok),
        }
    }
}
