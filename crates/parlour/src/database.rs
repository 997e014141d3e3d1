//! The one file of the binary that opens the store.

use crate::{
    config::{Config, Storage},
    priority,
    secret_key::make_data_dir,
};
use anyhow::{Context as _, bail, ensure};
use async_trait::async_trait;
use parlour_core::{
    App, Event, Signal,
    app::Ports,
    ports::{Announce, Blobs, Scanner, Store, SystemClock, SystemRandom},
    workers::Background,
};
use parlour_store::{Clamd, Options};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// Announces to nobody: for commands, beside which a server may run. The server learns of what they
/// change from the log of ended credentials.
struct Nobody;

#[async_trait]
impl Announce for Nobody {
    async fn events(&self, _events: Vec<Arc<Event>>) {}
    async fn signal(&self, _signal: Signal) {}
}

/// Who looks for harmful files, when the settings name somebody.
pub(crate) fn scanner(config: &Config) -> Option<Arc<dyn Scanner>> {
    let clamd = Clamd::at(config.storage.clamd_url.as_deref()?)?;
    Some(Arc::new(clamd))
}

/// How long a server waits for the one before it to be gone.
const HANDOVER: Duration = Duration::from_secs(1);

/// That this process serves a SQLite file: as long as this lives.
#[derive(Debug)]
pub(crate) struct Held {
    _lock: Option<File>,
    /// Whether no other server uses the file, as far as can be seen.
    pub(crate) is_alone: bool,
}

/// Marks a SQLite file as served, and warns when another server serves it already: without a bus between
/// them, people at one do not see at once what is written at the other. Commands do not ask.
///
/// # Errors
/// When the folder of the file cannot be made or written in.
pub(crate) async fn hold(config: &Config) -> anyhow::Result<Held> {
    let alone = |lock| Held {
        _lock: lock,
        is_alone: true,
    };
    let file = sqlite_file(config.storage.database_url.expose());
    let Some(file) = file.filter(|file| *file != Path::new(":memory:")) else {
        return Ok(alone(None));
    };
    if config.storage.redis_url.is_some() {
        return Ok(alone(None));
    }
    make_folder(config)?;
    let path = lock_path(file);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let lock = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
    let end = Instant::now() + HANDOVER;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(alone(Some(lock))),
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(TryLockError::WouldBlock) => {
                tracing::warn!(
                    file = %file.display(),
                    "another server serves this database: without REDIS_URL people at one do not see at \
                     once what is written at the other"
                );
                return Ok(Held {
                    _lock: None,
                    is_alone: false,
                });
            }
            Err(TryLockError::Error(error)) => {
                // Some network file systems have no locks.
                tracing::warn!(file = %file.display(), %error, "cannot see whether another server serves it");
                return Ok(alone(None));
            }
        }
    }
}

/// Beside the database, as SQLite's own files are.
fn lock_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".serving");
    PathBuf::from(name)
}

/// The database's address as it may be shown.
pub(crate) fn shown(config: &Config) -> String {
    crate::config::secret::redact(config.storage.database_url.expose())
}

/// Opens the store of the settings for a server and brings its tables up to date.
///
/// # Errors
/// When the database does not answer, is newer than this program, or is no database.
pub(crate) async fn open(
    config: &Config,
    held: &Held,
    announce: Arc<dyn Announce>,
) -> anyhow::Result<Arc<dyn Store>> {
    let mut options = Options {
        // With a bus there are other processes that change rooms.
        exclusive: held.is_alone && config.storage.redis_url.is_none(),
        statement_timeout: config.storage.statement_timeout,
        replica_url: replica_url(config),
        ..Options::default()
    };
    if let Some(most) = config.storage.database_connections {
        options.sqlite_readers = most;
        options.postgres_connections = Some(most);
    }
    open_with(config, options, announce).await
}

fn replica_url(config: &Config) -> Option<String> {
    let url = config.storage.database_replica_url.as_ref()?;
    Some(url.expose().to_owned())
}

async fn open_with(
    config: &Config,
    options: Options,
    announce: Arc<dyn Announce>,
) -> anyhow::Result<Arc<dyn Store>> {
    make_folder(config)?;
    parlour_store::open(config.storage.database_url.expose(), options, announce)
        .await
        .map_err(|error| explain(&error))
}

/// Refuses a SQLite file that is not there: what a command looks for is not in a new one.
///
/// # Errors
/// When there is no such file.
pub(crate) fn must_be_there(config: &Config) -> anyhow::Result<()> {
    let file = sqlite_file(config.storage.database_url.expose());
    if let Some(file) = file.filter(|file| !file.exists()) {
        bail!(
            "there is no database {} yet: is this the folder that the server uses (PARLOUR_DATA_DIR, \
             DATABASE_URL)?",
            file.display()
        );
    }
    Ok(())
}

/// An app for a command that acts and ends.
///
/// # Errors
/// As [`open`].
pub(crate) async fn app_for_command(config: &Config) -> anyhow::Result<App> {
    // Small, and not alone: a server may run beside it.
    let options = Options {
        sqlite_readers: 1,
        postgres_connections: Some(2),
        postgres_lanes: 1,
        exclusive: false,
        ..Options::default()
    };
    let ports = Ports {
        store: open_with(config, options, Arc::new(Nobody)).await?,
        blobs: open_blobs(config).await?,
        scanner: scanner(config),
        announce: Arc::new(Nobody),
        presence: Arc::new(parlour_core::ports::Nobody),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    Ok(App::new(ports, config.product.clone(), Background::on(1))?)
}

/// Opens the storage of files.
///
/// # Errors
/// With a sentence for the operator.
pub(crate) async fn open_blobs(config: &Config) -> anyhow::Result<Arc<dyn Blobs>> {
    let Storage {
        blobs_url,
        data_dir,
        ..
    } = &config.storage;
    parlour_store::blobs::open_blobs(blobs_url.expose(), data_dir, priority::give_way)
        .await
        .map_err(|error| explain(&error))
}

/// Brings the tables up to date.
///
/// # Errors
/// As [`open`].
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    make_folder(config)?;
    parlour_store::migrate(config.storage.database_url.expose())
        .await
        .map_err(|error| explain(&error))
}

/// An error of the store or an action as the operator should read it: here the source is no secret.
pub(crate) fn explain(error: &parlour_core::Error) -> anyhow::Error {
    match std::error::Error::source(error) {
        // Some texts say already what the source says.
        Some(source) if !error.text().contains(&source.to_string()) => {
            anyhow::anyhow!("{} ({source})", error.text())
        }
        _ => anyhow::anyhow!("{}", error.text().to_owned()),
    }
}

/// What the doctor learns of a database.
pub(crate) struct Health {
    /// What it is.
    pub(crate) sentence: String,
    /// What is not as it should be, one sentence each.
    pub(crate) worries: Vec<String>,
}

/// Looks at the database without changing it.
///
/// # Errors
/// When it cannot be used.
pub(crate) async fn inspect(config: &Config) -> anyhow::Result<Health> {
    let url = config.storage.database_url.expose();
    if let Some(file) = sqlite_file(url)
        && !file.exists()
    {
        return Ok(Health {
            sentence: format!("{} will be made at first start.", file.display()),
            worries: Vec::new(),
        });
    }
    let found = parlour_store::inspect(url)
        .await
        .map_err(|error| explain(&error))?;
    ensure!(
        found.schema <= found.newest_schema,
        "its tables are those of a newer Parlour (schema {}, this program knows {})",
        found.schema,
        found.newest_schema
    );
    ensure!(found.durable, "{}", found.durability);
    ensure!(
        !found.is_half,
        "it is a copy that was not finished: run the same `parlour db copy` again"
    );
    let old = found.schema < found.newest_schema;
    let (tables, worry) = match found.schema {
        0 => ("no tables yet".to_owned(), false),
        number => (format!("schema {number}"), old),
    };
    let worries = worry.then(|| {
        format!(
            "The next start will bring its tables up to date (schema {}).",
            found.newest_schema
        )
    });
    Ok(Health {
        sentence: format!(
            "{} {}, {tables}. {}",
            found.engine, found.version, found.durability
        ),
        worries: worries.into_iter().chain(found.clock).collect(),
    })
}

/// Which schema the tables have and which one this program knows; `None` where nothing was stored yet.
///
/// # Errors
/// When the database does not answer or is none.
pub(crate) async fn schema(config: &Config) -> anyhow::Result<Option<(i64, i64)>> {
    let url = config.storage.database_url.expose();
    if sqlite_file(url).is_some_and(|file| !file.exists()) {
        return Ok(None);
    }
    let found = parlour_store::inspect(url)
        .await
        .map_err(|error| explain(&error))?;
    let schemas = (found.schema, found.newest_schema);
    Ok((found.schema > 0).then_some(schemas))
}

/// Makes the data dir if the database lives in it; elsewhere the store or nobody makes folders.
fn make_folder(config: &Config) -> anyhow::Result<()> {
    let dir = &config.storage.data_dir;
    match sqlite_file(config.storage.database_url.expose()) {
        Some(file) if file.starts_with(dir) => make_data_dir(dir),
        _ => Ok(()),
    }
}

/// The file that a SQLite URL names.
fn sqlite_file(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite:")?;
    Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
}
