//! GROUP rooms are everybody's business: that they begin, change and end is told to every socket of
//! version 2, so that lists of rooms stay true. Those who are in the room hear it as an event of its
//! stream; the others hear it without a seq, because they have no place in that stream.

use super::{
    SessionId,
    people::People,
    reads::Read,
    room::Room,
    state::State,
    turn::{EndedRoom, Turn},
};
use crate::{
    dialect::{DIALECTS, account_v2},
    outbox::Piece,
};
use bytes::Bytes;
use parlour_core::{
    Error, Event, RoomId, What,
    event::EndReason,
    model::{Room as Details, RoomKind},
};

impl Room {
    /// Tells those who are not in the room, if they may know of it.
    pub(super) fn tell_strangers(&mut self, event: &Event, people: &People, turn: &mut Turn) {
        match &event.what {
            What::RoomCreated(room) => {
                self.kind = Some(room.kind);
                if room.kind == RoomKind::Group {
                    tell(
                        self.id,
                        &account_v2::room_news("room.created", room),
                        people,
                        turn,
                        |_| true,
                    );
                }
            }
            What::RoomUpdated(room) => self.tell_change(room, people, turn),
            What::RoomDeleted(reason) => match self.kind {
                Some(RoomKind::Group) => tell_end(self.id, reason.as_str(), people, turn),
                Some(RoomKind::Private) => {}
                None => turn.ended.push(EndedRoom {
                    room: self.id,
                    reason: *reason,
                    heard: self
                        .listeners
                        .iter()
                        .map(|listener| listener.session)
                        .collect(),
                }),
            },
            _ => {}
        }
    }

    fn tell_change(&mut self, room: &Details, people: &People, turn: &mut Turn) {
        let before = self.kind.replace(room.kind);
        match room.kind {
            RoomKind::Group => {
                tell(
                    self.id,
                    &account_v2::room_news("room.updated", room),
                    people,
                    turn,
                    |_| true,
                );
            }
            // For those outside it is gone.
            RoomKind::Private if before == Some(RoomKind::Group) => {
                tell_end(self.id, "private", people, turn);
            }
            RoomKind::Private => {}
        }
    }
}

impl State {
    /// Asks the store of which kind the rooms were that ended in this turn, where it has to.
    pub(super) fn ask_kinds(&mut self) {
        for EndedRoom {
            room,
            reason,
            heard,
        } in std::mem::take(&mut self.turn.ended)
        {
            self.heard_the_end.insert(room, heard);
            self.work.push(Read::Kind { room, reason });
        }
    }

    /// A room ended of which only the store knew the kind.
    pub(super) fn kind_of_ended(
        &mut self,
        room: RoomId,
        reason: EndReason,
        result: Result<Option<RoomKind>, Error>,
    ) {
        // Who was in the room has heard it as an event of its stream.
        let heard = self.heard_the_end.remove(&room).unwrap_or_default();
        match result {
            Ok(Some(RoomKind::Group)) => {
                let frame = account_v2::room_gone(room, reason.as_str());
                tell(room, &frame, &self.people, &mut self.turn, |session| {
                    !heard.contains(&session)
                });
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, %room, "the kind of a room could not be read"),
        }
    }
}

fn tell_end(room: RoomId, reason: &'static str, people: &People, turn: &mut Turn) {
    tell(
        room,
        &account_v2::room_gone(room, reason),
        people,
        turn,
        |_| true,
    );
}

/// To every account-wide socket that is told everything, does not hear this room and is `concerned`.
fn tell(
    room: RoomId,
    frame: &Bytes,
    people: &People,
    turn: &mut Turn,
    concerned: impl Fn(SessionId) -> bool,
) {
    let mut pieces = [const { None }; DIALECTS];
    for (session, seat) in &people.seats {
        if seat.dialect.is_full()
            && seat.only.is_none()
            && !seat.is_new
            && !seat.rooms.contains_key(&room)
            && concerned(*session)
        {
            let piece = pieces[seat.dialect as usize]
                .get_or_insert_with(|| Piece::frame(&seat.of_v2(frame)));
            let push = seat.outbox.push_piece(piece.clone());
            turn.note(push, *session, &seat.outbox);
        }
    }
}
