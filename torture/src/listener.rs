//! A socket that only listens, in any dialect, and does not come back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message as WsMessage;

use crate::history::{Carries, Receipt};
use crate::people::{Person, RoomId};
use crate::recorder::{Opening, Recorder};
use crate::wire::{self, Frame, Socket, WireMessage};

/// Which socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `/?token=`: messages alone.
    Version1,
    /// `/?token=&v=2`: every event, but without resuming.
    Version2,
    /// `/ws/chat/{id}/?token=`: messages alone, of one room.
    Room,
}

/// A listener in one room.
#[derive(Debug)]
pub struct Listener {
    stream: usize,
    recorder: Recorder,
    last: Arc<AtomicU64>,
    open: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Opens the socket. `after` is the room's position now: everything later must come, so nothing
    /// may happen in the room meanwhile.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn start(
        addr: SocketAddr,
        person: &Person,
        dialect: Dialect,
        (room, after): (RoomId, u64),
        recorder: &Recorder,
    ) -> Result<Self> {
        let token = &person.token;
        let (path, carries) = match dialect {
            Dialect::Version1 => (format!("/?token={token}"), Carries::Messages),
            Dialect::Version2 => (format!("/?token={token}&v=2"), Carries::Everything),
            Dialect::Room => (format!("/ws/chat/{room}/?token={token}"), Carries::Messages),
        };
        let socket = wire::open(addr, &path).await?;
        let stream = recorder.open(Opening {
            client: recorder.client(),
            person: person.id,
            room,
            carries,
            after: Some(after),
        });
        let last = Arc::new(AtomicU64::new(after));
        let open = Arc::new(AtomicBool::new(true));
        let ear = Ear {
            dialect,
            room,
            stream,
            recorder: recorder.clone(),
            last: Arc::clone(&last),
        };
        let still = Arc::clone(&open);
        let task = tokio::spawn(async move {
            ear.listen(socket).await;
            still.store(false, Ordering::Relaxed);
        });
        Ok(Self {
            stream,
            recorder: recorder.clone(),
            last,
            open,
            task,
        })
    }

    /// Waits until this position was heard; whether that came true.
    pub async fn reached(&self, seq: u64, patience: Duration) -> bool {
        let limit = Instant::now() + patience;
        while self.last() < seq {
            if Instant::now() > limit {
                return false;
            }
            sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// The position up to which it heard.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// Whether the server has not closed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Hangs up; the stream counts as heard to its end.
    pub fn stop(self) {
        self.recorder.to_the_end(self.stream);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Ear {
    dialect: Dialect,
    room: RoomId,
    stream: usize,
    recorder: Recorder,
    last: Arc<AtomicU64>,
}

impl Ear {
    async fn listen(&self, mut socket: Socket) {
        while let Some(Ok(frame)) = socket.next().await {
            match frame {
                WsMessage::Text(text) => self.take(&text),
                WsMessage::Close(_) => return,
                _ => {}
            }
        }
    }

    fn take(&self, text: &str) {
        let receipt = match self.dialect {
            Dialect::Version2 => self.event(text),
            Dialect::Version1 | Dialect::Room => self.message(text),
        };
        if let Some(receipt) = receipt {
            let seq = receipt.seq;
            self.recorder.received(self.stream, receipt);
            self.last.fetch_max(seq, Ordering::Relaxed);
        }
    }

    fn event(&self, text: &str) -> Option<Receipt> {
        let frame: Frame = serde_json::from_str(text).ok()?;
        let ours = frame.is_event() && frame.room == Some(self.room);
        let seq = frame.seq.filter(|_| ours)?;
        let what = frame.what(&self.recorder);
        Some(Receipt { seq, what })
    }

    fn message(&self, text: &str) -> Option<Receipt> {
        let frame: Value = serde_json::from_str(text).ok()?;
        if frame.get("error").is_some() {
            self.recorder.surprise(format!("a listener: {text}"));
        }
        // Frames with a text and without a type are messages.
        if frame.get("type").is_some() || frame["room"] != self.room {
            return None;
        }
        let seq = frame["seq"].as_u64()?;
        let message: WireMessage = serde_json::from_value(frame).ok()?;
        let what = message.what(&self.recorder);
        Some(Receipt { seq, what })
    }
}
