//! D13: an orderly stop under load: everybody is told, nothing is lost.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::closing::{self, Owned};
use crate::nodes::Nodes;
use crate::people;
use crate::recorder::Recorder;
use crate::scenario::{BOTH, Context, Outcome, Scenario};
use crate::traffic::Traffic;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "D13",
    what: "SIGTERM under many sockets and 200 messages/s",
    engines: BOTH,
    run: boxed,
};

const PEOPLE: usize = 20;
const ROOMS: usize = 5;
const PER_SECOND: u32 = 200;
/// The bounds of the specification: all sockets closed, the process gone.
const CLOSED: Duration = Duration::from_secs(5);
const GONE: Duration = Duration::from_secs(10);
const RESTART: u16 = 1012;
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let sockets = context.size(100, 500);
    // With two nodes each is stopped in turn, and everybody is at the other one then.
    let rounds = context.rounds(u32::try_from(context.nodes)?, 3);
    let stage = context.stage().await?;
    let mut nodes = Nodes::start(&stage, context.nodes).await?;
    let http = nodes.http();
    let people = people::people(&http, PEOPLE).await?;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let name = format!("room {number}");
        rooms.push(Owned {
            room: people::room(&http, &people[0], &name, &people[1..]).await?,
            owner: people[0].clone(),
        });
    }
    let recorder = Recorder::new();
    let many = people.iter().cycle().take(sockets);
    let clients = nodes.clients(many, &recorder).await?;
    let mut traffic = Traffic::new(context.random(), rooms.iter().map(|owned| owned.room));
    let (mut slowest_close, mut slowest_end) = (Duration::ZERO, Duration::ZERO);
    for round in 1..=rounds {
        traffic
            .steady(&clients, PER_SECOND, Duration::from_secs(2))
            .await;
        let stopping = (round as usize - 1) % nodes.servers.len();
        let server = &mut nodes.servers[stopping];
        let there: Vec<There<'_>> = There::all(&clients, server.addr());
        // People go on talking while the server stops.
        let (ended, closed, ()) = tokio::join!(
            server.term(),
            closed(&there, context.bound(GONE)),
            traffic.steady(&clients, PER_SECOND, Duration::from_secs(1))
        );
        let (ended, closed) = (ended?, closed?);
        ensure!(
            closed <= context.bound(CLOSED),
            "the last socket was closed after {closed:?}"
        );
        ensure!(
            ended.took <= context.bound(GONE),
            "the process ended after {:?}",
            ended.took
        );
        ensure!(
            ended.status.success(),
            "the process ended with {}",
            ended.status
        );
        slowest_close = slowest_close.max(closed);
        slowest_end = slowest_end.max(ended.took);
        server.restart().await?;
        for There { client, hellos, .. } in there {
            let back = client.greeted(hellos, PATIENCE).await;
            ensure!(back, "client {} does not come back", client.number());
        }
    }
    let figures = closing::close(&http, &rooms, clients, &recorder, PATIENCE).await?;
    let note = nodes.note();
    nodes.stop().await?;
    Ok(Outcome::Passed(format!(
        "{note}{rounds} stops of {sockets} sockets: all closed with {RESTART} within {} ms, process gone \
         within {} ms, exit code 0; {figures}",
        slowest_close.as_millis(),
        slowest_end.as_millis()
    )))
}

/// A client at the server that is about to stop.
struct There<'a> {
    client: &'a Client,
    hellos: u32,
    closes: usize,
}

impl<'a> There<'a> {
    fn all(clients: &'a [Client], addr: SocketAddr) -> Vec<Self> {
        let there = clients.iter().filter(|client| client.addr() == addr);
        there
            .map(|client| Self {
                client,
                hellos: client.hellos(),
                closes: client.closes().len(),
            })
            .collect()
    }
}

/// How long it takes until every socket was closed once more, and with the right code.
async fn closed(there: &[There<'_>], within: Duration) -> Result<Duration> {
    ensure!(!there.is_empty(), "nobody is at this server");
    let begun = Instant::now();
    for There { client, closes, .. } in there {
        while client.closes().len() <= *closes {
            let late = begun.elapsed() > within;
            ensure!(!late, "client {} is not closed", client.number());
            sleep(Duration::from_millis(5)).await;
        }
        let code = client.closes().get(*closes).copied();
        let code = code.context("no close")?;
        ensure!(
            code == RESTART,
            "client {} was closed with {code}, not {RESTART}",
            client.number()
        );
    }
    Ok(begun.elapsed())
}
