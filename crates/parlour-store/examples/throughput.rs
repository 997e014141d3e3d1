//! How fast the store is by itself: `cargo run --release -p parlour-store --example throughput -- [url]…`
//!
//! Without a URL: SQLite in a fresh temporary folder. A PostgreSQL URL names a database that may be
//! filled with test data. Prints durable sends per second for 1, 16 and 64 callers, with the processor
//! time of this process for each (Linux), and pages read per second.

#![expect(clippy::disallowed_methods, reason = "a measurement, not the product")]
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for measuring"
)]

use async_trait::async_trait;
use parlour_core::{
    Event, RoomId, Signal, Time, UserId,
    model::{PageNumber, PageRequest, RoomKind, Sender},
    ports::{
        AccountKeys, Announce, Append, NewMessage, NewRoom, NewUser, SaveRoom, SaveUser, Span,
        Store,
    },
};
use parlour_store::{Options, open, redact};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

struct Deaf;

#[async_trait]
impl Announce for Deaf {
    async fn events(&self, _: Vec<Arc<Event>>) {}
    async fn signal(&self, _: Signal) {}
}

#[tokio::main]
async fn main() {
    let mut urls: Vec<String> = std::env::args().skip(1).collect();
    let folder = std::env::temp_dir().join(format!("throughput-{:x}", rand::random::<u64>()));
    if urls.is_empty() {
        urls.push(format!("sqlite://{}/parlour.db", folder.display()));
    }
    for url in urls {
        println!("{}", redact(&url));
        measure(
            open(&url, Options::default(), Arc::new(Deaf))
                .await
                .unwrap(),
        )
        .await;
    }
    let _ = std::fs::remove_dir_all(folder);
}

async fn measure(store: Arc<dyn Store>) {
    let run = format!("{:08x}", rand::random::<u32>());
    let mut users = Vec::new();
    for n in 0..64 {
        users.push(user(&store, &format!("{run}-{n}")).await);
    }
    let room = room(&store, &run, users[0]).await;
    for user in &users {
        store.join(room, *user, 250, Time::now()).await.unwrap();
    }
    for (callers, nonces) in [(1, false), (16, false), (64, false), (64, true)] {
        let before = (cpu(), seq(&store, room).await);
        let rate = sends(&store, room, &users[..callers], nonces).await;
        let word = if nonces { " with nonces" } else { "" };
        let count = u32::try_from(seq(&store, room).await - before.1).unwrap();
        let cost = (cpu() - before.0) / f64::from(count) * 1e6;
        println!(
            "  sends, {callers:>2} callers{word}: {rate:>8.0}/s, {cost:>6.1} us of processor each"
        );
    }
    let newest = seq(&store, room).await;
    println!("  messages in the room: {newest}");
    for callers in [1, 8] {
        reads(&store, room, users[1], newest, callers).await;
    }
    store.close().await;
}

/// Seconds of processor time that this process has used; 0 where nobody says.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
    let ticks = rest.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

async fn seq(store: &Arc<dyn Store>, room: RoomId) -> i64 {
    let found = store.history(room, Span::Newest, 1).await;
    found.unwrap().unwrap().seq
}

async fn user(store: &Arc<dyn Store>, name: &str) -> UserId {
    let key = Some(name.to_owned());
    let new = NewUser {
        username: name.to_owned(),
        nickname: name.to_owned(),
        email: None,
        keys: AccountKeys {
            username: key.clone(),
            nickname: key,
            email: None,
        },
        first_name: String::new(),
        last_name: String::new(),
        password_hash: String::new(),
        is_admin: false,
        at: Time::now(),
    };
    let SaveUser::Saved { user, .. } = store.create_user(new).await.unwrap() else {
        panic!("the name is taken")
    };
    user.id
}

async fn room(store: &Arc<dyn Store>, name: &str, owner: UserId) -> RoomId {
    let new = NewRoom {
        name: name.to_owned(),
        name_key: name.to_owned(),
        topic: String::new(),
        kind: RoomKind::Group,
        owner,
        max_users: 250,
        expires_at: None,
        at: Time::now(),
    };
    let SaveRoom::Saved(room) = store.create_room(new).await.unwrap() else {
        panic!("the name is taken")
    };
    room.id
}

/// Each caller sends, waits for the durable commit, and sends again.
async fn sends(store: &Arc<dyn Store>, room: RoomId, users: &[UserId], nonces: bool) -> f64 {
    let users: Arc<[UserId]> = users.into();
    let callers = users.len();
    let sender = Arc::new(Sender {
        nickname: "somebody".to_owned(),
        hue: 0,
    });
    repeat(callers, store, move |store, n| {
        let author = users[n % users.len()];
        let sender = Arc::clone(&sender);
        async move {
            let message = NewMessage {
                files: Vec::new(),
                room,
                author,
                sender: Arc::clone(&sender),
                reply_to: None,
                reply_is_there: true,
                mentions: Vec::new(),
                text: format!("A message of an ordinary length, as people write them: number {n}."),
                nonce: nonces.then(|| format!("{:032x}", rand::random::<u128>())),
                at: Time::now(),
            };
            let answer = store.append(message).unwrap().wait().await.unwrap();
            assert!(matches!(answer, Append::Stored(_)));
        }
    })
    .await
}

/// Runs `work` over and over in `callers` tasks for three seconds; times per second.
async fn repeat<F, W>(callers: usize, store: &Arc<dyn Store>, work: W) -> f64
where
    W: Fn(Arc<dyn Store>, usize) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let count = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (store, work, count) = (Arc::clone(store), work.clone(), Arc::clone(&count));
        tasks.spawn(async move {
            let mut n = caller;
            while begun.elapsed() < Duration::from_secs(3) {
                work(Arc::clone(&store), n).await;
                count.fetch_add(1, Ordering::Relaxed);
                n += callers;
            }
        });
    }
    tasks.join_all().await;
    let count = u32::try_from(count.load(Ordering::Relaxed)).unwrap();
    f64::from(count) / begun.elapsed().as_secs_f64()
}

async fn reads(store: &Arc<dyn Store>, room: RoomId, reader: UserId, newest: i64, callers: usize) {
    let rate = repeat(callers, store, move |store, n| async move {
        let after = i64::try_from(n).unwrap() * 37 % (newest - 1_000);
        let found = store
            .history(room, Span::After(after), 50)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.events.len(), 50);
    });
    println!(
        "  history of 50 old, {callers} callers: {:>8.0}/s",
        rate.await
    );
    let rate = repeat(callers, store, move |store, n| async move {
        let page = PageRequest {
            page: PageNumber::Nth(10 + i64::try_from(n % 100).unwrap()),
            size: 50,
        };
        store
            .messages_page(reader, Some(room), page)
            .await
            .unwrap()
            .unwrap();
    });
    println!(
        "  page 10 to 110 of 50, {callers} callers: {:>8.0}/s",
        rate.await
    );
    let rate = repeat(callers, store, move |store, _| async move {
        let page = PageRequest {
            page: PageNumber::Nth(1),
            size: 50,
        };
        let found = store
            .messages_page(reader, Some(room), page)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.items.len(), 50);
    });
    println!(
        "  newest page of 50, {callers} callers: {:>8.0}/s",
        rate.await
    );
    let rate = repeat(callers, store, move |store, _| async move {
        store
            .rooms_of(
                reader,
                PageRequest {
                    page: PageNumber::Nth(1),
                    size: 10,
                },
            )
            .await
            .unwrap();
    });
    println!(
        "  rooms of a user, {callers} callers: {:>8.0}/s",
        rate.await
    );
}
