//! F3: PostgreSQL goes away, by dying and by falling silent: the server says so, and comes back by
//! itself.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join_all};
use tokio::task::block_in_place;
use tokio::time::sleep;

use crate::calls::{self, Call, Calls, End};
use crate::database::Postgres;
use crate::faults::proxy::{CLEAR, Proxy, Weather};
use crate::http::Http;
use crate::net::{Host, Net};
use crate::nodes::Nodes;
use crate::people::{people, room};
use crate::scenario::{Context, Engine, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "F3",
    what: "PostgreSQL dies, and falls silent",
    engines: &[Engine::Postgres],
    run: boxed,
};

/// How long a send may take, whatever the database does (`realtime.md`, F3).
const ANSWER: Duration = Duration::from_secs(2);
/// A probe may use all of its own limit of 2 s.
const PROBE: Duration = Duration::from_millis(2_500);
/// From the return of the database to the first message that is stored.
const RECOVERY: Duration = Duration::from_secs(5);

/// How the database goes away.
#[derive(Clone, Copy, Debug)]
enum Outage {
    Killed,
    Silent,
}

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let time = Duration::from_secs(context.size(8, 30));
    let mut stage = context.stage().await?;
    let database = stage.setup.database.clone();
    let postgres = database.postgres().context("this is not PostgreSQL")?;
    let (way, url) = Way::to(postgres.url(), context).await?;
    stage.setup.env.push(("DATABASE_URL".to_owned(), url));
    let nodes = Nodes::start(&stage, context.nodes).await?;
    let http = nodes.http();
    let all = people(&http, 3).await?;
    let room_id = room(&http, &all[0], "outage", &all).await?;
    let mut calls = Vec::new();
    for (number, http) in nodes.https().iter().enumerate() {
        let speaker = &all[number..=number];
        let people = if nodes.servers.len() > 1 {
            speaker
        } else {
            &all
        };
        calls.push(Calls::start(http.addr(), people, room_id).await?);
    }
    sleep(Duration::from_secs(1)).await;
    let (mut report, mut faults) = (Vec::new(), Vec::new());
    for outage in [Outage::Killed, Outage::Silent] {
        let place = Place {
            postgres,
            way: &way,
            nodes: &nodes,
            calls: &calls,
            context,
        };
        // Both are told, whatever the first one says.
        match place.suffer(outage, time).await {
            Ok(text) => report.push(format!("{outage:?} for {time:?}: {text}")),
            Err(error) => faults.push(format!("{outage:?}: {error:#}")),
        }
    }
    let mut notes = Vec::new();
    for calls in calls {
        notes.extend(calls.stop().await?);
    }
    report.push(calls::check(&http, &all[0], room_id, &notes).await?);
    let report = format!("{}{}", nodes.note(), report.join("; "));
    nodes.stop().await?;
    ensure!(faults.is_empty(), "{}\n  ({report})", faults.join("\n  "));
    Ok(Outcome::Passed(report))
}

/// What is between the nodes and PostgreSQL.
enum Way {
    /// On loopback.
    Proxy(Proxy),
    /// In namespaces.
    Lines(Net),
}

impl Way {
    /// The way to the server of a URL, and the URL of this way.
    async fn to(url: &str, context: &Context) -> Result<(Self, String)> {
        if let Some(net) = &context.net {
            return Ok((Self::Lines(net.clone()), url.to_owned()));
        }
        let far = address(url)?;
        let proxy = context.proxy(far).await?;
        let url = url.replace(&far.to_string(), &proxy.addr().to_string());
        Ok((Self::Proxy(proxy), url))
    }

    /// Nothing passes any more, in silence.
    fn close(&self) -> Result<()> {
        match self {
            Self::Proxy(proxy) => proxy.set(Weather::Stalled),
            Self::Lines(net) => {
                let ends = [Host::First, Host::Second, Host::Database];
                block_in_place(|| net.part(&ends))?;
            }
        }
        Ok(())
    }

    fn open(&self) -> Result<()> {
        match self {
            Self::Proxy(proxy) => proxy.set(CLEAR),
            Self::Lines(net) => block_in_place(|| net.heal())?,
        }
        Ok(())
    }
}

/// Where it happens.
struct Place<'a> {
    postgres: &'a Postgres,
    way: &'a Way,
    nodes: &'a Nodes,
    /// Of each node.
    calls: &'a [Calls],
    context: &'a Context,
}

impl Place<'_> {
    /// One outage, and the return.
    async fn suffer(&self, outage: Outage, time: Duration) -> Result<String> {
        match outage {
            Outage::Killed => self.postgres.kill().await?,
            Outage::Silent => self.way.close()?,
        }
        let gone = Instant::now();
        let nodes = self.nodes.https();
        let probes = nodes.iter().map(|http| probe(http, time, self.context));
        let probed = try_join_all(probes).await;
        let nearly_back = Instant::now();
        match outage {
            Outage::Killed => self.postgres.begin().await?,
            Outage::Silent => self.way.open()?,
        }
        let back = Instant::now();
        let within = self.context.bound(RECOVERY);
        let waiting = self.calls.iter().map(|calls| async move {
            let stored = calls.wait_for(back, within, Call::is_stored).await;
            stored.context("it does not recover")
        });
        let recovered = try_join_all(waiting).await?.into_iter().max();
        let recovered = recovered.unwrap_or_default();
        sleep(Duration::from_secs(1)).await;
        probed?;
        for http in &nodes {
            let ready = ready(http, 200, self.context).await;
            ready.context("after the outage")?;
        }
        let within = self.context.bound(ANSWER);
        let mut slowest = Duration::ZERO;
        for calls in self.calls {
            slowest = slowest.max(judge(&calls.notes(), (gone, nearly_back), within)?);
        }
        Ok(format!(
            "slowest answer {slowest:.1?}, stores again after {recovered:.1?}"
        ))
    }
}

/// While the database is away the server lives and says that it is not ready.
pub(super) async fn probe(http: &Http, time: Duration, context: &Context) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < time {
        let quick = http.within(context.bound(ANSWER));
        quick.call("GET", "/healthz", None, None).await?.ok(200)?;
        ready(http, 503, context).await?;
        sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

pub(super) async fn ready(http: &Http, status: u16, context: &Context) -> Result<()> {
    let patient = http.within(context.bound(PROBE));
    let answer = patient.call("GET", "/readyz", None, None).await?;
    ensure!(answer.status == status, "/readyz says {}", answer.status);
    Ok(())
}

/// Every call of the outage was answered in time; who was refused was told when to come back. The
/// slowest answer.
pub(super) fn judge(
    notes: &[Call],
    (gone, back): (Instant, Instant),
    within: Duration,
) -> Result<Duration> {
    let touched = |call: &&Call| call.ended() > gone && call.begun < back;
    let calls: Vec<&Call> = notes.iter().filter(touched).collect();
    for call in &calls {
        let good = match &call.end {
            End::Stored { .. } => call.begun < gone || call.ended() > back,
            End::Refused { code, hint } => {
                *hint && matches!(code.as_str(), "503" | "unavailable" | "busy")
            }
            End::Broken(_) => false,
        };
        ensure!(good, "this is no good answer: {call:?}");
    }
    let late: Vec<_> = calls.iter().filter(|call| call.took > within).collect();
    if let Some(worst) = late.iter().max_by_key(|call| call.took) {
        bail!(
            "{} of {} answers took longer than {within:?}, the worst: {worst:?}",
            late.len(),
            calls.len()
        );
    }
    let refused = calls.iter().filter(|call| !call.is_stored()).count();
    ensure!(refused > 0, "nobody was refused: the database was not away");
    let slowest = calls.iter().map(|call| call.took).max();
    Ok(slowest.unwrap_or_default())
}

fn address(url: &str) -> Result<SocketAddr> {
    let host = url.rsplit('@').next().context("no host in the URL")?;
    let host = host.split('/').next().unwrap_or(host);
    Ok(host.parse()?)
}
