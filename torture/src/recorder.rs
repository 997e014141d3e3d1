//! Where all clients of a scenario write down what they sent and received.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use crate::history::{Acked, Carries, Event, History, Receipt, Sent, Stream, memberships};

/// How many surprises are kept in full; one is enough to fail.
const SURPRISES: usize = 20;

/// A shared notebook; clones write into the same.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// Keeps nonces of several notebooks on one database apart.
    tag: u32,
    log: Arc<Mutex<Log>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Default)]
struct Log {
    clients: u32,
    sends: Vec<Sent>,
    acks: Vec<Acked>,
    refused: Vec<Refused>,
    streams: Vec<Stream>,
    incarnations: HashMap<(u32, i64), u32>,
    surprises: Vec<String>,
    texts: HashSet<Arc<str>>,
}

/// A message that the server would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Whose.
    pub client: u32,
    /// The client's own id of it.
    pub nonce: Arc<str>,
    /// The server's word for the reason.
    pub code: String,
}

/// Who opens a stream, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The client.
    pub client: u32,
    /// Its account.
    pub person: i64,
    /// The room.
    pub room: i64,
    /// What its socket carries.
    pub carries: Carries,
    /// The position that the server named, if any.
    pub after: Option<u64>,
}

impl Recorder {
    /// An empty notebook.
    #[must_use]
    pub fn new() -> Self {
        // The hasher of the standard library has a random key.
        let random = RandomState::new().hash_one(0);
        Self {
            tag: (random >> 32) as u32,
            log: Arc::default(),
        }
    }

    /// The nonce of a client's message: unique on the whole database.
    #[must_use]
    pub fn nonce(&self, client: u32, number: u64) -> Arc<str> {
        self.intern(&format!("{:08x}-{client}-{number}", self.tag))
    }

    fn log<T>(&self, write: impl FnOnce(&mut Log) -> T) -> T {
        write(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of a new client.
    #[must_use]
    pub fn client(&self) -> u32 {
        self.log(|log| {
            log.clients += 1;
            log.clients - 1
        })
    }

    /// The same text, kept once however often it is delivered.
    #[must_use]
    pub fn intern(&self, text: &str) -> Arc<str> {
        self.log(|log| {
            if let Some(known) = log.texts.get(text) {
                return Arc::clone(known);
            }
            let text: Arc<str> = text.into();
            log.texts.insert(Arc::clone(&text));
            text
        })
    }

    /// A client tries to send this.
    pub fn sent(&self, sent: Sent) {
        self.log(|log| log.sends.push(sent));
    }

    /// The server promised.
    pub fn acked(&self, acked: Acked) {
        self.log(|log| log.acks.push(acked));
    }

    /// The server would not take it.
    pub fn refused(&self, refused: Refused) {
        self.log(|log| log.refused.push(refused));
    }

    /// A client begins to hear a room; the number of the stream.
    #[must_use]
    pub fn open(&self, opening: Opening) -> usize {
        self.log(|log| {
            let key = (opening.client, opening.room);
            let next = log.incarnations.entry(key).or_insert(0);
            let incarnation = *next;
            *next += 1;
            log.streams.push(Stream {
                client: opening.client,
                person: opening.person,
                room: opening.room,
                incarnation,
                carries: opening.carries,
                after: opening.after,
                to_the_end: false,
                receipts: Vec::new(),
            });
            log.streams.len() - 1
        })
    }

    /// Something came in a stream.
    pub fn received(&self, stream: usize, receipt: Receipt) {
        self.log(|log| {
            if let Some(stream) = log.streams.get_mut(stream) {
                stream.receipts.push(receipt);
            }
        });
    }

    /// The client of this stream was there to the end.
    pub fn to_the_end(&self, stream: usize) {
        self.log(|log| {
            if let Some(stream) = log.streams.get_mut(stream) {
                stream.to_the_end = true;
            }
        });
    }

    /// Something that no client expects.
    pub fn surprise(&self, text: String) {
        self.log(|log| {
            if log.surprises.len() < SURPRISES {
                log.surprises.push(text);
            }
        });
    }

    /// How many messages were sent, and how many acknowledged.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        self.log(|log| (log.sends.len(), log.acks.len()))
    }

    /// What the server would not take.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refused> {
        self.log(|log| log.refused.clone())
    }

    /// Everything written so far, with what the server keeps. `owners`: room to account. What was
    /// received is moved, not copied, because it may be much: nothing is received any more after it.
    #[must_use]
    pub fn history(&self, kept: Vec<Event>, owners: &BTreeMap<i64, i64>) -> History {
        self.log(|log| History {
            sends: log.sends.clone(),
            acks: log.acks.clone(),
            streams: std::mem::take(&mut log.streams),
            memberships: memberships(&kept, owners),
            kept,
            surprises: log.surprises.clone(),
        })
    }
}
