//! A client of version 2 begins to hear: what it missed first, then live.
//!
//! The hub holds the rooms of a new socket until the client said what it missed. Then, room by room:
//! read a piece from the store, hand it to the hub, until the piece reaches what the hub kept
//! ([`crate::hub::feed`]). A ring of each active room's newest events would serve a storm of clients
//! without these reads; [`Desk::piece`] is its place.

use crate::{
    command::{Refusal, Resume},
    dialect::DialectKind,
    hub::{
        Registration,
        feed::{Fed, Feed, Word},
    },
    outbox::Outbox,
};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use parlour_core::{Error, Event, RoomId, error::NOT_FOUND};
use std::{
    collections::{BTreeMap, HashMap},
    future::pending,
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tokio::time::Sleep;

/// Who missed more events of a room reads its history instead.
const MOST_MISSED: i64 = 1_000;
/// How many events are read at once.
const PIECE: i64 = 128;
/// How many frames, and bytes, are handed over at once: with the tail less than half of what may wait.
const HANDFUL: (usize, usize) = (128, 128 << 10);
/// How many rooms' positions are read at once.
const POSITIONS: usize = 500;

/// The beginning of a client's hearing.
pub(super) struct CatchUp {
    desk: Option<Arc<Desk>>,
    /// Until when the client may say what it missed.
    opening: Option<Pin<Box<Sleep>>>,
    running: Option<BoxFuture<'static, ()>>,
    /// What the client asked for meanwhile.
    next: Option<Resume>,
}

impl CatchUp {
    /// Waits so long for the client's word, if it speaks version 2.
    pub(super) fn new(registration: &Registration, within: Duration) -> Self {
        let is_v2 = registration.dialect() == DialectKind::AccountV2;
        Self {
            desk: is_v2.then(|| Arc::new(Desk::new(registration))),
            opening: is_v2.then(|| Box::pin(tokio::time::sleep(within))),
            running: None,
            next: None,
        }
    }

    /// Whether [`step`](Self::step) has something to wait for.
    pub(super) const fn is_busy(&self) -> bool {
        self.opening.is_some() || self.running.is_some()
    }

    /// Whether another resume can be taken.
    pub(super) const fn is_free(&self) -> bool {
        self.next.is_none()
    }

    /// The client spoke, and not of what it missed: it missed nothing.
    pub(super) fn release(&mut self) {
        if self.opening.take().is_some()
            && let Some(desk) = &self.desk
        {
            self.running = Some(Arc::clone(desk).release().boxed());
        }
    }

    /// The client says what it missed.
    pub(super) fn resume(&mut self, resume: Resume) {
        self.opening = None;
        if self.running.is_some() {
            self.next = Some(resume);
        } else if let Some(desk) = &self.desk {
            self.running = Some(Arc::clone(desk).resume(resume).boxed());
        }
    }

    /// Goes on. Cancel safe.
    pub(super) async fn step(&mut self) {
        if let Some(opening) = &mut self.opening {
            opening.await;
            self.release();
        } else if let Some(running) = &mut self.running {
            running.await;
            self.running = None;
            if let Some(next) = self.next.take() {
                self.resume(next);
            }
        } else {
            pending().await
        }
    }
}

/// What catching up needs of its socket.
struct Desk {
    hub: crate::hub::Hub,
    session: crate::hub::SessionId,
    outbox: Arc<Outbox>,
    /// Where it began to hear.
    cursors: HashMap<RoomId, i64>,
}

impl Desk {
    fn new(registration: &Registration) -> Self {
        Self {
            hub: registration.hub().clone(),
            session: registration.id(),
            outbox: registration.shared_outbox(),
            cursors: registration.cursors().iter().copied().collect(),
        }
    }

    /// Every room from where the socket began.
    async fn release(self: Arc<Self>) {
        for (room, seq) in &self.cursors {
            self.follow(*room, *seq, Word::Nothing).await;
        }
    }

    /// Every room from where the client says it stands; the rest from where the socket began.
    async fn resume(self: Arc<Self>, resume: Resume) {
        for (room, seq) in &self.cursors {
            if !resume.cursors.contains_key(room) {
                self.follow(*room, *seq, Word::Nothing).await;
            }
        }
        let is_known = resume.epoch == self.hub.source().epoch();
        let newest = if is_known {
            self.newest(&resume.cursors).await
        } else {
            HashMap::new()
        };
        let mut plans: Vec<_> = resume
            .cursors
            .into_iter()
            .map(|(room, seq)| self.plan(room, seq, is_known, &newest))
            .collect();
        // Who missed little does not wait for who missed much.
        plans.sort_by_key(|plan| plan.missed);
        for plan in plans {
            if self.follow(plan.room, plan.from, plan.word).await == Fed::Gone {
                self.tell_unknown(plan.room).await;
            }
        }
    }

    fn plan(&self, room: RoomId, seq: i64, is_known: bool, newest: &HashMap<RoomId, i64>) -> Plan {
        let seq = seq.max(0);
        // A room that was entered since has no beginning here; the hub knows.
        let began = self.cursors.get(&room).copied().unwrap_or(seq);
        let missed = (began - seq).max(0);
        let is_beyond = newest.get(&room).is_some_and(|newest| seq > *newest);
        let is_lost = !is_known || missed > MOST_MISSED || is_beyond;
        Plan {
            room,
            from: if is_lost { began } else { seq },
            missed: if is_lost { 0 } else { missed },
            word: if is_lost {
                Word::Resync
            } else {
                Word::Recovered
            },
        }
    }

    /// Where the rooms really stand of which the client knows more than this process knew.
    async fn newest(&self, seen: &BTreeMap<RoomId, i64>) -> HashMap<RoomId, i64> {
        let is_ahead = |(room, seq): &(&RoomId, &i64)| {
            self.cursors.get(*room).is_some_and(|began| *seq > began)
        };
        let ahead: Vec<_> = seen
            .iter()
            .filter(is_ahead)
            .map(|(room, _)| *room)
            .collect();
        let mut newest = HashMap::new();
        for rooms in ahead.chunks(POSITIONS) {
            match self.hub.source().positions(rooms).await {
                Ok(positions) => newest.extend(positions),
                // What cannot be checked counts as lost.
                Err(_) => newest.extend(rooms.iter().map(|room| (*room, i64::MIN))),
            }
        }
        newest
    }

    /// Feeds the socket what comes after `from` until it hears the room live.
    async fn follow(&self, room: RoomId, from: i64, word: Word) -> Fed {
        let mut at = from;
        loop {
            let upto = match self.feed(room, Vec::new(), at, word).await {
                Fed::Behind(upto) => upto,
                fed => return fed,
            };
            let events = match self.piece(room, at, upto).await {
                Ok(Some(events)) if !events.is_empty() => events,
                // It ended; the hub says so when it hears of it.
                Ok(None) => return Fed::Live,
                // Never a silent hole.
                Ok(Some(_)) | Err(_) => return self.feed(room, Vec::new(), at, Word::Resync).await,
            };
            let mut frames = Vec::new();
            let mut bytes = 0;
            for event in events {
                at = event.seq;
                if let Some(frame) = DialectKind::AccountV2.dialect().encode(&event) {
                    bytes += frame.len();
                    frames.push(frame);
                }
                if frames.len() >= HANDFUL.0 || bytes >= HANDFUL.1 {
                    bytes = 0;
                    match self.feed(room, std::mem::take(&mut frames), at, word).await {
                        Fed::Behind(_) => {}
                        fed => return fed,
                    }
                }
            }
            if !frames.is_empty() {
                match self.feed(room, frames, at, word).await {
                    Fed::Behind(_) => {}
                    fed => return fed,
                }
            }
        }
    }

    /// The next events up to this seq, at most [`PIECE`]; `None` when the room is no more.
    async fn piece(
        &self,
        room: RoomId,
        after: i64,
        upto: i64,
    ) -> Result<Option<Vec<Event>>, Error> {
        // Never closed; without a permit the read would merely not be limited.
        let _permit = self.hub.replays().acquire().await;
        let history = self.hub.source().history(room, after, PIECE).await?;
        Ok(history.map(|history| {
            let mut events = history.events;
            events.retain(|event| event.seq <= upto);
            events
        }))
    }

    async fn feed(&self, room: RoomId, frames: Vec<Bytes>, at: i64, word: Word) -> Fed {
        if !self.outbox.has_room().await {
            return Fed::Gone;
        }
        let session = self.session;
        self.hub
            .feed(|reply| Feed {
                session,
                room,
                frames,
                at,
                word,
                reply,
            })
            .await
    }

    /// The client does not hear this room (any more).
    async fn tell_unknown(&self, room: RoomId) {
        if self.outbox.has_room().await {
            let refusal = Refusal {
                error: NOT_FOUND.into(),
                nonce: None,
                room: Some(room),
            };
            let dialect = DialectKind::AccountV2.dialect();
            self.outbox.send(dialect.refuse(&refusal));
        }
    }
}

/// What is done for one room.
struct Plan {
    room: RoomId,
    from: i64,
    /// How many events, to do the short ones first.
    missed: i64,
    word: Word,
}
