//! D2: the power is cut under SQLite, again and again.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rand::RngExt as _;
use tokio::task::block_in_place;

use crate::closing::Owned;
use crate::crowd::Crowd;
use crate::faults::power::PowerDisk;
use crate::faults::{Tool, control, program, sqlite};
use crate::http::Http;
use crate::people::{self, Person};
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::server::Server;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "D2",
    what: "power cuts under SQLite, with a control that must lose",
    engines: &[Engine::Sqlite],
    run: boxed,
};

const CLIENTS: usize = 20;
const ROOMS: usize = 5;
/// Room for some minutes of messages.
const MEBIBYTES: u64 = 1_024;
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the control with NORMAL is tried: a single cut may come right after a checkpoint.
const TRIES: u32 = 10;

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    if !program::is_there("python3") {
        return Ok(Outcome::Skipped("needs python3".to_owned()));
    }
    let disk = match PowerDisk::new(MEBIBYTES)? {
        Tool::Ready(disk) => disk,
        Tool::Missing(why) => return Ok(Outcome::Skipped(why)),
    };
    let rounds = context.rounds(3, 20);
    let mut random = context.random();
    let stage = context.stage().await?;
    let data = disk.path().join("data");
    std::fs::create_dir(&data)?;
    // Only the data is on the disk that fails, not the server's log.
    std::os::unix::fs::symlink(&data, &stage.setup.data_dir)?;
    let (mut server, http) = stage.start().await?;
    let (people, rooms) = furnish(&http).await?;
    let mut crowd = Crowd::start(&http, &people, rooms, context.random()).await?;
    for round in 1..=rounds {
        let time = Duration::from_millis(random.random_range(200..2_500));
        // The talk goes on while the power fails.
        let (cut, ()) = tokio::join!(
            async {
                tokio::time::sleep(time).await;
                block_in_place(|| disk.cut())
            },
            crowd.talk(time + Duration::from_millis(100))
        );
        cut?;
        come_back(&disk, &mut server, &data)
            .await
            .with_context(|| format!("after the power cut of round {round}"))?;
    }
    let figures = crowd.close(&http, PATIENCE).await?;
    server.stop().await?;
    let controls = block_in_place(|| controls(&disk))?;
    Ok(Outcome::Passed(format!(
        "{rounds} power cuts, {figures}; {controls}"
    )))
}

async fn furnish(http: &Http) -> Result<(Vec<Person>, Vec<Owned>)> {
    let people = people::people(http, CLIENTS).await?;
    let mut rooms = Vec::new();
    for owner in people.iter().take(ROOMS) {
        let name = format!("room of {}", owner.name);
        rooms.push(Owned {
            room: people::room(http, owner, &name, &people).await?,
            owner: owner.clone(),
        });
    }
    Ok((people, rooms))
}

/// The machine is off, and on again.
async fn come_back(disk: &PowerDisk, server: &mut Server, data: &Path) -> Result<()> {
    server.kill();
    block_in_place(|| {
        disk.restore()?;
        sqlite::check_integrity(&data.join("parlour.db"))
    })?;
    server.restart().await?;
    Ok(())
}

/// What the same disk does to a writer that commits as the server does: nothing with FULL, and with
/// NORMAL it must lose promises, else this scenario proves nothing.
fn controls(disk: &PowerDisk) -> Result<String> {
    let time = Duration::from_millis(1_000);
    let full = control::run(disk, "FULL", time)?;
    ensure!(
        full.lost() == 0,
        "the control with FULL lost {} of {}: this disk cannot be trusted",
        full.lost(),
        full.acknowledged
    );
    let mut tries = 0;
    let normal = loop {
        tries += 1;
        let ran = control::run(disk, "NORMAL", time)?;
        if ran.lost() > 0 {
            break ran;
        }
        ensure!(
            tries < TRIES,
            "the control with NORMAL lost nothing in {TRIES} tries: the power cut does not bite"
        );
    };
    Ok(format!(
        "control: FULL lost 0 of {}, NORMAL lost {} of {} (try {tries})",
        full.acknowledged,
        normal.lost(),
        normal.acknowledged
    ))
}
