//! The control of the power cut: a writer whose promises are known to hold with `synchronous=FULL`
//! and known to break with `NORMAL`. It commits as the server does (write-ahead log, the same
//! checkpoints, groups of rows), and it is not the server, which must not be able to run with NORMAL.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::power::PowerDisk;
use super::sqlite;

/// Prints the number of the last row after each commit: that is its acknowledgement.
const WRITER: &str = "\
import random, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('PRAGMA journal_mode=WAL')
db.execute('PRAGMA synchronous=' + sys.argv[2])
db.execute('PRAGMA wal_autocheckpoint=4000')
db.execute('CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, text TEXT)')
last = 0
while True:
    db.execute('BEGIN IMMEDIATE')
    for _ in range(random.randint(1, 16)):
        last += 1
        db.execute('INSERT INTO rows VALUES (?, ?)', (last, 'x' * 100))
    db.execute('COMMIT')
    print(last, flush=True)
";

/// How long the writer may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a run of the control ended.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// Rows whose commit was acknowledged.
    pub acknowledged: u64,
    /// Rows that were there afterwards.
    pub found: u64,
}

impl Ran {
    /// Rows that were promised and are gone.
    pub const fn lost(&self) -> u64 {
        self.acknowledged.saturating_sub(self.found)
    }
}

/// Lets the writer work on the disk for a while, cuts the power, and counts.
pub fn run(disk: &PowerDisk, synchronous: &str, time: Duration) -> Result<Ran> {
    let file = disk.path().join(format!("control-{synchronous}.db"));
    let mut writer = Writer::start(&file, synchronous)?;
    let (promises, first) = writer.follow()?;
    // On a busy machine it takes a while to begin, which is not part of the time.
    first
        .recv_timeout(PATIENCE)
        .with_context(|| format!("the control wrote nothing in {PATIENCE:?}"))?;
    thread::sleep(time);
    disk.cut()?;
    drop(writer);
    // Every promise counts, also those made while the power was about to go.
    let acknowledged = promises.join().unwrap_or_default();
    disk.restore()?;
    let found = if file.exists() {
        sqlite::check_integrity(&file)?;
        let counted = sqlite::ask(&file, "SELECT coalesce(max(number), 0) FROM rows");
        // Without its last syncs the file may not even have the table yet.
        counted.map_or(Ok(0), |count| count.parse())?
    } else {
        0
    };
    for ending in ["", "-wal", "-shm"] {
        // For the next run; what is not there need not go.
        let _removed = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    Ok(Ran {
        acknowledged,
        found,
    })
}

struct Writer(Child);

impl Writer {
    fn start(file: &Path, synchronous: &str) -> Result<Self> {
        Command::new("python3")
            .args(["-c", WRITER])
            .arg(file)
            .arg(synchronous)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It complains about its disk when the power is gone.
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .context("python3 did not start")
    }

    /// Reads to the end of the writer: the number of the last row that it acknowledged. The receiver
    /// hears of the first one.
    fn follow(&mut self) -> Result<(JoinHandle<u64>, mpsc::Receiver<()>)> {
        let out = self.0.stdout.take().context("no output")?;
        let (told, first) = mpsc::channel();
        let reader = thread::spawn(move || {
            let mut told = Some(told);
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            let numbers = lines.filter_map(|line| line.parse().ok()).inspect(|_| {
                if let Some(told) = told.take() {
                    // Nobody waits any more when that took too long.
                    let _ = told.send(());
                }
            });
            numbers.last().unwrap_or(0)
        });
        Ok((reader, first))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.0.kill();
        let _status = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Tool, program};

    #[test]
    fn full_keeps_its_promises_through_a_power_cut() {
        let Tool::Ready(disk) = PowerDisk::new(128).expect("made") else {
            return;
        };
        if program::is_there("python3") {
            let ran = run(&disk, "FULL", Duration::from_millis(700)).expect("ran");
            assert_eq!(ran.lost(), 0, "{ran:?}");
        }
    }
}
