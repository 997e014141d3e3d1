//! A client as a good one should be: it keeps cursors, resumes, and sends again what was not
//! acknowledged. It never hides a fault: whatever comes is written down as it came.

mod conversation;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use self::conversation::{Conversation, End};
use self::state::State;
use crate::history::Sent;
use crate::people::{Person, RoomId};
use crate::recorder::Recorder;
use crate::wire;

/// The first pause before coming back; it doubles to [`PAUSE_CAP`], and a random part of it is waited.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_CAP: Duration = Duration::from_millis(800);
/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a client is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// There is something to send.
    Look,
    /// Drop the connection without a word, and come back after this pause at least.
    Cut(Duration),
    /// End the pause after a cut.
    Back,
    /// Close in an orderly way and end.
    Stop,
}

/// A version-2 account socket that comes back after every end.
#[derive(Debug)]
pub struct Client {
    number: u32,
    person: Person,
    state: Arc<State>,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

impl Client {
    /// Connects, and waits until the server has greeted.
    ///
    /// # Errors
    /// When it does not within some seconds.
    pub async fn start(addr: SocketAddr, person: &Person, recorder: &Recorder) -> Result<Self> {
        Self::start_among(vec![addr], person, recorder).await
    }

    /// The same with several nodes: it begins at the first one, and whenever its connection ends it
    /// comes back at the next one.
    ///
    /// # Errors
    /// When it is not greeted within some seconds, or there is no node.
    pub async fn start_among(
        addrs: Vec<SocketAddr>,
        person: &Person,
        recorder: &Recorder,
    ) -> Result<Self> {
        ensure!(!addrs.is_empty(), "a client needs a node");
        let number = recorder.client();
        let state = Arc::new(State::new(number, person.clone(), recorder.clone(), addrs));
        let (orders, inbox) = mpsc::unbounded_channel();
        let task = tokio::spawn(live(Arc::clone(&state), inbox));
        let client = Self {
            number,
            person: person.clone(),
            state,
            orders,
            task,
        };
        let greeted = client.until(PATIENCE, |state| state.hellos() > 0).await;
        greeted
            .then_some(client)
            .context("the server does not greet")
    }

    /// The number under which it is recorded.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The node that it is at, or tries.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.state.addr()
    }

    /// Whose socket it is.
    #[must_use]
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Sends a message now or as soon as there is a connection, until the server has answered it.
    /// The nonce.
    pub fn send(&self, room: RoomId, text: &str) -> Arc<str> {
        let nonce = self.state.enqueue(room, text);
        self.order(Order::Look);
        nonce
    }

    /// Sends a text that nobody else sends.
    pub fn say(&self, room: RoomId) -> Arc<str> {
        let text = format!(
            "{} of client {}: 안녕 \"{room}\"",
            self.state.sends(),
            self.number
        );
        self.send(room, &text)
    }

    /// Drops the TCP connection without a word; it comes back by itself.
    pub fn cut(&self) {
        self.cut_for(Duration::ZERO);
    }

    /// The same, staying away for a while.
    pub fn cut_for(&self, pause: Duration) {
        self.order(Order::Cut(pause));
    }

    /// Ends the pause after a cut.
    pub fn come_back(&self) {
        self.order(Order::Back);
    }

    /// Waits until every message was acknowledged or refused; whether that came true.
    pub async fn settled(&self, patience: Duration) -> bool {
        self.until(patience, |state| state.pending() == 0).await
    }

    /// Waits until the room was heard up to a position; whether that came true. True as well for a
    /// room that it does not hear.
    pub async fn reached(&self, room: RoomId, seq: u64, patience: Duration) -> bool {
        self.until(patience, |state| {
            state.cursor(room).is_none_or(|cursor| cursor >= seq)
        })
        .await
    }

    /// Waits for the greeting of the server after `hellos` earlier ones; whether it came.
    pub async fn greeted(&self, hellos: u32, patience: Duration) -> bool {
        self.until(patience, |state| state.hellos() > hellos).await
    }

    async fn until(&self, patience: Duration, reached: impl Fn(&State) -> bool) -> bool {
        let limit = Instant::now() + patience;
        while !reached(&self.state) {
            if Instant::now() > limit {
                return false;
            }
            sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// How often the server has greeted: 1 and one for every time it came back.
    #[must_use]
    pub fn hellos(&self) -> u32 {
        self.state.hellos()
    }

    /// How many rooms had to be read from the history, because the server could not resume them.
    #[must_use]
    pub fn resyncs(&self) -> u32 {
        self.state.resyncs()
    }

    /// The codes with which the server closed; 0 without a code, 1006 when the connection broke.
    #[must_use]
    pub fn closes(&self) -> Vec<u16> {
        self.state.closes()
    }

    /// The rooms it hears, each with the position up to which it heard.
    #[must_use]
    pub fn cursors(&self) -> BTreeMap<RoomId, u64> {
        self.state.cursors()
    }

    /// The highest place of its own messages in a room that the server has acknowledged.
    #[must_use]
    pub fn acknowledged(&self, room: RoomId) -> Option<u64> {
        self.state.acknowledged(room)
    }

    /// Messages that are neither acknowledged nor refused yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.state.pending()
    }

    /// Closes in an orderly way. What it hears counts as heard to the end from here on: wait with
    /// [`Self::reached`] first.
    pub async fn stop(self) {
        self.state.mark_the_end();
        self.hang_up().await;
    }

    /// Closes in an orderly way while others go on.
    pub async fn hang_up(mut self) {
        self.order(Order::Stop);
        // Whoever does not end by itself is ended by the drop.
        drop(timeout(Duration::from_secs(3), &mut self.task).await);
    }

    fn order(&self, order: Order) {
        // The task ends only by Stop; after that there is nothing to do.
        let _ = self.orders.send(order);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects again and again.
async fn live(state: Arc<State>, mut inbox: mpsc::UnboundedReceiver<Order>) {
    let mut random = StdRng::seed_from_u64(u64::from(state.number));
    let path = format!("/?token={}&v=2", state.person.token);
    let mut failures = 0_u32;
    loop {
        let mut pause = match wire::open(state.addr(), &path).await {
            Err(_) => Duration::ZERO,
            Ok(socket) => {
                failures = 0;
                match Conversation::new(&state, socket).run(&mut inbox).await {
                    End::Stopped => return,
                    End::Lost(pause) => pause,
                }
            }
        };
        state.move_on();
        let cap = PAUSE.saturating_mul(1 << failures.min(8)).min(PAUSE_CAP);
        pause += cap.mul_f64(random.random_range(0.0..1.0));
        failures += 1;
        if wait(pause, &mut inbox).await {
            return;
        }
    }
}

/// Waits, and listens for the order to stop; whether it came.
async fn wait(pause: Duration, inbox: &mut mpsc::UnboundedReceiver<Order>) -> bool {
    let mut limit = Instant::now() + pause;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(limit) => return false,
            order = inbox.recv() => {
                match order {
                    None | Some(Order::Stop) => return true,
                    Some(Order::Back) => return false,
                    Some(Order::Cut(longer)) => limit = limit.max(Instant::now() + longer),
                    Some(Order::Look) => {}
                }
            }
        }
    }
}

impl State {
    fn enqueue(&self, room: RoomId, text: &str) -> Arc<str> {
        let (nonce, text) = self.keep(room, text);
        self.recorder.sent(Sent {
            client: self.number,
            person: self.person.id,
            room,
            nonce: Arc::clone(&nonce),
            text,
        });
        nonce
    }
}
