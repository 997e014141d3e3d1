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

    /// For this long somebody says something every few milliseconds, and everybody at once about
    /// twenty times a second: some hundreds to two thousand messages a second.
    pub async fn busy(&mut self, clients: &[Client], length: Duration) {
        let end = Instant::now() + length;
        let mut ticks = interval(Duration::from_millis(2));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            ticks.tick().await;
            match self.random.random_range(0..25) {
                0 => self.burst(clients),
                1..10 => self.one(clients),
                _ => {}
            }
        }
    }

    /// Every client has as many messages on their way as it may.
    pub fn burst(&mut self, clients: &[Client]) {
        for client in clients {
            for _ in client.pending()..AHEAD {
                client.say(self.some_room());
            }
        }
    }

    fn one(&mut self, clients: &[Client]) {
        let speaker = &clients[self.random.random_range(0..clients.len())];
        if speaker.pending() < AHEAD {
            speaker.say(self.some_room());
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
