//! A WebSocket in memory, with a client at the other end that reads as much as it likes.

use futures_util::{Sink, Stream};
use parlour_realtime::{Frame, Transport, TransportError};
use serde_json::Value;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::sync::{Notify, mpsc};

/// The server's end.
pub(crate) struct Wire {
    incoming: mpsc::UnboundedReceiver<Result<Frame, TransportError>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    out: Mutex<Out>,
    changed: Notify,
}

#[derive(Default)]
struct Out {
    frames: VecDeque<Frame>,
    /// Frames that fit before the connection takes no more.
    capacity: usize,
    waiting: Option<Waker>,
    gone: bool,
    /// How often the server flushed.
    flushes: usize,
}

/// The client's end. It answers pings while [`Client::answers`] is set and it is polled.
pub(crate) struct Client {
    outgoing: Option<mpsc::UnboundedSender<Result<Frame, TransportError>>>,
    shared: Arc<Shared>,
}

/// Two ends of a connection that holds this many frames on their way to the client.
pub(crate) fn pair(capacity: usize) -> (Wire, Client) {
    let (sender, incoming) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::default());
    shared.out.lock().expect("not poisoned").capacity = capacity;
    let wire = Wire {
        incoming,
        shared: Arc::clone(&shared),
    };
    let client = Client {
        outgoing: Some(sender),
        shared,
    };
    (wire, client)
}

impl Client {
    pub(crate) fn send(&self, frame: Frame) {
        self.fail_or_send(Ok(frame));
    }

    pub(crate) fn text(&self, text: &str) {
        self.send(Frame::Text(text.to_owned().into()));
    }

    pub(crate) fn json(&self, value: &Value) {
        self.text(&value.to_string());
    }

    /// Sends what the server's transport takes for an error.
    pub(crate) fn fail_or_send(&self, what: Result<Frame, TransportError>) {
        if let Some(outgoing) = &self.outgoing {
            // The server may have gone.
            let _ = outgoing.send(what);
        }
    }

    /// The connection breaks.
    pub(crate) fn hang_up(&mut self) {
        self.outgoing = None;
    }

    /// The next frame; `None` when the server dropped the connection.
    pub(crate) async fn recv(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.try_recv() {
                return Some(frame);
            }
            if self.is_gone() {
                return None;
            }
            self.shared.changed.notified().await;
        }
    }

    pub(crate) fn try_recv(&mut self) -> Option<Frame> {
        let mut out = self.shared.out.lock().expect("not poisoned");
        let frame = out.frames.pop_front();
        if let Some(waker) = out.waiting.take() {
            waker.wake();
        }
        frame
    }

    /// The next frame that is no ping, answering pings; as JSON.
    pub(crate) async fn next(&mut self) -> Value {
        match self.next_frame().await {
            Frame::Text(text) => serde_json::from_slice(&text).expect("frames are JSON"),
            other => panic!("expected text, got {other:?}"),
        }
    }

    /// The next frame that is no ping, answering pings.
    pub(crate) async fn next_frame(&mut self) -> Frame {
        loop {
            let recv = tokio::time::timeout(Duration::from_secs(60), self.recv());
            match recv.await.expect("a frame in time").expect("still open") {
                Frame::Ping(bytes) => self.send(Frame::Pong(bytes)),
                frame => return frame,
            }
        }
    }

    /// All texts that are here, answering pings.
    pub(crate) fn drain(&mut self) -> Vec<Value> {
        let mut texts = Vec::new();
        while let Some(frame) = self.try_recv() {
            match frame {
                Frame::Text(text) => {
                    texts.push(serde_json::from_slice(&text).expect("frames are JSON"));
                }
                Frame::Ping(bytes) => self.send(Frame::Pong(bytes)),
                _ => {}
            }
        }
        texts
    }

    /// Reads until the server closes; answers the texts before, and the close code.
    pub(crate) async fn until_closed(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut texts = Vec::new();
        let mut code = None;
        while let Some(frame) = self.recv().await {
            match frame {
                Frame::Text(text) => {
                    texts.push(serde_json::from_slice(&text).expect("frames are JSON"));
                }
                Frame::Ping(bytes) => self.send(Frame::Pong(bytes)),
                Frame::Close(the_code, reason) => {
                    code = Some(the_code);
                    self.send(Frame::Close(the_code, reason));
                }
                _ => {}
            }
        }
        (texts, code)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.shared.out.lock().expect("not poisoned").gone
    }

    pub(crate) fn flushes(&self) -> usize {
        self.shared.out.lock().expect("not poisoned").flushes
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.out.lock().expect("not poisoned").gone = true;
        self.shared.changed.notify_one();
    }
}

impl Stream for Wire {
    type Item = Result<Frame, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(cx)
    }
}

impl Transport for Wire {}

impl Sink<Frame> for Wire {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let mut out = self.shared.out.lock().expect("not poisoned");
        if out.frames.len() < out.capacity {
            Poll::Ready(Ok(()))
        } else {
            out.waiting = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        self.shared
            .out
            .lock()
            .expect("not poisoned")
            .frames
            .push_back(frame);
        self.shared.changed.notify_one();
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.shared.out.lock().expect("not poisoned").flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }
}
