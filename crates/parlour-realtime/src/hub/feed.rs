//! A socket that came back is fed what it missed until it stands where the room stands; then it hears
//! live. All of it happens in the hub's task, so nothing overtakes and nothing is heard after the
//! membership ended.
//!
//! What was missed comes from the room's [ring](super::ring). What lies below the ring is read from the
//! store once for all who [wait](super::fills) for it.

use super::{
    SessionId,
    ring::{Reach, View},
    room::{Listener, Room},
    state::State,
    turn::Turn,
};
use crate::{
    dialect::{DialectKind, account_v2},
    outbox::Piece,
    wire,
};
use bytes::Bytes;
use metrics::counter;
use parlour_core::{RoomId, error::NOT_FOUND};
use tokio::{sync::oneshot, time::Instant};

/// A socket's wish to hear a room from where it stands.
pub(crate) struct Feed {
    pub(crate) session: SessionId,
    pub(crate) room: RoomId,
    /// The next events, encoded, if the socket read them by itself.
    pub(crate) frames: Vec<Bytes>,
    pub(crate) stand: Stand,
    /// Whether the socket wants everything after its stand once more, also what went out already; then
    /// the client asks itself who does not hear the room.
    pub(crate) rewinds: bool,
    pub(crate) reply: oneshot::Sender<Fed>,
}

/// Where a socket stands that is being fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    /// The seq of the last event it has, also of those that are handed over just now.
    pub(crate) at: i64,
    /// What is said when it stands where the room stands.
    pub(crate) word: Word,
    /// Whether something was read from the store for it.
    pub(crate) was_read: bool,
}

/// What is said to the client when its socket hears a room live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing: the client did not ask.
    Nothing,
    /// `recovered`: nothing is missing.
    Recovered,
    /// `resync`: what comes before is to be read from the history.
    Resync(Lost),
}

/// Why exactness is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The client speaks of another lineage of the database.
    Epoch,
    /// It missed too many events.
    TooMany,
    /// It claims to have seen what is not there.
    Beyond,
    /// It asks after live events went out.
    Late,
    /// The store did not answer.
    Store,
}

impl Lost {
    /// The word used in metrics.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::TooMany => "too_many",
            Self::Beyond => "beyond",
            Self::Late => "late",
            Self::Store => "store",
        }
    }
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// The socket hears the room live.
    Live,
    /// It got a handful and stands here now; the next one when there is room for it.
    More(Stand),
    /// What it needs is too much to be kept here: it has to read by itself, but nothing beyond this
    /// seq, because further on the user may not be in the room any more.
    Behind(i64),
    /// The socket does not hear the room (any more).
    Gone,
}

/// What a room says to a wish.
pub(super) enum Step {
    /// This became of it.
    Done(Fed),
    /// The room's place is not known yet.
    Unsettled,
    /// These events have to be read: `after < seq <= upto`.
    Read(i64, i64),
}

impl State {
    /// Hands over what a socket missed, and lets it hear live if that is all.
    pub(super) fn feed(&mut self, mut feed: Feed, now: Instant) {
        let step = match self.rooms.get_mut(&feed.room) {
            Some(room) => room.feed(&mut feed, &mut self.turn),
            None => Step::Done(Fed::Gone),
        };
        let fed = match step {
            Step::Done(fed) => fed,
            Step::Unsettled => return self.wait_for_place(feed, now),
            Step::Read(after, upto) => return self.wait_for_read(feed, after, upto),
        };
        // Said here, so that it does not come after a later joining.
        if fed == Fed::Gone
            && feed.stand.word != Word::Nothing
            && !feed.rewinds
            && let Some(seat) = self.people.seats.get(&feed.session)
        {
            counter!("parlour_soft_errors_total", "code" => NOT_FOUND.code).increment(1);
            let push = seat
                .outbox
                .push(&seat.of_v2(&account_v2::not_heard(feed.room)));
            self.turn.note(push, feed.session, &seat.outbox);
        }
        // The socket went away: then it needs no answer.
        let _ = feed.reply.send(fed);
    }
}

impl Room {
    fn feed(&mut self, feed: &mut Feed, turn: &mut Turn) -> Step {
        // Whatever passed by comes before.
        self.say(turn);
        let listener = self
            .listeners
            .iter_mut()
            .rfind(|listener| listener.session == feed.session);
        let Some(listener) = listener else {
            return Step::Done(Fed::Gone);
        };
        let Some(position) = self.order.position() else {
            return Step::Unsettled;
        };
        if !listener.held && (feed.rewinds || nothing_went_out(feed, position, listener)) {
            listener.held = true;
        }
        if !listener.held {
            late(feed, self.id, position, listener, turn);
            return Step::Done(Fed::Live);
        }
        let stand = &mut feed.stand;
        let is_replay = stand.word == Word::Recovered;
        let view = if stand.word == Word::Nothing {
            View::AsItWas
        } else {
            View::Now
        };
        let frames = std::mem::take(&mut feed.frames);
        let pieces = frames.iter().map(|frame| Piece::frame(frame)).collect();
        hand_over(self.id, pieces, is_replay, listener, turn);
        // What comes after the room's place will pass by.
        let from = turn.rings.from(self.id, position);
        if let Word::Resync(lost) = stand.word {
            stand.at = stand.at.max(from);
            stand.word = Word::Nothing;
            resync(self.id, stand.at, lost, listener, turn);
        } else if stand.at < from {
            return match turn.rings.reach(self.id, position, stand.at) {
                Reach::Read { after, upto } => Step::Read(after, upto),
                Reach::TooMuch => Step::Done(Fed::Behind(position.max(listener.after))),
            };
        }
        let handful = turn.rings.after(self.id, stand.at, view);
        stand.at = handful.at;
        hand_over(self.id, handful.pieces, is_replay, listener, turn);
        if !handful.is_all {
            return Step::Done(Fed::More(*stand));
        }
        if is_replay {
            recovered(self.id, *stand, listener, turn);
        }
        listener.held = false;
        listener.from = stand.at;
        Step::Done(Fed::Live)
    }
}

/// Whether what a socket missed can still come in order, though it is not held any more: it was silent
/// for too long, but nothing of the room was said to it since it began to hear. So a storm on a busy
/// machine, or a slow line, costs nobody their place.
fn nothing_went_out(feed: &Feed, position: i64, listener: &Listener) -> bool {
    feed.stand.word == Word::Recovered
        && feed.frames.is_empty()
        && feed.stand.at < listener.after
        && position <= listener.after
}

/// Everything after `listener.after` was delivered before; what comes before it is late, also when the
/// wish was made before the user left and came back.
fn late(feed: &Feed, room: RoomId, position: i64, listener: &Listener, turn: &mut Turn) {
    let newest = position.max(listener.after);
    let stands = listener.after..=newest;
    let is_whole = feed.frames.is_empty() && stands.contains(&feed.stand.at);
    match feed.stand.word {
        Word::Nothing => {}
        Word::Recovered if is_whole => {
            let stand = Stand {
                at: newest,
                ..feed.stand
            };
            recovered(room, stand, listener, turn);
        }
        Word::Recovered => resync(room, newest, Lost::Late, listener, turn),
        Word::Resync(lost) => resync(room, newest, lost, listener, turn),
    }
}

fn hand_over(
    room: RoomId,
    pieces: Vec<Piece>,
    is_replay: bool,
    listener: &Listener,
    turn: &mut Turn,
) {
    if is_replay && !pieces.is_empty() {
        counter!("parlour_replayed_events_total").increment(pieces.len() as u64);
    }
    // They cost the hub as much time as events that pass by.
    turn.events += pieces.len().div_ceil(8);
    let dialect = listener.dialect;
    for piece in pieces {
        if dialect == DialectKind::AccountV2 {
            turn.push_piece(listener, piece);
            continue;
        }
        for frame in wire::payloads(piece.wire) {
            turn.push(listener, &dialect.of_v2(Some(room), &frame));
        }
    }
}

fn recovered(room: RoomId, stand: Stand, listener: &Listener, turn: &mut Turn) {
    let source = if stand.was_read { "store" } else { "ring" };
    counter!("parlour_resumes_total", "source" => source).increment(1);
    turn.push_v2(room, listener, &account_v2::recovered(room, stand.at));
}

fn resync(room: RoomId, seq: i64, lost: Lost, listener: &Listener, turn: &mut Turn) {
    counter!("parlour_resyncs_total", "reason" => lost.as_str()).increment(1);
    turn.push_v2(room, listener, &account_v2::resync(room, seq));
}
