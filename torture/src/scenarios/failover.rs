//! FAILOVER: the PostgreSQL server dies, its standby is promoted, and later the old one comes back and still
//! believes to be the first.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::f3;
use crate::calls::{self, Call, Calls};
use crate::http::Http;
use crate::people::{people, room};
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::server::Server;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "FAILOVER",
    what: "PostgreSQL dies, its standby is promoted",
    engines: &[Engine::Postgres],
    run: boxed,
};

/// How long a send may take, whatever the database does (`realtime.md`, F3).
const ANSWER: Duration = Duration::from_secs(2);
/// From the promotion to the first message that is stored.
const RECOVERY: Duration = Duration::from_secs(5);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let time = Duration::from_secs(context.size(4, 15));
    let mut stage = context.stage().await?;
    let database = stage.setup.database.clone();
    let first = database.postgres().context("this is not PostgreSQL")?;
    let second = first.start_standby().await?;
    let url = first.url_with(&second);
    stage.setup.env.push(("DATABASE_URL".to_owned(), url));
    let (mut server, http) = stage.start().await?;
    let all = people(&http, 3).await?;
    let room_id = room(&http, &all[0], "failover", &all).await?;
    let calls = Calls::start(server.addr(), &all, room_id).await?;
    sleep(Duration::from_secs(1)).await;

    first.kill().await?;
    let gone = Instant::now();
    let probed = f3::probe(&http, time, context).await;
    let nearly_back = Instant::now();
    second.promote().await?;
    let promoted = Instant::now();
    let within = context.bound(RECOVERY);
    let stored = calls.wait_for(promoted, within, Call::is_stored).await;
    let recovered = stored.context("it does not find the promoted server")?;
    sleep(Duration::from_secs(1)).await;
    probed?;
    f3::ready(&http, 200, context).await?;
    let within = context.bound(ANSWER);
    let slowest = f3::judge(&calls.notes(), (gone, nearly_back), within)?;

    // Nobody fenced it off: it takes writes, without anything that happened since. It comes first in the URL.
    first.begin().await?;
    sleep(Duration::from_secs(1)).await;
    let notes = calls.stop().await?;
    let found = calls::check(&http, &all[0], room_id, &notes).await?;
    restart(&mut server).await?;
    let again = Http::new(server.addr());
    calls::check(&again, &all[0], room_id, &notes)
        .await
        .context("after a restart beside the old server")?;
    server.stop().await?;
    Ok(Outcome::Passed(format!(
        "{time:?} without a server: slowest answer {slowest:.1?}, stores again {recovered:.1?} after the \
         promotion; {found}"
    )))
}

async fn restart(server: &mut Server) -> Result<()> {
    server.stop_and_keep().await?;
    server.restart().await?;
    Ok(())
}
