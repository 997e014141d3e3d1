//! PostgreSQL: a pool, and a look at whether its commits are durable.

pub(crate) mod held;
mod hosts;
mod replica;

use super::Engine;
use crate::{options::Options, schema, url::refuse};
use hosts::{Hosts, is_read_only};
use parlour_core::{
    Error, Time,
    ports::{Clock as _, SystemClock},
    time::clock_worry,
};
use replica::Replica;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Row,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{sync::Arc, thread::available_parallelism, time::Duration};

/// How long a caller waits for a connection.
const ACQUIRE: Duration = Duration::from_millis(1_500);

/// The oldest PostgreSQL that is tried: 13.
const OLDEST: i64 = 130_000;

/// What is open.
pub(crate) struct Postgres {
    pub(crate) pool: PgPool,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) replica: Option<Replica>,
    /// How many connections there may be.
    pub(crate) connections: u32,
    statement_timeout: Duration,
}

impl Postgres {
    /// Looks which server takes writes now and uses it from now on; answers whether it is another one
    /// than before.
    pub(crate) async fn follow(&self) -> Result<bool, Error> {
        let (place, address) = self.hosts.choose().await?;
        let is_other = self.hosts.switch(place);
        if is_other {
            let (host, port) = (address.get_host(), address.get_port());
            tracing::warn!(host, port, "another PostgreSQL server takes the writes now");
            let pooled = pooled(&address, self.statement_timeout);
            self.pool.set_connect_options(pooled);
        }
        Ok(is_other)
    }

    pub(crate) async fn close(&self) {
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
        self.pool.close().await;
    }
}

pub(crate) async fn open(servers: &[PgConnectOptions], options: &Options) -> Result<Engine, Error> {
    let hosts = Arc::new(Hosts::new(servers.to_vec()));
    let (place, address) = hosts.choose().await?;
    hosts.switch(place);
    let allowed = prepare(&address, None).await?.allowed;
    if options.exclusive {
        warn_of_others(&address).await?;
    }
    let connections = match options.postgres_connections {
        Some(set) => set.max(2),
        None => derived(allowed),
    };
    if i64::from(connections) > allowed {
        tracing::warn!(
            connections,
            allowed,
            "PostgreSQL allows fewer connections than are set"
        );
    }
    let replica = options.replica_url.as_deref();
    let replica = replica
        .map(|url| Replica::new(url, connections))
        .transpose()?;
    let (before, after) = (Arc::clone(&hosts), Arc::clone(&hosts));
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(ACQUIRE)
        // A question before each use would double the round trips; work that meets a dead
        // connection is started again on another one instead.
        .test_before_acquire(false)
        .before_acquire(move |_, meta| {
            let is_current = before.is_current(meta.age);
            Box::pin(async move { Ok(is_current) })
        })
        .after_connect(move |conn, _| {
            let hosts = Arc::clone(&after);
            Box::pin(async move { takes_writes(&hosts, conn).await })
        })
        .connect_with(pooled(&address, options.statement_timeout))
        .await
        .map_err(|error| unreachable_server(&address, error))?;
    Ok(Engine::Postgres(Box::new(Postgres {
        pool,
        hosts,
        replica,
        connections,
        statement_timeout: options.statement_timeout,
    })))
}

/// How often it is looked whether those before us are gone, and the pause between.
const LOOKS: (u32, Duration) = (5, Duration::from_millis(200));

/// Two processes that do not know of each other both answer, and neither tells its sockets what the other
/// one wrote. It is no reason to stay down: who seems to be there may be a process that the network
/// swallowed, or a command.
async fn warn_of_others(address: &PgConnectOptions) -> Result<(), Error> {
    let mut conn = connect(address).await?;
    let mut found = 0;
    for _ in 0..LOOKS.0 {
        let others = others(&mut conn).await;
        found = others.map_err(|error| unreachable_server(address, error))?;
        if found == 0 {
            break;
        }
        tokio::time::sleep(LOOKS.1).await;
    }
    if found > 0 {
        tracing::warn!(
            connections = found,
            "another Parlour uses this database: without REDIS_URL people at one do not see at once what \
             is written at the other"
        );
    }
    let closed = conn.close().await;
    closed.map_err(|error| unreachable_server(address, error))
}

/// Connections to this database, besides this one, of processes like us.
pub(crate) async fn others(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    // Within a transaction the view would stay as it was at first.
    sqlx::raw_sql("SELECT pg_stat_clear_snapshot()")
        .execute(&mut *conn)
        .await?;
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'parlour' AND pid <> pg_backend_pid()",
    )
    .fetch_one(conn)
    .await
}

/// As many connections as keep the processors busy, and at most a third of what the server allows, because
/// other processes and commands need some too.
fn derived(allowed: i64) -> u32 {
    let cores = available_parallelism().map_or(2, usize::from);
    let wanted = u32::try_from(4 + 4 * cores).unwrap_or(32).clamp(8, 32);
    let most = u32::try_from(allowed / 3).unwrap_or(32).max(2);
    wanted.min(most)
}

/// Of several servers the chosen one may have become a standby: then another one is looked for. A single
/// server is not asked: its refusal of a write says the same.
async fn takes_writes(hosts: &Hosts, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    if hosts.are_several() && is_read_only(conn).await? {
        hosts.doubt();
        return Err(sqlx::Error::Protocol("this server is a standby".into()));
    }
    Ok(())
}

/// What connections of the pool are told. A process that the network swallowed in the middle of a
/// transaction must not hold its rooms for long: others who write there wait, and give up after
/// [`crate::options::PATIENCE`].
fn pooled(address: &PgConnectOptions, statement_timeout: Duration) -> PgConnectOptions {
    let timeout = statement_timeout.as_millis().to_string();
    base(address).options([
        ("statement_timeout", timeout.as_str()),
        ("idle_in_transaction_session_timeout", "1000"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ])
}

/// Looks at the server's settings and migrates.
pub(crate) async fn prepare(
    address: &PgConnectOptions,
    seed: schema::Seed<'_>,
) -> Result<Settings, Error> {
    let mut conn = connect(address).await?;
    let settings = settings(&mut conn)
        .await
        .map_err(|error| unreachable_server(address, error))?;
    settings.check()?;
    let migrated = schema::migrate_postgres(&mut conn, seed).await;
    let closed = conn.close().await;
    migrated?;
    closed.map_err(|error| unreachable_server(address, error))?;
    Ok(settings)
}

/// The server of a URL that takes writes.
pub(crate) async fn writer(servers: &[PgConnectOptions]) -> Result<PgConnectOptions, Error> {
    let (_, address) = Hosts::new(servers.to_vec()).choose().await?;
    Ok(address)
}

/// One connection outside of any pool, without a statement timeout.
pub(crate) async fn connect(address: &PgConnectOptions) -> Result<PgConnection, Error> {
    match tokio::time::timeout(Duration::from_secs(5), base(address).connect()).await {
        Ok(Ok(conn)) => Ok(conn),
        Ok(Err(error)) => Err(unreachable_server(address, error)),
        Err(late) => Err(unreachable_server(address, late)),
    }
}

fn base(address: &PgConnectOptions) -> PgConnectOptions {
    address
        .clone()
        .application_name("parlour")
        .statement_cache_capacity(128)
        .disable_statement_logging()
}

/// The settings that decide about durability and meaning.
pub(crate) struct Settings {
    pub(crate) version: String,
    version_number: i64,
    synchronous_commit: String,
    fsync: String,
    full_page_writes: String,
    encoding: String,
    is_standby: bool,
    is_read_only: bool,
    /// Why its clock is a worry.
    pub(crate) clock: Option<String>,
    /// How many connections the server allows to everybody together.
    allowed: i64,
}

pub(crate) async fn settings(conn: &mut PgConnection) -> Result<Settings, sqlx::Error> {
    let row = sqlx::query(
        "SELECT current_setting('server_version'), current_setting('server_version_num')::bigint, \
         current_setting('synchronous_commit'), current_setting('fsync'), \
         current_setting('full_page_writes'), current_setting('server_encoding'), \
         pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', \
         (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
         current_setting('max_connections')::bigint \
         - current_setting('superuser_reserved_connections')::bigint",
    )
    .fetch_one(conn)
    .await?;
    let (now, theirs) = (SystemClock.now(), Time::from_micros(row.try_get(8)?));
    Ok(Settings {
        version: row.try_get(0)?,
        version_number: row.try_get(1)?,
        synchronous_commit: row.try_get(2)?,
        fsync: row.try_get(3)?,
        full_page_writes: row.try_get(4)?,
        encoding: row.try_get(5)?,
        is_standby: row.try_get(6)?,
        is_read_only: row.try_get(7)?,
        clock: clock_worry("PostgreSQL's", now, theirs),
        allowed: row.try_get(9)?,
    })
}

impl Settings {
    fn check(&self) -> Result<(), Error> {
        if self.version_number < OLDEST {
            return Err(refuse(format!(
                "PostgreSQL {} is too old: 13 or newer is needed.",
                self.version
            )));
        }
        if self.encoding != "UTF8" {
            return Err(refuse(format!(
                "The database's encoding is {}: create it with ENCODING 'UTF8'.",
                self.encoding
            )));
        }
        if self.is_standby {
            return Err(refuse(
                "This PostgreSQL server is a standby and takes no writes.".to_owned(),
            ));
        }
        if self.is_read_only {
            return Err(refuse(
                "This PostgreSQL database is read-only (default_transaction_read_only=on for the server, \
                 the database or the role) and takes no messages."
                    .to_owned(),
            ));
        }
        if self.synchronous_commit == "off" {
            return Err(refuse(
                "PostgreSQL runs with synchronous_commit=off: a crash would lose acknowledged \
                 messages. Set it to on for this database or role."
                    .to_owned(),
            ));
        }
        if !self.is_durable() {
            tracing::warn!("{}", self.sentence());
        }
        if let Some(clock) = &self.clock {
            tracing::warn!("{clock}");
        }
        Ok(())
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.synchronous_commit != "off" && self.fsync == "on" && self.full_page_writes == "on"
    }

    pub(crate) fn sentence(&self) -> String {
        if self.is_durable() {
            format!(
                "synchronous_commit={}, fsync=on: what was acknowledged survives a power cut.",
                self.synchronous_commit
            )
        } else {
            format!(
                "synchronous_commit={}, fsync={}, full_page_writes={}: a power cut may lose \
                 acknowledged messages.",
                self.synchronous_commit, self.fsync, self.full_page_writes
            )
        }
    }
}

fn unreachable_server(
    address: &PgConnectOptions,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let sentence = format!(
        "PostgreSQL at {}:{} cannot be used: {error}.",
        address.get_host(),
        address.get_port()
    );
    Error::unavailable(error).saying(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            version: "15.4".to_owned(),
            version_number: 150_004,
            synchronous_commit: "on".to_owned(),
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            encoding: "UTF8".to_owned(),
            is_standby: false,
            is_read_only: false,
            clock: None,
            allowed: 97,
        }
    }

    #[test]
    fn servers_that_will_not_do_are_refused_with_the_reason() {
        assert!(settings().check().is_ok());
        let refused = |change: fn(&mut Settings)| {
            let mut changed = settings();
            change(&mut changed);
            let error = changed.check().expect_err("refused");
            error.text().to_owned()
        };
        let old = refused(|settings| {
            (settings.version, settings.version_number) = ("12.17".to_owned(), 120_017);
        });
        assert_eq!(old, "PostgreSQL 12.17 is too old: 13 or newer is needed.");
        let latin = refused(|settings| settings.encoding = "LATIN1".to_owned());
        assert!(latin.contains("LATIN1"), "{latin}");
        let standby = refused(|settings| {
            (settings.is_standby, settings.is_read_only) = (true, true);
        });
        assert!(standby.contains("standby"), "{standby}");
        let read_only = refused(|settings| settings.is_read_only = true);
        assert!(read_only.contains("read-only"), "{read_only}");
    }
}
