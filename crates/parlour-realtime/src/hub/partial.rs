//! Rooms in which nobody here listens, when the bus brings only what concerns somebody here: who joins
//! and leaves, and how rooms change.
//!
//! What is said there in between is no hole, because nobody here heard it. But somebody's way into a
//! room counts also when the bus brings it late (processes overtake each other): from there on they
//! hear everything, up to where they left again.

use super::{people::People, room::Room, state::State};
use parlour_core::{Event, What};

impl State {
    /// Moves a room without listeners to where this event is the next one, if it has to be heard.
    pub(super) fn skip_to(&mut self, event: &Event) {
        let Some(room) = self.rooms.get_mut(&event.room) else {
            return;
        };
        if !room.is_quiet() {
            return;
        }
        let is_ahead = room.order.position().is_some_and(|at| event.seq > at);
        if (is_ahead || room.is_way_in(event, &self.people)) && room.order.go_before(event.seq) {
            // It would have a hole, or events twice.
            self.turn.rings.forget(event.room);
        }
    }
}

impl Room {
    /// Whether this is how somebody here came in, and it was not heard yet.
    fn is_way_in(&self, event: &Event, people: &People) -> bool {
        let What::MemberJoined(user) = event.what else {
            return false;
        };
        people.is_here(user) && self.entered.get(&user).is_none_or(|seq| *seq < event.seq)
    }
}
