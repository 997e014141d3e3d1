//! NETBUS: one of two nodes loses Redis, and nothing else, in silence: its packets and the answers vanish.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::block_in_place;
use tokio::time::Instant;

use super::nodes::Pair;
use crate::net::Host;
use crate::people::{self, Person};
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::seen::Seen;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "NETBUS",
    what: "two nodes; one loses Redis in silence",
    engines: &[Engine::Postgres],
    run: boxed,
};

/// The bound of the specification for who is here.
const TRUE_AGAIN: Duration = Duration::from_secs(35);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let away = Duration::from_secs(if context.lenient { 8 } else { 25 });
    let net = context.net()?;
    let redis = context.redis()?;
    let stage = context.stage().await?;
    let mut pair = Pair::start(context, &stage, &[redis.url(), redis.url()]).await?;
    let mut watch = Watch::start(&pair).await?;
    pair.talk(Duration::from_secs(1)).await;

    block_in_place(|| net.part(&[Host::Second, Host::Redis]))?;
    let begun = [0, 1].map(|node| acknowledged(&pair, node));
    pair.talk(away / 2).await;
    watch.turn(&pair).await?;
    pair.talk(away / 2).await;
    let said = [0, 1].map(|node| acknowledged(&pair, node));
    for (before, after) in begun.iter().zip(said) {
        ensure!(after > *before, "a node acknowledges nothing meanwhile");
    }
    block_in_place(|| net.heal())?;
    let healed = Instant::now();
    let took = pair.caught_up(context).await?;
    let known = watch.wait(healed, context.bound(TRUE_AGAIN)).await?;
    let report = format!(
        "silent for {away:?}: all heard {took:.0?} after, who is here is right {known:.0?} after"
    );
    drop(watch);
    pair.close(vec![report]).await
}

/// The highest places that the clients of a node were promised.
fn acknowledged(pair: &Pair, node: usize) -> u64 {
    let clients = pair.clients.iter().skip(node).step_by(2);
    let places = clients.flat_map(|client| {
        let rooms = client.cursors().into_keys();
        rooms.filter_map(|room| client.acknowledged(room))
    });
    places.max().unwrap_or_default()
}

/// A quiet room: people who come and go at each node, and others at each node who look on.
struct Watch {
    seen: [Seen; 2],
    /// Here from the beginning, at either node.
    leaving: Vec<Person>,
    /// Here from the middle on.
    coming: Vec<Person>,
    /// Read all the time, so that they answer the server's pings.
    sockets: Vec<Seen>,
}

impl Watch {
    async fn start(pair: &Pair) -> Result<Self> {
        let http = pair.nodes.http();
        let mut all = people::more_people(&http, "watch", 6).await?;
        let (owner, rest) = all.split_first().context("nobody")?;
        people::room(&http, owner, "quiet", rest).await?;
        let seen = [
            Seen::start(pair.nodes.addr(0), owner).await?,
            Seen::start(pair.nodes.addr(1), &rest[0]).await?,
        ];
        let coming = all.split_off(4);
        let leaving = all.split_off(2);
        let sockets = arrive(pair, &leaving).await?;
        let watch = Self {
            seen,
            leaving,
            coming,
            sockets,
        };
        for seen in &watch.seen {
            seen.wait(&watch.leaving, true, TRUE_AGAIN).await?;
        }
        Ok(watch)
    }

    /// Who was here goes, and others come.
    async fn turn(&mut self, pair: &Pair) -> Result<()> {
        self.sockets = arrive(pair, &self.coming).await?;
        Ok(())
    }

    /// Waits until the truth is known at both nodes; how long after `since`.
    async fn wait(&self, since: Instant, within: Duration) -> Result<Duration> {
        for seen in &self.seen {
            let left = || within.saturating_sub(since.elapsed());
            seen.wait(&self.coming, true, left()).await?;
            seen.wait(&self.leaving, false, left()).await?;
        }
        Ok(since.elapsed())
    }
}

/// One after the other at each node.
async fn arrive(pair: &Pair, people: &[Person]) -> Result<Vec<Seen>> {
    let mut sockets = Vec::new();
    for (number, person) in people.iter().enumerate() {
        sockets.push(Seen::start(pair.nodes.addr(number), person).await?);
    }
    Ok(sockets)
}
