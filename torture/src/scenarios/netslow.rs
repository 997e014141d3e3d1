//! NETSLOW: the lines to PostgreSQL and Redis are slow and lose packets, break for moments, and fail in one
//! direction.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::block_in_place;

use super::nodes::Pair;
use crate::net::{Host, Net};
use crate::scenario::{Context, Engine, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "NETSLOW",
    what: "two nodes; slow lines, short breaks, one-way losses to PostgreSQL and Redis",
    engines: &[Engine::Postgres],
    run: boxed,
};

/// Both are needed by both nodes.
const FAR: [Host; 2] = [Host::Database, Host::Redis];

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let time = Duration::from_secs(context.size(5, 20));
    let net = context.net()?;
    let redis = context.redis()?;
    let stage = context.stage().await?;
    let mut pair = Pair::start(context, &stage, &[redis.url(), redis.url()]).await?;
    let mut report = Vec::new();
    pair.talk(Duration::from_secs(1)).await;

    let mut how = "";
    for host in FAR {
        how = block_in_place(|| net.slow(host))?;
    }
    let said = pair.talk(time).await;
    ensure!(said > 0, "nothing is acknowledged over slow lines");
    block_in_place(|| FAR.into_iter().try_for_each(|host| net.quicken(host)))?;
    let took = pair.caught_up(context).await?;
    report.push(format!(
        "{how} for {time:?}: {said} acknowledged, all heard {took:.0?} after"
    ));

    for far in FAR {
        let line = [Host::Second, far];
        let (flicker, said) = tokio::join!(net.flicker(&line, time), pair.talk(time));
        flicker?;
        ensure!(said > 0, "nothing is acknowledged over a line that breaks");
        let took = pair.caught_up(context).await?;
        report.push(format!("{far:?} flickers: {said}, {took:.0?}"));
    }
    for far in FAR {
        for (from, to) in [(Host::Second, far), (far, Host::Second)] {
            report.push(one_way(context, net, &mut pair, (from, to), time).await?);
        }
    }
    pair.close(report).await
}

/// Packets from the one to the other are lost for a while.
async fn one_way(
    context: &Context,
    net: &Net,
    pair: &mut Pair,
    (from, to): (Host, Host),
    time: Duration,
) -> Result<String> {
    block_in_place(|| net.lose(from, to))?;
    let said = pair.talk(time).await;
    // The other node is not touched.
    ensure!(
        said > 0,
        "nothing is acknowledged while {from:?} is not heard by {to:?}"
    );
    block_in_place(|| net.heal())?;
    let took = pair.caught_up(context).await?;
    Ok(format!("{from:?} not heard by {to:?}: {said}, {took:.0?}"))
}
