//! The two databases behind one door: connections, transactions, statements.
//!
//! Only what must differ between the engines lives in [`sqlite`] and [`postgres`]; everything else
//! runs the same text on either through [`Conn`].

pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::{
    fault::Fault,
    options::Options,
    sql::{Arg, Row, Sql},
    url::Target,
};
use parlour_core::Error;
use postgres::held::Held;
use sqlx::{
    Postgres, Sqlite, SqlitePool, Transaction, pool::PoolConnection, postgres::PgArguments,
    query::Query, sqlite::SqliteArguments,
};
use std::{future::Future, path::PathBuf, pin::Pin};

/// Work on a connection, as a boxed future that borrows it.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// An open database.
pub(crate) enum Engine {
    /// SQLite: one connection that writes, several that read, and one of the group commit.
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
        /// The file, for the connection that commits messages.
        file: sqlite::File,
        /// A folder to remove at the end.
        scratch: Option<PathBuf>,
    },
    /// PostgreSQL.
    Postgres(Box<postgres::Postgres>),
}

/// A connection, inside a transaction or not.
pub(crate) enum Conn {
    SqliteRead(PoolConnection<Sqlite>),
    SqliteWrite(Transaction<'static, Sqlite>),
    Postgres(Held),
}

impl Engine {
    pub(crate) async fn open(target: &Target, options: &Options) -> Result<Self, Error> {
        match target {
            Target::File(path) => sqlite::open(path, options, None).await,
            Target::Scratch => {
                let folder = sqlite::scratch_folder();
                sqlite::open(&folder.join("parlour.db"), options, Some(folder)).await
            }
            Target::Postgres(servers) => postgres::open(servers, options).await,
        }
    }

    /// A connection for reading. One statement is one consistent snapshot.
    pub(crate) async fn read(&self) -> Result<Conn, Fault> {
        let conn = match self {
            Self::Sqlite { read, .. } => read.acquire().await.map(Conn::SqliteRead),
            Self::Postgres(open) => Held::reading(&open.pool).await.map(Conn::Postgres),
        };
        conn.map_err(|error| self.missed(error))
    }

    /// A transaction for writing.
    pub(crate) async fn begin(&self) -> Result<Conn, Fault> {
        let conn = match self {
            Self::Sqlite { write, .. } => {
                let begun = write.begin_with("BEGIN IMMEDIATE").await;
                begun.map(Conn::SqliteWrite)
            }
            Self::Postgres(open) => Held::writing(&open.pool).await.map(Conn::Postgres),
        };
        conn.map_err(|error| self.missed(error))
    }

    /// There was no connection to be had.
    fn missed(&self, error: sqlx::Error) -> Fault {
        self.doubt();
        Fault::from(error).away()
    }

    /// Something went wrong that another server may not have: see [`postgres::Postgres::follow`].
    pub(crate) fn doubt(&self) {
        if let Self::Postgres(open) = self {
            open.hosts.doubt();
        }
    }

    /// How many writers may commit messages side by side. Each holds a connection while it commits;
    /// somebody must be able to read meanwhile.
    pub(crate) fn lanes(&self, wanted: usize) -> usize {
        match self {
            Self::Sqlite { .. } => 1,
            Self::Postgres(open) => {
                let most = usize::try_from(open.connections - 1).unwrap_or(usize::MAX);
                wanted.clamp(1, most.max(1))
            }
        }
    }

    /// On SQLite, a connection for the thread that commits messages.
    pub(crate) fn own(&self) -> Result<Option<sqlite::Own>, Error> {
        match self {
            Self::Sqlite { file, .. } => sqlite::Own::open(file.clone()).map(Some),
            Self::Postgres(_) => Ok(None),
        }
    }

    /// Whether only one transaction can write at a time.
    pub(crate) const fn has_one_writer(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { write, read, .. } => {
                // The writer goes last: the last connection folds the WAL into the file.
                read.close().await;
                write.close().await;
            }
            Self::Postgres(open) => open.close().await,
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Self::Sqlite {
            scratch: Some(folder),
            ..
        } = self
        {
            // Best effort: a scratch database is nobody's data.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Runs `$body` with the statement bound and the engine's connection as executor.
macro_rules! on {
    ($conn:expr, $sql:expr, $args:expr, |$query:ident, $executor:ident| $body:expr) => {
        match $conn {
            Conn::SqliteRead(conn) => {
                let ($query, $executor) = (bind_sqlite($sql.sqlite, $args), &mut **conn);
                $body.map(On::Sqlite)
            }
            Conn::SqliteWrite(conn) => {
                let ($query, $executor) = (bind_sqlite($sql.sqlite, $args), &mut **conn);
                $body.map(On::Sqlite)
            }
            Conn::Postgres(held) => {
                let ($query, $executor) = (bind_postgres($sql.postgres, $args), held.conn()?);
                $body.map(On::Postgres)
            }
        }
    };
}

/// An answer of one engine or the other.
enum On<S, P> {
    Sqlite(S),
    Postgres(P),
}

impl Conn {
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::SqliteRead(_) | Self::SqliteWrite(_))
    }

    /// All rows.
    pub(crate) async fn rows(&mut self, sql: &Sql, args: Vec<Arg>) -> Result<Vec<Row>, Fault> {
        #[cfg(test)]
        crate::explain::note(sql, &args);
        let rows = on!(self, sql, args, |query, executor| query
            .fetch_all(executor)
            .await);
        Ok(match rows? {
            On::Sqlite(rows) => rows.into_iter().map(Row::Sqlite).collect(),
            On::Postgres(rows) => rows.into_iter().map(Row::Postgres).collect(),
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn row(&mut self, sql: &Sql, args: Vec<Arg>) -> Result<Option<Row>, Fault> {
        #[cfg(test)]
        crate::explain::note(sql, &args);
        let row = on!(self, sql, args, |query, executor| query
            .fetch_optional(executor)
            .await);
        Ok(match row? {
            On::Sqlite(row) => row.map(Row::Sqlite),
            On::Postgres(row) => row.map(Row::Postgres),
        })
    }

    /// How many rows were changed.
    pub(crate) async fn run(&mut self, sql: &Sql, args: Vec<Arg>) -> Result<u64, Fault> {
        #[cfg(test)]
        crate::explain::note(sql, &args);
        let done = on!(self, sql, args, |query, executor| query
            .execute(executor)
            .await);
        Ok(match done? {
            On::Sqlite(done) => done.rows_affected(),
            On::Postgres(done) => done.rows_affected(),
        })
    }

    /// Makes a transaction's changes durable.
    pub(crate) async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::SqliteWrite(transaction) => transaction.commit().await?,
            Self::Postgres(held) => held.commit().await?,
            Self::SqliteRead(_) => {}
        }
        Ok(())
    }

    /// Takes a transaction's changes back.
    pub(crate) async fn rollback(self) -> Result<(), Fault> {
        match self {
            Self::SqliteWrite(transaction) => transaction.rollback().await?,
            Self::Postgres(held) => held.rollback().await?,
            Self::SqliteRead(_) => {}
        }
        Ok(())
    }
}

fn bind_sqlite(sql: &'static str, args: Vec<Arg>) -> Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(sql);
    for arg in args {
        query = match arg {
            Arg::Int(value) => query.bind(value),
            Arg::Text(value) => query.bind(value),
            Arg::Bool(value) => query.bind(value),
            Arg::Ints(value) => query.bind(serde_json::Value::from(value).to_string()),
            Arg::Texts(value) => query.bind(serde_json::Value::from(value).to_string()),
        };
    }
    query
}

fn bind_postgres(sql: &'static str, args: Vec<Arg>) -> Query<'static, Postgres, PgArguments> {
    let mut query = sqlx::query(sql);
    for arg in args {
        query = match arg {
            Arg::Int(value) => query.bind(value),
            Arg::Text(value) => query.bind(value),
            Arg::Bool(value) => query.bind(value),
            Arg::Ints(value) => query.bind(value),
            Arg::Texts(value) => query.bind(value),
        };
    }
    query
}
