//! Opening, migrating, reopening, inspecting.

use crate::bench::{Bench, Ear};
use parlour_core::ports::Announce;
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
