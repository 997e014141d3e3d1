//! Many clients who talk in some rooms, for scenarios that break something meanwhile.

use anyhow::Result;
use rand::RngExt as _;
use tokio::time::{Duration, Instant, sleep};

use crate::client::Client;
use crate::closing::{self, Owned};
use crate::http::Http;
use crate::people::{Person, RoomId};
use crate::recorder::Recorder;

/// How many messages of each client may wait for their acknowledgement.
const AHEAD: usize = 4;

/// The clients, their rooms, and the book in which all is written.
#[derive(Debug)]
pub struct Crowd {
    rooms: Vec<Owned>,
    clients: Vec<Client>,
    recorder: Recorder,
}

impl Crowd {
    /// A client for each of these people, who all are in all of these rooms.
    ///
    /// # Errors
    /// When the server does not greet one.
    pub async fn start(http: &Http, people: &[Person], rooms: Vec<Owned>) -> Result<Self> {
        let recorder = Recorder::new();
        let mut clients = Vec::new();
        for person in people {
            clients.push(Client::start(http.addr(), person, &recorder).await?);
        }
        Ok(Self {
            rooms,
            clients,
            recorder,
        })
    }

    /// Everybody keeps some messages on their way for this time.
    pub async fn talk(&self, time: Duration, random: &mut impl rand::Rng) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            for client in &self.clients {
                if client.pending() < AHEAD {
                    client.say(self.some_room(random));
                }
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    fn some_room(&self, random: &mut impl rand::Rng) -> RoomId {
        self.rooms[random.random_range(0..self.rooms.len())].room
    }

    /// How many messages were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.recorder.counts().1
    }

    /// Waits until all is answered and heard, and checks the six rules.
    ///
    /// # Errors
    /// When one is broken.
    pub async fn close(self, http: &Http, patience: Duration) -> Result<String> {
        closing::close(http, &self.rooms, self.clients, &self.recorder, patience).await
    }
}
