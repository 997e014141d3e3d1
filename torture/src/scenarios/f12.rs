//! F12: the wall clock jumps under traffic.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::bare::{Bare, Said};
use crate::closing::Owned;
use crate::crowd::Crowd;
use crate::faults::Tool;
use crate::faults::clock::Clock;
use crate::history::What;
use crate::http::Http;
use crate::people::{self, Person, RoomId, room_path};
use crate::scenario::{BOTH, Context, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "F12",
    what: "the clock jumps by +8 d and -1 d under traffic",
    engines: BOTH,
    run: boxed,
};

const TALKERS: usize = 10;
const DAY: i64 = 86_400;
/// The server looks for rooms whose time is up every second.
const EXPIRES: Duration = Duration::from_secs(6);
/// `realtime.md`, "Revocation".
const ENDS: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let clock = match Clock::new()? {
        Tool::Ready(clock) => clock,
        Tool::Missing(why) => return Ok(Outcome::Skipped(why)),
    };
    let time = context.size(Duration::from_secs(3), Duration::from_secs(15));
    let mut stage = context.stage().await?;
    stage.setup.env = clock.environment();
    stage
        .setup
        .env
        .push(("ROOM_LIFETIME".to_owned(), "7d".to_owned()));
    let (mut server, http) = stage.start().await?;
    let forget = Forget(&clock, server.pid());
    let all = people::people(&http, TALKERS + 2).await?;
    let (talkers, watchers) = all.split_at(TALKERS);
    // Its time is up on day 7, that of the two others on day 9. Nobody talks in it, because what was
    // said could not be read at the end.
    let early = people::room(&http, &watchers[0], "early", watchers).await?;
    clock.set(2 * DAY)?;
    let mut late = Vec::new();
    for owner in &all[..2] {
        let name = format!("late, of {}", owner.name);
        late.push(Owned {
            room: people::room(&http, owner, &name, &all).await?,
            owner: owner.clone(),
        });
    }
    clock.set(0)?;
    let ends = Ends::watch(&http, &watchers[0]).await?;
    let mut crowd = Crowd::start(&http, talkers, late.clone(), context.random()).await?;
    let rooms: Vec<RoomId> = late.iter().map(|owned| owned.room).collect();

    crowd.talk(time).await;
    ensure!(
        ends.counts().is_empty(),
        "rooms ended early: {:?}",
        ends.counts()
    );
    clock.set(8 * DAY)?;
    crowd.talk(time.max(EXPIRES)).await;
    ends.are(&[early]).context("8 days later")?;
    clock.set(-DAY)?;
    crowd.talk(time).await;
    ends.are(&[early]).context("a day back")?;
    logout_ends_sockets(&http, context.bound(ENDS))
        .await
        .context("a day back")?;
    clock.set(0)?;
    crowd.talk(time).await;
    ends.are(&[early]).context("back on time")?;
    for owned in &late {
        ids_grow(&http, owned).await?;
    }
    let acknowledged = crowd.acknowledged();
    let figures = crowd.close(&http, PATIENCE).await?;
    ensure!(acknowledged > 0, "nobody was heard");

    clock.set(10 * DAY)?;
    sleep(EXPIRES).await;
    ends.are(&[&rooms[..], &[early]].concat())
        .context("10 days later")?;
    for room in rooms {
        let path = room_path(room, "");
        let answer = http.call("GET", &path, Some(&all[0].token), None).await?;
        ensure!(
            answer.status == 404,
            "a room that ended answers {}",
            answer.status
        );
    }
    // At the end: the rest is worth knowing, too.
    ends.are_told_once()?;
    server.stop_and_keep().await?;
    drop(forget);
    Ok(Outcome::Passed(format!(
        "3 rooms ended once each, none early; {figures}"
    )))
}

/// Removes what the clock leaves behind for a server that was killed.
struct Forget<'a>(&'a Clock, u32);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.forget(self.1);
    }
}

/// Counts the ends of rooms that somebody in them is told.
struct Ends {
    /// As events of the rooms' streams.
    counts: Arc<Mutex<BTreeMap<RoomId, u32>>>,
    /// Without a place in a stream, which is for those who were not in the room.
    strange: Arc<Mutex<BTreeMap<RoomId, u32>>>,
    task: JoinHandle<()>,
}

impl Ends {
    async fn watch(http: &Http, person: &Person) -> Result<Self> {
        let mut bare = Bare::connect(http.addr(), &person.token).await?;
        bare.send(&json!({"type": "ping"})).await?;
        let counts: Arc<Mutex<BTreeMap<RoomId, u32>>> = Arc::default();
        let strange: Arc<Mutex<BTreeMap<RoomId, u32>>> = Arc::default();
        let books = (Arc::clone(&counts), Arc::clone(&strange));
        let task = tokio::spawn(async move {
            while let Said::Text(text) = bare.next().await {
                let frame: Value = serde_json::from_str(&text).unwrap_or_default();
                if frame["type"] == "room.deleted"
                    && let Some(room) = frame["room"].as_i64()
                {
                    let book = if frame["seq"].is_u64() {
                        &books.0
                    } else {
                        &books.1
                    };
                    let mut counts = book.lock().unwrap_or_else(PoisonError::into_inner);
                    *counts.entry(room).or_default() += 1;
                }
            }
        });
        Ok(Self {
            counts,
            strange,
            task,
        })
    }

    fn counts(&self) -> BTreeMap<RoomId, u32> {
        let counts = self.counts.lock();
        counts.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// These rooms ended, once each, and no others; and whoever counts is still there.
    fn are(&self, rooms: &[RoomId]) -> Result<()> {
        let expected: BTreeMap<RoomId, u32> = rooms.iter().map(|room| (*room, 1)).collect();
        let counts = self.counts();
        ensure!(
            counts == expected,
            "ends of rooms: {counts:?}, not {expected:?}"
        );
        ensure!(!self.task.is_finished(), "the socket was closed");
        Ok(())
    }
}

impl Ends {
    /// Nobody who heard the end as an event hears it a second time as a stranger
    /// (docs/protocol/account-socket-v2.md, "Rooms that one is not in").
    fn are_told_once(&self) -> Result<()> {
        let strange = self.strange.lock();
        let strange = strange.unwrap_or_else(PoisonError::into_inner);
        ensure!(
            strange.is_empty(),
            "somebody in these rooms was told of their end twice, as a member and as a stranger: \
             {strange:?}"
        );
        Ok(())
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What ends by the clock of the server must not wait until it has caught up.
async fn logout_ends_sockets(http: &Http, within: Duration) -> Result<()> {
    let person = people::people(http, TALKERS + 3)
        .await?
        .pop()
        .context("nobody")?;
    let mut bare = Bare::connect(http.addr(), &person.token).await?;
    bare.wait_for("hello").await?;
    let path = "/api/v1/auth/logout/";
    http.call("POST", path, Some(&person.token), None)
        .await?
        .ok(204)?;
    let closing = async {
        loop {
            match bare.next().await {
                Said::Text(_) => {}
                end => return end,
            }
        }
    };
    let end = timeout(within, closing)
        .await
        .context("a logout ends nothing")?;
    ensure!(matches!(end, Said::Closed(4401)), "{end:?} after a logout");
    Ok(())
}

/// Messages are in one order, by id as by place, whatever the clock said.
async fn ids_grow(http: &Http, owned: &Owned) -> Result<()> {
    let mut last = 0;
    for event in people::history(http, &owned.owner, owned.room, 0).await? {
        if let What::Message(message) = event.what {
            ensure!(message.id > last, "message {} follows {last}", message.id);
            last = message.id;
        }
    }
    Ok(())
}
