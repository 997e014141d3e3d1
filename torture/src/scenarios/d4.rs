//! D4: PostgreSQL is killed under load and started again; the server lives on.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rand::RngExt as _;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::closing::{self, Owned};
use crate::http::Http;
use crate::nodes::Nodes;
use crate::people::{self, Person};
use crate::recorder::Recorder;
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::traffic::Traffic;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "D4",
    what: "SIGKILL of PostgreSQL under 12 clients in 2 rooms",
    engines: &[Engine::Postgres],
    run: boxed,
};

const CLIENTS: usize = 12;
/// The bound of the specification on being back.
const BACK: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let rounds = context.rounds(2, 10);
    let mut random = context.random();
    let stage = context.stage().await?;
    let nodes = Nodes::start(&stage, context.nodes).await?;
    let http = nodes.http();
    let postgres = stage.setup.database.postgres().context("not PostgreSQL")?;
    let people = people::people(&http, CLIENTS).await?;
    let mut rooms = Vec::new();
    for number in 0..2 {
        let room = people::room(&http, &people[0], &format!("room {number}"), &people[1..]).await?;
        rooms.push(Owned {
            room,
            owner: people[0].clone(),
        });
    }
    let recorder = Recorder::new();
    let clients = nodes.clients(&people, &recorder).await?;
    let mut slowest = Duration::ZERO;
    let mut traffic = Traffic::new(context.random(), rooms.iter().map(|owned| owned.room));
    for round in 1..=rounds {
        let before = Duration::from_millis(random.random_range(200..2_000));
        traffic.busy(&clients, before).await;
        // It dies while much is on its way, at any stage of it.
        traffic.burst(&clients);
        sleep(Duration::from_micros(random.random_range(0..10_000))).await;
        postgres.kill().await?;
        // Messages wait in the clients meanwhile.
        let dead = Duration::from_millis(random.random_range(0..1_500));
        traffic.busy(&clients, dead).await;
        postgres.begin().await?;
        let returned = Instant::now();
        for http in nodes.https() {
            back(&http, &people[0], &rooms[0], round)
                .await
                .with_context(|| format!("round {round}"))?;
        }
        let back = returned.elapsed();
        slowest = slowest.max(back);
        ensure!(
            back <= context.bound(BACK),
            "round {round}: back only {back:?} after PostgreSQL"
        );
        traffic.busy(&clients, Duration::from_millis(300)).await;
    }
    for client in &clients {
        let (hellos, closes) = (client.hellos(), client.closes());
        ensure!(
            hellos == 1 && closes.is_empty(),
            "client {} greeted {hellos} times, closed with {closes:?}: its socket must stay open",
            client.number()
        );
    }
    let figures = closing::close(&http, &rooms[..], clients, &recorder, PATIENCE).await;
    let note = nodes.note();
    nodes.stop().await?;
    Ok(Outcome::Passed(format!(
        "{note}{rounds} kills, sockets open, back within {} ms; {}",
        slowest.as_millis(),
        figures?
    )))
}

/// Waits until the server says that it is ready and its database answers a request.
async fn back(http: &Http, person: &Person, owned: &Owned, round: u32) -> Result<()> {
    let begun = Instant::now();
    let http = http.within(Duration::from_secs(5));
    let path = people::room_path(owned.room, "read/");
    loop {
        let ready = http.call("GET", "/readyz", None, None).await?;
        let body = json!({"seq": round});
        let write = http
            .call("POST", &path, Some(&person.token), Some(body))
            .await?;
        if ready.status == 200 && write.status == 200 {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(30),
            "not back: /readyz {}, write {}: {}",
            ready.status,
            write.status,
            write.body
        );
        sleep(Duration::from_millis(10)).await;
    }
}
