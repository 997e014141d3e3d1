//! NETCUT: the clients of one of two nodes lose it in silence; then that node loses everything, as when its
//! cable is pulled.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::bare::Bare;
use crate::client::Client;
use crate::closing::{self, Owned};
use crate::net::{Host, Net};
use crate::nodes::Nodes;
use crate::people::{self, Person};
use crate::recorder::Recorder;
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::seen::Seen;
use crate::traffic::Traffic;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "NETCUT",
    what: "two nodes; one loses its clients in silence, and then everything",
    engines: &[Engine::Postgres],
    run: boxed,
};

const PEOPLE: usize = 16;
/// People at the node that is lost who do not come back.
const GHOSTS: usize = 4;
/// Messages a second.
const PER_SECOND: u32 = 40;
/// The bound of the specification for people who are not there any more.
const UNSEEN: Duration = Duration::from_secs(35);
/// A client gives a silent node up after 35 s, and may be connecting in vain for 10 s more.
const BACK: Duration = Duration::from_secs(50);
const PATIENCE: Duration = Duration::from_secs(60);

/// What is lost.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Clients,
    Everything,
}

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let net = context.net()?;
    let mut report = Vec::new();
    for loss in [Loss::Clients, Loss::Everything] {
        let told = lose(context, net, loss).await;
        report.push(told.with_context(|| format!("{loss:?}"))?);
    }
    Ok(Outcome::Passed(report.join("; ")))
}

/// One loss, on a chat of its own, and the return.
async fn lose(context: &Context, net: &Net, loss: Loss) -> Result<String> {
    let stage = context.stage().await?;
    let nodes = Nodes::start(&stage, 2).await?;
    let (lost, other) = (nodes.addr(0), nodes.http_of(1));
    let all = people::people(&other, PEOPLE + 1 + GHOSTS).await?;
    let (talkers, rest) = all.split_at(PEOPLE);
    let (watcher, ghosts) = rest.split_first().context("no watcher")?;
    let owner = talkers[0].clone();
    let room = people::room(&other, &owner, "one", &talkers[1..]).await?;
    let rooms = [Owned { room, owner }];
    // One of those who come back is in the quiet room, too: the first one is at the node that is lost.
    let returner = talkers.get(2).context("nobody comes back")?;
    let quiet: Vec<Person> = ghosts.iter().chain([returner]).cloned().collect();
    people::room(&other, watcher, "quiet", &quiet).await?;
    let seen = Seen::start(other.addr(), watcher).await?;
    let mut held = Vec::new();
    for ghost in ghosts {
        held.push(Bare::connect(lost, &ghost.token).await?);
    }
    let recorder = Recorder::new();
    let clients = nodes.clients(talkers, &recorder).await?;
    seen.wait(&quiet, true, UNSEEN).await?;
    let mut traffic = Traffic::new(context.random(), [room]);
    traffic
        .steady(&clients, PER_SECOND, Duration::from_secs(2))
        .await;
    traffic.burst(&clients);

    block_in_place(|| match loss {
        Loss::Clients => net.part(&[Host::Clients, Host::First]),
        Loss::Everything => net.unplug(Host::First),
    })?;
    let cut = Instant::now();
    let (unseen, back, ()) = tokio::join!(
        unseen(&seen, ghosts, cut, context),
        back(&clients, cut, context),
        traffic.steady(&clients, PER_SECOND, BACK.min(UNSEEN) / 2)
    );
    let (unseen, back) = (unseen?, back?);
    seen.wait(std::slice::from_ref(returner), true, UNSEEN)
        .await
        .context("somebody who came back is shown as gone")?;
    block_in_place(|| net.heal())?;
    let works = works_again(&nodes, &all, &recorder, context).await?;
    drop(held);
    let figures = closing::close(&other, &rooms, clients, &recorder, PATIENCE).await?;
    nodes.stop().await?;
    Ok(format!(
        "{loss:?} lost: who stayed away left within {unseen:.1?}, the others were back at the other node within \
         {back:.1?}, the lost node greeted {works:.0?} after its return; {figures}"
    ))
}

/// How long it takes until nobody of these is shown as here.
async fn unseen(
    seen: &Seen,
    ghosts: &[Person],
    cut: Instant,
    context: &Context,
) -> Result<Duration> {
    seen.wait(ghosts, false, context.bound(UNSEEN)).await?;
    Ok(cut.elapsed())
}

/// How long it takes until each of those who were at the lost node has been greeted by the other one.
async fn back(clients: &[Client], cut: Instant, context: &Context) -> Result<Duration> {
    let within = context.bound(BACK);
    for client in clients.iter().step_by(2) {
        let left = within.saturating_sub(cut.elapsed());
        ensure!(
            client.greeted(1, left).await,
            "client {} is not back within {within:?}",
            client.number()
        );
    }
    Ok(cut.elapsed())
}

/// The lost node greets, and soon knows everything.
async fn works_again(
    nodes: &Nodes,
    people: &[Person],
    recorder: &Recorder,
    context: &Context,
) -> Result<Duration> {
    let begun = Instant::now();
    let client = Client::start(nodes.addr(0), &people[0], recorder).await?;
    let greeted = begun.elapsed();
    let rooms: Vec<i64> = client.cursors().into_keys().collect();
    for room in rooms {
        client.say(room);
    }
    ensure!(
        client.settled(context.bound(PATIENCE)).await,
        "the lost node takes no messages after its return"
    );
    // It leaves while the others are still here: what it heard is no whole stream.
    client.hang_up().await;
    Ok(greeted)
}
