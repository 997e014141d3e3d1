//! One batch inside its transaction, the same on both engines.
//!
//! What the database says about the batch is read first, then each message is decided in its turn,
//! then all new rows are written at once. How the engines are asked is in `sqlite` and `postgres`.

use crate::{
    fault::Fault,
    mentions,
    rows::{self, Authors, MessageRow},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_core::{
    Event, MessageId, RoomId, UserId, What,
    model::{Html, Message},
    ports::{Append, NewMessage},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// The event of a message that was just stored.
pub(super) fn created(message: &Arc<Message>) -> Event {
    Event {
        room: message.room,
        seq: message.seq,
        at: message.created_at,
        what: What::MessageCreated(Arc::clone(message)),
    }
}

/// What becomes of each message of a batch, and the rows that are written for it.
pub(super) struct Decided<'a> {
    plan: Vec<Plan>,
    pub(super) fresh: Vec<Fresh<'a>>,
}

impl Decided<'_> {
    /// The answers, in the order of the messages; the ids are in the order of the rows.
    pub(super) fn answers(self, ids: Vec<i64>) -> Vec<Append> {
        let stored: Vec<_> = self
            .fresh
            .into_iter()
            .zip(ids)
            .map(|(row, id)| row.stored(id))
            .collect();
        self.plan
            .into_iter()
            .map(|plan| match plan {
                Plan::Answer(answer) => answer,
                Plan::Store(index) => Append::Stored(Arc::clone(&stored[index])),
                Plan::Same(index) => Append::Repeated(Arc::clone(&stored[index])),
            })
            .collect()
    }
}

/// What is asked of the database before anything is decided. Each list is sorted and without
/// repetition.
pub(super) struct Asked<'a> {
    pub(super) rooms: Vec<i64>,
    /// Rooms and authors.
    pub(super) pairs: Vec<(i64, i64)>,
    /// Authors and nonces.
    pub(super) nonces: Vec<(i64, &'a str)>,
    /// Files and the authors who want to send them.
    pub(super) files: Vec<(i64, i64)>,
}

impl<'a> Asked<'a> {
    pub(super) fn about(messages: &'a [NewMessage]) -> Self {
        fn set<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
            let mut items: Vec<T> = items.collect();
            items.sort_unstable();
            items.dedup();
            items
        }
        Self {
            rooms: set(messages.iter().map(|message| message.room.get())),
            pairs: set(messages
                .iter()
                .map(|message| (message.room.get(), message.author.get()))),
            nonces: set(messages
                .iter()
                .filter_map(|message| Some((message.author.get(), message.nonce.as_deref()?)))),
            files: set(messages.iter().flat_map(|message| {
                let author = message.author.get();
                let files = message.files.iter();
                files.map(move |kept| (kept.file.id.get(), author))
            })),
        }
    }
}

/// What happens to one message of the batch. Indexes are those of the new rows.
enum Plan {
    Answer(Append),
    Store(usize),
    Same(usize),
}

/// A row to be inserted.
pub(super) struct Fresh<'a> {
    pub(super) message: &'a NewMessage,
    pub(super) seq: i64,
    pub(super) hash: Option<String>,
    /// Whom the text addresses, as it is kept.
    pub(super) mentions: Option<String>,
    /// What hangs on it, as it is kept.
    pub(super) files: Option<String>,
}

impl Fresh<'_> {
    /// The rows by which this message's mentions are counted.
    pub(super) fn addressed(&self) -> impl Iterator<Item = (i64, i64, i64)> + '_ {
        let message = self.message;
        mentions::rows(message.room, self.seq, message.author, &message.mentions)
    }

    fn stored(self, id: i64) -> Arc<Message> {
        let message = self.message;
        Arc::new(Message {
            id: MessageId::new(id),
            room: message.room,
            owner: message.author,
            sender: Arc::clone(&message.sender),
            seq: self.seq,
            text: message.text.clone(),
            nonce: message.nonce.clone(),
            reply_to: message.reply_to,
            mentions: message.mentions.clone(),
            reactions: Vec::new(),
            files: message
                .files
                .iter()
                .map(|kept| Arc::clone(&kept.file))
                .collect(),
            created_at: message.at,
            updated_at: message.at,
            html: Html::default(),
        })
    }
}

/// A living room as the batch moves it on.
struct RoomNow {
    seq: i64,
    owner: UserId,
    added: i64,
}

/// A nonce that is taken.
enum Taken {
    /// By a message in the database (`None`: deleted) with this body hash.
    Before(Option<Arc<Message>>, Option<String>),
    /// By a row of this batch.
    Here(usize),
}

/// What the database says about the batch.
#[derive(Default)]
pub(super) struct Facts {
    rooms: BTreeMap<RoomId, RoomNow>,
    members: HashSet<(i64, i64)>,
    nonces: HashMap<(UserId, String), Taken>,
    /// Staged files with their owners.
    files: HashSet<(i64, i64)>,
    /// Messages of ended rooms whose nonces are free again.
    pub(super) released: Vec<i64>,
}

/// A message that has one of the nonces: itself (`None`: deleted), its id, author, nonce and body hash,
/// and whether its room ended.
pub(super) struct Known {
    pub(super) message: Option<Arc<Message>>,
    pub(super) id: i64,
    pub(super) author: i64,
    pub(super) nonce: String,
    pub(super) hash: Option<String>,
    pub(super) ended: bool,
}

impl Known {
    pub(super) fn of(row: MessageRow, hash: Option<String>, ended: bool) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id,
            author: row.author,
            nonce: row.nonce.clone().unwrap_or_default(),
            message: Authors::default().message(row)?,
            hash,
            ended,
        })
    }
}

impl Facts {
    /// A living room.
    pub(super) fn room(&mut self, id: i64, seq: i64, owner: i64) {
        let owner = UserId::new(owner);
        let now = RoomNow {
            seq,
            owner,
            added: 0,
        };
        self.rooms.insert(RoomId::new(id), now);
    }

    /// A member of a room.
    pub(super) fn member(&mut self, room: i64, user: i64) {
        self.members.insert((room, user));
    }

    /// A staged file of this owner.
    pub(super) fn file(&mut self, id: i64, owner: i64) {
        self.files.insert((id, owner));
    }

    /// Takes the message's files, all or none: a file hangs on one message at most.
    fn take_files(&mut self, message: &NewMessage) -> bool {
        let author = message.author.get();
        let wanted: HashSet<(i64, i64)> = message
            .files
            .iter()
            .map(|kept| (kept.file.id.get(), author))
            .collect();
        if wanted.len() != message.files.len() || !wanted.is_subset(&self.files) {
            return false;
        }
        self.files.retain(|file| !wanted.contains(file));
        true
    }

    /// A nonce that is there already. It is kept for its room's life only.
    pub(super) fn nonce(&mut self, known: Known) {
        if known.ended {
            self.released.push(known.id);
            return;
        }
        let key = (UserId::new(known.author), known.nonce);
        self.nonces
            .insert(key, Taken::Before(known.message, known.hash));
    }

    /// Decides each message in its turn.
    pub(super) fn decide_all<'a>(
        &mut self,
        messages: &'a [NewMessage],
    ) -> Result<Decided<'a>, Fault> {
        let mut fresh = Vec::new();
        let plan = messages
            .iter()
            .map(|message| self.decide(message, &mut fresh))
            .collect::<Result<_, _>>()?;
        Ok(Decided { plan, fresh })
    }

    fn decide<'a>(
        &mut self,
        message: &'a NewMessage,
        fresh: &mut Vec<Fresh<'a>>,
    ) -> Result<Plan, Fault> {
        let Some(room) = self.rooms.get(&message.room) else {
            return Ok(Plan::Answer(Append::Gone));
        };
        let key = message
            .nonce
            .as_ref()
            .map(|nonce| (message.author, nonce.clone()));
        let hash = key.as_ref().map(|_| body_hash(message));
        let taken = key.as_ref().and_then(|key| self.nonces.get(key));
        match taken {
            Some(Taken::Before(Some(first), before)) if *before == hash => {
                return Ok(Plan::Answer(Append::Repeated(Arc::clone(first))));
            }
            Some(Taken::Here(index)) if fresh[*index].hash == hash => {
                return Ok(Plan::Same(*index));
            }
            _ => {}
        }
        let pair = (message.room.get(), message.author.get());
        if room.owner != message.author && !self.members.contains(&pair) {
            return Ok(Plan::Answer(Append::NotIn));
        }
        if taken.is_some() {
            return Ok(Plan::Answer(Append::NonceReused));
        }
        if !message.reply_is_there {
            return Ok(Plan::Answer(Append::NoReply));
        }
        if !message.files.is_empty() && !self.take_files(message) {
            return Ok(Plan::Answer(Append::NoFile));
        }
        let Some(room) = self.rooms.get_mut(&message.room) else {
            return Ok(Plan::Answer(Append::Gone));
        };
        room.seq += 1;
        room.added += 1;
        let index = fresh.len();
        fresh.push(Fresh {
            message,
            seq: room.seq,
            hash,
            mentions: rows::kept_mentions(&message.mentions)?,
            files: rows::kept_files(message.files.iter().map(|kept| &kept.file))?,
        });
        if let Some(key) = key {
            self.nonces.insert(key, Taken::Here(index));
        }
        Ok(Plan::Store(index))
    }

    /// The rooms that were written in: id, newest seq, how many messages more.
    pub(super) fn moved(&self) -> Vec<(i64, i64, i64)> {
        self.rooms
            .iter()
            .filter(|(_, room)| room.added > 0)
            .map(|(id, room)| (id.get(), room.seq, room.added))
            .collect()
    }
}

/// The identity of a body: its room, its text, what it answers, and what its files were when they
/// came.
fn body_hash(message: &NewMessage) -> String {
    let mut hash = Sha256::new();
    hash.update(message.room.get().to_be_bytes());
    hash.update(message.text.as_bytes());
    if let Some(reply_to) = message.reply_to {
        // No text holds this byte. Without a reply the hash is the one of older versions.
        hash.update([0xff]);
        hash.update(reply_to.get().to_be_bytes());
    }
    for kept in &message.files {
        hash.update([0xfe]);
        hash.update(kept.received.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use parlour_core::{Time, model::Sender};

    /// A message of two for a room.
    pub(in crate::append) fn new(room: i64) -> NewMessage {
        NewMessage {
            room: RoomId::new(room),
            author: UserId::new(2),
            sender: Arc::new(Sender {
                nickname: "ann".to_owned(),
                hue: 0,
            }),
            text: "x".to_owned(),
            reply_to: None,
            reply_is_there: true,
            mentions: Vec::new(),
            files: Vec::new(),
            nonce: None,
            at: Time::from_micros(0),
        }
    }

    #[test]
    fn bodies_without_a_reply_hash_as_ever() {
        let mut message = new(1);
        // printf '\0\0\0\0\0\0\0\1x' | openssl dgst -sha256 -binary | basenc --base64url
        assert_eq!(
            body_hash(&message),
            "Ao8N9bhZb7zRDJcgt6R4T45-BPYpvVpiv73xOWeLZiQ"
        );
        let mut hashes = vec![body_hash(&message)];
        for reply_to in [1, 2] {
            message.reply_to = Some(MessageId::new(reply_to));
            hashes.push(body_hash(&message));
        }
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 3);
    }
}
