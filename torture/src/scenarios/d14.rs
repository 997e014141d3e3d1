//! D14: the power is cut under the files of messages while they are uploaded.

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join_all};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::block_in_place;
use tokio::time::sleep;

use crate::faults::Tool;
use crate::faults::power::PowerDisk;
use crate::faults::{program, sqlite};
use crate::files::{Judged, Sent, judge};
use crate::http::Http;
use crate::people::{self, Person, RoomId};
use crate::scenario::{BOTH, Context, Engine, Outcome, Scenario};
use crate::server::Server;

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "D14",
    what: "power cuts with uploads, with a control that must be found damaged",
    engines: BOTH,
    run: boxed,
};

const CLIENTS: usize = 8;
const FEW: usize = 4;
/// Room for a round's files, and for those of the round before that are being deleted.
const MEBIBYTES: u64 = 3_072;
/// One try of an upload, and all tries of one message together.
const PATIENCE: Duration = Duration::from_secs(20);
const ALL_TRIES: Duration = Duration::from_secs(60);
/// Longest pause of a sender between two messages.
const PAUSE: u64 = 60;
/// Within this time the sweeper has removed what is old enough (it runs at the start).
const SWEPT: Duration = Duration::from_secs(20);

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let disk = match PowerDisk::new(MEBIBYTES)? {
        Tool::Ready(disk) => disk,
        Tool::Missing(why) => return Ok(Outcome::Skipped(why)),
    };
    if let Some(why) = sqlite::missing().or_else(control_missing) {
        return Ok(Outcome::Skipped(why));
    }
    let mut random = context.random();
    let stage = context.stage().await?;
    let data = disk.path().join("data");
    fs::create_dir(&data)?;
    // On SQLite the database loses its power too; PostgreSQL lives on another disk and goes on.
    std::os::unix::fs::symlink(&data, &stage.setup.data_dir)?;
    let (mut server, http) = stage.start().await?;
    let people = people::people(&http, if context.lenient { FEW } else { CLIENTS }).await?;
    let mut figures = Judged::default();
    let mut last = None;
    let mut unsynced = Unsynced::default();
    // A debug build takes its time over every byte.
    let rounds = context.rounds(if context.lenient { 1 } else { 3 }, 20);
    for round in 1..=rounds {
        let name = format!("round {round}");
        let room = people::room(&http, &people[0], &name, &people).await?;
        let sending = Sending {
            http,
            room,
            stop: AtomicBool::new(false),
        };
        let before_cut = Duration::from_millis(random.random_range(300..2_500));
        let power = Cut {
            disk: &disk,
            data: &data,
            engine: context.engine,
            after: before_cut,
        };
        let (sent, cut) = tokio::join!(
            sending.all(&people, &mut random),
            power.happen(&mut server, &mut unsynced, &sending.stop),
        );
        // The cut stops the senders when it is done; what stopped it is the better reason.
        cut.with_context(|| format!("the power cut of round {round}"))?;
        let sent = sent?;
        let judged = judge(&http, &people[0], room, &sent).await?.sound();
        let judged = judged.with_context(|| format!("after the power cut of round {round}"))?;
        figures.messages += judged.messages;
        figures.acknowledged += judged.acknowledged;
        figures.bytes += judged.bytes;
        if let Some((before, _)) = last.replace((room, sent)) {
            // Makes room for the next round, and lets the power fail while bytes are deleted.
            let path = people::room_path(before, "");
            let token = Some(people[0].token.as_str());
            http.insist("DELETE", &path, token, None).await?.ok(204)?;
        }
    }
    unsynced.must_have_lost()?;
    let orphans = sweep(&mut server, &data).await?;
    let (room, sent) = last.context("no round")?;
    let control = control((&server, &http), &people[0], (room, &sent), &data).await?;
    server.stop().await?;
    Ok(Outcome::Passed(format!(
        "{rounds} power cuts; {} messages with files of {} MiB, {} of them acknowledged: all whole; \
         {orphans}; control: {} of {} files that were not synced were lost, {control}",
        figures.messages,
        figures.bytes >> 20,
        figures.acknowledged,
        unsynced.lost,
        unsynced.written,
    )))
}

fn control_missing() -> Option<String> {
    (!program::is_there("python3")).then(|| "needs python3".to_owned())
}

/// The senders of one round.
struct Sending {
    http: Http,
    room: RoomId,
    stop: AtomicBool,
}

impl Sending {
    /// Everybody sends until told to stop and the last message of each was answered.
    async fn all(&self, people: &[Person], random: &mut StdRng) -> Result<Vec<Sent>> {
        let senders = people.iter().map(|person| {
            let random = StdRng::seed_from_u64(random.random());
            self.one(person, random)
        });
        Ok(try_join_all(senders).await?.concat())
    }

    async fn one(&self, person: &Person, mut random: StdRng) -> Result<Vec<Sent>> {
        let mut all = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let nonce = format!("{}-{}-{}", self.room, person.name, all.len());
            let mut sent = Sent::new(self.room, nonce, &mut random);
            sent.acknowledged = Some(self.insist(person, &sent).await?);
            all.push(sent);
            sleep(Duration::from_millis(random.random_range(0..PAUSE))).await;
        }
        Ok(all)
    }

    /// Sends it until it is stored: the same message each time, whatever became of the time before.
    async fn insist(&self, person: &Person, sent: &Sent) -> Result<i64> {
        let begun = Instant::now();
        let http = self.http.within(PATIENCE);
        loop {
            let answer = sent.send(&http, person).await;
            match answer {
                Ok(answer) if answer.status == 201 => {
                    return answer.body["id"].as_i64().context("no id");
                }
                // A server that goes down, or whose disk is gone.
                Ok(answer) if matches!(answer.status, 500 | 503 | 507) => {}
                Ok(answer) => bail!("{}: {} {}", sent.nonce, answer.status, answer.body),
                Err(_) => {}
            }
            ensure!(
                begun.elapsed() < ALL_TRIES,
                "{} was not stored within {ALL_TRIES:?}",
                sent.nonce
            );
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Files that were written and not synced before a cut.
#[derive(Default)]
struct Unsynced {
    written: u32,
    lost: u32,
}

impl Unsynced {
    const BYTES: usize = 100_000;

    fn write(&mut self, disk: &PowerDisk) -> Result<()> {
        self.written += 1;
        fs::write(disk.path().join("unsynced"), vec![b'x'; Self::BYTES])?;
        Ok(())
    }

    fn look(&mut self, disk: &PowerDisk) {
        let path = disk.path().join("unsynced");
        let found = fs::read(&path).unwrap_or_default();
        self.lost += u32::from(found != vec![b'x'; Self::BYTES]);
        // For the next round; what is not there need not go.
        drop(fs::remove_file(path));
    }

    fn must_have_lost(&self) -> Result<()> {
        ensure!(
            self.lost > 0,
            "none of {} files that were not synced was lost: the power cut does not bite",
            self.written
        );
        Ok(())
    }
}

/// A power cut that is going to happen.
struct Cut<'a> {
    disk: &'a PowerDisk,
    /// The data folder on it.
    data: &'a Path,
    engine: Engine,
    after: Duration,
}

impl Cut<'_> {
    /// Cuts the power after a while, kills the server, and starts it on what is left. Those who send
    /// go on all the time and a little longer, then they are told to stop.
    async fn happen(
        &self,
        server: &mut Server,
        unsynced: &mut Unsynced,
        stop: &AtomicBool,
    ) -> Result<()> {
        let done = self.try_happen(server, unsynced).await;
        stop.store(true, Ordering::Relaxed);
        done
    }

    async fn try_happen(&self, server: &mut Server, unsynced: &mut Unsynced) -> Result<()> {
        sleep(self.after).await;
        block_in_place(|| {
            unsynced.write(self.disk)?;
            self.disk.cut()
        })?;
        // The server notices; what it says now must be true as well.
        sleep(Duration::from_millis(100)).await;
        server.kill();
        block_in_place(|| {
            self.disk.restore()?;
            unsynced.look(self.disk);
            match self.engine {
                Engine::Sqlite => sqlite::check_integrity(&self.data.join("parlour.db")),
                Engine::Postgres => Ok(()),
            }
        })?;
        server.restart().await?;
        sleep(Duration::from_millis(500)).await;
        Ok(())
    }
}

/// Makes everything on the disk old, and lets the server sweep: what the cuts left behind must go, and
/// everything that a message shows must stay.
async fn sweep(server: &mut Server, data: &Path) -> Result<String> {
    server.stop_and_keep().await?;
    let media = data.join("media");
    let mut before = Vec::new();
    block_in_place(|| files_below(&media, &mut before))?;
    for path in &before {
        let file = File::options().append(true).open(path)?;
        // Older than anything that the sweeper leaves.
        file.set_modified(SystemTime::UNIX_EPOCH)?;
    }
    server.restart().await?;
    let begun = Instant::now();
    loop {
        let (good, text) = doctor(server)?;
        let staged = fs::read_dir(media.join(".staging"))?.count();
        if good && text.contains(", 0 of them without a file") && staged == 0 {
            let mut after = Vec::new();
            files_below(&media, &mut after)?;
            return Ok(format!(
                "{} of {} files on the disk were nobody's and were swept",
                before.len() - after.len(),
                before.len()
            ));
        }
        ensure!(
            begun.elapsed() < SWEPT,
            "not swept within {SWEPT:?}: {staged} staged files; the doctor says\n{text}"
        );
        sleep(Duration::from_millis(200)).await;
    }
}

fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files_below(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// `parlour doctor --blobs`: whether all is well, and its report.
fn doctor(server: &Server) -> Result<(bool, String)> {
    block_in_place(|| server.run(&["doctor", "--blobs", "--listen", "127.0.0.1:0"]))
}

/// The judges must find what is damaged: a byte turned, a file cut short, one removed. The doctor sees
/// the last two.
async fn control(
    (server, http): (&Server, &Http),
    reader: &Person,
    (room, sent): (RoomId, &[Sent]),
    data: &Path,
) -> Result<String> {
    let keys = judge(http, reader, room, sent).await?.sound()?.keys;
    let victims: Vec<(&String, &String)> = keys.iter().take(3).collect();
    let [turned, short, gone] = victims.as_slice() else {
        bail!("only {} messages to damage files of", victims.len());
    };
    let path = |(_, key): &(&String, &String)| data.join("media").join(key);
    let mut bytes = fs::read(path(turned))?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path(turned), &bytes)?;
    let file = File::options().write(true).open(path(short))?;
    file.set_len(file.metadata()?.len() - 1)?;
    fs::remove_file(path(gone))?;
    let faults = judge(http, reader, room, sent).await?.faults;
    let found = |nonce: &str| {
        faults
            .iter()
            .any(|fault| fault.contains(&format!("({nonce})")))
    };
    let all = [turned, short, gone].iter().all(|(nonce, _)| found(nonce));
    ensure!(
        all && faults.len() == 3,
        "three files were damaged, and this is what was found: {faults:?}"
    );
    let (good, text) = doctor(server)?;
    ensure!(
        !good && text.contains("1 missing, 1 of another size"),
        "the doctor does not see what is damaged:\n{text}"
    );
    Ok("a turned byte, a file cut short and a removed one were each found".to_owned())
}
