//! NODE: one of two nodes is killed with very many sockets; everybody goes on at the other one, and who
//! does not come back is not shown as being here.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::bare::Bare;
use crate::client::Client;
use crate::closing::{self, Owned};
use crate::nodes::Nodes;
use crate::people::{self, Person};
use crate::recorder::Recorder;
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::seen::Seen;
use crate::traffic::Traffic;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "NODE",
    what: "two nodes; one is killed with 500 sockets",
    engines: &[Engine::Postgres],
    run: boxed,
};

const PEOPLE: usize = 20;
const ROOMS: usize = 5;
/// People at the node that dies who do not come back.
const GHOSTS: usize = 5;
/// Sockets at the node that lives.
const BYSTANDERS: usize = 10;
/// Messages a second; each goes to all sockets.
const PER_SECOND: u32 = 40;
/// The bound of the specification for many sockets that come back at once.
const ALL_BACK: Duration = Duration::from_secs(10);
/// The bound of the specification for people of a dead node.
const UNSEEN: Duration = Duration::from_secs(35);
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let sockets = if context.lenient { 100 } else { 500 };
    let stage = context.stage().await?;
    let mut nodes = Nodes::start(&stage, 2).await?;
    let (dying, living) = (nodes.addr(0), nodes.addr(1));
    let http = nodes.http_of(1);
    let all = people::people(&http, PEOPLE + 1 + GHOSTS).await?;
    let (talkers, rest) = all.split_at(PEOPLE);
    let (watcher, ghosts) = rest.split_first().context("no watcher")?;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let name = format!("room {number}");
        let room = people::room(&http, &talkers[0], &name, &talkers[1..]).await?;
        let owner = talkers[0].clone();
        rooms.push(Owned { room, owner });
    }
    // One of those who come back is in the quiet room, too.
    let returner = &talkers[1];
    let quiet: Vec<Person> = ghosts.iter().chain([returner]).cloned().collect();
    people::room(&http, watcher, "quiet", &quiet).await?;
    let seen = Seen::start(living, watcher).await?;
    let mut held = Vec::new();
    for ghost in ghosts {
        held.push(Bare::connect(dying, &ghost.token).await?);
    }
    let recorder = Recorder::new();
    let mut clients = Vec::new();
    for (number, person) in talkers
        .iter()
        .cycle()
        .take(sockets + BYSTANDERS)
        .enumerate()
    {
        let at = usize::from(number >= sockets);
        clients.push(nodes.client(at, person, &recorder).await?);
    }
    seen.wait(&quiet, true, context.bound(ALL_BACK)).await?;
    let mut traffic = Traffic::new(context.random(), rooms.iter().map(|owned| owned.room));
    let talk = Duration::from_secs(2);
    traffic.steady(&clients, PER_SECOND, talk).await;
    // It dies while much is on its way; everybody at once would only show how slow this machine is.
    traffic.burst(&clients[..PEOPLE]);
    nodes.servers[0].kill();
    let killed = Instant::now();
    let (back, ()) = tokio::join!(
        back(&clients[..sockets], killed, context.bound(ALL_BACK)),
        traffic.steady(&clients, PER_SECOND, talk)
    );
    let back = back?;
    let left = context.bound(UNSEEN).saturating_sub(killed.elapsed());
    seen.wait(ghosts, false, left.min(PATIENCE * 2)).await?;
    let unseen = killed.elapsed();
    seen.wait(std::slice::from_ref(returner), true, Duration::ZERO)
        .await
        .context("somebody who came back is shown as gone")?;
    drop(held);
    let figures = closing::close(&http, &rooms, clients, &recorder, PATIENCE).await?;
    nodes.stop().await?;
    Ok(Outcome::Passed(format!(
        "{sockets} sockets resumed at the other node within {back:.1?}; {GHOSTS} who stayed away left \
         within {unseen:.1?}; {figures}"
    )))
}

/// How long it takes from the kill until each of these has been greeted once more.
async fn back(clients: &[Client], killed: Instant, within: Duration) -> Result<Duration> {
    for client in clients {
        let left = within.saturating_sub(killed.elapsed());
        ensure!(
            client.greeted(1, left).await,
            "client {} is not back within {within:?}",
            client.number()
        );
    }
    Ok(killed.elapsed())
}
