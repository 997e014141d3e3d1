//! A second server that follows the first, and takes its place.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::{
    Durability, PATIENCE, Place, Postgres, USER, command, launch, make_folder, quiet_port,
};

impl Postgres {
    /// Copies the cluster that listens on this port of 127.0.0.1, and follows it as a hot standby on a port
    /// of its own.
    ///
    /// # Errors
    /// When the copy cannot be made, or the standby does not answer.
    pub fn start_standby(of: u16, durability: Durability) -> Result<Self> {
        let folder = make_folder(None)?;
        let data = folder.path().join("data");
        let mut copy = command("pg_basebackup", folder.path(), None)?;
        copy.args(["-h", "127.0.0.1", "-p", &of.to_string(), "-U", USER])
            .args(["--checkpoint=fast", "--no-sync", "-X", "stream", "-R", "-D"])
            .arg(&data);
        let output = copy.output().context("pg_basebackup did not start")?;
        ensure!(
            output.status.success(),
            "pg_basebackup failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let (place, port) = (Place::default(), quiet_port()?);
        let mut standby = Self {
            child: launch(&place, folder.path(), port, durability)?,
            place,
            port,
            durability,
            folder,
        };
        standby.wait_for_answers()?;
        Ok(standby)
    }

    /// From now on a commit is acknowledged only when the standby has it too.
    ///
    /// # Errors
    /// When no standby follows.
    pub fn be_synchronous(&self) -> Result<()> {
        self.query("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.query("SELECT pg_reload_conf()")?;
        self.until(
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'",
            "1",
        )
    }

    /// Turns the standby into a server that takes writes.
    ///
    /// # Errors
    /// When it does not become one.
    pub fn promote(&self) -> Result<()> {
        self.query("SELECT pg_promote()")?;
        self.until("SELECT pg_is_in_recovery()", "f")
    }

    fn until(&self, sql: &str, wanted: &str) -> Result<()> {
        let limit = Instant::now() + PATIENCE;
        loop {
            let found = self.query(sql)?;
            if found == wanted {
                return Ok(());
            }
            if Instant::now() > limit {
                bail!("{sql} says {found} after {PATIENCE:?}, not {wanted}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn query(&self, sql: &str) -> Result<String> {
        let mut psql = self.client("psql")?;
        psql.args(["-X", "-q", "-A", "-t", "-c", sql, USER]);
        let output = psql.output().context("psql did not start")?;
        ensure!(
            output.status.success(),
            "{sql} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::left_out;
    use super::*;

    #[test]
    fn a_standby_follows_and_takes_the_place_of_the_first() {
        if left_out() {
            return;
        }
        let mut first = Postgres::start(Durability::Pretended, None).expect("started");
        let second = Postgres::start_standby(first.port, Durability::Pretended).expect("follows");
        first.be_synchronous().expect("it follows");
        first
            .query("CREATE TABLE kept AS SELECT 7 AS n")
            .expect("made");
        second
            .query("CREATE TABLE no ()")
            .expect_err("it takes no writes");
        first.kill_all().expect("killed");
        second.promote().expect("promoted");
        assert_eq!(second.query("SELECT n FROM kept").expect("there"), "7");
        second.query("DROP TABLE kept").expect("it takes writes");
    }
}
