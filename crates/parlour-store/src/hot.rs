//! What is remembered of active rooms, so that most questions need no database.
//!
//! The truth is the database; an [`Entry`] is a room as of one `seq`. Each commit of this process is
//! applied here before its caller is answered, in the order of the commits (see [`crate::store`]). An
//! event that is not the next one, or whose effect is not simple, makes the entry go.
//!
//! **Filling** races with commits: who fills first leaves a marker, then reads. Events that are
//! applied meanwhile wait at the marker, and those newer than what was read are applied to it.

pub(crate) mod entry;
#[cfg(test)]
mod tests;

use entry::Entry;
use parlour_core::{Event, RoomId, UserId, What};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

const SHARDS: usize = 4;

/// How long a room is not remembered after a commit whose outcome nobody knows: longer than any
/// statement may take.
const DISTRUST: Duration = Duration::from_secs(15);

/// How long a message that names its author may be on its way to the disk after the author was renamed:
/// longer than anybody waits for a commit.
const RENAMED: Duration = Duration::from_secs(6);

/// The rooms in memory.
pub(crate) struct Hot {
    shards: Vec<Mutex<Shard>>,
}

struct Shard {
    slots: HashMap<RoomId, Slot>,
    rooms_max: usize,
    bytes_max: usize,
    bytes: usize,
    clock: u64,
    /// Nothing is remembered until then.
    barred_until: Option<Instant>,
    /// Authors who are shown otherwise since a moment ago: their messages are not remembered until
    /// then, because who sent them may have read the old name.
    renamed: HashMap<UserId, Instant>,
}

enum Slot {
    Ready { entry: Box<Entry>, used: u64 },
    Filling(Filling),
    Barred(Instant),
}

#[derive(Default)]
struct Filling {
    ticket: u64,
    missed: Vec<Arc<Event>>,
    spoiled: bool,
    waiting: Vec<oneshot::Sender<()>>,
}

/// What a look at the memory found.
pub(crate) enum Look<'a, R> {
    /// The answer.
    Found(R),
    /// Nothing; the caller reads the database and may keep what it read.
    Fill(Ticket<'a>),
    /// Somebody is reading it right now.
    Wait(oneshot::Receiver<()>),
    /// Nothing, and it must not be kept.
    Blind,
}

/// The right to fill a room. Dropped without [`Ticket::keep`], the room stays unknown.
pub(crate) struct Ticket<'a> {
    hot: &'a Hot,
    room: RoomId,
    number: u64,
}

impl Hot {
    pub(crate) fn new(rooms: usize, bytes: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                slots: HashMap::new(),
                rooms_max: rooms.div_ceil(SHARDS),
                bytes_max: bytes.div_ceil(SHARDS),
                bytes: 0,
                clock: 0,
                barred_until: None,
                renamed: HashMap::new(),
            })
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
        }
    }

    fn shard(&self, room: RoomId) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(room.get()).unwrap_or(0) % SHARDS;
        // Nothing that runs under this lock can leave half a change behind; a panic elsewhere must
        // not stop the server.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks what is remembered of a room.
    pub(crate) fn look<R>(&self, room: RoomId, ask: impl FnOnce(&Entry) -> R) -> Look<'_, R> {
        let mut shard = self.shard(room);
        shard.clock += 1;
        let now = shard.clock;
        match shard.slots.get_mut(&room) {
            Some(Slot::Ready { entry, used }) => {
                *used = now;
                return Look::Found(ask(entry));
            }
            Some(Slot::Filling(filling)) => {
                let (sender, receiver) = oneshot::channel();
                filling.waiting.push(sender);
                return Look::Wait(receiver);
            }
            Some(Slot::Barred(until)) if Instant::now() < *until => return Look::Blind,
            Some(Slot::Barred(_)) | None => {}
        }
        if shard
            .barred_until
            .is_some_and(|until| Instant::now() < until)
        {
            return Look::Blind;
        }
        shard.slots.insert(
            room,
            Slot::Filling(Filling {
                ticket: now,
                ..Filling::default()
            }),
        );
        Look::Fill(Ticket {
            hot: self,
            room,
            number: now,
        })
    }

    /// Applies committed events, in their order.
    pub(crate) fn apply(&self, events: &[Arc<Event>]) {
        for event in events {
            self.shard(event.room).apply(event);
        }
    }

    /// Forgets a room.
    pub(crate) fn forget(&self, room: RoomId) {
        self.shard(room).forget(room);
    }

    /// Forgets the rooms in which something of an author is remembered who is shown otherwise from
    /// now on: reading them again is simpler than changing what others may hold.
    pub(crate) fn renamed(&self, author: UserId) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.rename(author, Instant::now());
        }
    }

    /// Forgets a room and does not remember it again for a while.
    pub(crate) fn distrust(&self, room: RoomId) {
        let mut shard = self.shard(room);
        shard.remove(room);
        shard
            .slots
            .insert(room, Slot::Barred(Instant::now() + DISTRUST));
    }

    /// Forgets everything and remembers nothing for a while.
    pub(crate) fn distrust_all(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.slots.clear();
            shard.bytes = 0;
            shard.barred_until = Some(Instant::now() + DISTRUST);
        }
    }
}

impl Shard {
    fn rename(&mut self, author: UserId, now: Instant) {
        self.renamed.retain(|_, until| now < *until);
        self.renamed.insert(author, now + RENAMED);
        let mut stale = Vec::new();
        for (room, slot) in &mut self.slots {
            match slot {
                Slot::Ready { entry, .. } if entry.has_author(author) => stale.push(*room),
                Slot::Filling(filling) => filling.spoiled = true,
                Slot::Ready { .. } | Slot::Barred(_) => {}
            }
        }
        for room in stale {
            self.remove(room);
        }
    }

    /// Whether an event carries a message whose author may be shown by an old name in it.
    fn is_doubtful(&self, event: &Event) -> bool {
        match &event.what {
            What::MessageCreated(message) | What::MessageUpdated(message) => self
                .renamed
                .get(&message.owner)
                .is_some_and(|until| Instant::now() < *until),
            _ => false,
        }
    }

    fn apply(&mut self, event: &Arc<Event>) {
        if self.is_doubtful(event) {
            self.forget(event.room);
            return;
        }
        let kept = match self.slots.get_mut(&event.room) {
            Some(Slot::Ready { entry, .. }) => {
                self.bytes -= entry.bytes();
                let kept = entry.apply(event);
                self.bytes += entry.bytes();
                kept
            }
            Some(Slot::Filling(filling)) => {
                filling.missed.push(Arc::clone(event));
                true
            }
            Some(Slot::Barred(_)) | None => true,
        };
        if !kept {
            self.remove(event.room);
        }
        if self.bytes > self.bytes_max {
            self.make_room();
        }
    }

    fn forget(&mut self, room: RoomId) {
        match self.slots.get_mut(&room) {
            Some(Slot::Filling(filling)) => filling.spoiled = true,
            Some(Slot::Ready { .. }) => self.remove(room),
            Some(Slot::Barred(_)) | None => {}
        }
    }

    /// Takes a slot out, and with it its bytes. Whoever waited at a marker looks again.
    fn remove(&mut self, room: RoomId) {
        if let Some(Slot::Ready { entry, .. }) = self.slots.remove(&room) {
            self.bytes -= entry.bytes();
        }
    }

    /// Evicts the least recently used until an eighth is free, so that the search is rare.
    fn make_room(&mut self) {
        let mut by_age: Vec<(u64, RoomId)> = self
            .slots
            .iter()
            .filter_map(|(room, slot)| match slot {
                Slot::Ready { used, .. } => Some((*used, *room)),
                Slot::Filling(_) | Slot::Barred(_) => None,
            })
            .collect();
        by_age.sort_unstable();
        let mut rooms = self.slots.len();
        for (_, room) in by_age {
            let enough = self.bytes <= self.bytes_max - self.bytes_max / 8
                && rooms <= self.rooms_max - self.rooms_max / 8;
            if enough {
                break;
            }
            self.remove(room);
            rooms -= 1;
        }
    }

    /// Barred rooms whose time is over need no memory.
    fn drop_old_bars(&mut self) {
        let now = Instant::now();
        self.slots
            .retain(|_, slot| !matches!(slot, Slot::Barred(until) if *until <= now));
    }
}

impl Ticket<'_> {
    /// Remembers what was read after this ticket was given.
    pub(crate) fn keep(self, mut entry: Entry) {
        let mut shard = self.hot.shard(self.room);
        match shard.slots.get_mut(&self.room) {
            Some(Slot::Filling(filling)) if filling.ticket == self.number => {
                let newer = filling
                    .missed
                    .iter()
                    .filter(|event| event.seq > entry.seq())
                    .cloned()
                    .collect::<Vec<_>>();
                let good = !filling.spoiled && newer.iter().all(|event| entry.apply(event));
                let waiting = std::mem::take(&mut filling.waiting);
                if good {
                    shard.clock += 1;
                    shard.bytes += entry.bytes();
                    let used = shard.clock;
                    let entry = Box::new(entry);
                    shard.slots.insert(self.room, Slot::Ready { entry, used });
                    if shard.slots.len() > shard.rooms_max || shard.bytes > shard.bytes_max {
                        shard.drop_old_bars();
                        shard.make_room();
                    }
                } else {
                    shard.slots.remove(&self.room);
                }
                drop(shard);
                for waiter in waiting {
                    let _ = waiter.send(());
                }
            }
            // Distrusted meanwhile.
            _ => {}
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut shard = self.hot.shard(self.room);
        if let Some(Slot::Filling(filling)) = shard.slots.get(&self.room)
            && filling.ticket == self.number
        {
            shard.slots.remove(&self.room);
        }
    }
}
