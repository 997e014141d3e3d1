//! News without a place in the stream: who is writing, and how far people have read.

use super::{
    room::{Listener, Room},
    state::State,
    turn::Turn,
};
use crate::{
    dialect::{DIALECTS, account_v2},
    outbox::Piece,
};
use bytes::Bytes;
use parlour_core::{RoomId, UserId};
use std::time::Duration;
use tokio::time::Instant;

/// Somebody who is writing is told of once within this time.
const WRITING: Duration = Duration::from_secs(1);
/// In rooms with more sockets people learn only how far they have read themselves.
const MOST_READERS: usize = 50;

impl State {
    /// Somebody is writing: told to the others.
    pub(super) fn typing(&mut self, id: RoomId, user: UserId, now: Instant) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        if room.is_quiet() {
            return;
        }
        room.writing
            .retain(|(_, at)| now.duration_since(*at) < WRITING);
        if room.writing.iter().any(|(other, _)| *other == user) {
            return;
        }
        room.writing.push((user, now));
        let frame = account_v2::typing(id, user);
        room.whisper(&frame, &mut self.turn, |listener| listener.user != user);
    }

    /// Somebody has read up to here: told to their own sockets, and in small rooms to the others.
    pub(super) fn read(&mut self, id: RoomId, user: UserId, seq: i64) {
        let Some(room) = self.rooms.get(&id) else {
            return;
        };
        let all = room.listeners.len() <= MOST_READERS;
        let frame = account_v2::read(id, user, seq);
        room.whisper(&frame, &mut self.turn, |listener| {
            all || listener.user == user
        });
    }
}

impl Room {
    /// A frame of version 2 that may be lost, to the sockets that are told everything and are
    /// `concerned`.
    pub(super) fn whisper(
        &self,
        frame: &Bytes,
        turn: &mut Turn,
        concerned: impl Fn(&Listener) -> bool,
    ) {
        let mut pieces = [const { None }; DIALECTS];
        for listener in &self.listeners {
            if listener.dialect.is_full() && concerned(listener) && !listener.outbox.is_half_full()
            {
                let dialect = listener.dialect;
                let piece = pieces[dialect as usize]
                    .get_or_insert_with(|| Piece::frame(&dialect.of_v2(Some(self.id), frame)));
                turn.push_piece(listener, piece.clone());
            }
        }
    }
}
