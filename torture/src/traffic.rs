//! People who talk all the time.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::client::Client;
use crate::people::RoomId;

/// How many messages of each client may wait for their acknowledgement.
const AHEAD: usize = 4;

/// Chooses who says something next, and where.
#[derive(Debug)]
pub struct Traffic {
    random: StdRng,
    rooms: Vec<RoomId>,
}

impl Traffic {
    /// Traffic in these rooms.
    pub fn new(random: StdRng, rooms: impl IntoIterator<Item = RoomId>) -> Self {
        Self {
            random,
            rooms: rooms.into_iter().collect(),
        }
    }

    /// Every client keeps some messages on their way for this long.
    pub async fn busy(&mut self, clients: &[Client], length: Duration) {
        let end = Instant::now() + length;
        let mut ticks = interval(Duration::from_millis(2));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            ticks.tick().await;
            for client in clients {
                if client.pending() < AHEAD {
                    client.say(self.some_room());
                }
            }
        }
    }

    /// So many messages a second from one client after the other, for this long.
    pub async fn steady(&mut self, clients: &[Client], per_second: u32, length: Duration) {
        let end = Instant::now() + length;
        let mut ticks = interval(Duration::from_secs(1) / per_second);
        let mut speakers = clients.iter().cycle();
        while Instant::now() < end {
            ticks.tick().await;
            if let Some(client) = speakers.next() {
                client.say(self.some_room());
            }
        }
    }

    fn some_room(&mut self) -> RoomId {
        self.rooms[self.random.random_range(0..self.rooms.len())]
    }
}
