//! Accounts and rooms at a Parlour server, made once per database and used by every run.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;

use super::shape::Shape;
use crate::scenario::User;
use crate::setup::Client;

/// Connections that sign up at once; hashing passwords keeps every processor busy with fewer.
const AT_ONCE: usize = 8;

/// What was made at a server so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct People {
    users: Vec<User>,
    /// The rooms of each shape.
    rooms: BTreeMap<String, Vec<u64>>,
}

impl People {
    /// What the file says; nobody when there is none yet.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self> {
        let Some(text) = file.and_then(|file| fs::read_to_string(file).ok()) else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text).context("the fixture is not one")
    }

    /// Keeps them for the next run.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        fs::write(file, serde_json::to_string(self)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// The token of one of those who are in the rooms of a shape.
    pub(crate) fn token(&self, number: usize) -> &str {
        &self.users[number % self.users.len()].token
    }

    /// Makes what a shape still lacks; answers its rooms.
    pub(crate) async fn gather(&mut self, addr: SocketAddr, shape: Shape) -> Result<Vec<u64>> {
        self.sign_up(addr, shape.connections()).await?;
        let name = shape.to_string();
        if let Some(rooms) = self.rooms.get(&name) {
            return Ok(rooms.clone());
        }
        let mut client = Client::new(addr);
        let mut rooms = Vec::new();
        for members in self.users[..shape.connections()].chunks(shape.members) {
            rooms.push(room(&mut client, members).await?);
        }
        self.rooms.insert(name, rooms.clone());
        Ok(rooms)
    }

    async fn sign_up(&mut self, addr: SocketAddr, wanted: usize) -> Result<()> {
        let run = milliseconds()?;
        let numbers: Vec<usize> = (self.users.len()..wanted).collect();
        let mut tasks = JoinSet::new();
        for part in numbers.chunks(numbers.len().div_ceil(AT_ONCE).max(1)) {
            let part = part.to_vec();
            tasks.spawn(async move {
                let mut client = Client::new(addr);
                let mut users = Vec::new();
                for number in part {
                    users.push(client.sign_up(&format!("fan{run}x{number}")).await?);
                }
                anyhow::Ok(users)
            });
        }
        while let Some(users) = tasks.join_next().await {
            self.users.extend(users.context("a sign-up died")??);
        }
        Ok(())
    }
}

/// A room of the first of these, that all of them join.
async fn room(client: &mut Client, members: &[User]) -> Result<u64> {
    let owner = members.first().context("a room without members")?;
    let details =
        json!({"name": format!("Fan {}", milliseconds()?), "max_users": members.len() + 1});
    let made = client
        .ask(
            "POST",
            "/api/v1/chats/rooms/",
            Some(&owner.token),
            Some(&details),
        )
        .await?;
    let id = made["id"].as_u64().context("the room has no id")?;
    let path = format!("/api/v1/chats/rooms/{id}/join/");
    for member in members {
        client
            .ask("PUT", &path, Some(&member.token), Some(&json!({})))
            .await?;
    }
    Ok(id)
}

#[expect(
    clippy::disallowed_methods,
    reason = "names only have to differ from those of the last run"
)]
pub(crate) fn milliseconds() -> Result<u128> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())
}
