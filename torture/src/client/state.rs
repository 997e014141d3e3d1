//! What a client knows from one connection to the next.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::history::{Carries, Receipt};
use crate::people::{Person, RoomId};
use crate::recorder::{Opening, Recorder};

#[derive(Debug)]
pub(super) struct State {
    pub(super) number: u32,
    pub(super) person: Person,
    pub(super) recorder: Recorder,
    /// The nodes that it knows; never empty.
    addrs: Vec<SocketAddr>,
    /// The one that it is at, or tries.
    at: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sends: u64,
    pending: BTreeMap<u64, Outgoing>,
    heard: BTreeMap<RoomId, Heard>,
    /// Streams of rooms that were left on this connection: coming back goes on with them, and what
    /// happened in between is not missing.
    left: BTreeMap<RoomId, usize>,
    epoch: Option<String>,
    hellos: u32,
    resyncs: u32,
    closes: Vec<u16>,
    acknowledged: BTreeMap<RoomId, u64>,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) room: RoomId,
    pub(super) nonce: Arc<str>,
    pub(super) text: Arc<str>,
}

/// A room that is heard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    stream: usize,
    cursor: u64,
}

impl State {
    /// It begins at the first of these nodes; there is at least one.
    pub(super) fn new(
        number: u32,
        person: Person,
        recorder: Recorder,
        addrs: Vec<SocketAddr>,
    ) -> Self {
        Self {
            number,
            person,
            recorder,
            addrs,
            at: AtomicUsize::new(0),
            inner: Mutex::default(),
        }
    }

    /// The node that it is at, or tries.
    pub(super) fn addr(&self) -> SocketAddr {
        let at = self.at.load(Ordering::Relaxed);
        self.addrs[at % self.addrs.len()]
    }

    /// Tries the next node from here on.
    pub(super) fn move_on(&self) {
        self.at.fetch_add(1, Ordering::Relaxed);
    }

    fn inner<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a message until it is answered. Nonces are unique per person: two clients of one
    /// account have two numbers.
    pub(super) fn keep(&self, room: RoomId, text: &str) -> (Arc<str>, Arc<str>) {
        let text = self.recorder.intern(text);
        self.inner(|inner| {
            let number = inner.sends;
            inner.sends += 1;
            let nonce = self.recorder.nonce(self.number, number);
            let outgoing = Outgoing {
                room,
                nonce: Arc::clone(&nonce),
                text: Arc::clone(&text),
            };
            inner.pending.insert(number, outgoing);
            (nonce, text)
        })
    }

    pub(super) fn sends(&self) -> u64 {
        self.inner(|inner| inner.sends)
    }

    pub(super) fn pending(&self) -> usize {
        self.inner(|inner| inner.pending.len())
    }

    /// The oldest messages that wait and are not among these numbers.
    pub(super) fn to_send(&self, known: impl Fn(u64) -> bool, most: usize) -> Vec<(u64, Outgoing)> {
        self.inner(|inner| {
            let waiting = inner.pending.iter().filter(|(number, _)| !known(**number));
            let some = waiting.take(most);
            some.map(|(number, outgoing)| (*number, outgoing.clone()))
                .collect()
        })
    }

    /// Forgets a message that was answered; its number. `seq`: its place, if it was taken.
    pub(super) fn answered(&self, nonce: &str, seq: Option<u64>) -> Option<u64> {
        self.inner(|inner| {
            let number = inner
                .pending
                .iter()
                .find(|(_, outgoing)| outgoing.nonce.as_ref() == nonce)
                .map(|(number, _)| *number)?;
            let outgoing = inner.pending.remove(&number)?;
            if let Some(seq) = seq {
                let last = inner.acknowledged.entry(outgoing.room).or_default();
                *last = seq.max(*last);
            }
            Some(number)
        })
    }

    pub(super) fn acknowledged(&self, room: RoomId) -> Option<u64> {
        self.inner(|inner| inner.acknowledged.get(&room).copied())
    }

    pub(super) fn number_of(&self, nonce: &str) -> Option<u64> {
        self.inner(|inner| {
            let mut pending = inner.pending.iter();
            let found = pending.find(|(_, outgoing)| outgoing.nonce.as_ref() == nonce);
            found.map(|(number, _)| *number)
        })
    }

    /// Notes a greeting; the epoch of before, when it was another.
    pub(super) fn greeted(&self, epoch: &str) -> Option<String> {
        self.inner(|inner| {
            inner.hellos += 1;
            inner.left.clear();
            let before = inner.epoch.replace(epoch.to_owned());
            before.filter(|before| before != epoch)
        })
    }

    pub(super) fn hellos(&self) -> u32 {
        self.inner(|inner| inner.hellos)
    }

    pub(super) fn epoch(&self) -> Option<String> {
        self.inner(|inner| inner.epoch.clone())
    }

    pub(super) fn resynced(&self) {
        self.inner(|inner| inner.resyncs += 1);
    }

    pub(super) fn resyncs(&self) -> u32 {
        self.inner(|inner| inner.resyncs)
    }

    pub(super) fn closed(&self, code: u16) {
        self.inner(|inner| inner.closes.push(code));
    }

    pub(super) fn closes(&self) -> Vec<u16> {
        self.inner(|inner| inner.closes.clone())
    }

    pub(super) fn cursor(&self, room: RoomId) -> Option<u64> {
        self.inner(|inner| inner.heard.get(&room).map(|heard| heard.cursor))
    }

    pub(super) fn cursors(&self) -> BTreeMap<RoomId, u64> {
        self.inner(|inner| {
            let heard = inner.heard.iter();
            heard.map(|(room, heard)| (*room, heard.cursor)).collect()
        })
    }

    /// Begins to hear a room, unless it is heard already.
    pub(super) fn open(&self, room: RoomId, after: Option<u64>) {
        self.inner(|inner| {
            let left = inner.left.remove(&room);
            inner.heard.entry(room).or_insert_with(|| Heard {
                stream: left.unwrap_or_else(|| {
                    self.recorder.open(Opening {
                        client: self.number,
                        person: self.person.id,
                        room,
                        carries: Carries::Everything,
                        after,
                    })
                }),
                cursor: after.unwrap_or_default(),
            });
        });
    }

    /// Hears the room no longer; what comes later is another stream.
    pub(super) fn close(&self, room: RoomId) {
        self.inner(|inner| inner.heard.remove(&room));
    }

    /// Was told that it is out of the room.
    pub(super) fn leave(&self, room: RoomId) {
        self.inner(|inner| {
            if let Some(heard) = inner.heard.remove(&room) {
                inner.left.insert(room, heard.stream);
            }
        });
    }

    /// Writes down what came; a room that was not heard is from here on.
    pub(super) fn received(&self, room: RoomId, receipt: Receipt) {
        self.open(room, None);
        self.inner(|inner| {
            if let Some(heard) = inner.heard.get_mut(&room) {
                heard.cursor = heard.cursor.max(receipt.seq);
                self.recorder.received(heard.stream, receipt);
            }
        });
    }

    pub(super) fn mark_the_end(&self) {
        self.inner(|inner| {
            let heard = inner.heard.values().map(|heard| heard.stream);
            for stream in heard.chain(inner.left.values().copied()) {
                self.recorder.to_the_end(stream);
            }
        });
    }
}
