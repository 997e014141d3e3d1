//! A room with a steady stream of messages, and how long each takes to reach those who read.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::stream::SplitStream;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use crate::bare::Bare;
use crate::people::{Person, RoomId};

/// What the stream is made of.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// The room.
    pub room: RoomId,
    /// Messages per second of all senders together.
    pub rate: u32,
    /// Bytes of a text; at least 32.
    pub size: usize,
}

/// The stream, while it flows. Dropping it ends it.
#[derive(Debug)]
pub struct Pace {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// What readers note down.
#[derive(Debug)]
struct Shared {
    base: Instant,
    /// From the moment at which a message was due to be sent to the moment it was read.
    latencies: Mutex<Vec<Duration>>,
    /// Bytes of frames that the first reader got.
    bytes: AtomicU64,
    sent: AtomicU64,
}

/// What was seen during a while.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Messages times readers.
    pub count: usize,
    /// Half were faster.
    pub p50: Duration,
    /// One of a hundred was slower.
    pub p99: Duration,
}

impl Pace {
    /// Starts the stream from these senders to these readers, who are all in the room.
    ///
    /// # Errors
    /// When a socket is refused.
    pub async fn start(
        addr: SocketAddr,
        flow: Flow,
        senders: &[Person],
        readers: &[Person],
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            base: Instant::now(),
            latencies: Mutex::default(),
            bytes: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        for (number, reader) in readers.iter().enumerate() {
            let socket = awake(addr, &reader.token).await?.into_inner();
            tasks.spawn(read(socket.split().1, Arc::clone(&shared), number == 0));
        }
        let pause = Duration::from_secs(1) * u32::try_from(senders.len())? / flow.rate;
        for (number, sender) in senders.iter().enumerate() {
            let socket = awake(addr, &sender.token).await?;
            let offset = pause * u32::try_from(number)? / u32::try_from(senders.len())?;
            let shared = Arc::clone(&shared);
            tasks.spawn(send(socket, shared, flow, (offset, pause)));
        }
        Ok(Self {
            shared,
            _tasks: tasks,
        })
    }

    /// Watches for a while.
    ///
    /// # Errors
    /// When nothing came.
    pub async fn watch(&self, time: Duration) -> Result<Seen> {
        self.forget();
        tokio::time::sleep(time).await;
        self.seen()
    }

    /// Begins to watch anew.
    pub fn forget(&self) {
        drop(self.take());
    }

    /// What was seen since the last look.
    ///
    /// # Errors
    /// When nothing came.
    pub fn seen(&self) -> Result<Seen> {
        let mut all = self.take();
        ensure!(!all.is_empty(), "no message reached anybody");
        all.sort_unstable();
        let at = |percent: usize| all[(all.len() - 1) * percent / 100];
        Ok(Seen {
            count: all.len(),
            p50: at(50),
            p99: at(99),
        })
    }

    /// Bytes of frames that reached the first reader so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Messages that were sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    fn take(&self) -> Vec<Duration> {
        // Nothing panics while it holds the lock.
        let latencies = self.shared.latencies.lock();
        std::mem::take(&mut *latencies.unwrap_or_else(PoisonError::into_inner))
    }
}

/// A socket that hears live from now on, because it has spoken.
async fn awake(addr: SocketAddr, token: &str) -> Result<Bare> {
    let mut bare = Bare::connect(addr, token).await?;
    bare.send(&json!({"type": "ping"})).await?;
    bare.wait_for("pong").await?;
    Ok(bare)
}

async fn read(
    mut stream: SplitStream<WebSocketStream<TcpStream>>,
    shared: Arc<Shared>,
    first: bool,
) {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        if first {
            let length = u64::try_from(text.len()).unwrap_or(0);
            shared.bytes.fetch_add(length, Ordering::Relaxed);
        }
        if let Some(due) = due(&text) {
            let latency = shared.base.elapsed().saturating_sub(due);
            if let Ok(mut latencies) = shared.latencies.lock() {
                latencies.push(latency);
            }
        }
    }
}

/// When the message of this frame was due, after the base. Frames are searched, not parsed: the
/// harness must cost less than the server.
fn due(frame: &str) -> Option<Duration> {
    let (_, text) = frame.split_once("\"text\":\"due ")?;
    let (micros, _) = text.split_once(' ')?;
    micros.parse().ok().map(Duration::from_micros)
}

async fn send(bare: Bare, shared: Arc<Shared>, flow: Flow, (offset, pause): (Duration, Duration)) {
    let (mut sink, mut stream) = bare.into_inner().split();
    let filling = "x".repeat(flow.size.saturating_sub(20));
    let sending = async {
        let mut due = shared.base.elapsed() + offset;
        loop {
            tokio::time::sleep_until((shared.base + due).into()).await;
            let text = format!("due {} {filling}", due.as_micros());
            let frame = json!({"type": "send", "room": flow.room, "text": text});
            if sink.send(Message::text(frame.to_string())).await.is_err() {
                return;
            }
            shared.sent.fetch_add(1, Ordering::Relaxed);
            due += pause;
        }
    };
    // Who sends hears as well, and has to take it.
    let hearing = async { while let Some(Ok(_)) = stream.next().await {} };
    tokio::join!(sending, hearing);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_due_time_is_found_in_a_frame() {
        let frame = r#"{"type":"message.created","message":{"text":"due 1500 xx","html":""}}"#;
        assert_eq!(due(frame), Some(Duration::from_micros(1500)));
        assert_eq!(due(r#"{"type":"ack"}"#), None);
    }
}
