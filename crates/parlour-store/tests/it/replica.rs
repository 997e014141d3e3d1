//! PostgreSQL in company: a standby that history is read from, several servers in one URL, and migrations
//! beside writers.

use crate::bench::{Bench, admin};
use parlour_core::{
    RoomId, What,
    ports::{Announce, Span, Store},
};
use parlour_store::Options;
use sqlx::Connection;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// More than is kept in memory.
const MANY: usize = 300;

async fn open(url: &str, replica: Option<String>) -> Arc<dyn Store> {
    let options = Options {
        postgres_connections: Some(4),
        replica_url: replica,
        exclusive: false,
        ..Options::default()
    };
    let ear: Arc<dyn Announce> = Arc::new(crate::bench::Ear::default());
    parlour_store::open(url, options, ear).await.unwrap()
}

/// The texts of the oldest messages, and how long it took to get them.
async fn oldest(store: &Arc<dyn Store>, room: RoomId) -> (Vec<String>, Duration) {
    let start = Instant::now();
    let history = store
        .history(room, Span::After(0), 20)
        .await
        .unwrap()
        .unwrap();
    let texts = history.events.iter().filter_map(|event| match &event.what {
        What::MessageCreated(message) => Some(message.text.clone()),
        _ => None,
    });
    (texts.collect(), start.elapsed())
}

/// The replica here is a copy that never changes, with other words, so that they can be told apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn history_comes_from_the_replica_only_when_it_has_all_of_it() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    for n in 0..MANY {
        t.send(room, ann, &format!("{n}")).await;
    }
    t.store.close().await;
    let (base, name) = t.url.rsplit_once('/').unwrap();
    let copy = format!("{name}_copy");
    admin(base, format!("CREATE DATABASE {copy} TEMPLATE {name}")).await;
    let replica = format!("{base}/{copy}");
    let mut conn = sqlx::PgConnection::connect(&replica).await.unwrap();
    let marked = sqlx::raw_sql("UPDATE messages SET text = 'copy ' || text");
    marked.execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();

    let store = open(&t.url, Some(replica.clone())).await;
    let (texts, _) = oldest(&store, room).await;
    assert_eq!(texts[0], "copy 0", "it has all, so it is read");
    let history = store.history(room, Span::After(0), 20).await.unwrap();
    let gone = history
        .unwrap()
        .events
        .iter()
        .find_map(|event| match &event.what {
            What::MessageCreated(message) => Some(message.id),
            _ => None,
        });
    let gone = gone.unwrap();
    assert!(store.delete_message(gone, t.now()).await.unwrap());
    let (texts, _) = oldest(&store, room).await;
    assert_eq!(
        texts[0], "1",
        "it does not know of the deletion, so it is not"
    );
    store.close().await;

    admin(base, format!("DROP DATABASE {copy} WITH (FORCE)")).await;
    for away in [replica, "postgres://nobody@127.0.0.1:1/none".to_owned()] {
        let store = open(&t.url, Some(away)).await;
        for _ in 0..3 {
            let (texts, took) = oldest(&store, room).await;
            assert_eq!(texts[0], "1");
            // F3 of realtime.md: an answer within two seconds, whatever is away.
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
        store.close().await;
    }
    t.end().await;
}

/// The same URL with servers that are not there around the one that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_servers_the_one_that_takes_writes_is_used() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let (scheme, rest) = t.url.split_once("://").unwrap();
    let (who, place) = rest.split_once('@').unwrap();
    let (host, database) = place.split_once('/').unwrap();
    let url = format!(
        "{scheme}://{who}@127.0.0.1:1,{host},127.0.0.1:2/{database}?target_session_attrs=read-write"
    );
    let store = open(&url, None).await;
    assert_eq!(store.epoch(), t.store.epoch());
    store.probe().await.unwrap();
    let looked = parlour_store::inspect(&url).await.unwrap();
    assert_eq!(looked.epoch.as_deref(), Some(t.store.epoch()));
    store.close().await;
    let url = format!("{scheme}://{who}@127.0.0.1:1,127.0.0.1:2/{database}");
    let ear: Arc<dyn Announce> = Arc::new(crate::bench::Ear::default());
    let Err(refused) = parlour_store::open(&url, Options::default(), ear).await else {
        panic!("nobody is there");
    };
    for port in [":1 ", ":2 "] {
        assert!(refused.text().contains(port), "{}", refused.text());
    }
    t.end().await;
}

/// Somebody uses the table; the migration has to wait, but those behind it must not.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_migration_that_waits_stops_nobody_who_writes() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    t.execute(
        "DROP TABLE uploads, files; ALTER TABLE messages DROP COLUMN files; \
         DELETE FROM _sqlx_migrations WHERE version >= 3",
    )
    .await;
    let mut reader = sqlx::PgConnection::connect(&t.url).await.unwrap();
    let long = sqlx::raw_sql("BEGIN; SELECT COUNT(*) FROM messages");
    long.execute(&mut reader).await.unwrap();
    let url = t.url.clone();
    let migrating = tokio::spawn(async move { parlour_store::migrate(&url).await });
    // Until it stands in line.
    let waits =
        "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'messages'::regclass";
    while t.count(waits).await == 0 {
        assert!(!migrating.is_finished(), "it did not wait");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let write = t.execute("UPDATE messages SET text = text WHERE id = 0");
    let written = tokio::time::timeout(Duration::from_secs(10), write).await;
    written.expect("who writes goes on while the migration still waits");
    assert!(!migrating.is_finished());
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
    migrating.await.unwrap().unwrap();
    assert_eq!(t.count("SELECT COUNT(*) FROM files").await, 0);
    t.end().await;
}
