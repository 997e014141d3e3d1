//! Settings of what is kept, and where.

use super::{Derived, Setting, Text, Unset, clamd, parse, path, put, some, statement_time, url};

pub(super) const STORAGE: &[Setting] = &[
    Setting::new(
        "PARLOUR_DATA_DIR",
        "FOLDER",
        Text("./data"),
        "Folder of the SQLite file, uploads and generated secrets; made when missing.",
        |config, text| put(&mut config.storage.data_dir, path(text)),
    ),
    Setting::new(
        "DATABASE_URL",
        "URL",
        Derived {
            says: "sqlite://<data dir>/parlour.db",
            find: |raw| {
                let path = raw.text("PARLOUR_DATA_DIR").unwrap_or_default();
                format!("sqlite://{}/parlour.db", path.trim_end_matches('/'))
            },
        },
        "The database: `sqlite://...` or `postgres://...`; of several servers (`postgres://user@one,two/chat`) the one that takes writes is used, also after a failover.",
        |config, text| {
            put(
                &mut config.storage.database_url,
                url(text, &["sqlite:", "postgres://", "postgresql://"]),
            )
        },
    )
    .url(),
    Setting::new(
        "PARLOUR_DATABASE_CONNECTIONS",
        "NUMBER",
        Unset("chosen for the processors and the database"),
        "Most connections to the database at once, of each process.",
        |config, text| {
            some(
                &mut config.storage.database_connections,
                parse::number(text, 1..=1000),
            )
        },
    ),
    Setting::new(
        "PARLOUR_DATABASE_STATEMENT_TIMEOUT",
        "DURATION",
        Text("1800ms"),
        "When PostgreSQL gives up on a statement. Whoever waits is answered 503 before two seconds are over, however long this is.",
        |config, text| put(&mut config.storage.statement_timeout, statement_time(text)),
    ),
    Setting::new(
        "DATABASE_REPLICA_URL",
        "URL",
        Unset("everything is read from the primary"),
        "A streaming standby of the PostgreSQL server: older history is read from it as long as it has all that was asked for.",
        |config, text| {
            some(
                &mut config.storage.database_replica_url,
                url(text, &["postgres://", "postgresql://"]),
            )
        },
    )
    .url(),
    Setting::new(
        "REDIS_URL",
        "URL",
        Unset("one process"),
        "With it several processes share one chat, a database and a storage: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`, `rediss://` with TLS, or `redis+unix:///PATH`; a Redis Cluster by some of its servers: `redis+cluster://[[USER]:PASSWORD@]HOST[:PORT],HOST[:PORT]`, or `rediss+cluster://`.",
        |config, text| {
            some(
                &mut config.storage.redis_url,
                url(
                    text,
                    &[
                        "redis://",
                        "rediss://",
                        "redis+unix://",
                        "redis+cluster://",
                        "rediss+cluster://",
                    ],
                ),
            )
        },
    )
    .url(),
    Setting::new(
        "BLOBS_URL",
        "URL",
        Derived {
            says: "file://<data dir>/media",
            find: |raw| {
                let path = raw.text("PARLOUR_DATA_DIR").unwrap_or_default();
                format!("file://{}/media", path.trim_end_matches('/'))
            },
        },
        "Where uploads are kept: `file://...` or `s3://bucket/prefix`.",
        |config, text| {
            put(
                &mut config.storage.blobs_url,
                url(text, &["file://", "s3://"]),
            )
        },
    )
    .url(),
    Setting::new(
        "BLOBS_DIRECT",
        "on|off",
        Text("on"),
        "Whether programs that fetch a file from an S3 storage with a token are sent on to an address of the storage itself; `off`: everything goes through the server, for storages that only servers reach.",
        |config, text| put(&mut config.storage.blobs_direct, parse::switch(text)),
    ),
    Setting::new(
        "CLAMD_URL",
        "URL",
        Unset("files are not scanned"),
        "ClamAV's daemon, which is asked about each file before it is kept: `unix:/path` or `tcp://host:port`. When it does not answer, no file is taken.",
        |config, text| some(&mut config.storage.clamd_url, clamd(text)),
    ),
    Setting::new(
        "THEME_DIR",
        "FOLDER",
        Unset("built-in theme"),
        "Folder whose templates, assets and texts replace the built-in ones.",
        |config, text| some(&mut config.storage.theme_dir, parse::folder(text)),
    ),
];
