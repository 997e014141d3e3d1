//! One connection of a client, from its opening to its end.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message as WsMessage;

use super::Order;
use super::state::State;
use crate::history::{Acked, Receipt};
use crate::http::Http;
use crate::people::{self, RoomId};
use crate::recorder::Refused;
use crate::wire::{Frame, Socket};

/// Messages on their way at once; the server takes 32 before it stops reading.
const WINDOW: usize = 16;
/// The pause before sending again what the server could not take, where it names none.
const RETRY: Duration = Duration::from_millis(200);
/// From a node that lives something comes at least every 25 s, if only a ping: after this silence the
/// connection is given up.
const SILENCE: Duration = Duration::from_secs(35);

/// How a connection ended.
pub(super) enum End {
    /// As told.
    Stopped,
    /// Cut, closed or broken; come back after this pause.
    Lost(Duration),
}

pub(super) struct Conversation<'a> {
    state: &'a State,
    socket: Socket,
    /// Numbers of what was sent on this connection and not answered.
    on_the_way: HashSet<u64>,
    /// When to send again what was put off.
    put_off: Option<Instant>,
    postponed: HashSet<u64>,
    greeted: bool,
    /// Rooms that were named in the resume and are neither recovered nor given up yet. Where the
    /// resume comes late, live events come first; they are held back here, and the server's next
    /// word must be that the history is to be read.
    resuming: BTreeMap<RoomId, Vec<Receipt>>,
    pause: Duration,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(state: &'a State, socket: Socket) -> Self {
        Self {
            state,
            socket,
            on_the_way: HashSet::new(),
            put_off: None,
            postponed: HashSet::new(),
            greeted: false,
            resuming: BTreeMap::new(),
            pause: Duration::ZERO,
        }
    }

    pub(super) async fn run(mut self, inbox: &mut mpsc::UnboundedReceiver<Order>) -> End {
        // Resuming is allowed before and after the greeting: half of the clients do each.
        let early = self.state.number.is_multiple_of(2) && self.state.epoch().is_some();
        if early && self.resume().await.is_none() {
            return self.lost(1006);
        }
        let mut heard = Instant::now();
        loop {
            let wake = self.put_off;
            tokio::select! {
                frame = self.socket.next() => match frame.inspect(|_| heard = Instant::now()) {
                    Some(Ok(WsMessage::Text(text))) => {
                        if self.take(&text, early).await.is_none() {
                            return self.lost(1006);
                        }
                    }
                    Some(Ok(WsMessage::Close(close))) => {
                        return self.lost(close.map_or(0, |close| close.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return self.lost(1006),
                },
                order = inbox.recv() => match order {
                    None | Some(Order::Stop) => {
                        // Whether the goodbye arrives does not matter to what was heard.
                        drop(self.socket.close(None).await);
                        return End::Stopped;
                    }
                    Some(Order::Cut(pause)) => return End::Lost(pause),
                    Some(Order::Look | Order::Back) => {}
                },
                () = sleep_until(heard + SILENCE) => return self.lost(1006),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    self.put_off = None;
                    for number in self.postponed.drain() {
                        self.on_the_way.remove(&number);
                    }
                }
            }
            if self.greeted && self.send_more().await.is_none() {
                return self.lost(1006);
            }
        }
    }

    fn lost(&self, code: u16) -> End {
        self.state.closed(code);
        End::Lost(self.pause)
    }

    /// None when the connection is broken, here and below.
    async fn say(&mut self, frame: serde_json::Value) -> Option<()> {
        self.socket
            .send(WsMessage::text(frame.to_string()))
            .await
            .ok()
    }

    async fn resume(&mut self) -> Option<()> {
        let known = self.state.cursors();
        self.resuming = known.keys().map(|room| (*room, Vec::new())).collect();
        let cursors: serde_json::Map<_, _> = known
            .into_iter()
            .map(|(room, seq)| (room.to_string(), json!(seq)))
            .collect();
        let epoch = self.state.epoch();
        self.say(json!({"type": "resume", "epoch": epoch, "cursors": cursors}))
            .await
    }

    async fn send_more(&mut self) -> Option<()> {
        let room_left = WINDOW.saturating_sub(self.on_the_way.len());
        if room_left == 0 {
            return Some(());
        }
        let known = &self.on_the_way;
        for (number, outgoing) in self
            .state
            .to_send(|number| known.contains(&number), room_left)
        {
            self.on_the_way.insert(number);
            let frame = json!({
                "type": "send",
                "room": outgoing.room,
                "text": outgoing.text.as_ref(),
                "nonce": outgoing.nonce.as_ref(),
            });
            self.say(frame).await?;
        }
        Some(())
    }

    async fn take(&mut self, text: &str, resumed: bool) -> Option<()> {
        let frame: Frame = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => {
                self.surprise(&format!("{error}: {text}"));
                return Some(());
            }
        };
        if frame.is_event() {
            self.event(&frame);
            return Some(());
        }
        match frame.kind.as_str() {
            "hello" => self.hello(&frame, resumed).await?,
            "ack" => self.ack(&frame, text),
            "error" => self.error(&frame, text),
            "resync" => self.resync(&frame).await?,
            "recovered" => self.recovered(&frame, text),
            "reconnect" => self.pause = Duration::from_millis(frame.after_ms.unwrap_or_default()),
            // Rooms of others, and what may be lost.
            "room.created" | "room.updated" | "room.deleted" | "presence" | "typing" | "read" => {}
            _ => self.surprise(text),
        }
        Some(())
    }

    fn surprise(&self, text: &str) {
        let number = self.state.number;
        self.state
            .recorder
            .surprise(format!("client {number}: {text}"));
    }

    async fn hello(&mut self, frame: &Frame, resumed: bool) -> Option<()> {
        let epoch = frame.epoch.as_deref().unwrap_or_default();
        if let Some(before) = self.state.greeted(epoch) {
            self.surprise(&format!("the epoch changed from {before} to {epoch}"));
        }
        self.greeted = true;
        let named: Vec<(i64, u64)> = frame
            .cursors
            .iter()
            .filter_map(|(room, seq)| Some((room.parse().ok()?, *seq)))
            .collect();
        for room in self.state.cursors().into_keys() {
            if !named.iter().any(|(named, _)| *named == room) {
                self.state.close(room);
                self.resuming.remove(&room);
            }
        }
        for (room, seq) in named {
            self.state.open(room, Some(seq));
        }
        if resumed {
            Some(())
        } else {
            self.resume().await
        }
    }

    fn event(&mut self, frame: &Frame) {
        let (Some(room), Some(seq)) = (frame.room, frame.seq) else {
            return;
        };
        let me = frame.member.as_ref().map(|member| member.id) == Some(self.state.person.id);
        let begins = (me && frame.kind == "member.joined") || frame.kind == "room.created";
        if begins {
            self.state.open(room, Some(seq.saturating_sub(1)));
        }
        let left =
            me && frame.kind == "member.left" && frame.reason.as_deref() != Some("became_host");
        let last_word = left || frame.kind == "room.deleted";
        let what = frame.what(&self.state.recorder);
        let receipt = Receipt { seq, what };
        let next = self.state.cursor(room).map_or(seq, |cursor| cursor + 1);
        // What was missed of a room that one is out of by now is not to be read any more.
        let cut_short = last_word && seq > next && self.resuming.contains_key(&room);
        if cut_short {
            self.state.close(room);
            self.resuming.remove(&room);
            return;
        }
        match self.resuming.get_mut(&room) {
            Some(held) if seq > next => held.push(receipt),
            _ => self.state.received(room, receipt),
        }
        if left {
            self.state.leave(room);
        } else if last_word {
            self.state.close(room);
        }
    }

    fn ack(&mut self, frame: &Frame, text: &str) {
        let (Some(nonce), Some(id), Some(seq)) = (&frame.nonce, frame.id, frame.seq) else {
            return self.surprise(text);
        };
        match self.state.answered(nonce, Some(seq)) {
            Some(number) => {
                self.on_the_way.remove(&number);
            }
            None => self.surprise(&format!("acknowledged, but not waiting for it: {text}")),
        }
        self.state.recorder.acked(Acked {
            client: self.state.number,
            person: self.state.person.id,
            nonce: self.state.recorder.intern(nonce),
            id,
            seq,
        });
    }

    fn error(&mut self, frame: &Frame, text: &str) {
        let code = frame.code.as_deref().unwrap_or_default();
        let Some(nonce) = &frame.nonce else {
            // A resume may name a room that one has left meanwhile.
            match frame.room {
                Some(room) if code == "not_found" => {
                    self.resuming.remove(&room);
                    self.state.close(room);
                }
                _ => self.surprise(text),
            }
            return;
        };
        if matches!(code, "busy" | "unavailable" | "rate_limited" | "internal") {
            let pause = frame.retry_ms.map_or(RETRY, Duration::from_millis);
            self.put_off.get_or_insert(Instant::now() + pause);
            self.postponed.extend(self.state.number_of(nonce));
            if code == "internal" {
                self.surprise(text);
            }
            return;
        }
        if let Some(number) = self.state.answered(nonce, None) {
            self.on_the_way.remove(&number);
        }
        self.state.recorder.refused(Refused {
            client: self.state.number,
            nonce: self.state.recorder.intern(nonce),
            code: format!("{code}: {}", frame.error.as_deref().unwrap_or_default()),
        });
    }

    /// After `recovered` nothing of before may be missing.
    fn recovered(&mut self, frame: &Frame, text: &str) {
        let (Some(room), Some(seq)) = (frame.room, frame.seq) else {
            return self.surprise(text);
        };
        self.release(room, 0);
        match self.state.cursor(room) {
            Some(cursor) if cursor != seq => {
                self.surprise(&format!("the cursor is at {cursor}, yet {text}"));
            }
            _ => {}
        }
    }

    /// Reads from the history what the server will not tell again.
    async fn resync(&mut self, frame: &Frame) -> Option<()> {
        let (room, seq) = (frame.room?, frame.seq?);
        let Some(cursor) = self.state.cursor(room) else {
            self.state.open(room, Some(seq));
            return Some(());
        };
        self.state.resynced();
        let http = Http::new(self.state.addr());
        let person = &self.state.person;
        // What cannot be read now is read after the next greeting.
        let missed = people::history(&http, person, room, cursor).await.ok()?;
        for event in missed.into_iter().filter(|event| event.seq <= seq) {
            let receipt = Receipt {
                seq: event.seq,
                what: event.what,
            };
            self.state.received(room, receipt);
        }
        self.release(room, seq);
        Some(())
    }

    /// Writes down what was held back of a room, except what the history has told up to a place.
    fn release(&mut self, room: RoomId, told: u64) {
        let held = self.resuming.remove(&room).unwrap_or_default();
        for receipt in held.into_iter().filter(|receipt| receipt.seq > told) {
            self.state.received(room, receipt);
        }
    }
}
