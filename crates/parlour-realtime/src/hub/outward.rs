//! What the other processes have to know of this one.

use super::{Task, room::Room};
use tokio::time::Instant;

impl Task {
    /// Tells the bus what the other processes have to know.
    pub(super) fn tell_bus(&mut self) {
        for id in self.state.people.moved.drain(..) {
            let is_quiet = self.state.rooms.get(&id).is_none_or(Room::is_quiet);
            if is_quiet && self.followed.remove(&id) {
                self.bus.unfollow(id);
            } else if !is_quiet && self.followed.insert(id) {
                self.bus.follow(id);
            }
        }
        for (user, here) in self.state.presence.moved.drain(..) {
            self.bus.seat(user, here);
        }
        for signal in self.state.turn.whispers.drain(..) {
            if self.state.bus_is_partial {
                self.state.presence.note(&signal, Instant::now());
            }
            self.bus.whisper(signal);
        }
    }
}
