//! X8: ten tabs of one person, who comes and goes from any of them and closes them one by one.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::closing::{self, Owned};
use crate::http::Http;
use crate::nodes::Nodes;
use crate::people::{self, RoomId};
use crate::recorder::Recorder;
use crate::scenario::{BOTH, Context, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "X8",
    what: "10 tabs of one person, closed in random order while joining and leaving from any",
    engines: BOTH,
    run: boxed,
};

const TABS: usize = 10;
const ROOMS: usize = 5;
/// Joins and leaves between two closed tabs.
const STEPS: usize = 3;
/// The bound of the specification on what leaving takes.
const SEEN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let rounds = context.rounds(5, 50);
    let stage = context.stage().await?;
    let nodes = Nodes::start(&stage, context.nodes).await?;
    let http = nodes.http();
    let people = people::people(&http, 2).await?;
    let (owner, person) = (&people[0], &people[1]);
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(Owned {
            room: people::room(&http, owner, &format!("room {number}"), &[]).await?,
            owner: owner.clone(),
        });
    }
    // Every tab has logged in by itself.
    let mut logins = Vec::new();
    for _ in 0..TABS {
        logins.push(people::again(&http, person).await?);
    }
    let recorder = Recorder::new();
    let mut desk = Desk {
        random: context.random(),
        seen: context.bound(SEEN),
        rooms: &rooms,
        host: Client::start(http.addr(), owner, &recorder).await?,
        seats: BTreeSet::new(),
        steps: 0,
    };
    for _ in 0..rounds {
        let mut tabs = nodes.clients(&logins, &recorder).await?;
        desk.all_see(&tabs).await?;
        while !tabs.is_empty() {
            for _ in 0..STEPS {
                let at = desk.random.random_range(0..tabs.len());
                desk.step(&tabs[at]).await?;
                desk.all_see(&tabs).await?;
            }
            let closed = tabs.swap_remove(desk.random.random_range(0..tabs.len()));
            if desk.random.random_bool(0.5) {
                closed.hang_up().await;
            } else {
                drop(closed);
            }
        }
    }
    let (steps, host) = (desk.steps, desk.host);
    let figures = closing::close(&http, &rooms, vec![host], &recorder, PATIENCE).await?;
    let note = nodes.note();
    nodes.stop().await?;
    Ok(Outcome::Passed(format!(
        "{note}{rounds} rounds of {TABS} tabs, {steps} joins and leaves, each seen by every open tab; \
         {figures}"
    )))
}

/// What goes on at the person's desk.
struct Desk<'a> {
    random: StdRng,
    /// Within which time every tab knows.
    seen: Duration,
    rooms: &'a [Owned],
    /// Speaks in every room.
    host: Client,
    /// Where the person is in.
    seats: BTreeSet<RoomId>,
    steps: u32,
}

impl Desk<'_> {
    /// Joins a room or leaves it from one tab.
    async fn step(&mut self, tab: &Client) -> Result<()> {
        let http = Http::new(tab.addr());
        let room = self.rooms[self.random.random_range(0..ROOMS)].room;
        self.steps += 1;
        if self.seats.remove(&room) {
            people::leave(&http, tab.person(), room).await
        } else {
            self.seats.insert(room);
            people::join(&http, tab.person(), room).await
        }
    }

    /// Every open tab hears exactly the rooms of its person within a second, and what is said there.
    async fn all_see(&mut self, tabs: &[Client]) -> Result<()> {
        let begun = Instant::now();
        for tab in tabs {
            loop {
                let hears: BTreeSet<RoomId> = tab.cursors().into_keys().collect();
                if hears == self.seats {
                    break;
                }
                ensure!(
                    begun.elapsed() < self.seen,
                    "tab {} hears {hears:?}, its person is in {:?}",
                    tab.number(),
                    self.seats
                );
                sleep(Duration::from_millis(2)).await;
            }
        }
        for owned in self.rooms {
            self.host.say(owned.room);
        }
        ensure!(
            self.host.settled(PATIENCE).await,
            "the host is not answered"
        );
        // Some silence now and then, so that a step meets messages at different distances.
        let pause = self.random.next_u64() % 5;
        sleep(Duration::from_millis(pause)).await;
        for room in &self.seats {
            let Some(last) = self.host.acknowledged(*room) else {
                continue;
            };
            for tab in tabs {
                ensure!(
                    tab.reached(*room, last, self.seen).await,
                    "tab {} does not hear {last} of room {room}",
                    tab.number()
                );
            }
        }
        Ok(())
    }
}
