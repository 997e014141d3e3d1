//! D9: connections are cut all the time while people talk; then long absences are made up for.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::closing::{self, Owned};
use crate::nodes::Nodes;
use crate::people::{self, Person};
use crate::raw::Raw;
use crate::recorder::Recorder;
use crate::scenario::{BOTH, Context, Outcome, Scenario};
use crate::traffic::Traffic;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "D9",
    what: "clients cut again and again under 100 messages/s; resuming after 1,000 missed events",
    engines: BOTH,
    run: boxed,
};

const PEOPLE: usize = 20;
const PER_SECOND: u32 = 100;
/// The longest that a client stays away after a cut.
const AWAY: u64 = 500;
const MISSED: u64 = 1_000;
/// The bound of the specification on 99 of 100 resumes.
const RESUMED: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let (number, length) = context.size((40, 8), (200, 60));
    let cuts = context.rounds(5, 20);
    let stage = context.stage().await?;
    let nodes = Nodes::start(&stage, context.nodes).await?;
    let http = nodes.http();
    let people = people::people(&http, PEOPLE).await?;
    let owner = people[0].clone();
    let room = people::room(&http, &owner, "restless", &people[1..]).await?;
    let recorder = Recorder::new();
    let many = people.iter().cycle().take(number);
    let clients = nodes.clients(many, &recorder).await?;
    let length = Duration::from_secs(length);
    let mut traffic = Traffic::new(context.random(), [room]);
    tokio::join!(
        traffic.steady(&clients, PER_SECOND, length),
        cut_all(&clients, cuts, length, context.random())
    );
    sleep_long(&clients, room).await?;
    let resyncs: u32 = clients.iter().map(Client::resyncs).sum();
    let owned = [Owned {
        room,
        owner: owner.clone(),
    }];
    let figures = closing::close(&http, &owned, clients, &recorder, PATIENCE).await?;
    let resumes = context.size(50, 200);
    let mut times = resume(&nodes, &owner, &people, &owned[0], resumes).await?;
    let note = nodes.note();
    nodes.stop().await?;
    times.sort_unstable();
    let p50 = times[times.len() / 2];
    let p99 = times[(times.len() * 99).div_ceil(100) - 1];
    ensure!(
        p99 <= context.bound(RESUMED),
        "resuming after {MISSED} missed events: p50 {p50:?}, p99 {p99:?} of {resumes}; {figures}"
    );
    Ok(Outcome::Passed(format!(
        "{note}{number} clients cut {cuts} times, {resyncs} resyncs; {figures}; {resumes} resumes of \
         {MISSED} missed: p50 {:.1} ms, p99 {:.1} ms",
        p50.as_secs_f64() * 1e3,
        p99.as_secs_f64() * 1e3
    )))
}

/// One client misses more than the server will tell again: it has to say so, and the client reads
/// the history.
async fn sleep_long(clients: &[Client], room: people::RoomId) -> Result<()> {
    let sleeper = clients.first().context("no clients")?;
    let (before, hellos) = (sleeper.resyncs(), sleeper.hellos());
    sleeper.cut_for(PATIENCE * 10);
    for client in clients.iter().skip(1).cycle().take(MISSED as usize + 100) {
        client.say(room);
    }
    for client in &clients[1..] {
        ensure!(client.settled(PATIENCE).await, "a message is not answered");
    }
    sleeper.come_back();
    ensure!(
        sleeper.greeted(hellos, PATIENCE).await,
        "the sleeper stays away"
    );
    ensure!(
        sleeper.settled(PATIENCE).await,
        "the sleeper is not answered"
    );
    let last = clients
        .iter()
        .filter_map(|client| client.acknowledged(room))
        .max();
    ensure!(
        sleeper
            .reached(room, last.unwrap_or_default(), PATIENCE)
            .await,
        "the sleeper does not hear the end"
    );
    ensure!(
        sleeper.resyncs() > before,
        "more than {MISSED} were missed without a resync"
    );
    Ok(())
}

/// Cuts every client so many times at random moments.
async fn cut_all(clients: &[Client], cuts: u32, length: Duration, mut random: StdRng) {
    let begun = Instant::now();
    let mut plan: Vec<(Duration, usize)> = (0..clients.len())
        .flat_map(|client| (0..cuts).map(move |_| client))
        .map(|client| (length.mul_f64(random.random_range(0.0..1.0)), client))
        .collect();
    plan.sort_unstable();
    for (moment, client) in plan {
        sleep_until(begun + moment).await;
        clients[client].cut_for(Duration::from_millis(random.random_range(0..AWAY)));
    }
}

/// How long it takes from the resume to the last of the missed events, one client after the other.
async fn resume(
    nodes: &Nodes,
    owner: &Person,
    people: &[Person],
    owned: &Owned,
    resumes: usize,
) -> Result<Vec<Duration>> {
    let (room, http) = (owned.room, nodes.http());
    let recorder = Recorder::new();
    let filler = Client::start(http.addr(), owner, &recorder).await?;
    for _ in 0..MISSED {
        filler.say(room);
    }
    ensure!(filler.settled(PATIENCE).await, "the room cannot be filled");
    filler.stop().await;
    let last = people::history(&http, owner, room, 0)
        .await?
        .last()
        .map_or(0, |event| event.seq);
    let mut times = Vec::new();
    for (number, person) in people.iter().cycle().take(resumes).enumerate() {
        let mut socket = Raw::open(nodes.addr(number), person).await?;
        let hello = socket.next_of(&["hello"]).await?;
        let cursor = last - MISSED;
        let cursors = json!({room.to_string(): cursor});
        let begun = Instant::now();
        socket
            .send(&json!({"type": "resume", "epoch": hello["epoch"], "cursors": cursors}))
            .await?;
        let mut frames = Vec::new();
        // What the bus has not brought to this node yet may come live, after `recovered`.
        let the_last = format!("\"seq\":{last},");
        let (mut recovered, mut complete) = (false, false);
        while !(recovered && complete) {
            let frame = socket.next_text().await?;
            // Taken apart later: the clock is for the server.
            if frame.starts_with(r#"{"type":"recovered""#) {
                recovered = true;
                continue;
            }
            ensure!(!frame.starts_with(r#"{"type":"resync""#), "{frame}");
            complete |= frame.contains(&the_last);
            frames.push(frame);
        }
        times.push(begun.elapsed());
        check(&frames, cursor)?;
    }
    Ok(times)
}

/// The missed events, each once and in order; what has no seq may come in between.
fn check(frames: &[String], cursor: u64) -> Result<()> {
    let mut next = cursor + 1;
    for frame in frames {
        let frame: serde_json::Value = serde_json::from_str(frame)?;
        let kind = frame["type"].as_str().context("a frame without a type")?;
        if kind.starts_with("message.") {
            ensure!(frame["seq"] == next, "{next} was missed, not {frame}");
            next += 1;
        }
    }
    ensure!(next == cursor + 1 + MISSED, "it ended before {next}");
    Ok(())
}
