//! SQLite: WAL, `synchronous=FULL`, one connection that writes and several that read.

mod own;

pub(crate) use own::{Own, Worked};

use super::Engine;
use crate::{options::Options, schema, url::refuse};
use parlour_core::Error;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a statement waits for another process's lock.
const BUSY: Duration = Duration::from_millis(1_500);

/// How long opening waits for another process that is migrating.
const BUSY_AT_OPEN: Duration = Duration::from_secs(20);

pub(crate) async fn open(
    path: &Path,
    options: &Options,
    scratch: Option<PathBuf>,
) -> Result<Engine, Error> {
    prepare(path, None).await?;
    let file = File {
        path: path.to_owned(),
        is_scratch: scratch.is_some(),
    };
    let base = file.options().create_if_missing(false).busy_timeout(BUSY);
    let write = pool(1)
        .connect_with(base.clone().pragma("cache_size", "-2000"))
        .await
        .map_err(|error| unreachable_file(path, error))?;
    let read = pool(options.sqlite_readers.max(1))
        .connect_lazy_with(base.read_only(true).pragma("cache_size", "-2000"));
    Ok(Engine::Sqlite {
        write,
        read,
        file,
        scratch,
    })
}

/// A file, and how it is used: the same for each of its connections.
#[derive(Clone, Debug)]
pub(crate) struct File {
    path: PathBuf,
    /// Nobody's data: commits need not be durable.
    is_scratch: bool,
}

impl File {
    const fn pragmas(&self) -> [(&'static str, &'static str); 5] {
        [
            ("foreign_keys", "ON"),
            ("synchronous", if self.is_scratch { "OFF" } else { "FULL" }),
            // Checkpoints cost a sync of the whole file: one per 16 MiB of log instead of one per 4.
            ("wal_autocheckpoint", "4000"),
            ("journal_size_limit", "67108864"),
            // Several rows in one statement need a journal of their own: not a file for each.
            ("temp_store", "memory"),
        ]
    }

    fn options(&self) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .statement_cache_capacity(128)
            .disable_statement_logging();
        let set = |options: SqliteConnectOptions, (name, value)| options.pragma(name, value);
        self.pragmas().into_iter().fold(options, set)
    }
}

/// Makes the folder and the file, turns WAL on, and migrates. Safe while another process does the
/// same. A new file gets `seed` together with its tables.
pub(crate) async fn prepare(path: &Path, seed: schema::Seed<'_>) -> Result<(), Error> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|error| unreachable_file(path, error))?;
    }
    let file = File {
        path: path.to_owned(),
        is_scratch: false,
    };
    let mut conn = first_connection(&file)
        .await
        .map_err(|error| unreachable_file(path, error))?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut conn)
        .await
        .map_err(|error| unreachable_file(path, error))?;
    check_version(&version)?;
    let migrated = schema::migrate_sqlite(&mut conn, seed).await;
    let closed = conn.close().await;
    migrated?;
    closed.map_err(|error| unreachable_file(path, error))
}

/// Connects and turns WAL on. Going to WAL needs the file for oneself for a moment and does not wait
/// for others by itself.
async fn first_connection(file: &File) -> Result<SqliteConnection, sqlx::Error> {
    let options = file
        .options()
        .create_if_missing(true)
        .busy_timeout(BUSY_AT_OPEN)
        .journal_mode(SqliteJournalMode::Wal);
    let mut tries = 0;
    loop {
        match options.connect().await {
            Err(sqlx::Error::Database(error))
                if tries < 200 && matches!(error.code().as_deref(), Some("5" | "261" | "6")) =>
            {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => return other,
        }
    }
}

/// A connection that keeps everybody else out of the file, and is refused while somebody is in it.
pub(crate) async fn alone(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let file = File {
        path: path.to_owned(),
        is_scratch: false,
    };
    file.options()
        .create_if_missing(false)
        .locking_mode(SqliteLockingMode::Exclusive)
        .busy_timeout(Duration::from_secs(1))
        .connect()
        .await
}

fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(0)
        .acquire_timeout(BUSY)
        .idle_timeout(None)
        .max_lifetime(None)
        // A file does not hang up.
        .test_before_acquire(false)
        .before_acquire(|conn, _| Box::pin(is_usable(conn)))
}

/// Whether a connection is outside of transactions. One that SQLite itself took out of a transaction
/// (the disk was full) counts as inside for ever, and is replaced.
async fn is_usable(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if conn.is_in_transaction() {
        // A transaction that was dropped is taken back with the next use.
        conn.ping().await?;
    }
    Ok(!conn.is_in_transaction())
}

fn unreachable_file(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let sentence = format!(
        "The SQLite file {} cannot be used: {error}.",
        path.display()
    );
    Error::unavailable(error).saying(sentence)
}

/// A fresh folder for a database that nobody keeps.
pub(crate) fn scratch_folder() -> PathBuf {
    std::env::temp_dir().join(format!("parlour-{}", crate::fresh::name::<16>()))
}

/// What `inspect` wants to know: version, and whether a commit survives a power cut.
pub(crate) async fn durability(pool: &SqlitePool) -> Result<(String, bool, String), sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(pool)
        .await?;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(pool)
        .await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(pool)
        .await?;
    let durable = is_durable(&journal, synchronous);
    let sentence = if durable {
        "Write-ahead log with synchronous=FULL: what was acknowledged survives a power cut."
            .to_owned()
    } else {
        format!(
            "journal_mode={journal}, synchronous={synchronous}: a power cut may lose acknowledged messages."
        )
    };
    Ok((version, durable, sentence))
}

/// Whether a commit of a connection with these settings survives a power cut.
fn is_durable(journal: &str, synchronous: i64) -> bool {
    journal == "wal" && synchronous >= 2
}

/// The oldest SQLite whose SQL is understood (ordered aggregates).
fn check_version(version: &str) -> Result<(), Error> {
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < (3, 44) {
        return Err(refuse(format!(
            "SQLite {version} is too old: 3.44 or newer is needed."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite ends the transaction by itself when the disk is full; the library does not notice.
    #[tokio::test]
    async fn after_a_full_disk_there_is_a_usable_connection_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("full.db"))
            .create_if_missing(true);
        let pool = pool(1).connect_with(options).await.expect("opens");
        let mut begun = pool.begin_with("BEGIN IMMEDIATE").await.expect("begins");
        sqlx::query("CREATE TABLE t (b BLOB)")
            .execute(&mut *begun)
            .await
            .expect("is made");
        begun.commit().await.expect("commits");
        // As little room as a full disk leaves.
        sqlx::query("PRAGMA max_page_count = 10")
            .execute(&pool)
            .await
            .expect("is set");
        let mut begun = pool.begin_with("BEGIN IMMEDIATE").await.expect("begins");
        let full = sqlx::query("INSERT INTO t VALUES (zeroblob(1000000))")
            .execute(&mut *begun)
            .await
            .expect_err("does not fit");
        assert!(full.to_string().contains("full"), "{full}");
        drop(begun);
        for _ in 0..3 {
            let mut begun = pool
                .begin_with("BEGIN IMMEDIATE")
                .await
                .expect("begins again");
            sqlx::query("INSERT INTO t VALUES (zeroblob(10))")
                .execute(&mut *begun)
                .await
                .expect("fits");
            begun.commit().await.expect("commits");
        }
    }
}
