//! F1, F2 and F5: two nodes share a chat, and what carries between them dies, forgets, is replaced, or
//! cannot be reached by one of them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::time::Instant;

use crate::client::Client;
use crate::closing::{self, Owned};
use crate::faults::proxy::{CLEAR, Weather};
use crate::http::Http;
use crate::nodes::Nodes;
use crate::people::{self, people, room};
use crate::recorder::Recorder;
use crate::scenario::{Context, Engine, Outcome, Scenario, Stage};
use crate::traffic::Traffic;

/// The row of the table.
pub const F1: Scenario = Scenario {
    id: "F1",
    what: "two nodes; Redis dies, is emptied, is replaced",
    engines: &[Engine::Postgres],
    run: boxed_f1,
};
/// The row of the table.
pub const F5: Scenario = Scenario {
    id: "F5",
    what: "two nodes; one of them cannot reach Redis",
    engines: &[Engine::Postgres],
    run: boxed_f5,
};

const PEOPLE: usize = 16;
/// How soon everybody has heard all after the bus is back, and while it is away.
const CATCH_UP: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed_f1(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    f1(context).boxed()
}

fn boxed_f5(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    f5(context).boxed()
}

async fn f1(context: &Context) -> Result<Outcome> {
    let away = Duration::from_secs(context.size(4, 30));
    let mut redis = context.redis()?;
    let stage = context.stage().await?;
    let urls = [redis.url(), redis.url()];
    let mut pair = Pair::start(context, &stage, &urls).await?;
    let mut report = Vec::new();
    pair.talk(Duration::from_secs(1)).await;
    redis.kill();
    let said = pair.talk(away).await;
    ensure!(said > 0, "nothing is acknowledged while Redis is dead");
    let took = pair.caught_up(context).await?;
    report.push(format!(
        "dead for {away:?}: {said} acknowledged, all heard after {took:.0?}"
    ));
    redis.begin()?;
    pair.talk(Duration::from_secs(2)).await;
    let took = pair.caught_up(context).await?;
    report.push(format!("an empty one in its place: {took:.0?}"));
    redis.flush()?;
    pair.talk(Duration::from_secs(1)).await;
    let took = pair.caught_up(context).await?;
    report.push(format!("emptied: {took:.0?}"));
    pair.close(report).await
}

async fn f5(context: &Context) -> Result<Outcome> {
    let away = Duration::from_secs(context.size(6, 30));
    let redis = context.redis()?;
    let proxy = context.proxy(redis.addr().context("no port")?).await?;
    let stage = context.stage().await?;
    let urls = [redis.url(), format!("redis://{}", proxy.addr())];
    let mut pair = Pair::start(context, &stage, &urls).await?;
    let mut report = Vec::new();
    for weather in [Weather::Stalled, Weather::Reset] {
        pair.talk(Duration::from_secs(1)).await;
        proxy.set(weather);
        let said = pair.talk(away).await;
        ensure!(said > 0, "nothing is acknowledged while a node is alone");
        proxy.set(CLEAR);
        let took = pair.caught_up(context).await?;
        report.push(format!(
            "{weather:?} for {away:?}: {said} acknowledged, all heard {took:.0?} after"
        ));
    }
    pair.close(report).await
}

/// Two nodes and people at both.
pub(super) struct Pair {
    pub(super) nodes: Nodes,
    /// Of the first one.
    http: Http,
    rooms: Vec<Owned>,
    pub(super) clients: Vec<Client>,
    recorder: Recorder,
    traffic: Traffic,
}

impl Pair {
    /// `redis`: what each node is told.
    pub(super) async fn start(
        context: &Context,
        stage: &Stage,
        redis: &[String; 2],
    ) -> Result<Self> {
        let nodes = Nodes::on(stage, redis).await?;
        let http = nodes.http();
        let all = people(&http, PEOPLE).await?;
        let mut rooms = Vec::new();
        for name in ["one", "two"] {
            let owner = all[0].clone();
            let room = room(&http, &owner, name, &all[1..]).await?;
            rooms.push(Owned { room, owner });
        }
        let recorder = Recorder::new();
        let clients = nodes.clients(&all, &recorder).await?;
        Ok(Self {
            traffic: Traffic::new(context.random(), rooms.iter().map(|owned| owned.room)),
            nodes,
            http,
            rooms,
            clients,
            recorder,
        })
    }

    /// Everybody talks; how many messages were acknowledged meanwhile.
    pub(super) async fn talk(&mut self, time: Duration) -> usize {
        let before = self.recorder.counts().1;
        self.traffic.busy(&self.clients, time).await;
        self.recorder.counts().1 - before
    }

    /// Everybody talks calmly.
    pub(super) async fn steady(&mut self, per_second: u32, time: Duration) {
        self.traffic.steady(&self.clients, per_second, time).await;
    }

    /// Waits until everybody has heard everything, wherever it was said; how long that took.
    pub(super) async fn caught_up(&self, context: &Context) -> Result<Duration> {
        for client in &self.clients {
            let settled = client.settled(PATIENCE).await;
            ensure!(settled, "client {} waits for an answer", client.number());
        }
        let begun = Instant::now();
        let within = context.bound(CATCH_UP);
        for owned in &self.rooms {
            let path = people::room_path(owned.room, "");
            let answer = self
                .http
                .insist("GET", &path, Some(&owned.owner.token), None);
            let seq = answer.await?.ok(200)?.get("seq").and_then(Value::as_u64);
            let seq = seq.context("the room has no seq")?;
            for client in &self.clients {
                let left = within.saturating_sub(begun.elapsed());
                ensure!(
                    client.reached(owned.room, seq, left).await,
                    "client {} has not heard {seq} of room {} within {within:?}",
                    client.number(),
                    owned.room
                );
            }
        }
        Ok(begun.elapsed())
    }

    pub(super) async fn close(self, mut report: Vec<String>) -> Result<Outcome> {
        for client in &self.clients {
            ensure!(
                client.hellos() == 1,
                "client {} was closed with {:?}",
                client.number(),
                client.closes()
            );
        }
        let rooms = &self.rooms;
        let closed = closing::close(&self.http, rooms, self.clients, &self.recorder, PATIENCE);
        report.push(closed.await?);
        self.nodes.stop().await?;
        Ok(Outcome::Passed(report.join("; ")))
    }
}
