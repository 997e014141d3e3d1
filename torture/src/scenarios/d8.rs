//! D8: many senders, many listeners in every dialect: all hear the same.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::closing::{self, Owned};
use crate::listener::{Dialect, Listener};
use crate::nodes::Nodes;
use crate::people;
use crate::recorder::Recorder;
use crate::scenario::{BOTH, Context, Engine, Outcome, Scenario};

/// The row of the table. On PostgreSQL two nodes share the chat.
pub const SCENARIO: Scenario = Scenario {
    id: "D8",
    what: "64 senders, one room, 200 listeners in three dialects; two nodes on PostgreSQL",
    engines: BOTH,
    run: boxed,
};

const SENDERS: usize = 64;
const LISTENERS: usize = 200;
/// Messages of each sender that may wait for their acknowledgement.
const AHEAD: usize = 4;
/// How far the slowest listener may be behind while more is said. We share the machine with the
/// server: a listener that lags because of us would be closed for it, and that is another scenario.
const LAG: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let each = context.rounds(20, 100);
    let stage = context.stage().await?;
    let count = match context.engine {
        Engine::Sqlite => 1,
        Engine::Postgres => 2,
    };
    let nodes = Nodes::start(&stage, count).await?;
    let http = nodes.http();
    let people = people::people(&http, SENDERS).await?;
    let owner = people[0].clone();
    let room = people::room(&http, &owner, "everybody", &people[1..]).await?;
    let after = people::history(&http, &owner, room, 0).await?.len();
    let after = u64::try_from(after)?;
    let recorder = Recorder::new();
    let mut listeners = Vec::new();
    for number in 0..LISTENERS {
        let dialect = match number % 3 {
            0 => Dialect::Version1,
            1 => Dialect::Version2,
            _ => Dialect::Room,
        };
        let person = &people[number % SENDERS];
        let listener = Listener::start(
            nodes.addr(number),
            person,
            dialect,
            (room, after),
            &recorder,
        );
        listeners.push(listener.await?);
    }
    let senders = nodes.clients(&people, &recorder).await?;
    let begun = Instant::now();
    say_all(&senders, &listeners, room, each).await?;
    let spoken = begun.elapsed();
    let last = after + u64::from(each) * u64::try_from(SENDERS)?;
    for (number, listener) in listeners.into_iter().enumerate() {
        // Who does not get there is found by the checker, which can say more.
        listener.reached(last, PATIENCE).await;
        ensure!(
            listener.is_open(),
            "listener {number} was closed by the server"
        );
        listener.stop();
    }
    let owned = [Owned { room, owner }];
    let kept = closing::kept(&http, &owned).await?;
    ensure!(
        u64::try_from(kept.len())? == last,
        "{} events are kept, not {last}",
        kept.len()
    );
    let figures = closing::close(&http, &owned, senders, &recorder, PATIENCE).await?;
    let note = nodes.note();
    nodes.stop().await?;
    let rate = f64::from(each) * SENDERS as f64 / spoken.as_secs_f64();
    Ok(Outcome::Passed(format!(
        "{note}seq 1..{last} on every stream, {rate:.0} messages/s; {figures}"
    )))
}

async fn say_all(
    senders: &[Client],
    listeners: &[Listener],
    room: people::RoomId,
    each: u32,
) -> Result<()> {
    let mut left = vec![each; senders.len()];
    let mut progress = (0, Instant::now());
    while left.iter().any(|left| *left > 0) {
        let heard = listeners.iter().map(Listener::last);
        let slowest = heard.clone().min().unwrap_or_default();
        let fastest = heard.max().unwrap_or_default();
        if slowest > progress.0 {
            progress = (slowest, Instant::now());
        }
        ensure!(
            progress.1.elapsed() < PATIENCE,
            "a listener stays at {slowest}"
        );
        for (client, left) in senders.iter().zip(&mut left) {
            if fastest - slowest < LAG && *left > 0 && client.pending() < AHEAD {
                client.say(room);
                *left -= 1;
            }
        }
        sleep(Duration::from_millis(2)).await;
    }
    for client in senders {
        client
            .settled(PATIENCE)
            .await
            .then_some(())
            .context("a message is not answered")?;
    }
    Ok(())
}
