//! D11: people come, go and are put out all the time while others talk.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join_all};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::closing;
use crate::history::What;
use crate::http::Http;
use crate::listener::{Dialect, Listener};
use crate::people::{self, Person, RoomId};
use crate::recorder::Recorder;
use crate::scenario::{BOTH, Context, Outcome, Scenario};
use crate::traffic::Traffic;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "D11",
    what: "joining, leaving and putting out under traffic: nothing is heard from outside",
    engines: BOTH,
    run: boxed,
};

const TALKERS: usize = 4;
const GUESTS: usize = 6;
const PER_SECOND: u32 = 300;
/// How often a guest tries to speak from outside: after ten bad frames a minute the server hangs up.
const STRAYS: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let flips = context.rounds(100, 1_000);
    let stage = context.stage().await?;
    let (server, http) = stage.start().await?;
    let people = people::people(&http, 1 + TALKERS + GUESTS).await?;
    let (owner, guests) = (people[0].clone(), &people[1 + TALKERS..]);
    // Everybody sits down once, so that the room has as many seats.
    let room = people::room(&http, &owner, "doors", &people[1..]).await?;
    for guest in guests {
        people::leave(&http, guest, room).await?;
    }
    let after = people::history(&http, &owner, room, 0).await?.len();
    let after = u64::try_from(after)?;
    let recorder = Recorder::new();
    let mut talkers = Vec::new();
    for person in &people[..=TALKERS] {
        talkers.push(Client::start(http.addr(), person, &recorder).await?);
    }
    let mut ears = Vec::new();
    let mut old_ears = Vec::new();
    for guest in guests {
        ears.push(Client::start(http.addr(), guest, &recorder).await?);
        let place = (room, after);
        let ear = Listener::start(http.addr(), guest, Dialect::Version1, place, &recorder);
        old_ears.push(ear.await?);
    }
    let (stop, stopped) = watch::channel(false);
    let mut traffic = Traffic::new(context.random(), [room]);
    let talk = async {
        while !*stopped.borrow() {
            let piece = Duration::from_millis(100);
            traffic.steady(&talkers, PER_SECOND, piece).await;
        }
    };
    let doors = async {
        let share = flips.div_ceil(u32::try_from(GUESTS)?);
        let all = guests
            .iter()
            .zip(&ears)
            .zip(0_u64..)
            .map(|((guest, ear), number)| Guest {
                http,
                owner: &owner,
                guest,
                ear,
                room,
                random: StdRng::seed_from_u64(context.seed + number),
                flips: share,
            });
        let done = try_join_all(all.map(Guest::come_and_go)).await;
        stop.send_replace(true);
        done
    };
    let begun = Instant::now();
    let ((), doors) = tokio::join!(talk, doors);
    doors?;
    let took = begun.elapsed();
    for client in &talkers {
        ensure!(client.settled(PATIENCE).await, "a message is not answered");
    }
    let figures = finish(&http, (room, &owner), &recorder, (talkers, ears, old_ears)).await?;
    server.stop().await?;
    Ok(Outcome::Passed(format!(
        "{figures} in {:.1} s",
        took.as_secs_f64()
    )))
}

type Ears = (Vec<Client>, Vec<Client>, Vec<Listener>);

async fn finish(
    http: &Http,
    (room, owner): (RoomId, &Person),
    recorder: &Recorder,
    (talkers, ears, old_ears): Ears,
) -> Result<String> {
    for ear in &ears {
        ensure!(ear.settled(PATIENCE).await, "a guest is not answered");
        let closes = ear.closes();
        ensure!(closes.is_empty(), "a guest was closed with {closes:?}");
    }
    let kept = people::history(http, owner, room, 0).await?;
    let last = kept.last().map_or(0, |event| event.seq);
    for client in talkers.iter().chain(&ears) {
        client.reached(room, last, PATIENCE).await;
    }
    // Guests who are out hear nothing more; give what should not come the time to come.
    sleep(Duration::from_millis(500)).await;
    for client in talkers.into_iter().chain(ears) {
        client.stop().await;
    }
    for ear in old_ears {
        ensure!(ear.is_open(), "a version-1 socket was closed");
        ear.stop();
    }
    let doors = kept
        .iter()
        .filter(|event| matches!(event.what, What::Joined(_) | What::Left(_)))
        .count();
    let refused = recorder.refusals().len();
    let owners = BTreeMap::from([(room, owner.id)]);
    let figures = closing::verdict(&recorder.history(kept, &owners))?;
    Ok(format!(
        "{doors} times somebody came or went, {refused} messages refused to those outside; {figures}"
    ))
}

/// Somebody who cannot decide.
struct Guest<'a> {
    http: Http,
    owner: &'a Person,
    guest: &'a Person,
    ear: &'a Client,
    room: RoomId,
    random: StdRng,
    /// How often to come or go.
    flips: u32,
}

impl Guest<'_> {
    async fn come_and_go(mut self) -> Result<()> {
        let (mut inside, mut strays) = (false, 0);
        for flip in 0..self.flips {
            self.flip(&mut inside)
                .await
                .with_context(|| format!("{}, flip {flip}", self.guest.name))?;
            // Some speak just then; a few times also where they may not.
            let may_try = inside || strays < STRAYS;
            if may_try && self.random.random_bool(0.3) {
                strays += u32::from(!inside);
                self.ear.say(self.room);
            }
            let pause = self.random.random_range(0..40);
            sleep(Duration::from_millis(pause)).await;
        }
        Ok(())
    }

    async fn flip(&mut self, inside: &mut bool) -> Result<()> {
        let Self {
            http, guest, room, ..
        } = self;
        if !*inside {
            people::join(http, guest, *room).await?;
        } else if self.random.random_bool(0.5) {
            people::leave(http, guest, *room).await?;
        } else {
            people::about(http, self.owner, *room, "remove/", guest).await?;
            people::about(http, self.owner, *room, "invite/", guest).await?;
        }
        *inside = !*inside;
        Ok(())
    }
}
