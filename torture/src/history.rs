//! What was sent, promised, delivered and kept, and the rules that hold between them.

mod check;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use self::check::check;

/// A message that a client tried to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The client.
    pub client: u32,
    /// Its account.
    pub person: i64,
    /// To where.
    pub room: i64,
    /// The client's own id of it, unique per person.
    pub nonce: Arc<str>,
    /// What it says.
    pub text: Arc<str>,
}

/// The server's promise that a message is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acked {
    /// To whom.
    pub client: u32,
    /// The account.
    pub person: i64,
    /// The client's own id of it.
    pub nonce: Arc<str>,
    /// The server's id of it.
    pub id: i64,
    /// Its place in the room's stream.
    pub seq: u64,
}

/// A message as it was delivered or is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The server's id.
    pub id: i64,
    /// The account of its author.
    pub author: i64,
    /// The author's own id of it, where the dialect tells it.
    pub nonce: Option<Arc<str>>,
    /// What it says.
    pub text: Arc<str>,
}

/// What happened at a place of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A message was written.
    Message(Message),
    /// Somebody took a seat.
    Joined(i64),
    /// Somebody gave up a seat or lost it.
    Left(i64),
    /// Anything else.
    Other,
}

/// An event of a room, as the server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub room: i64,
    /// Its place in the room's stream: 1, 2, 3 without holes.
    pub seq: u64,
    /// What happened.
    pub what: What,
}

/// Something that a client received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its place in the room's stream.
    pub seq: u64,
    /// What it was.
    pub what: What,
}

/// Which events a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Every event: no number is skipped.
    Everything,
    /// Messages alone (version 1 and room sockets).
    Messages,
}

/// What one client received of one room from one beginning on, without a gap that the server
/// announced. A client that resumes goes on with its stream; one that comes back without resuming,
/// or joins again, begins a new one: the next incarnation.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The client.
    pub client: u32,
    /// Its account.
    pub person: i64,
    /// The room.
    pub room: i64,
    /// 0 for the first stream of this client and room, 1 for the next.
    pub incarnation: u32,
    /// What the socket carries.
    pub carries: Carries,
    /// The position after which the server promised to tell everything, if it said one.
    pub after: Option<u64>,
    /// Whether the client was there to the end, so that the room's last event must have reached it.
    pub to_the_end: bool,
    /// What came, in the order in which it came.
    pub receipts: Vec<Receipt>,
}

/// A time in which an account may hear a room, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The account.
    pub person: i64,
    /// The room.
    pub room: i64,
    /// The first event that it may hear: the one by which it came.
    pub from: u64,
    /// The last one: the one by which it went.
    pub to: Option<u64>,
}

/// Everything that happened in a scenario.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What clients tried to send.
    pub sends: Vec<Sent>,
    /// What the server promised.
    pub acks: Vec<Acked>,
    /// What clients received.
    pub streams: Vec<Stream>,
    /// Who may hear what.
    pub memberships: Vec<Membership>,
    /// What the server keeps, every room from its first event on.
    pub kept: Vec<Event>,
    /// Answers that no client expected.
    pub surprises: Vec<String>,
}

/// The six rules of the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// 1. Every acknowledged message is in the final history.
    AckedIsKept,
    /// 2. No duplicate in any client's stream.
    NoDuplicate,
    /// 3. All streams of a room are contiguous parts of one sequence.
    OneSequence,
    /// 4. Nothing is delivered that nobody sent, and bytes are equal.
    OnlyWhatWasSent,
    /// 5. Nothing outside a membership.
    MembersOnly,
    /// 6. An unacknowledged send ends as none or one message.
    NoneOrOne,
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::AckedIsKept => "1 acknowledged is kept",
            Self::NoDuplicate => "2 no duplicate",
            Self::OneSequence => "3 one sequence",
            Self::OnlyWhatWasSent => "4 only what was sent",
            Self::MembersOnly => "5 members only",
            Self::NoneOrOne => "6 none or one",
        })
    }
}

/// A rule that was broken somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// Where.
    pub room: i64,
    /// At which place of the stream, if that can be said.
    pub seq: Option<u64>,
    /// Whose streams or messages.
    pub clients: Vec<u32>,
    /// How.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "rule {}: room {}", self.rule, self.room)?;
        if let Some(seq) = self.seq {
            write!(out, ", seq {seq}")?;
        }
        write!(out, ", clients {:?}: {}", self.clients, self.text)
    }
}

/// Who may hear what, read from what is kept: owners always, others from joining to leaving.
#[must_use]
pub fn memberships(kept: &[Event], owners: &BTreeMap<i64, i64>) -> Vec<Membership> {
    let mut all = Vec::new();
    let mut open: BTreeMap<(i64, i64), u64> = BTreeMap::new();
    for event in kept {
        let owner = owners.get(&event.room);
        match event.what {
            What::Joined(person) if owner != Some(&person) => {
                open.entry((event.room, person)).or_insert(event.seq);
            }
            What::Left(person) => {
                if let Some(from) = open.remove(&(event.room, person)) {
                    all.push(Membership {
                        person,
                        room: event.room,
                        from,
                        to: Some(event.seq),
                    });
                }
            }
            _ => {}
        }
    }
    let seated = open
        .into_iter()
        .map(|((room, person), from)| (room, person, from));
    let owning = owners.iter().map(|(room, person)| (*room, *person, 1));
    all.extend(seated.chain(owning).map(|(room, person, from)| Membership {
        person,
        room,
        from,
        to: None,
    }));
    all
}
