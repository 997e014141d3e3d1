//! One server, or several that share a database and hear of each other by Redis.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use xtask::engines::redis::Redis;

use crate::client::Client;
use crate::http::Http;
use crate::net::Host;
use crate::people::Person;
use crate::recorder::Recorder;
use crate::scenario::Stage;
use crate::server::Server;

/// The servers of one chat, and the Redis between them when there are several.
pub struct Nodes {
    /// At least one. They may be killed and started again.
    pub servers: Vec<Server>,
    // Declared last: it goes after its users.
    _redis: Option<Redis>,
}

impl Nodes {
    /// Starts so many. A single one runs without Redis.
    ///
    /// # Errors
    /// When one does not become ready, or several are asked for on SQLite.
    pub async fn start(stage: &Stage, count: usize) -> Result<Self> {
        if count < 2 {
            let servers = vec![Server::start(&stage.setup).await?];
            return Ok(Self {
                servers,
                _redis: None,
            });
        }
        let redis = match &stage.net {
            None => Redis::start()?,
            Some(net) => Redis::start_at(net.place(Host::Redis))?,
        };
        let urls = vec![redis.url(); count];
        Self::sharing(stage, &urls, Some(redis)).await
    }

    /// Starts one for each of these URLs of Redis, which belongs to the caller.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn on(stage: &Stage, redis: &[String]) -> Result<Self> {
        Self::sharing(stage, redis, None).await
    }

    async fn sharing(stage: &Stage, urls: &[String], redis: Option<Redis>) -> Result<Self> {
        ensure!(
            stage.setup.database.postgres().is_some(),
            "nodes share PostgreSQL, not a file"
        );
        let mut servers = Vec::new();
        for (number, url) in urls.iter().enumerate() {
            let mut setup = stage.setup.clone();
            if let Some(net) = &stage.net {
                setup.place = net.place(Host::node(number));
            }
            setup.env.push(("REDIS_URL".to_owned(), url.clone()));
            servers.push(Server::start(&setup).await?);
        }
        Ok(Self {
            servers,
            _redis: redis,
        })
    }

    /// Calls the first one.
    #[must_use]
    pub fn http(&self) -> Http {
        self.http_of(0)
    }

    /// Calls one after the other, by a number that grows.
    #[must_use]
    pub fn http_of(&self, number: usize) -> Http {
        Http::new(self.addr(number))
    }

    /// Calls each.
    #[must_use]
    pub fn https(&self) -> Vec<Http> {
        (0..self.servers.len()).map(|at| self.http_of(at)).collect()
    }

    /// Where one after the other listens, by a number that grows.
    #[must_use]
    pub fn addr(&self, number: usize) -> SocketAddr {
        self.servers[number % self.servers.len()].addr()
    }

    /// A client that begins at one of them by its number, and comes back at the next one whenever its
    /// connection ends.
    ///
    /// # Errors
    /// When it is not greeted.
    pub async fn client(
        &self,
        number: usize,
        person: &Person,
        recorder: &Recorder,
    ) -> Result<Client> {
        let all = (0..self.servers.len()).map(|offset| self.addr(number + offset));
        Client::start_among(all.collect(), person, recorder).await
    }

    /// A client for each of these people, spread over all of them.
    ///
    /// # Errors
    /// When one is not greeted.
    pub async fn clients<'a>(
        &self,
        people: impl IntoIterator<Item = &'a Person>,
        recorder: &Recorder,
    ) -> Result<Vec<Client>> {
        let mut clients = Vec::new();
        for (number, person) in people.into_iter().enumerate() {
            clients.push(self.client(number, person, recorder).await?);
        }
        Ok(clients)
    }

    /// "on two nodes", for reports; nothing for one.
    #[must_use]
    pub fn note(&self) -> &'static str {
        if self.servers.len() > 1 {
            "two nodes; "
        } else {
            ""
        }
    }

    /// An orderly end of all that run.
    ///
    /// # Errors
    /// When one ends with another exit code than 0.
    pub async fn stop(self) -> Result<()> {
        for server in self.servers {
            if server.pid() != 0 {
                server.stop().await?;
            }
        }
        Ok(())
    }
}
