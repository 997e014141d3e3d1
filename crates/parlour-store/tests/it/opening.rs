//! Opening, migrating, reopening, inspecting.

use crate::bench::{Bench, Ear};
use parlour_core::{Kind, ports::Announce};
use parlour_store::{Options, inspect, migrate, open, redact};
use sqlx::Connection;
use std::sync::Arc;

on_each_engine! {
    reopening_keeps_everything,
    many_open_at_once,
    a_newer_schema_is_left_alone,
    an_inspection_says_what_it_is,
    the_probe_writes,
    dropping_without_closing_loses_nothing,
}

fn ear() -> Arc<dyn Announce> {
    Arc::new(Ear::default())
}

async fn reopening_keeps_everything(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let id = t.room("den", ann).await;
    t.joined(id, bob).await;
    let message = t.send(id, bob, "kept").await;
    let room = t.see(id).await;
    let epoch = t.store.epoch().to_owned();
    assert!(epoch.len() >= 16);
    t.store.close().await;
    let (again, _) = t.second().await;
    assert_eq!(again.epoch(), epoch);
    assert_eq!(again.room(id, bob).await.unwrap().unwrap().room, room);
    assert_eq!(again.message(message.id).await.unwrap(), Some(message));
    again.close().await;
}

async fn many_open_at_once(t: &Bench) {
    // The bench migrated already: undo that.
    t.store.close().await;
    if t.is_postgres() {
        let mut conn = sqlx::PgConnection::connect(&t.url).await.unwrap();
        sqlx::raw_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            .execute(&mut conn)
            .await
            .unwrap();
    } else {
        let path = t.url.strip_prefix("sqlite://").unwrap();
        let folder = std::path::Path::new(path).parent().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = t.url.clone();
        calls.spawn(async move {
            let store = open(&url, Options::default(), ear()).await.unwrap();
            let epoch = store.epoch().to_owned();
            store.probe().await.unwrap();
            store.close().await;
            epoch
        });
    }
    let mut epochs = calls.join_all().await;
    epochs.dedup();
    assert_eq!(epochs.len(), 1, "one lineage");
    migrate(&t.url).await.unwrap();
}

async fn a_newer_schema_is_left_alone(t: &Bench) {
    const NEWER: &str = "INSERT INTO _sqlx_migrations \
        (version, description, success, checksum, execution_time) \
        SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    let before = t.count("SELECT COUNT(*) FROM meta").await;
    t.store.close().await;
    if t.is_postgres() {
        let mut conn = sqlx::PgConnection::connect(&t.url).await.unwrap();
        sqlx::raw_sql(NEWER).execute(&mut conn).await.unwrap();
    } else {
        let mut conn = sqlx::SqliteConnection::connect(&t.url).await.unwrap();
        sqlx::raw_sql(NEWER).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }
    let refused = open(&t.url, Options::default(), ear()).await.err().unwrap();
    assert!(refused.text().contains("9999"), "{}", refused.text());
    assert!(refused.text().contains("newer"), "{}", refused.text());
    let found = inspect(&t.url).await.unwrap();
    assert_eq!(found.schema, 9999);
    assert!(found.newest_schema < 9999);
    assert!(migrate(&t.url).await.is_err());
    let migrations = t.count("SELECT COUNT(*) FROM _sqlx_migrations").await;
    assert_eq!(migrations, found.newest_schema + 1);
    assert_eq!(t.count("SELECT COUNT(*) FROM meta").await, before);
}

async fn an_inspection_says_what_it_is(t: &Bench) {
    let found = inspect(&t.url).await.unwrap();
    assert_eq!(
        found.engine,
        if t.is_postgres() {
            "PostgreSQL"
        } else {
            "SQLite"
        }
    );
    assert_eq!(found.schema, found.newest_schema);
    assert_eq!(found.epoch.as_deref(), Some(t.store.epoch()));
    assert!(!found.version.is_empty() && !found.durability.is_empty());
    if !t.is_postgres() {
        assert!(found.durable, "{}", found.durability);
    }
}

async fn the_probe_writes(t: &Bench) {
    t.store.probe().await.unwrap();
    t.store.probe().await.unwrap();
    assert_eq!(
        t.count("SELECT COUNT(*) FROM meta WHERE key = 'probe'")
            .await,
        1
    );
}

async fn dropping_without_closing_loses_nothing(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let (other, ear) = t.second().await;
    let waiting: Vec<_> = (0..100)
        .map(|_| other.append(t.new_message(room, ann, "x")).unwrap())
        .collect();
    drop(other);
    for pending in waiting {
        pending.wait().await.unwrap();
    }
    assert_eq!(ear.of(room).len(), 100);
}

#[tokio::test]
async fn a_place_that_cannot_be_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let url = format!("sqlite://{}", file.join("parlour.db").display());
    let error = open(&url, Options::default(), ear()).await.err().unwrap();
    assert!(error.text().contains("cannot be used"), "{}", error.text());
    let no_database = format!("sqlite://{}", file.display());
    let error = open(&no_database, Options::default(), ear())
        .await
        .err()
        .unwrap();
    assert!(error.text().contains("file"), "{}", error.text());
    let nobody = "postgres://ann:secret@127.0.0.1:1/chat";
    let begun = std::time::Instant::now();
    let error = open(nobody, Options::default(), ear()).await.err().unwrap();
    assert!(begun.elapsed().as_secs() < 6);
    assert!(error.text().contains("127.0.0.1:1"), "{}", error.text());
    assert!(!error.text().contains("secret") && !format!("{error:?}").contains("secret"));
    assert!(!redact(nobody).contains("secret"));
    for bad in ["mysql://x", "parlour.db", ""] {
        assert!(open(bad, Options::default(), ear()).await.is_err());
    }
    assert!(
        inspect(&format!(
            "sqlite://{}",
            folder.path().join("none.db").display()
        ))
        .await
        .is_err()
    );
    assert!(
        !folder.path().join("none.db").exists(),
        "looking creates nothing"
    );
}

#[tokio::test]
async fn a_scratch_database_goes_with_its_store() {
    let store = open("sqlite::memory:", Options::default(), ear())
        .await
        .unwrap();
    store.probe().await.unwrap();
    let other = open("sqlite::memory:", Options::default(), ear())
        .await
        .unwrap();
    assert_ne!(store.epoch(), other.epoch(), "each is its own");
    store.close().await;
    other.close().await;
}

#[tokio::test]
async fn commits_that_a_crash_would_lose_are_refused() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let mut conn = sqlx::PgConnection::connect(&t.url).await.unwrap();
    let name: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let set = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    sqlx::raw_sql(sqlx::AssertSqlSafe(set))
        .execute(&mut conn)
        .await
        .unwrap();
    let error = open(&t.url, Options::default(), ear()).await.err().unwrap();
    assert!(
        error.text().contains("synchronous_commit=off"),
        "{}",
        error.text()
    );
    let found = inspect(&t.url).await.unwrap();
    assert!(!found.durable);
    t.end().await;
}

/// Runs a statement about the whole database, `{}` being its name.
async fn about(t: &Bench, statement: &str) {
    let (base, name) = t.url.rsplit_once('/').unwrap();
    let mut conn = sqlx::PgConnection::connect(&format!("{base}/postgres"))
        .await
        .unwrap();
    let statement = statement.replace("{}", name);
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
}

const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'";

#[tokio::test]
async fn a_read_only_database_is_refused_at_start_and_unavailable_later() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    t.send(room, ann, "before").await;
    about(
        &t,
        "ALTER DATABASE {} SET default_transaction_read_only = on",
    )
    .await;
    about(&t, CUT).await;
    let append = async || crate::bench::append(&t.store, t.new_message(room, ann, "no")).await;
    // The first words may still meet a connection that is gone.
    for _ in 0..3 {
        let refused = append().await.err().unwrap();
        assert_eq!(refused.kind(), Kind::Unavailable, "{refused:?}");
    }
    assert_eq!(t.store.probe().await.unwrap_err().kind(), Kind::Unavailable);
    let left = t.store.leave(room, ann, t.now()).await;
    assert_eq!(left.unwrap_err().kind(), Kind::Unavailable);
    assert!(
        t.store.room(room, ann).await.unwrap().is_some(),
        "reading goes on"
    );
    let refused = open(&t.url, Options::default(), ear()).await.err().unwrap();
    assert!(refused.text().contains("read-only"), "{}", refused.text());
    about(
        &t,
        "ALTER DATABASE {} SET default_transaction_read_only = off",
    )
    .await;
    about(&t, CUT).await;
    t.send(room, ann, "after").await;
    t.store.probe().await.unwrap();
    t.end().await;
}

#[tokio::test]
async fn a_clock_that_is_apart_is_told() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    assert_eq!(inspect(&t.url).await.unwrap().clock, None);
    let mut conn = sqlx::PgConnection::connect(&t.url).await.unwrap();
    // The database sees this function before its own.
    sqlx::raw_sql(
        "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
         $$ SELECT pg_catalog.clock_timestamp() - interval '5 minutes 3 seconds' $$",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    conn.close().await.unwrap();
    about(&t, "ALTER DATABASE {} SET search_path = public, pg_catalog").await;
    let clock = inspect(&t.url).await.unwrap().clock.unwrap();
    assert!(
        clock.contains("PostgreSQL's clock is 5 min") && clock.contains("behind"),
        "{clock}"
    );
    // It is a warning and no more.
    let (store, _) = t.second().await;
    store.close().await;
    t.end().await;
}

/// Somebody who speaks just enough of PostgreSQL to refuse a password.
async fn guard() -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0_u8; 1024];
            // First a question for TLS, of 8 bytes.
            if stream.read(&mut head).await.unwrap_or(0) == 8 {
                let _ = stream.write_all(b"N").await;
                let _ = stream.read(&mut head).await;
            }
            let fields =
                b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"ann\"\0\0";
            let length = u32::try_from(fields.len() + 4).unwrap();
            let answer = [b"E", &length.to_be_bytes()[..], fields].concat();
            let _ = stream.write_all(&answer).await;
        }
    });
    address.to_string()
}

#[tokio::test]
async fn what_keeps_us_out_is_told_in_one_sentence_without_the_password() {
    let guard = guard().await;
    let told = async |url: String| {
        let error = open(&url, Options::default(), ear()).await.err().unwrap();
        let text = error.text().to_owned();
        assert!(
            !text.contains("hush") && text.lines().count() == 1,
            "{text}"
        );
        assert!(text.starts_with("PostgreSQL at 127.0.0.1:"), "{text}");
        text
    };
    let text = told(format!("postgres://ann:hush@{guard}/chat")).await;
    assert!(text.contains("password authentication failed"), "{text}");
    let text = told(format!("postgres://ann:hush@{guard}/chat?sslmode=require")).await;
    assert!(text.contains("TLS"), "{text}");
    let text = told("postgres://ann:hush@127.0.0.1:1/chat".to_owned()).await;
    assert!(text.contains("refused"), "{text}");
    let Some(server) = crate::bench::server() else {
        return;
    };
    let base = server.trim_end_matches('/');
    let text = open(
        &format!("{base}/nobody_has_this"),
        Options::default(),
        ear(),
    )
    .await
    .err()
    .unwrap();
    assert!(text.text().contains("does not exist"), "{}", text.text());
}
