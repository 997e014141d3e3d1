//! The settings: read from flags, the environment, `.env` and `parlour.toml` (in this order of
//! precedence), checked as a whole before anything starts, secrets hidden in every listing.

pub(crate) mod examples;
mod network;
mod parse;
mod raw;
mod refusal;
pub(crate) mod secret;
mod setting;
mod sources;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod web_address;

pub(crate) use refusal::{Origin, Refusals};
pub(crate) use secret::{Secret, SecretUrl};
pub(crate) use setting::Setting;
pub(crate) use sources::Surroundings;
pub(crate) use web_address::WebOrigin;

use parlour_core::Settings;
use parlour_web::address::Network;
use raw::Raw;
use setting::Secrecy;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// All settings, checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The listener and who speaks to it.
    pub(crate) server: Server,
    /// What is kept, and where.
    pub(crate) storage: Storage,
    /// The product's rules.
    pub(crate) product: Settings,
    /// Secrets and their work.
    pub(crate) security: Security,
    /// The log.
    pub(crate) log: Log,
    /// What operators look at.
    pub(crate) ops: Ops,
    /// Each setting as it may be shown.
    pub(crate) listing: Vec<Listed>,
}

/// What the server proves with that it is who it says.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    /// The certificate and those that vouch for it.
    pub(crate) cert: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

/// The listener and who speaks to it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// `TLS_CERT` and `TLS_KEY` as they were given.
    tls: (Option<PathBuf>, Option<PathBuf>),
    /// Address and port; port 0 picks a free one.
    pub(crate) listen: SocketAddr,
    /// How people reach the server; `None`: as the request says.
    pub(crate) public_url: Option<WebOrigin>,
    /// Whose forwarded headers count.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Other sites whose pages may use credentials.
    pub(crate) cors_origins: Vec<WebOrigin>,
    /// Whether clients of Engine.IO 3 are served.
    pub(crate) socketio_eio3: bool,
    /// How long a stop waits after `/readyz` says no, before sockets are told.
    pub(crate) drain_pause: Duration,
    /// How long a stop may take after that.
    pub(crate) shutdown_timeout: Duration,
}

/// What is kept, and where.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    /// Folder of the SQLite file, uploads and generated secrets.
    pub(crate) data_dir: PathBuf,
    /// The database.
    pub(crate) database_url: SecretUrl,
    /// Most connections at once; `None`: as the engine likes.
    pub(crate) database_connections: Option<u32>,
    /// When PostgreSQL gives up on a statement.
    pub(crate) statement_timeout: Duration,
    /// A standby that history may be read from.
    pub(crate) database_replica_url: Option<SecretUrl>,
    /// The bus between processes.
    pub(crate) redis_url: Option<SecretUrl>,
    /// Where uploads are kept.
    pub(crate) blobs_url: SecretUrl,
    /// Whether programs are sent on to the storage's own addresses.
    pub(crate) blobs_direct: bool,
    /// Where clamd is.
    pub(crate) clamd_url: Option<String>,
    /// Folder whose files replace those of the built-in theme.
    pub(crate) theme_dir: Option<PathBuf>,
}

/// Secrets and their work.
#[derive(Clone, Debug)]
pub(crate) struct Security {
    /// SECRET_KEY if it was given; see [`crate::secret_key::load`].
    pub(crate) given_secret_key: Option<Secret>,
    /// How many passwords are hashed at once.
    pub(crate) hashing_threads: usize,
}

/// The log.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// What is logged.
    pub(crate) filter: String,
    /// How.
    pub(crate) format: LogFormat,
}

/// How the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For humans on a terminal, JSON otherwise.
    Auto,
    /// For humans.
    Human,
    /// One JSON object a line.
    Json,
}

/// What operators look at.
#[derive(Clone, Debug)]
pub(crate) struct Ops {
    /// A second listener for /metrics, /healthz and /readyz.
    pub(crate) listen: Option<SocketAddr>,
    /// Opens /metrics on the main listener.
    pub(crate) metrics_token: Option<Secret>,
    /// How often the canary sends a message; `None`: there is none.
    pub(crate) canary_interval: Option<Duration>,
}

/// A setting as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its value, secrets hidden; `None`: not set.
    pub(crate) value: Option<String>,
    /// Where the value comes from.
    pub(crate) origin: Origin,
}

impl Config {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// Everything that is wrong, one sentence each.
    pub(crate) fn load(surroundings: &Surroundings) -> Result<Self, Refusals> {
        let mut raw = Raw::collect(surroundings);
        let mut config = Self::blank();
        let mut refusals = std::mem::take(&mut raw.refusals);
        for setting in table::all() {
            let value = raw.effective(setting);
            let origin = raw.origin(setting.name);
            if let Some(value) = &value
                && let Err(refusal) = config.take(setting, value, &origin)
            {
                refusals.push(refusal);
            }
            config.listing.push(Listed {
                name: setting.name,
                value: value.map(|value| setting.show(&value)),
                origin,
            });
        }
        if refusals.is_empty() {
            refusals = config.contradictions(&raw);
        }
        if refusals.is_empty() {
            Ok(config)
        } else {
            Err(Refusals(refusals))
        }
    }

    /// Whether nobody said anything of a setting.
    pub(crate) fn is_default(&self, name: &str) -> bool {
        self.listing
            .iter()
            .any(|listed| listed.name == name && listed.origin == Origin::Default)
    }

    /// Things that are allowed but that the operator should know of.
    pub(crate) fn warnings(&self) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if self.product.rates.is_none() {
            warnings.push(
                "RATE_LIMITS is off: nothing slows down guessing of passwords or flooding of rooms",
            );
        }
        if self.storage.redis_url.is_some() && self.storage.blobs_url.expose().starts_with("file:")
        {
            warnings.push(
                "REDIS_URL is set and BLOBS_URL is a folder: all processes must share that folder",
            );
        }
        if self.storage.redis_url.is_some()
            && self.storage.database_url.expose().starts_with("sqlite:")
        {
            warnings.push(
                "REDIS_URL is set and DATABASE_URL is SQLite, which one process has for itself: several processes need PostgreSQL",
            );
        }
        warnings
    }

    fn take(&mut self, setting: &Setting, value: &str, origin: &Origin) -> Result<(), String> {
        let place = origin.of(setting);
        let hidden = setting.secrecy == Secrecy::Hidden;
        let value = if hidden { value } else { value.trim() };
        (setting.set)(self, value).map_err(|expected| match setting.secrecy {
            Secrecy::Open => format!("{place}: expected {expected}, not {}.", quoted(value)),
            // A value that is no URL cannot be shown without its password.
            Secrecy::Url | Secrecy::Hidden => format!("{place}: expected {expected}."),
        })
    }

    /// Settings that are fine alone but not together.
    fn contradictions(&self, raw: &Raw) -> Vec<String> {
        let mut found = Vec::new();
        let place = |name: &str| {
            let setting = table::all().find(|setting| setting.name == name);
            setting.map_or(name.to_owned(), |setting| raw.origin(name).of(setting))
        };
        let (limit, default) = (
            self.product.max_users_in_room,
            self.product.default_max_users,
        );
        if default > limit {
            found.push(format!(
                "{}: expected at most {limit} ({}), not \"{default}\".",
                place("DEFAULT_MAX_USERS"),
                place("MAX_USERS_IN_ROOM"),
            ));
        }
        match &self.server.tls {
            (Some(_), None) => found.push(format!("{}: needs TLS_KEY as well.", place("TLS_CERT"))),
            (None, Some(_)) => found.push(format!("{}: needs TLS_CERT as well.", place("TLS_KEY"))),
            _ => {}
        }
        if self.ops.listen == Some(self.server.listen) && self.server.listen.port() != 0 {
            found.push(format!(
                "{}: expected another address than {} ({}).",
                place("PARLOUR_OPS_LISTEN"),
                self.server.listen,
                place("PARLOUR_LISTEN"),
            ));
        }
        found
    }

    /// The files for TLS, if it is spoken.
    pub(crate) fn tls(&self) -> Option<TlsFiles> {
        let (cert, key) = self.server.tls.clone();
        Some(TlsFiles {
            cert: cert?,
            key: key?,
        })
    }

    /// Something to put values into. Whatever the table gives a default is overwritten.
    fn blank() -> Self {
        Self {
            server: Server {
                tls: (None, None),
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                public_url: None,
                trusted_proxies: Vec::new(),
                cors_origins: Vec::new(),
                drain_pause: Duration::ZERO,
                socketio_eio3: false,
                shutdown_timeout: Duration::ZERO,
            },
            storage: Storage {
                data_dir: PathBuf::new(),
                database_url: SecretUrl::new(""),
                database_connections: None,
                statement_timeout: Duration::ZERO,
                database_replica_url: None,
                redis_url: None,
                blobs_url: SecretUrl::new(""),
                blobs_direct: true,
                clamd_url: None,
                theme_dir: None,
            },
            product: Settings::default(),
            security: Security {
                given_secret_key: None,
                hashing_threads: 1,
            },
            log: Log {
                filter: String::new(),
                format: LogFormat::Auto,
            },
            ops: Ops {
                listen: None,
                metrics_token: None,
                canary_interval: None,
            },
            listing: Vec::new(),
        }
    }
}

/// A value in a sentence: short, on one line.
fn quoted(value: &str) -> String {
    const MOST: usize = 60;
    if value.chars().count() <= MOST {
        return format!("{value:?}");
    }
    let start: String = value.chars().take(MOST).collect();
    format!("{start:?}…")
}
