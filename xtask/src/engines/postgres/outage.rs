//! Ending the cluster on purpose, and beginning again with the same data on the same port.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{PATIENCE, Postgres, USER, accepts, launch};
use crate::procs;

impl Postgres {
    /// The process that listens.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL to every process of the cluster at once, as the kernel does it when memory ends.
    ///
    /// # Errors
    /// When a process is still there after seconds.
    pub fn kill_all(&mut self) -> Result<()> {
        let pid = self.child.id();
        // Stopped first, so that no child is born between the look and the end.
        procs::signal("STOP", &[pid]);
        let mut all = children(pid)?;
        all.push(pid);
        procs::signal("KILL", &all);
        self.child.wait()?;
        let limit = Instant::now() + PATIENCE;
        // A child that still holds the shared memory would keep the next one from starting.
        while all.iter().any(|pid| is_alive(*pid)) {
            if Instant::now() > limit {
                bail!("a process of PostgreSQL survived SIGKILL");
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// An orderly stop that does not wait for clients.
    pub fn halt(&mut self) {
        self.stop();
    }

    /// Starts again after [`Self::kill_all`] or [`Self::halt`]; returns when it answers queries,
    /// with its recovery behind it.
    ///
    /// # Errors
    /// When it does not.
    pub fn begin(&mut self) -> Result<()> {
        self.child = launch(&self.place, self.folder.path(), self.port, self.durability)?;
        self.wait_for_answers()
    }

    pub(super) fn wait_for_answers(&mut self) -> Result<()> {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("PostgreSQL ended with {status}\n{}", self.log_tail());
            }
            if accepts(self.addr()) && self.answers()? {
                return Ok(());
            }
            if Instant::now() > limit {
                bail!(
                    "PostgreSQL is not back after {PATIENCE:?}\n{}",
                    self.log_tail()
                );
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn answers(&self) -> Result<bool> {
        let mut psql = self.client("psql")?;
        psql.args(["-X", "-q", "-c", "SELECT 1", USER]);
        Ok(psql.output()?.status.success())
    }
}

/// The children of a process; PostgreSQL's have sessions and groups of their own.
fn children(parent: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("no /proc here")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if stat(pid).is_some_and(|(_, its_parent)| its_parent == parent) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Whether a process is there and not just a name that nobody asked about yet.
fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z")
}

/// State and parent. The name in between may hold spaces, so what counts is the last bracket.
fn stat(pid: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let state = words.next()?.to_owned();
    Some((state, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::Durability;
    use super::super::tests::left_out;
    use super::*;

    #[test]
    fn a_cluster_that_was_killed_comes_back_with_its_data() {
        if left_out() {
            return;
        }
        let mut server = Postgres::start(Durability::Pretended, None).expect("started");
        server.database("kept").expect("made");
        server.kill_all().expect("killed");
        assert!(!accepts(server.addr()));
        server.begin().expect("back");
        assert!(server.database("kept").is_err(), "it is still there");
        server.halt();
        assert!(!accepts(server.addr()));
        server.begin().expect("back");
    }

    #[test]
    fn a_parent_knows_its_children() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("started");
        let found = children(std::process::id()).expect("listed");
        assert!(found.contains(&child.id()) && is_alive(child.id()));
        child.kill().expect("killed");
        child.wait().expect("waited");
        assert!(!is_alive(child.id()));
    }
}
