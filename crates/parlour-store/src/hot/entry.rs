//! One remembered room.

use crate::reactions;
use parlour_core::{
    Event, MessageId, UserId, What,
    event::{LeaveReason, Reacted},
    model::{Message, PageRequest, Room, RoomView, Standing},
    ports::{History, Span},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// How many of the newest messages are kept.
pub(crate) const NEWEST: usize = 128;

/// How many of the newest events are kept (realtime.md: a reconnect storm does not touch the
/// database once per client).
pub(crate) const RING: usize = 256;

/// A room of huge messages keeps fewer of them.
const BYTES_MAX: usize = 1 << 20;

/// Fewer messages than a usual page make a refill worth while.
const FEW: usize = 50;

/// What an entry costs besides its texts.
const OVERHEAD: usize = 1_024;

/// A room as of one seq: the room, its people, its newest messages and events.
pub(crate) struct Entry {
    room: Arc<Room>,
    revision: i64,
    standings: HashMap<UserId, Standing>,
    /// Newest first.
    newest: VecDeque<Arc<Message>>,
    /// In order of seq, without holes, up to the room's newest. Messages in it are as they are now.
    ring: VecDeque<Event>,
    bytes: usize,
}

/// What an entry says about a piece of history.
pub(crate) enum Piece {
    /// All of it.
    Known(History),
    /// It is `after < seq <= upto`, when the room's newest seq was `seq`.
    Elsewhere { after: i64, upto: i64, seq: i64 },
}

/// What an entry says about a page of messages.
pub(crate) enum Cut {
    /// The user does not hear this room.
    NotIn,
    /// There are so many messages, and these are on the page (`None`: no such page).
    Known(i64, Option<Vec<Arc<Message>>>),
    /// There are so many messages; the page begins at this offset.
    Elsewhere { count: i64, offset: i64 },
}

impl Entry {
    pub(crate) fn new(
        room: Room,
        revision: i64,
        standings: HashMap<UserId, Standing>,
        newest: VecDeque<Arc<Message>>,
        ring: VecDeque<Event>,
    ) -> Self {
        let mut entry = Self {
            room: Arc::new(room),
            revision,
            standings,
            newest,
            ring,
            bytes: 0,
        };
        entry.weigh();
        entry
    }

    pub(crate) fn seq(&self) -> i64 {
        self.room.seq
    }

    pub(crate) fn room(&self) -> Arc<Room> {
        Arc::clone(&self.room)
    }

    /// Seq and revision: equal to the database's when this entry is current.
    pub(crate) fn stamp(&self) -> (i64, i64) {
        (self.room.seq, self.revision)
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn view(&self, user: UserId) -> RoomView {
        RoomView {
            room: Arc::clone(&self.room),
            standing: self.standing(user),
            is_owner: self.room.owner == user,
        }
    }

    fn standing(&self, user: UserId) -> Standing {
        self.standings
            .get(&user)
            .copied()
            .unwrap_or(Standing::Stranger)
    }

    /// A page of the room's messages for a user.
    pub(crate) fn page(&self, user: UserId, page: PageRequest) -> Cut {
        if self.room.owner != user && self.standing(user) != Standing::Member {
            return Cut::NotIn;
        }
        let count = self.room.messages;
        let Some(offset) = page.offset(count) else {
            return Cut::Known(count, None);
        };
        let size = page.size.min(count - offset).max(0);
        let (Ok(start), Ok(rows)) = (usize::try_from(offset), usize::try_from(size)) else {
            return Cut::Elsewhere { count, offset };
        };
        if start + rows > self.newest.len() {
            return Cut::Elsewhere { count, offset };
        }
        let items = self.newest.range(start..start + rows).cloned().collect();
        Cut::Known(count, Some(items))
    }

    /// A piece of the room's stream.
    pub(crate) fn history(&self, span: Span, limit: i64) -> Piece {
        let seq = self.room.seq;
        let (after, upto) = match span {
            Span::After(after) => {
                let after = after.max(0);
                (after, after.saturating_add(limit).min(seq))
            }
            Span::Before(before) => {
                let upto = before.saturating_sub(1).clamp(0, seq);
                ((upto - limit).max(0), upto)
            }
            Span::Newest => ((seq - limit).max(0), seq),
        };
        let oldest = seq - i64::try_from(self.ring.len()).unwrap_or(i64::MAX);
        if upto > after && after < oldest {
            return Piece::Elsewhere { after, upto, seq };
        }
        let has_more = match span {
            Span::After(_) => upto < seq && upto >= after,
            Span::Before(_) | Span::Newest => after > 0,
        };
        let start = usize::try_from(after - oldest).unwrap_or(0);
        let rows = usize::try_from(upto - after).unwrap_or(0);
        let events = self.ring.iter().skip(start).take(rows);
        Piece::Known(History {
            events: events.map(|event| self.as_of_now(event)).collect(),
            has_more,
            seq,
        })
    }

    fn as_of_now(&self, event: &Event) -> Event {
        let mut event = event.clone();
        match &mut event.what {
            What::RoomCreated(room) | What::RoomUpdated(room) => *room = Arc::clone(&self.room),
            _ => {}
        }
        event
    }

    /// Takes in the next event. `false`: this entry cannot tell what the room is now.
    pub(crate) fn apply(&mut self, event: &Event) -> bool {
        if event.room != self.room.id || event.seq != self.room.seq + 1 {
            return false;
        }
        match &event.what {
            What::RoomCreated(_) | What::RoomDeleted(_) | What::MessagesPurged(_) => return false,
            What::RoomUpdated(room) => self.room = Arc::clone(room),
            What::MemberJoined(user) => {
                self.standings.insert(*user, Standing::Member);
                let room = Arc::make_mut(&mut self.room);
                room.users.push(*user);
                room.updated_at = event.at;
            }
            What::MemberLeft(user, reason) => self.part(*user, *reason, event),
            What::MessageCreated(message) => self.push(message),
            What::MessageUpdated(message) => self.replace(message),
            What::MessageDeleted(id) => {
                self.erase(*id);
            }
            What::ReactionAdded(reacted) => self.react(reacted, true),
            What::ReactionRemoved(reacted) => self.react(reacted, false),
        }
        Arc::make_mut(&mut self.room).seq = event.seq;
        self.ring.push_back(event.clone());
        self.bytes += weight(event);
        self.trim();
        let whole = i64::try_from(self.newest.len()) == Ok(self.room.messages);
        // Deletions ate the newest messages: better read them again.
        whole || self.newest.len() >= FEW || self.bytes > BYTES_MAX / 2
    }

    fn part(&mut self, user: UserId, reason: LeaveReason, event: &Event) {
        if reason == LeaveReason::Removed {
            self.standings.insert(user, Standing::Removed);
        } else {
            self.standings.remove(&user);
        }
        let room = Arc::make_mut(&mut self.room);
        room.users.retain(|member| *member != user);
        room.updated_at = event.at;
    }

    fn push(&mut self, message: &Arc<Message>) {
        Arc::make_mut(&mut self.room).messages += 1;
        self.newest.push_front(Arc::clone(message));
        self.bytes += message_weight(message);
    }

    fn trim(&mut self) {
        while self.ring.len() > RING || (self.bytes > BYTES_MAX && self.ring.len() > FEW) {
            if let Some(old) = self.ring.pop_front() {
                self.bytes = self.bytes.saturating_sub(weight(&old));
            }
        }
        while self.newest.len() > NEWEST || (self.bytes > BYTES_MAX && self.newest.len() > 1) {
            if let Some(old) = self.newest.pop_back() {
                self.bytes = self.bytes.saturating_sub(message_weight(&old));
            }
        }
    }

    fn replace(&mut self, message: &Arc<Message>) {
        for known in &mut self.newest {
            if known.id == message.id {
                *known = Arc::clone(message);
            }
        }
        for event in &mut self.ring {
            match &mut event.what {
                What::MessageCreated(known) | What::MessageUpdated(known)
                    if known.id == message.id =>
                {
                    *known = Arc::clone(message);
                }
                _ => {}
            }
        }
        self.weigh();
    }

    /// A message that is not remembered is read with its reactions.
    fn react(&mut self, reacted: &Reacted, on: bool) {
        let in_ring = || {
            self.ring.iter().find_map(|event| match &event.what {
                What::MessageCreated(known) | What::MessageUpdated(known)
                    if known.id == reacted.message =>
                {
                    Some(known)
                }
                _ => None,
            })
        };
        let mut newest = self.newest.iter();
        let known = newest.find(|known| known.id == reacted.message);
        if let Some(known) = known.or_else(in_ring) {
            let now = Arc::new(reactions::applied(known, reacted, on));
            self.replace(&now);
        }
    }

    /// Whether a message of this author is remembered.
    pub(crate) fn has_author(&self, author: UserId) -> bool {
        self.newest.iter().any(|message| message.owner == author)
            || self.ring.iter().any(|event| match &event.what {
                What::MessageCreated(message) | What::MessageUpdated(message) => {
                    message.owner == author
                }
                _ => false,
            })
    }

    /// Those who are invited and have not joined, in order of their ids.
    pub(crate) fn invited(&self) -> Vec<UserId> {
        let invited = self.standings.iter();
        let mut invited: Vec<_> = invited
            .filter(|(_, standing)| **standing == Standing::Invited)
            .map(|(user, _)| *user)
            .collect();
        invited.sort_unstable();
        invited
    }

    fn erase(&mut self, id: MessageId) {
        Arc::make_mut(&mut self.room).messages -= 1;
        self.newest.retain(|message| message.id != id);
        for event in &mut self.ring {
            match &event.what {
                What::MessageCreated(known) | What::MessageUpdated(known) if known.id == id => {
                    event.what = What::MessageDeleted(id);
                }
                _ => {}
            }
        }
        self.weigh();
    }

    fn weigh(&mut self) {
        self.bytes = OVERHEAD
            + self.standings.len() * 64
            + self.newest.iter().map(|m| message_weight(m)).sum::<usize>()
            + self.ring.iter().map(weight).sum::<usize>();
    }
}

/// The text counts twice: its HTML is made when it is first asked for.
fn message_weight(message: &Message) -> usize {
    let mentions = message
        .mentions
        .iter()
        .map(|mention| 48 + mention.name.len());
    let reactions = message.reactions.iter();
    let reactions = reactions.map(|reaction| 64 + 8 * reaction.users.len());
    let files = message.files.iter();
    let files = files.map(|file| 512 + file.name.len() + file.alt.len() + 160 * file.thumbs.len());
    256 + 2 * message.text.len()
        + files.sum::<usize>()
        + message.nonce.as_ref().map_or(0, String::len)
        + mentions.sum::<usize>()
        + reactions.sum::<usize>()
}

/// Most messages of the ring are among the newest too and were counted there; the rest are counted
/// by their texts.
fn weight(event: &Event) -> usize {
    match &event.what {
        What::MessageCreated(message) | What::MessageUpdated(message) => 64 + message.text.len(),
        What::ReactionAdded(_) | What::ReactionRemoved(_) => 128,
        _ => 64,
    }
}
