//! A socket that came back is fed what it missed until it stands where the room stands; then it hears
//! live. All of it happens in the hub's task, so nothing overtakes and nothing is heard after the
//! membership ended.

use super::{SessionId, room::Room, state::State, turn::Turn};
use crate::dialect::account_v2;
use bytes::Bytes;
use parlour_core::RoomId;
use tokio::sync::oneshot;

/// A piece of what a socket missed in a room.
pub(crate) struct Feed {
    pub(crate) session: SessionId,
    pub(crate) room: RoomId,
    /// The next events, encoded.
    pub(crate) frames: Vec<Bytes>,
    /// Where the socket stands after them.
    pub(crate) at: i64,
    /// What is said when the socket stands where the room stands.
    pub(crate) word: Word,
    pub(crate) reply: oneshot::Sender<Fed>,
}

/// What is said to the client when its socket hears a room live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing: the client did not ask.
    Nothing,
    /// `recovered`: nothing is missing.
    Recovered,
    /// `resync`: what comes before is to be read from the history.
    Resync,
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// The socket hears the room live.
    Live,
    /// The room is further; the next piece is wanted, but nothing beyond this seq: further on the user
    /// may not be in the room any more.
    Behind(i64),
    /// The socket does not hear the room (any more).
    Gone,
}

impl State {
    /// Hands a piece over, and lets the socket hear live if the room's tail reaches back to it.
    pub(super) fn feed(&mut self, feed: Feed) {
        let fed = match self.rooms.get_mut(&feed.room) {
            Some(room) => room.feed(&feed, &mut self.turn),
            None => Fed::Gone,
        };
        // Said here, so that it does not come after a later joining.
        if fed == Fed::Gone
            && feed.word != Word::Nothing
            && let Some(seat) = self.people.seats.get(&feed.session)
        {
            let push = seat.outbox.push(&account_v2::not_heard(feed.room));
            self.turn.note(push, feed.session, &seat.outbox);
        }
        // The socket went away: then it needs no answer.
        let _ = feed.reply.send(fed);
    }
}

impl Room {
    fn feed(&mut self, feed: &Feed, turn: &mut Turn) -> Fed {
        let position = self.order.position();
        let listener = self
            .listeners
            .iter_mut()
            .rfind(|listener| listener.session == feed.session);
        let Some(listener) = listener else {
            return Fed::Gone;
        };
        if !listener.held {
            // Everything after `listener.after` was delivered before; what comes before it is late,
            // also when its reading began before the user left and came back.
            let newest = position.unwrap_or(0).max(listener.after);
            let is_whole = feed.frames.is_empty() && feed.at >= listener.after;
            match feed.word {
                Word::Nothing => {}
                Word::Recovered if is_whole => {
                    turn.push(listener, &account_v2::recovered(self.id, newest));
                }
                Word::Recovered | Word::Resync => {
                    turn.push(listener, &account_v2::resync(self.id, newest));
                }
            }
            return Fed::Live;
        }
        for frame in &feed.frames {
            turn.push(listener, frame);
        }
        // What comes after the room's place will pass by; of a room without a place, what comes after
        // the snapshot.
        let live = position.unwrap_or(listener.after);
        let from = self.tail.from().min(live);
        let mut at = feed.at;
        if feed.word == Word::Resync {
            at = at.max(from);
            turn.push(listener, &account_v2::resync(self.id, at));
        } else if at < from {
            return Fed::Behind(live.max(listener.after));
        }
        for (seq, frame) in self.tail.after(at) {
            turn.push(listener, frame);
            at = *seq;
        }
        if feed.word == Word::Recovered {
            turn.push(listener, &account_v2::recovered(self.id, at));
        }
        listener.held = false;
        listener.from = at;
        self.let_go();
        Fed::Live
    }
}
