//! The database goes away and comes back.

use crate::bench::{Bench, append};
use parlour_core::{Kind, ports::Append};
use sqlx::Connection;
use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

/// Cuts every connection of the store, as a restart of the server does.
async fn cut(t: &Bench) {
    let mut conn = sqlx::PgConnection::connect(&t.url).await.unwrap();
    sqlx::raw_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    conn.close().await.unwrap();
}

async fn allow(t: &Bench, connections: bool) {
    let (base, name) = t.url.rsplit_once('/').unwrap();
    let mut conn = sqlx::PgConnection::connect(&format!("{base}/postgres"))
        .await
        .unwrap();
    let sql = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {connections}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut conn)
        .await
        .unwrap();
    if !connections {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut conn)
            .await
            .unwrap();
    }
    conn.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cut_connections_are_not_noticed() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    for round in 0..5 {
        // Warm several connections.
        let reads = (0..6).map(|_| t.store.hearings(ann));
        let reads: Vec<_> = reads.collect();
        for read in reads {
            read.await.unwrap();
        }
        cut(&t).await;
        t.send(room, ann, &format!("{round}")).await;
        cut(&t).await;
        assert_eq!(t.store.hearings(ann).await.unwrap().len(), 1);
        cut(&t).await;
        t.join(room, bob).await;
        t.leave(room, bob).await;
    }
    assert_eq!(t.see(room).await.messages, 5);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cuts_in_the_middle_lose_and_double_nothing() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let cutting = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            cut(&t).await;
        }
    };
    let sending = async {
        let mut stored = Vec::new();
        for n in 0..300 {
            let mut new = t.new_message(room, ann, &format!("{n}"));
            new.nonce = Some(format!("n{n}"));
            // A failure leaves open whether it was stored; the nonce makes the retry safe.
            let mut tries = 0;
            loop {
                match append(&t.store, new.clone()).await {
                    Ok(Append::Stored(message) | Append::Repeated(message)) => {
                        stored.push((message.seq, message.text.clone()));
                        break;
                    }
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => {
                        assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
                        tries += 1;
                        assert!(tries < 200, "{error:?}");
                        // As the hint says: not at once, or a cut outlasts the tries.
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stored
    };
    let (stored, ()) = tokio::join!(sending, cutting);
    let (cold, _) = t.second().await;
    let now = cold.room(room, ann).await.unwrap().unwrap().room;
    assert_eq!((now.messages, now.seq), (300, 301));
    assert_eq!(t.see(room).await, now, "memory is right again");
    for (n, (seq, text)) in stored.iter().enumerate() {
        assert_eq!(
            (*seq, text.as_str()),
            (i64::try_from(n).unwrap() + 2, format!("{n}").as_str())
        );
    }
    cold.close().await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_absent_database_is_said_within_two_seconds() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    allow(&t, false).await;
    let begun = Instant::now();
    let waiting: Vec<_> = (0..100)
        .map(|_| append(&t.store, t.new_message(room, ann, "x")))
        .collect();
    let (read, write) = tokio::join!(t.store.hearings(ann), t.store.join(room, bob, 9, t.now()));
    for error in [read.unwrap_err(), write.unwrap_err()] {
        assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
        assert!(error.retry_hint().is_some());
    }
    for call in waiting {
        assert_eq!(call.await.unwrap_err().kind(), Kind::Unavailable);
    }
    assert!(t.store.probe().await.is_err());
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    allow(&t, true).await;
    t.send(room, ann, "back").await;
    t.joined(room, bob).await;
    t.store.probe().await.unwrap();
    assert_eq!(t.see(room).await.messages, 1);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_writer_of_the_file_is_waited_for_but_not_for_ever() {
    let t = Bench::sqlite().await;
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let mut other = sqlx::SqliteConnection::connect(&t.url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let begun = Instant::now();
    let late = append(&t.store, t.new_message(room, ann, "x")).await;
    assert_eq!(late.unwrap_err().kind(), Kind::Unavailable);
    let late = t.store.probe().await;
    assert_eq!(late.unwrap_err().kind(), Kind::Unavailable);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(t.store.hearings(ann).await.unwrap().len(), 1, "reads go on");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    t.send(room, ann, "now").await;
    other.close().await.unwrap();
    t.end().await;
}

/// A wire to the server that can be held: bytes neither pass nor come back as errors.
struct Wire {
    url: String,
    held: tokio::sync::watch::Sender<bool>,
    /// How often everything that was connected was lost.
    losses: std::sync::Arc<std::sync::atomic::AtomicU32>,
}

impl Wire {
    async fn to(url: &str) -> Self {
        let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
        let place = format!("{}:{}", options.get_host(), options.get_port());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let url = url.replace(&place, &own.to_string());
        let (held, watch) = tokio::sync::watch::channel(false);
        let losses = std::sync::Arc::<std::sync::atomic::AtomicU32>::default();
        let seen = std::sync::Arc::clone(&losses);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (known, losses) = (seen.load(Relaxed), std::sync::Arc::clone(&seen));
                let passes = move || losses.load(Relaxed) == known;
                let far = tokio::net::TcpStream::connect(&place).await.unwrap();
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(carry(near_in, far_out, watch.clone(), passes.clone()));
                tokio::spawn(carry(far_in, near_out, watch.clone(), passes));
            }
        });
        Self { url, held, losses }
    }

    /// What is connected now is never heard of again, and is not told so.
    fn lose(&self) {
        self.losses.fetch_add(1, Relaxed);
    }

    fn hold(&self, held: bool) {
        self.held.send(held).unwrap();
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut held: tokio::sync::watch::Receiver<bool>,
    passes: impl Fn() -> bool,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut bytes = vec![0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if held.wait_for(|held| !held).await.is_err() {
            return;
        }
        if !passes() {
            std::future::pending::<()>().await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_silent_network_hangs_nobody() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    let wire = Wire::to(&t.url).await;
    let options = parlour_store::Options::default();
    let announce = std::sync::Arc::new(crate::bench::Ear::default());
    let store = parlour_store::open(&wire.url, options, announce)
        .await
        .unwrap();
    append(&store, t.new_message(room, ann, "before"))
        .await
        .unwrap();
    wire.hold(true);
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..60 {
        let store = std::sync::Arc::clone(&store);
        let (new, at) = (t.new_message(room, ann, "during"), t.now());
        calls.spawn(async move {
            // Calls go on coming while nothing answers.
            tokio::time::sleep(Duration::from_millis(n * 50)).await;
            let begun = Instant::now();
            let error = match n % 3 {
                0 => append(&store, new).await.err(),
                1 => store.join(room, bob, 9, at).await.err(),
                _ => store.hearings(ann).await.err(),
            };
            assert_eq!(error.unwrap().kind(), Kind::Unavailable);
            begun.elapsed()
        });
    }
    let slowest = calls.join_all().await.into_iter().max().unwrap();
    assert!(slowest < Duration::from_millis(2_500), "{slowest:?}");
    wire.hold(false);
    let mut tries = 0;
    while append(&store, t.new_message(room, ann, "after"))
        .await
        .is_err()
    {
        tries += 1;
        assert!(tries < 10);
    }
    let (cold, _) = t.second().await;
    let now = cold.room(room, ann).await.unwrap().unwrap().room;
    assert_eq!(store.room(room, ann).await.unwrap().unwrap().room, now);
    cold.close().await;
    store.close().await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_the_network_swallowed_are_replaced() {
    let Some(t) = Bench::postgres().await else {
        return;
    };
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    let wire = Wire::to(&t.url).await;
    let options = parlour_store::Options {
        postgres_connections: Some(4),
        ..parlour_store::Options::default()
    };
    let announce = std::sync::Arc::new(crate::bench::Ear::default());
    let store = parlour_store::open(&wire.url, options, announce)
        .await
        .unwrap();
    wire.hold(true);
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..12 {
        let store = std::sync::Arc::clone(&store);
        let (new, at) = (t.new_message(room, ann, "during"), t.now());
        calls.spawn(async move {
            let refused = match n % 3 {
                0 => append(&store, new).await.is_err(),
                1 => store.join(room, bob, 9, at).await.is_err(),
                _ => store.hearings(ann).await.is_err(),
            };
            assert!(refused, "call {n} was answered by nobody");
        });
    }
    calls.join_all().await;
    wire.lose();
    wire.hold(false);
    let begun = Instant::now();
    while append(&store, t.new_message(room, ann, "after"))
        .await
        .is_err()
    {
        assert!(begun.elapsed() < Duration::from_secs(5), "it stays lost");
    }
    let reads = (0..4).map(|_| store.hearings(ann));
    for read in reads.collect::<Vec<_>>() {
        assert_eq!(read.await.unwrap().len(), 1);
    }
    store.join(room, bob, 9, t.now()).await.unwrap();
    store.close().await;
    t.end().await;
}
