//! Many clients who talk in some rooms, for scenarios that break something meanwhile.

use anyhow::Result;
use rand::rngs::StdRng;
use std::time::Duration;

use crate::client::Client;
use crate::closing::{self, Owned};
use crate::http::Http;
use crate::people::Person;
use crate::recorder::Recorder;
use crate::traffic::Traffic;

/// The clients, their rooms, and the book in which all is written.
#[derive(Debug)]
pub struct Crowd {
    rooms: Vec<Owned>,
    clients: Vec<Client>,
    recorder: Recorder,
    traffic: Traffic,
}

impl Crowd {
    /// A client for each of these people, who all are in all of these rooms.
    ///
    /// # Errors
    /// When the server does not greet one.
    pub async fn start(
        http: &Http,
        people: &[Person],
        rooms: Vec<Owned>,
        random: StdRng,
    ) -> Result<Self> {
        let recorder = Recorder::new();
        let mut clients = Vec::new();
        for person in people {
            clients.push(Client::start(http.addr(), person, &recorder).await?);
        }
        Ok(Self {
            traffic: Traffic::new(random, rooms.iter().map(|owned| owned.room)),
            rooms,
            clients,
            recorder,
        })
    }

    /// Everybody keeps some messages on their way for this time.
    pub async fn talk(&mut self, time: Duration) {
        self.traffic.busy(&self.clients, time).await;
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
