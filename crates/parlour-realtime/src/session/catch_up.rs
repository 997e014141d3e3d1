//! A client of version 2 begins to hear: what it missed first, then live.
//!
//! The hub holds the rooms of a new socket until the client said what it missed. Then, room by room, it
//! is [fed](crate::hub::feed) from what the hub keeps in memory. Only who missed more than can be kept
//! there reads by itself, [piece by piece](crate::hub::pieces), and hands that to the hub.

use crate::{
    command::Resume,
    dialect::DialectKind,
    hub::{
        Registration,
        feed::{Fed, Feed, Lost, Stand, Word},
        pieces::Found,
        ring::MOST_MISSED,
    },
    outbox::Outbox,
};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use metrics::counter;
use parlour_core::RoomId;
use std::{
    collections::{BTreeMap, HashMap},
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Sleep;

/// How many frames, and bytes, are handed over at once: with what the hub adds, less than half of what
/// may wait.
const HANDFUL: (usize, usize) = (128, 128 << 10);
/// The position of a room that could not be read.
const UNKNOWN: i64 = i64::MIN;
/// How many rooms' positions are read at once.
const POSITIONS: usize = 500;
/// Rooms that a socket does not hear may be in a resume, because the client cannot know; but a frame
/// full of them, again and again, must not cost the hub its time.
const UNHEARD: usize = 100;
/// Pause after each one beyond that.
const UNHEARD_PAUSE: Duration = Duration::from_millis(1);

/// The beginning of a client's hearing.
pub(super) struct CatchUp {
    desk: Option<Arc<Desk>>,
    /// Until when the client may say what it missed.
    opening: Option<Pin<Box<Sleep>>>,
    /// Whether that time has passed.
    is_late: bool,
    running: Option<BoxFuture<'static, ()>>,
    /// What the client asked for meanwhile.
    next: Option<Box<Resume>>,
}

impl CatchUp {
    /// Waits so long for the client's word, if it speaks version 2.
    pub(super) fn new(registration: &Registration, within: Duration) -> Self {
        let is_v2 = registration.dialect() == DialectKind::AccountV2;
        Self {
            desk: is_v2.then(|| Arc::new(Desk::new(registration))),
            opening: is_v2.then(|| Box::pin(tokio::time::sleep(within))),
            is_late: false,
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
            self.next = Some(Box::new(resume));
        } else if let Some(desk) = &self.desk {
            self.running = Some(Arc::clone(desk).resume(resume).boxed());
        }
    }

    /// Goes on; ready after each step, never when there is nothing to wait for.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(opening) = &mut self.opening {
            ready!(opening.as_mut().poll(cx));
            if !std::mem::replace(&mut self.is_late, true) {
                // Whatever the client has said by now is read before its silence counts: on a busy
                // machine both are found at once.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.release();
        } else if let Some(running) = &mut self.running {
            ready!(running.as_mut().poll(cx));
            self.running = None;
            if let Some(next) = self.next.take() {
                self.resume(*next);
            }
        } else {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// Pauses before a room is asked for that was joined just now: the hub hears of it from the stream.
const PAUSES: [u64; 9] = [1, 5, 10, 20, 50, 100, 200, 400, 800];

/// Hands over what the client missed, room by room, before live events.
pub(crate) fn replay(
    registration: &Registration,
    resume: Resume,
) -> impl Future<Output = ()> + use<> {
    Arc::new(Desk::new(registration)).resume(resume)
}

/// Hands over what came after this seq of one room, also what went out already, before further live
/// events. `newest`: where the room stood a moment ago.
pub(crate) fn rewind(
    registration: &Registration,
    room: RoomId,
    after: i64,
    newest: i64,
) -> impl Future<Output = ()> + use<> {
    let desk = Desk {
        rewinds: true,
        ..Desk::new(registration)
    };
    desk.rewind(room, after.max(0), newest)
}

/// What catching up needs of its socket.
struct Desk {
    hub: crate::hub::Hub,
    session: crate::hub::SessionId,
    outbox: Arc<Outbox>,
    /// Where it began to hear.
    cursors: HashMap<RoomId, i64>,
    /// See [`Feed::rewinds`].
    rewinds: bool,
}

impl Desk {
    fn new(registration: &Registration) -> Self {
        Self {
            hub: registration.hub().clone(),
            session: registration.id(),
            outbox: registration.shared_outbox(),
            cursors: registration.cursors().iter().copied().collect(),
            rewinds: false,
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
        let mut unheard = 0;
        for plan in plans {
            if self.follow(plan.room, plan.from, plan.word).await == Fed::Gone {
                unheard += 1;
                if unheard > UNHEARD {
                    tokio::time::sleep(UNHEARD_PAUSE).await;
                }
            }
        }
    }

    fn plan(&self, room: RoomId, seq: i64, is_known: bool, newest: &HashMap<RoomId, i64>) -> Plan {
        let seq = seq.max(0);
        // A room that was entered since has no beginning here; the hub knows.
        let began = self.cursors.get(&room).copied().unwrap_or(seq);
        let missed = (began - seq).max(0);
        let lost = match newest.get(&room) {
            _ if !is_known => Some(Lost::Epoch),
            _ if missed > MOST_MISSED => Some(Lost::TooMany),
            Some(&UNKNOWN) => Some(Lost::Store),
            Some(newest) if seq > *newest => Some(Lost::Beyond),
            _ => None,
        };
        Plan {
            room,
            from: if lost.is_some() { began } else { seq },
            missed: match (lost.is_some(), self.cursors.contains_key(&room)) {
                (true, _) => 0,
                (false, true) => missed,
                (false, false) => i64::MAX,
            },
            word: lost.map_or(Word::Recovered, Word::Resync),
        }
    }

    async fn rewind(mut self, room: RoomId, after: i64, newest: i64) {
        let lost = if after > newest {
            // Of an event that was stored in the meantime, or of none.
            match self.hub.source().positions(&[room]).await {
                Ok(found) if found.iter().any(|(_, newest)| after <= *newest) => None,
                Ok(_) => Some(Lost::Beyond),
                Err(_) => Some(Lost::Store),
            }
        } else {
            (newest - after > MOST_MISSED).then_some(Lost::TooMany)
        };
        self.rewinds = lost.is_none();
        let (from, word) = match lost {
            None => (after, Word::Recovered),
            Some(lost) => (newest, Word::Resync(lost)),
        };
        for pause in PAUSES {
            if self.follow(room, from, word).await != Fed::Gone {
                return;
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.rewinds = false;
        self.follow(room, from, word).await;
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
            counter!("parlour_resume_reads_total", "what" => "positions").increment(1);
            match self.hub.source().positions(rooms).await {
                Ok(positions) => newest.extend(positions),
                // What cannot be checked counts as lost.
                Err(_) => newest.extend(rooms.iter().map(|room| (*room, UNKNOWN))),
            }
        }
        newest
    }

    /// Feeds the socket what comes after `from` until it hears the room live.
    async fn follow(&self, room: RoomId, from: i64, word: Word) -> Fed {
        let mut stand = Stand {
            at: from,
            word,
            was_read: false,
        };
        loop {
            match self.feed(room, Vec::new(), stand).await {
                Fed::More(next) => stand = next,
                Fed::Behind(upto) => {
                    if let Some(fed) = self.feed_piece(room, &mut stand, upto).await {
                        return fed;
                    }
                }
                fed => return fed,
            }
        }
    }

    /// Reads the next events up to this seq and hands them over; answers when that was the end of it.
    async fn feed_piece(&self, room: RoomId, stand: &mut Stand, upto: i64) -> Option<Fed> {
        // Held until it is handed over, so that others find it.
        let (found, _held) = self.hub.pieces().read(room, stand.at, upto).await;
        let events = match found {
            Found::Next(events) => events,
            // The hub says so when it hears of it.
            Found::Ended => return Some(Fed::Live),
            Found::Lost => {
                // Never a silent hole.
                stand.word = Word::Resync(Lost::Store);
                return None;
            }
        };
        stand.was_read = true;
        let mut frames = Vec::new();
        let mut bytes = 0;
        let last = events.last().map(|(seq, _)| *seq);
        for (seq, frame) in events {
            stand.at = seq;
            bytes += frame.as_ref().map_or(0, Bytes::len);
            frames.extend(frame);
            if frames.len() >= HANDFUL.0 || bytes >= HANDFUL.1 || last == Some(seq) {
                bytes = 0;
                match self.feed(room, std::mem::take(&mut frames), *stand).await {
                    Fed::Behind(_) => {}
                    Fed::More(next) => {
                        *stand = next;
                        return None;
                    }
                    fed => return Some(fed),
                }
            }
        }
        None
    }

    async fn feed(&self, room: RoomId, frames: Vec<Bytes>, stand: Stand) -> Fed {
        if !self.outbox.has_room().await {
            return Fed::Gone;
        }
        let (session, rewinds) = (self.session, self.rewinds);
        self.hub
            .feed(|reply| Feed {
                session,
                room,
                frames,
                stand,
                rewinds,
                reply,
            })
            .await
    }
}

/// What is done for one room.
struct Plan {
    room: RoomId,
    from: i64,
    /// How many events, to do the short ones first and rooms that may not be heard at all last.
    missed: i64,
    word: Word,
}
