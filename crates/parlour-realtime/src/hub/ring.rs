//! The newest events of each active room, so that who comes back is told from memory what they missed.
//!
//! A ring is a piece of the stream without holes that ends at the room's position. It is filled by the
//! stream as it passes, and [downwards](Rings::attach) by reads of the store that all clients who want
//! them share. A message that was changed or deleted since is shown as it is now, as the store shows it:
//! who was away is not told what is gone.

mod entry;
#[cfg(test)]
mod tests;

pub(super) use entry::Entry;

use super::burst::Burst;
use crate::outbox::Piece;
use entry::{About, Kept, OVERHEAD};
use parlour_core::{Event, RoomId, What};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// Who missed more events of a room reads its history instead.
pub(crate) const MOST_MISSED: i64 = 1_000;
/// How long what was read from the store for clients who missed much is kept after its last use: a
/// storm of clients takes about so long.
const DEEP_FOR: Duration = Duration::from_secs(15);
/// How many frames, and bytes, are handed over at once: less than half of what may wait for a socket.
const HANDFUL: (usize, usize) = (256, 256 << 10);
/// How much of the rooms' streams is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLimits {
    /// The newest events of a room.
    pub events: usize,
    /// Their bytes, about.
    pub bytes: usize,
    /// Bytes of a room while clients come back who missed more than [`events`](Self::events). Who
    /// missed more than fits reads by itself.
    pub deep_bytes: usize,
    /// Bytes of all rooms; the longest unused go first.
    pub total: usize,
}

impl Default for RingLimits {
    fn default() -> Self {
        Self {
            events: 256,
            bytes: 256 << 10,
            deep_bytes: 4 << 20,
            total: 64 << 20,
        }
    }
}

/// The rings of all rooms.
#[derive(Debug, Default)]
pub(super) struct Rings {
    limits: RingLimits,
    rings: HashMap<RoomId, Ring>,
    bytes: usize,
    /// Counts uses: tells which ring was used last.
    clock: u64,
}

/// The ring of one room.
#[derive(Debug)]
struct Ring {
    entries: VecDeque<Entry>,
    /// The room's position; the last entry's seq.
    end: i64,
    bytes: usize,
    used: u64,
    used_at: Instant,
    /// Until when more than usual is kept.
    deep_until: Option<Instant>,
    /// What comes before does not fit.
    is_capped: bool,
}

/// How a place of a stream below a ring can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// By reading these events: `after < seq <= upto`.
    Read {
        /// Before the first one.
        after: i64,
        /// The last one.
        upto: i64,
    },
    /// It is too much to be kept.
    TooMuch,
}

/// How messages are shown that were changed or deleted since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// As they are now: who was away is not told what is gone.
    Now,
    /// As they passed by, to sockets that were there and are only fed later.
    AsItWas,
}

/// A handful of frames, and whether they are all there are.
#[derive(Debug)]
pub(super) struct Handful {
    pub(super) pieces: Vec<Piece>,
    /// The seq of the last one, told or not.
    pub(super) at: i64,
    pub(super) is_all: bool,
}

impl Rings {
    pub(super) fn new(limits: RingLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes the next event of a room that has a ring.
    pub(super) fn go_on(&mut self, event: &Arc<Event>) {
        if self.rings.contains_key(&event.room) {
            self.push(event, false);
        }
    }

    /// Takes events of a room that somebody hears in version 2, as far as they are not here. `burst`:
    /// the same events as version 2 tells them, if somebody was told.
    pub(super) fn said(&mut self, room: RoomId, events: &[Arc<Event>], burst: Option<&Burst>) {
        for event in events {
            if self
                .rings
                .get(&room)
                .is_none_or(|ring| ring.end < event.seq)
            {
                self.push(event, true);
            }
        }
        let Some(ring) = self.rings.get_mut(&room) else {
            return;
        };
        let before = ring.bytes;
        for (event, (_, piece)) in events.iter().zip(burst.into_iter().flat_map(Burst::pieces)) {
            ring.note_piece(event, piece);
        }
        let now = ring.bytes;
        self.weigh(room, before, now);
    }

    fn push(&mut self, event: &Arc<Event>, is_used: bool) {
        if matches!(event.what, What::RoomDeleted(_)) {
            return self.forget(event.room);
        }
        self.open(event.room, event.seq - 1, is_used);
        let limits = self.limits;
        let Some(ring) = self.rings.get_mut(&event.room) else {
            return;
        };
        let before = ring.bytes;
        ring.show_as_now(event);
        ring.add(Entry::later(Arc::clone(event)));
        ring.trim(&limits, None);
        let now = ring.bytes;
        self.weigh(event.room, before, now);
    }

    /// After which seq the ring of a room begins that stands at `position`.
    pub(super) fn from(&mut self, room: RoomId, position: i64) -> i64 {
        match self.rings.get(&room) {
            Some(ring) if ring.end == position => ring.from(),
            Some(_) => {
                self.forget(room);
                position
            }
            None => position,
        }
    }

    /// How the ring of a room at `position` can be made to reach back to `wanted`, which is below it.
    pub(super) fn reach(&mut self, room: RoomId, position: i64, wanted: i64) -> Reach {
        self.open(room, position, true);
        let limits = self.limits;
        let Some(ring) = self.rings.get_mut(&room) else {
            return Reach::TooMuch;
        };
        if ring.is_capped {
            return Reach::TooMuch;
        }
        let from = ring.from();
        let usual = (position - to_seq(limits.events)).max(0);
        // The usual length first, whatever is wanted: the next ones want no more most of the time.
        let after = if usual < from {
            usual
        } else {
            let after = wanted.min(position - MOST_MISSED).max(0);
            let fits = limits.deep_bytes.saturating_sub(ring.bytes) / ring.average();
            let after = after.max(from - to_seq(fits));
            if after > wanted {
                ring.is_capped = true;
                return Reach::TooMuch;
            }
            after
        };
        let after = after.max(from - MOST_MISSED);
        // Nothing of it is dropped while the rest is read.
        ring.deep_until = Some(Instant::now() + DEEP_FOR);
        Reach::Read { after, upto: from }
    }

    /// Adds what was read below a ring. Answers whether it fits there.
    pub(super) fn attach(
        &mut self,
        room: RoomId,
        position: i64,
        (after, upto): (i64, i64),
        entries: Vec<Entry>,
    ) -> bool {
        let is_whole = entries.iter().map(|entry| entry.seq).eq(after + 1..=upto);
        if !is_whole || self.from(room, position) != upto {
            return false;
        }
        self.open(room, position, true);
        let limits = self.limits;
        let Some(ring) = self.rings.get_mut(&room) else {
            return false;
        };
        let before = ring.bytes;
        for entry in entries.into_iter().rev() {
            if ring.bytes + entry.bytes > limits.deep_bytes {
                ring.is_capped = true;
                break;
            }
            ring.bytes += entry.bytes;
            ring.entries.push_front(entry);
        }
        ring.deep_until = Some(Instant::now() + DEEP_FOR);
        let now = ring.bytes;
        self.weigh(room, before, now);
        true
    }

    /// The next frames after this seq, which must not be below the ring; nothing when there is none.
    pub(super) fn after(&mut self, room: RoomId, seq: i64, view: View) -> Handful {
        let mut handful = Handful {
            pieces: Vec::new(),
            at: seq,
            is_all: true,
        };
        self.clock += 1;
        let limits = self.limits;
        let Some(ring) = self.rings.get_mut(&room) else {
            return handful;
        };
        let before = ring.bytes;
        ring.used = self.clock;
        ring.used_at = Instant::now();
        if seq < ring.end - to_seq(limits.events) {
            ring.deep_until = Some(ring.used_at + DEEP_FOR);
        }
        let mut bytes = 0;
        let skipped = usize::try_from(seq - ring.from()).unwrap_or(0);
        for entry in ring.entries.iter_mut().skip(skipped) {
            if handful.pieces.len() >= HANDFUL.0 || bytes >= HANDFUL.1 {
                handful.is_all = false;
                break;
            }
            handful.at = entry.seq;
            ring.bytes -= entry.bytes;
            let piece = match view {
                View::Now => entry.piece(),
                View::AsItWas => entry.piece_as_it_was(),
            };
            if let Some(piece) = piece {
                bytes += piece.weight;
                handful.pieces.push(piece);
            }
            ring.bytes += entry.bytes;
        }
        let now = ring.bytes;
        self.weigh(room, before, now);
        handful
    }

    /// Drops what nobody used for so long, and what was kept for a storm that is over.
    pub(super) fn sweep(&mut self, now: Instant, unused: Duration) {
        let limits = self.limits;
        self.rings
            .retain(|_, ring| now.duration_since(ring.used_at) < unused);
        for ring in self.rings.values_mut() {
            ring.trim(&limits, Some(now));
        }
        self.bytes = self.rings.values().map(|ring| ring.bytes).sum();
    }

    /// Makes sure that the room has a ring that ends at this seq.
    fn open(&mut self, room: RoomId, end: i64, is_used: bool) {
        if self.rings.get(&room).is_some_and(|ring| ring.end != end) {
            self.forget(room);
        }
        self.clock += 1;
        let used = self.clock;
        let ring = self.rings.entry(room).or_insert_with(|| Ring {
            entries: VecDeque::new(),
            end,
            bytes: 0,
            used,
            used_at: Instant::now(),
            deep_until: None,
            is_capped: false,
        });
        if is_used {
            ring.used = used;
            ring.used_at = Instant::now();
        }
    }

    pub(super) fn forget(&mut self, room: RoomId) {
        if let Some(ring) = self.rings.remove(&room) {
            self.bytes -= ring.bytes;
        }
    }

    /// Notes what a ring weighs now; too much in all: the longest unused go, until an eighth is free.
    fn weigh(&mut self, room: RoomId, before: usize, now: usize) {
        self.bytes = self.bytes + now - before;
        if self.bytes <= self.limits.total {
            return;
        }
        let mut by_age: Vec<_> = self
            .rings
            .iter()
            .filter(|(id, _)| **id != room)
            .map(|(id, ring)| (ring.used, *id))
            .collect();
        by_age.sort_unstable();
        for (_, id) in by_age {
            if self.bytes <= self.limits.total - self.limits.total / 8 {
                break;
            }
            self.forget(id);
        }
    }
}

impl Ring {
    fn from(&self) -> i64 {
        self.end - to_seq(self.entries.len())
    }

    /// Bytes per event, to guess what others weigh.
    fn average(&self) -> usize {
        self.bytes / self.entries.len().max(1) + OVERHEAD
    }

    fn add(&mut self, entry: Entry) {
        self.end = entry.seq;
        self.bytes += entry.bytes;
        self.entries.push_back(entry);
    }

    /// Keeps how an event was told, unless it is shown otherwise by now.
    fn note_piece(&mut self, event: &Arc<Event>, piece: Option<Piece>) {
        let index = usize::try_from(event.seq - self.from() - 1).ok();
        let entry = index.and_then(|index| self.entries.get_mut(index));
        if let Some(entry) = entry
            && matches!(&entry.kept, Kept::Event(kept) if Arc::ptr_eq(kept, event))
        {
            self.bytes -= entry.bytes;
            entry.kept = Kept::Frame(piece);
            entry.bytes = entry.weight();
            self.bytes += entry.bytes;
        }
    }

    /// Forgets the oldest as far as there are too many. `now`: when it is; `None` leaves what is kept
    /// for a storm.
    fn trim(&mut self, limits: &RingLimits, now: Option<Instant>) {
        if let (Some(until), Some(now)) = (self.deep_until, now)
            && until <= now
        {
            self.deep_until = None;
            self.is_capped = false;
        }
        let (events, bytes) = if self.deep_until.is_some() {
            let most = usize::try_from(MOST_MISSED).unwrap_or(usize::MAX);
            (most.saturating_add(limits.events), limits.deep_bytes)
        } else {
            (limits.events, limits.bytes)
        };
        while self.entries.len() > events || self.bytes > bytes {
            let Some(old) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= old.bytes;
        }
    }

    /// Applies what an event says of messages that are here.
    fn show_as_now(&mut self, event: &Event) {
        match &event.what {
            What::MessageUpdated(now) => self.rewrite(
                event.room,
                |about| about.message == now.id,
                |about| about.shown_as(now),
            ),
            What::MessageDeleted(id) => self.rewrite(
                event.room,
                |about| about.message == *id,
                |about| What::MessageDeleted(about.message),
            ),
            What::MessagesPurged(owner) => self.rewrite(
                event.room,
                |about| about.owner == *owner,
                |about| What::MessageDeleted(about.message),
            ),
            _ => {}
        }
    }

    fn rewrite(
        &mut self,
        room: RoomId,
        is_meant: impl Fn(&About) -> bool,
        what: impl Fn(&About) -> What,
    ) {
        for entry in &mut self.entries {
            let Some(about) = entry.about.filter(&is_meant) else {
                continue;
            };
            let event = Event {
                room,
                seq: entry.seq,
                at: entry.at,
                what: what(&about),
            };
            self.bytes -= entry.bytes;
            entry.rewrite(event);
            self.bytes += entry.bytes;
        }
    }
}

/// A length as a distance in a stream.
fn to_seq(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
