//! D1: the server is killed at random moments under load, again and again.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rand::RngExt as _;
use tokio::time::sleep;

use crate::client::Client;
use crate::closing::{self, Owned};
use crate::people;
use crate::recorder::Recorder;
use crate::scenario::{BOTH, Context, Outcome, Scenario};
use crate::traffic::Traffic;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "D1",
    what: "SIGKILL of the server under 20 clients in 5 rooms",
    engines: BOTH,
    run: boxed,
};

const CLIENTS: usize = 20;
const ROOMS: usize = 5;
/// The bound of the specification on start to ready.
const READY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let rounds = context.rounds(3, 50);
    let mut random = context.random();
    let stage = context.stage().await?;
    let (mut server, http) = stage.start().await?;
    let people = people::people(&http, CLIENTS).await?;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let owner = &people[number];
        let members: Vec<_> = people
            .iter()
            .filter(|p| p.id != owner.id)
            .cloned()
            .collect();
        let room = people::room(&http, owner, &format!("room {number}"), &members).await?;
        rooms.push(Owned {
            room,
            owner: owner.clone(),
        });
    }
    let recorder = Recorder::new();
    let mut clients = Vec::new();
    for person in &people {
        clients.push(Client::start(http.addr(), person, &recorder).await?);
    }
    let mut traffic = Traffic::new(context.random(), rooms.iter().map(|owned| owned.room));
    let mut slowest = Duration::ZERO;
    for round in 1..=rounds {
        let length = Duration::from_millis(random.random_range(200..3_000));
        traffic.busy(&clients, length).await;
        // It dies while much is on its way, at any stage of it.
        traffic.burst(&clients);
        sleep(Duration::from_micros(random.random_range(0..10_000))).await;
        server.kill();
        let ready = server
            .restart()
            .await
            .with_context(|| format!("round {round}"))?;
        slowest = slowest.max(ready);
        ensure!(
            ready <= context.bound(READY),
            "round {round}: ready only {ready:?} after the start"
        );
    }
    let figures = closing::close(&http, &rooms, clients, &recorder, PATIENCE).await?;
    server.stop().await?;
    Ok(Outcome::Passed(format!(
        "{rounds} kills, ready within {} ms; {figures}",
        slowest.as_millis()
    )))
}
