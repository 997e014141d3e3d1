//! NETDB: one of two nodes loses PostgreSQL, and nothing else, in silence. The other one goes on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::f3;
use super::nodes::Pair;
use crate::calls::{self, Call, Calls};
use crate::http::Http;
use crate::net::Host;
use crate::people::{self, Person, RoomId};
use crate::scenario::{Context, Engine, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "NETDB",
    what: "two nodes; one loses PostgreSQL in silence",
    engines: &[Engine::Postgres],
    run: boxed,
};

/// People at the node that loses the database who send one message at a time, in a room with somebody at the
/// other node: so many that there is nearly always a transaction that holds the room.
const CALLERS: usize = 5;
/// Messages a second of everybody else while the line is cut.
const PER_SECOND: u32 = 60;
/// How long a send may take, whatever the database does (`realtime.md`, F3).
const ANSWER: Duration = Duration::from_secs(2);
/// From the return of the database to the first message that is stored.
const RECOVERY: Duration = Duration::from_secs(5);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let away = Duration::from_secs(if context.lenient {
        6
    } else {
        context.size(15, 30)
    });
    let net = context.net()?;
    let redis = context.redis()?;
    let stage = context.stage().await?;
    let mut pair = Pair::start(context, &stage, &[redis.url(), redis.url()]).await?;
    let callers = Callers::start(&pair).await?;
    // In the middle of much, so that transactions are cut off in the middle too.
    let (parted, ()) = tokio::join!(
        async {
            sleep(Duration::from_secs(1)).await;
            block_in_place(|| net.part(&[Host::First, Host::Database]))
        },
        pair.steady(PER_SECOND, Duration::from_millis(1_100))
    );
    parted?;
    let gone = Instant::now();
    let here = pair.nodes.http_of(0);
    let there = pair.nodes.http_of(1);
    let (probed, lives, read, _) = tokio::join!(
        f3::probe(&here, away, context),
        goes_on(&there, away, context),
        callers.read(&here, away, context),
        pair.talk(away)
    );
    let nearly_back = Instant::now();
    block_in_place(|| net.heal())?;
    let healed = Instant::now();
    let within = context.bound(RECOVERY);
    let recovered = callers.at[0].wait_for(healed, within, Call::is_stored);
    let recovered = recovered.await.context("it does not recover")?;
    sleep(Duration::from_secs(1)).await;
    probed.context("the node without the database")?;
    lives.context("the node with the database")?;
    let (reads, answered) = read.context("reads at the node without the database")?;
    f3::ready(&here, 200, context).await?;
    let within = context.bound(ANSWER);
    let outage = (gone, nearly_back);
    let slowest = f3::judge(&callers.at[0].notes(), outage, within)?;
    let other = unhindered(&callers.at[1].notes(), outage, within)?;
    let took = pair.caught_up(context).await?;
    let stored = callers.check(&there).await?;
    let report = format!(
        "silent for {away:?}: slowest answer {slowest:.1?} ({answered} of {reads} reads were answered with 503), \
         the other node's {other:.1?}; stores again after {recovered:.1?}; {stored}; all heard after {took:.0?}"
    );
    pair.close(vec![report]).await
}

/// Messages sent one at a time to one room, by somebody at either node.
struct Callers {
    people: Vec<Person>,
    room: RoomId,
    at: [Calls; 2],
}

impl Callers {
    async fn start(pair: &Pair) -> Result<Self> {
        let http = pair.nodes.http();
        let people = people::more_people(&http, "caller", CALLERS + 1).await?;
        let room = people::room(&http, &people[0], "outage", &people[1..]).await?;
        let at = [
            Calls::start(pair.nodes.addr(0), &people[..CALLERS], room).await?,
            Calls::start(pair.nodes.addr(1), &people[CALLERS..], room).await?,
        ];
        Ok(Self { people, room, at })
    }

    /// Reads at the node without its database are refused in time. How many there were, and how many refused.
    async fn read(&self, http: &Http, time: Duration, context: &Context) -> Result<(u32, u32)> {
        let quick = http.within(context.bound(ANSWER));
        let path = people::room_path(self.room, "history/?after=0&limit=10");
        let (begun, mut reads, mut refused) = (Instant::now(), 0, 0);
        while begun.elapsed() < time {
            let answer = quick.call("GET", &path, Some(&self.people[0].token), None);
            match answer.await?.status {
                200 => {}
                503 => refused += 1,
                status => anyhow::bail!("a read was answered with {status}"),
            }
            reads += 1;
            sleep(Duration::from_millis(200)).await;
        }
        Ok((reads, refused))
    }

    async fn check(self, http: &Http) -> Result<String> {
        let mut notes = Vec::new();
        for calls in self.at {
            notes.extend(calls.stop().await?);
        }
        calls::check(http, &self.people[0], self.room, &notes).await
    }
}

/// The other node is ready all the time.
async fn goes_on(http: &Http, time: Duration, context: &Context) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < time {
        f3::ready(http, 200, context).await?;
        sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

/// Every call at the other node was stored, and in time; the slowest answer.
fn unhindered(
    notes: &[Call],
    (gone, back): (Instant, Instant),
    within: Duration,
) -> Result<Duration> {
    let calls = notes
        .iter()
        .filter(|call| call.ended() > gone && call.begun < back);
    let mut slowest = Duration::ZERO;
    let mut count = 0;
    for call in calls {
        ensure!(
            call.is_stored() && call.took <= within,
            "the other node is hindered: {call:?}, {:?} after the cut",
            call.begun.saturating_duration_since(gone)
        );
        slowest = slowest.max(call.took);
        count += 1;
    }
    ensure!(count > 0, "nobody called at the other node");
    Ok(slowest)
}
