//! Making a busy room through the public API, as any client would.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::http::{Connection, write_request};
use crate::load::Load;
use crate::random::Random;
use crate::scenario::{Fixture, Scenario, User};

/// Strong enough for the server's rules, and unlike every username here.
const PASSWORD: &str = "Quay7-lantern.Rhubarb";

/// How many connections fill the room.
const FILLERS: usize = 64;

/// Signs up users, opens a room that all are in, and posts messages.
#[expect(
    clippy::disallowed_methods,
    reason = "names only have to differ from those of the last run"
)]
pub(crate) async fn setup(addr: SocketAddr, messages: u64, users: usize) -> Result<Fixture> {
    ensure!(users > 0, "at least one user is needed");
    let mut client = Client::new(addr);
    // Names differ from run to run, so that a database may be used again.
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let run = since.as_millis();
    let mut fixture = Fixture::default();
    for number in 0..users {
        let user = client.sign_up(&format!("load{run}x{number}")).await?;
        fixture.users.push(user);
    }
    let owner = fixture.users[0].token.clone();
    let room = json!({"name": format!("Load {run}"), "max_users": users + 1});
    let path = "/api/v1/chats/rooms/";
    let made = client.ask("POST", path, Some(&owner), Some(&room)).await?;
    fixture.room = made["id"].as_u64().context("the room has no id")?;
    for user in &fixture.users {
        let path = format!("/api/v1/chats/rooms/{}/join/", fixture.room);
        client
            .ask("PUT", &path, Some(&user.token), Some(&json!({})))
            .await?;
    }
    fill(addr, messages, &fixture).await?;
    fixture.messages = messages + 1;
    fixture.last_seq = client.last_seq(&fixture).await?;
    Ok(fixture)
}

async fn fill(addr: SocketAddr, messages: u64, fixture: &Fixture) -> Result<()> {
    if messages == 0 {
        return Ok(());
    }
    let load = Load {
        addr,
        far: None,
        connections: FILLERS,
        warm_up: Duration::ZERO,
        length: Duration::from_secs(600),
        requests: Some(messages),
        server_pid: None,
    };
    let seen = load.run(Scenario::Send, fixture).await?;
    ensure!(
        seen.requests == messages && seen.errors == 0,
        "{} of {messages} messages went in, {} errors, the first: {:?}",
        seen.requests,
        seen.errors,
        seen.first_error
    );
    Ok(())
}

/// A client of the public API.
pub(crate) struct Client {
    connection: Connection,
}

impl Client {
    /// A client that connects with its first request.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            connection: Connection::new(addr),
        }
    }

    /// Makes an account and logs in.
    pub(crate) async fn sign_up(&mut self, username: &str) -> Result<User> {
        let form = json!({"username": username, "password": PASSWORD});
        self.ask("POST", "/api/v1/users/", None, Some(&form))
            .await?;
        let path = "/api/v1/auth/login/";
        let answer = self.ask("POST", path, None, Some(&form)).await?;
        let token = answer["token"].as_str().context("no token")?;
        Ok(User {
            username: username.to_owned(),
            password: PASSWORD.to_owned(),
            token: token.to_owned(),
        })
    }

    /// Posts one more message and reads the seq that it got.
    async fn last_seq(&mut self, fixture: &Fixture) -> Result<u64> {
        let mut request = Vec::new();
        let mut random = Random::new(1);
        Scenario::Send.write(fixture, 0, &mut random, &mut request)?;
        let answer = self.exchange(&request).await?;
        answer["seq"].as_u64().context("the message has no seq")
    }

    /// Sends a request and wants a good answer in JSON.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value> {
        let body = body.map(Value::to_string);
        let mut request = Vec::new();
        write_request(&mut request, method, path, token, body.as_deref());
        self.exchange(&request)
            .await
            .with_context(|| format!("{method} {path}"))
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Value> {
        let status = self.connection.send(request).await?;
        let body = self.connection.body();
        ensure!(
            (200..300).contains(&status),
            "status {status}: {}",
            String::from_utf8_lossy(body)
        );
        serde_json::from_slice(body).context("the answer is not JSON")
    }
}
