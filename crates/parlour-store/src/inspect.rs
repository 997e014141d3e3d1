//! A look at a database without changing it, for `parlour doctor`.

use crate::{
    engine::{postgres, sqlite},
    schema,
    url::{Target, refuse},
};
use parlour_core::Error;
use sqlx::{
    Connection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};
use std::path::Path;

/// What a database is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// `SQLite` or `PostgreSQL`.
    pub engine: &'static str,
    /// The engine's version.
    pub version: String,
    /// The newest migration that ran; 0: none.
    pub schema: i64,
    /// The newest migration that this program knows.
    pub newest_schema: i64,
    /// Whether what was acknowledged survives a power cut.
    pub durable: bool,
    /// Why, in a sentence.
    pub durability: String,
    /// Why its clock is a worry.
    pub clock: Option<String>,
    /// Whether it is a copy that was not finished.
    pub is_half: bool,
    /// The database's lineage; `None` before the first start.
    pub epoch: Option<String>,
}

const SCHEMA: &str = "SELECT MAX(version) FROM _sqlx_migrations";
const COPY: &str = "SELECT value FROM meta WHERE key = 'copy'";
const EPOCH: &str = "SELECT value FROM meta WHERE key = 'epoch'";

/// Looks at a database. Creates nothing and changes nothing.
///
/// # Errors
/// With a sentence for the operator when it cannot be reached.
pub async fn inspect(url: &str) -> Result<Inspection, Error> {
    match Target::parse(url)? {
        Target::File(path) => inspect_file(&path).await,
        Target::Scratch => Err(refuse("A scratch database has no state.".to_owned())),
        Target::Postgres(servers) => inspect_server(&postgres::writer(&servers).await?).await,
    }
}

/// Brings a database's schema up to date.
///
/// # Errors
/// As [`crate::open`].
pub async fn migrate(url: &str) -> Result<(), Error> {
    match Target::parse(url)? {
        Target::File(path) => sqlite::prepare(&path, None).await.map(|_| ()),
        Target::Scratch => Ok(()),
        Target::Postgres(servers) => {
            let address = postgres::writer(&servers).await?;
            postgres::prepare(&address, None).await.map(|_| ())
        }
    }
}

async fn inspect_file(path: &Path) -> Result<Inspection, Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(true)
        .synchronous(SqliteSynchronous::Full);
    let sentence = |error: sqlx::Error| {
        Error::unavailable(error.to_string()).saying(format!(
            "The SQLite file {} cannot be read: {error}.",
            path.display()
        ))
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(sentence)?;
    let (version, durable, durability) = sqlite::durability(&pool).await.map_err(sentence)?;
    // Both tables are missing before the first start.
    let schema: Option<i64> = sqlx::query_scalar(SCHEMA)
        .fetch_one(&pool)
        .await
        .unwrap_or(None);
    let epoch = sqlx::query_scalar(EPOCH)
        .fetch_optional(&pool)
        .await
        .unwrap_or(None);
    let copy: Option<String> = sqlx::query_scalar(COPY)
        .fetch_optional(&pool)
        .await
        .unwrap_or(None);
    pool.close().await;
    Ok(Inspection {
        engine: "SQLite",
        version,
        schema: schema.unwrap_or(0),
        newest_schema: schema::NEWEST,
        durable,
        durability,
        // A file has the clock of its machine.
        clock: None,
        is_half: copy.is_some(),
        epoch,
    })
}

async fn inspect_server(address: &sqlx::postgres::PgConnectOptions) -> Result<Inspection, Error> {
    let mut conn = postgres::connect(address).await?;
    let settings = postgres::settings(&mut conn).await.map_err(|error| {
        Error::unavailable(error.to_string())
            .saying(format!("PostgreSQL does not tell its settings: {error}."))
    })?;
    let schema: Option<i64> = sqlx::query_scalar(SCHEMA)
        .fetch_one(&mut conn)
        .await
        .unwrap_or(None);
    let epoch = sqlx::query_scalar(EPOCH)
        .fetch_optional(&mut conn)
        .await
        .unwrap_or(None);
    let copy: Option<String> = sqlx::query_scalar(COPY)
        .fetch_optional(&mut conn)
        .await
        .unwrap_or(None);
    // Only read; how the connection ends does not matter.
    let _ = conn.close().await;
    Ok(Inspection {
        engine: "PostgreSQL",
        version: settings.version.clone(),
        schema: schema.unwrap_or(0),
        newest_schema: schema::NEWEST,
        durable: settings.is_durable(),
        durability: settings.sentence(),
        clock: settings.clock,
        is_half: copy.is_some(),
        epoch,
    })
}
