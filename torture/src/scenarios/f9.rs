//! F9: the disk under SQLite is full: writes are refused, reads work, nothing promised is lost, and
//! when there is room again the server goes on by itself.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

use crate::calls::{self, Call, Calls, End};
use crate::faults::Tool;
use crate::faults::disk::SmallDisk;
use crate::faults::sqlite;
use crate::http::Http;
use crate::people::{Person, RoomId, people, room, room_path};
use crate::scenario::{Context, Engine, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "F9",
    what: "a full disk under SQLite",
    engines: &[Engine::Sqlite],
    run: boxed,
};

/// Enough for the database and a log that was never cut short.
const MEBIBYTES: u64 = 48;
/// Until the first refusal on a full disk: the log may have some room left inside.
const NOTICED: Duration = Duration::from_secs(30);
/// From the moment at which there is room again to the first message that is stored.
const RECOVERY: Duration = Duration::from_secs(5);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    if let Some(why) = sqlite::missing() {
        return Ok(Outcome::Skipped(why));
    }
    let disk = match SmallDisk::new(MEBIBYTES)? {
        Tool::Ready(disk) => disk,
        Tool::Missing(why) => return Ok(Outcome::Skipped(why)),
    };
    let time = Duration::from_secs(context.size(4, 20));
    let stage = context.stage().await?;
    let data = disk.path().join("data");
    std::fs::create_dir(&data)?;
    // The server's log stays off the full disk.
    std::os::unix::fs::symlink(&data, &stage.setup.data_dir)?;
    let (mut server, http) = stage.start().await?;
    let all = people(&http, 3).await?;
    let room_id = room(&http, &all[0], "full", &all).await?;
    let calls = Calls::start(http.addr(), &all, room_id).await?;
    let mut report = Vec::new();
    for round in 1..=context.rounds(2, 5) {
        sleep(Duration::from_secs(1)).await;
        let full = Instant::now();
        tokio::task::block_in_place(|| disk.fill())?;
        let refused = |call: &Call| !call.is_stored();
        let noticed = calls.wait_for(full, NOTICED, refused).await?;
        reads_work(&http, &all[1], room_id, time).await?;
        disk.empty()?;
        let empty = Instant::now();
        let recovered = calls
            .wait_for(empty, context.bound(RECOVERY), Call::is_stored)
            .await;
        let recovered = recovered.context("it does not recover")?;
        sleep(Duration::from_millis(500)).await;
        let ready = http.call("GET", "/readyz", None, None).await?;
        ensure!(
            ready.status == 200,
            "/readyz says {} with room again",
            ready.status
        );
        report.push(format!(
            "round {round}: refused after {noticed:.1?}, stores again after {recovered:.1?}"
        ));
    }
    let notes = calls.stop().await?;
    for call in &notes {
        let good = match &call.end {
            End::Stored { .. } => true,
            End::Refused { code, hint } => {
                *hint && matches!(code.as_str(), "503" | "507" | "unavailable" | "busy")
            }
            End::Broken(_) => false,
        };
        ensure!(good, "this is no good answer: {call:?}");
    }
    report.push(calls::check(&http, &all[0], room_id, &notes).await?);
    // The same from the disk alone, without what the process still knew.
    server.kill();
    sqlite::check_integrity(&data.join("parlour.db"))?;
    server.restart().await?;
    calls::check(&http, &all[0], room_id, &notes).await?;
    server.stop().await?;
    Ok(Outcome::Passed(report.join("; ")))
}

/// Everything that only reads works while the disk is full, and the server says what it cannot do.
async fn reads_work(http: &Http, reader: &Person, room: RoomId, time: Duration) -> Result<()> {
    let begun = Instant::now();
    let paths = [
        room_path(room, ""),
        room_path(room, "history/?after=0&limit=50"),
        "/api/v1/chats/messages/".to_owned(),
        "/api/v1/users/".to_owned(),
        "/healthz".to_owned(),
    ];
    let (mut looks, mut lucky) = (0, 0);
    while begun.elapsed() < time {
        for path in &paths {
            let token = (path != "/healthz").then_some(reader.token.as_str());
            let answer = http.call("GET", path, token, None).await?;
            answer
                .ok(200)
                .with_context(|| format!("{path} on a full disk"))?;
        }
        let ready = http.call("GET", "/readyz", None, None).await?;
        match ready.status {
            503 => {}
            // It writes a single page to find out. What a larger write left behind when it failed is
            // room enough for some of those, not for a message.
            200 => lucky += 1,
            other => bail!("/readyz says {other} on a full disk"),
        }
        looks += 1;
        sleep(Duration::from_millis(100)).await;
    }
    ensure!(
        lucky * 10 <= looks,
        "/readyz said 200 {lucky} times of {looks} on a full disk"
    );
    Ok(())
}
