//! F10: the disk of the files is full: uploads are refused and leave nothing behind, messages without
//! files go on, and when there is room again files are taken without a restart.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use rand::rngs::StdRng;
use serde_json::json;
use tokio::task::block_in_place;
use tokio::time::sleep;

use crate::faults::Tool;
use crate::faults::disk::SmallDisk;
use crate::files::{Sent, judge};
use crate::http::Http;
use crate::people::{Person, RoomId, people, room};
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::server::Server;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "F10",
    what: "a full disk under the files",
    engines: &[Engine::Sqlite],
    run: boxed,
};

/// Of the disk of the files alone: the database is elsewhere.
const MEBIBYTES: u64 = 24;
const MESSAGES: &str = "/api/v1/chats/messages/";
/// From the moment at which there is room again to the first file that is stored.
const RECOVERY: Duration = Duration::from_secs(5);
/// Within this time what a refused upload left behind is gone.
const TIDY: Duration = Duration::from_secs(5);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let disk = match SmallDisk::new(MEBIBYTES)? {
        Tool::Ready(disk) => disk,
        Tool::Missing(why) => return Ok(Outcome::Skipped(why)),
    };
    let mut random = context.random();
    let mut stage = context.stage().await?;
    let media = disk.path().join("media");
    let env = &mut stage.setup.env;
    env.push((
        "BLOBS_URL".to_owned(),
        format!("file://{}", media.display()),
    ));
    // The disk itself refuses, not the setting that would refuse before.
    env.push(("MIN_FREE_DISK".to_owned(), "0".to_owned()));
    let (server, http) = stage.start().await?;
    let person = people(&http, 1).await?.remove(0);
    let room_id = room(&http, &person, "full", std::slice::from_ref(&person)).await?;
    let mut desk = Desk {
        http,
        person,
        room: room_id,
        sent: Vec::new(),
    };
    let mut stored_after = Duration::ZERO;
    let rounds = context.rounds(if context.lenient { 1 } else { 2 }, 10);
    for round in 1..=rounds {
        let stored = desk.upload(200_000, &mut random).await?;
        ensure!(stored, "a file is refused with {MEBIBYTES} MiB free");
        half_way(&mut desk, &media, &mut random).await?;
        at_once(&mut desk, &mut random).await?;
        block_in_place(|| disk.fill())?;
        full(&mut desk, &media, &mut random).await?;
        disk.empty()?;
        let begun = Instant::now();
        while !desk.upload(200_000, &mut random).await? {
            ensure!(
                begun.elapsed() < context.bound(RECOVERY),
                "round {round}: no file is taken {RECOVERY:?} after there is room again"
            );
            sleep(Duration::from_millis(20)).await;
        }
        stored_after = stored_after.max(begun.elapsed());
        desk.close(&server).await?;
    }
    server.stop().await?;
    Ok(Outcome::Passed(format!(
        "{rounds} times: refused with 507 when full, half way and among others at once, with nothing \
         left behind; files are stored again within {stored_after:.1?}"
    )))
}

/// Who uploads, and the book of it.
struct Desk {
    http: Http,
    person: Person,
    room: RoomId,
    sent: Vec<Sent>,
}

impl Desk {
    fn next(&self, number: usize, size: usize, random: &mut StdRng) -> Sent {
        let nonce = format!("{}-{}-{number}", self.room, self.sent.len());
        let mut sent = Sent::new(self.room, nonce, random);
        sent.size = size;
        sent
    }

    /// Whether a file of this size is stored; the only other good answer is 507 with a sentence.
    async fn upload(&mut self, size: usize, random: &mut StdRng) -> Result<bool> {
        let sent = self.next(0, size, random);
        self.try_one(sent).await
    }

    async fn try_one(&mut self, mut sent: Sent) -> Result<bool> {
        sent.acknowledged = send(&self.http, &self.person, &sent).await?;
        let stored = sent.acknowledged.is_some();
        self.sent.push(sent);
        Ok(stored)
    }

    /// Text goes on.
    async fn say(&self) -> Result<()> {
        let body = json!({"room": self.room, "text": "no file"});
        let token = Some(self.person.token.as_str());
        let answer = self.http.call("POST", MESSAGES, token, Some(body)).await?;
        let id = answer.ok(201).context("text on a full disk of files")?["id"].clone();
        let path = format!("{MESSAGES}{id}/");
        self.http
            .call("DELETE", &path, token, None)
            .await?
            .ok(204)?;
        Ok(())
    }

    /// All that was acknowledged is whole, the storage has nothing else, and makes room for what comes.
    async fn close(&mut self, server: &Server) -> Result<()> {
        judge(&self.http, &self.person, self.room, &self.sent)
            .await?
            .sound()?;
        let (good, text) =
            block_in_place(|| server.run(&["doctor", "--blobs", "--listen", "127.0.0.1:0"]))?;
        ensure!(
            good && text.contains(", 0 of them without a file"),
            "the doctor says\n{text}"
        );
        for id in self.sent.iter().filter_map(|sent| sent.acknowledged) {
            let path = format!("{MESSAGES}{id}/");
            let token = Some(self.person.token.as_str());
            self.http
                .call("DELETE", &path, token, None)
                .await?
                .ok(204)?;
        }
        self.sent.clear();
        let name = std::slice::from_ref(&self.person);
        let title = format!("full, after {}", self.room);
        self.room = room(&self.http, &self.person, &title, name).await?;
        Ok(())
    }
}

/// The message's id, or nothing when it is refused as it should be.
async fn send(http: &Http, person: &Person, sent: &Sent) -> Result<Option<i64>> {
    let answer = sent.send(http, person).await?;
    if answer.status == 507 {
        let text = answer.body["detail"].as_str().unwrap_or_default();
        ensure!(
            text.contains("no more space"),
            "507 without its sentence: {}",
            answer.body
        );
        return Ok(None);
    }
    let body = answer.ok(201)?;
    Ok(Some(body["id"].as_i64().context("a message has no id")?))
}

/// A file that is larger than what is left: the disk refuses in the middle of it.
async fn half_way(desk: &mut Desk, media: &Path, random: &mut StdRng) -> Result<()> {
    let size = (MEBIBYTES as usize + 4) << 20;
    ensure!(
        !desk.upload(size, random).await?,
        "{size} bytes fit nowhere"
    );
    tidy(media).await
}

/// Several at once, of which only some fit.
async fn at_once(desk: &mut Desk, random: &mut StdRng) -> Result<()> {
    let mut all: Vec<Sent> = (1..=8).map(|n| desk.next(n, 5 << 20, random)).collect();
    let answers = join_all(all.iter().map(|sent| send(&desk.http, &desk.person, sent))).await;
    let mut refused = 0;
    for (sent, answer) in all.iter_mut().zip(answers) {
        sent.acknowledged = answer?;
        refused += usize::from(sent.acknowledged.is_none());
    }
    desk.sent.append(&mut all);
    ensure!(
        refused >= 4,
        "40 MiB do not fit into {MEBIBYTES} MiB; {refused} were refused"
    );
    Ok(())
}

async fn full(desk: &mut Desk, media: &Path, random: &mut StdRng) -> Result<()> {
    for size in [1, 100_000, 5 << 20] {
        ensure!(
            !desk.upload(size.max(4), random).await?,
            "a full disk takes {size} bytes"
        );
    }
    desk.say().await?;
    tidy(media).await?;
    // What is there can be read.
    judge(&desk.http, &desk.person, desk.room, &desk.sent)
        .await?
        .sound()?;
    Ok(())
}

/// Waits until nothing is staged.
async fn tidy(media: &Path) -> Result<()> {
    let begun = Instant::now();
    loop {
        let staged = std::fs::read_dir(media.join(".staging"))?.count();
        if staged == 0 {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < TIDY,
            "{staged} staged files are left behind"
        );
        sleep(Duration::from_millis(20)).await;
    }
}
