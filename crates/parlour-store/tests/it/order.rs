//! One order per room, whatever happens at once.

use crate::bench::{Bench, append, reworded};
use async_trait::async_trait;
use parlour_core::{
    Event, RoomId, Signal, What,
    ports::{Announce, Append, Join, Span},
};
use parlour_store::Options;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

on_each_engine! {
    one_sequence_without_holes,
    announced_in_the_order_of_commits,
    what_a_caller_abandons_is_still_announced,
    a_slow_listener_loses_nothing,
    a_caller_reads_what_it_wrote,
    a_panicking_listener_stops_nobody,
}

/// Sends, edits, deletes, joins and leaves in many tasks.
async fn storm(t: &Bench, rooms: [RoomId; 3]) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..12_usize {
        let user = t.user(&format!("u{n}")).await;
        for room in rooms {
            t.joined(room, user).await;
        }
        let store = Arc::clone(&t.store);
        let (at, sender) = (t.now(), t.sender(user));
        tasks.spawn(async move {
            for step in 0..30_usize {
                let room = rooms[(n + step) % 3];
                let new = parlour_core::ports::NewMessage {
                    files: Vec::new(),
                    room,
                    author: user,
                    sender: Arc::clone(&sender),
                    reply_to: None,
                    reply_is_there: true,
                    mentions: Vec::new(),
                    text: format!("{n} {step}"),
                    nonce: (step % 2 == 0).then(|| format!("{n} {step}")),
                    at,
                };
                match append(&store, new).await.unwrap() {
                    Append::Stored(message) if step % 5 == 0 => {
                        store
                            .edit_message(message.id, reworded("e".to_owned(), Vec::new(), at))
                            .await
                            .unwrap();
                    }
                    Append::Stored(message) if step % 5 == 1 => {
                        assert!(store.delete_message(message.id, at).await.unwrap());
                    }
                    Append::Stored(_) => {}
                    other => panic!("{other:?}"),
                }
                if step % 10 == 9 {
                    store.leave(room, user, at).await.unwrap();
                    let back = store.join(room, user, 250, at).await.unwrap();
                    assert!(matches!(back, Join::Joined(_)));
                }
            }
        });
    }
    tasks.join_all().await;
}

async fn three_rooms(t: &Bench) -> [RoomId; 3] {
    let ann = t.user("ann").await;
    [
        t.room("a", ann).await,
        t.room("b", ann).await,
        t.room("c", ann).await,
    ]
}

async fn one_sequence_without_holes(t: &Bench) {
    let rooms = three_rooms(t).await;
    storm(t, rooms).await;
    let (cold, _) = t.second().await;
    for room in rooms {
        let found = cold
            .history(room, Span::After(0), 1_000)
            .await
            .unwrap()
            .unwrap();
        assert!(!found.has_more);
        let seqs: Vec<_> = found.events.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, (1..=found.seq).collect::<Vec<_>>());
        let ids = found.events.iter().filter_map(|event| match &event.what {
            What::MessageCreated(message) => Some(message.id),
            _ => None,
        });
        assert!(ids.is_sorted(), "ids grow with seq");
        let now = cold
            .room(room, parlour_core::UserId::new(1))
            .await
            .unwrap()
            .unwrap()
            .room;
        let living = found
            .events
            .iter()
            .filter(|event| matches!(event.what, What::MessageCreated(_)));
        assert_eq!(usize::try_from(now.messages).unwrap(), living.count());
        let warm = t.see(room).await;
        assert_eq!(warm, now, "memory and database agree");
    }
    cold.close().await;
}

async fn announced_in_the_order_of_commits(t: &Bench) {
    let rooms = three_rooms(t).await;
    storm(t, rooms).await;
    for room in rooms {
        let heard: Vec<_> = t.ear.of(room).iter().map(|event| event.seq).collect();
        let seq = t.see(room).await.seq;
        assert_eq!(heard, (1..=seq).collect::<Vec<_>>(), "each once, in order");
    }
}

async fn what_a_caller_abandons_is_still_announced(t: &Bench) {
    let rooms = three_rooms(t).await;
    let room = rooms[0];
    let mut users = Vec::new();
    for n in 0..20 {
        users.push(t.user(&format!("u{n}")).await);
    }
    for (n, user) in users.iter().enumerate() {
        let store = Arc::clone(&t.store);
        let (user, at) = (*user, t.now());
        let call = tokio::spawn(async move { store.join(room, user, 250, at).await });
        // Some are cut before, some during, some after the commit.
        tokio::time::sleep(Duration::from_micros(u64::try_from(n).unwrap() * 150)).await;
        call.abort();
        drop(
            t.store
                .append(t.new_message(room, parlour_core::UserId::new(1), "x"))
                .unwrap(),
        );
    }
    t.send(room, parlour_core::UserId::new(1), "last").await;
    let store = Arc::clone(&t.store);
    for _ in 0..100 {
        let seq = store.positions(&[room]).await.unwrap()[0].1;
        let heard: Vec<_> = t.ear.of(room).iter().map(|event| event.seq).collect();
        if heard == (1..=seq).collect::<Vec<_>>() {
            let messages = t.see(room).await.messages;
            assert_eq!(messages, 21);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("something was committed and never announced");
}

/// Takes its time.
#[derive(Default)]
struct Slow(Mutex<HashMap<RoomId, Vec<i64>>>);

#[async_trait]
impl Announce for Slow {
    async fn events(&self, events: Vec<Arc<Event>>) {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let mut heard = self.0.lock().unwrap();
        for event in events {
            heard.entry(event.room).or_default().push(event.seq);
        }
    }

    async fn signal(&self, _: Signal) {}
}

async fn a_slow_listener_loses_nothing(t: &Bench) {
    let rooms = three_rooms(t).await;
    let slow = Arc::new(Slow::default());
    let announce: Arc<dyn Announce> = Arc::<Slow>::clone(&slow);
    let options = Options {
        append_batch: 4,
        ..Options::default()
    };
    let store = parlour_store::open(&t.url, options, announce)
        .await
        .unwrap();
    let ann = parlour_core::UserId::new(1);
    let waiting: Vec<_> = (0..600)
        .map(|n| store.append(t.new_message(rooms[n % 3], ann, "x")).unwrap())
        .collect();
    for pending in waiting {
        assert!(matches!(pending.wait().await.unwrap(), Append::Stored(_)));
    }
    store.close().await;
    let heard = slow.0.lock().unwrap();
    for room in rooms {
        assert_eq!(heard[&room], (2..=201).collect::<Vec<_>>());
    }
}

async fn a_caller_reads_what_it_wrote(t: &Bench) {
    let rooms = three_rooms(t).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let user = t.user(&format!("u{n}")).await;
        let store = Arc::clone(&t.store);
        let (at, sender) = (t.now(), t.sender(user));
        tasks.spawn(async move {
            for step in 0..40_usize {
                let room = rooms[step % 3];
                store.join(room, user, 250, at).await.unwrap();
                let view = store.room(room, user).await.unwrap().unwrap();
                assert!(view.room.users.contains(&user));
                let new = parlour_core::ports::NewMessage {
                    files: Vec::new(),
                    room,
                    author: user,
                    sender: Arc::clone(&sender),
                    reply_to: None,
                    reply_is_there: true,
                    mentions: Vec::new(),
                    text: "x".to_owned(),
                    nonce: None,
                    at,
                };
                let Append::Stored(message) = append(&store, new).await.unwrap() else {
                    panic!()
                };
                let page = crate::bench::page(1, 100);
                let found = store
                    .messages_page(user, Some(room), page)
                    .await
                    .unwrap()
                    .unwrap();
                assert!(found.items.contains(&message));
                let span = Span::After(message.seq - 1);
                let history = store.history(room, span, 1).await.unwrap().unwrap();
                assert_eq!(history.events[0].what, What::MessageCreated(message));
                store.leave(room, user, at).await.unwrap();
                let view = store.room(room, user).await.unwrap().unwrap();
                assert!(!view.room.users.contains(&user));
            }
        });
    }
    tasks.join_all().await;
}

/// Falls over at the first event.
struct Clumsy;

#[async_trait]
impl Announce for Clumsy {
    async fn events(&self, _: Vec<Arc<Event>>) {
        panic!("a listener fell over (part of a test)");
    }

    async fn signal(&self, _: Signal) {}
}

async fn a_panicking_listener_stops_nobody(t: &Bench) {
    let rooms = three_rooms(t).await;
    let ann = parlour_core::UserId::new(1);
    let store = parlour_store::open(&t.url, Options::default(), Arc::new(Clumsy))
        .await
        .unwrap();
    for _ in 0..3 {
        let new = t.new_message(rooms[0], ann, "x");
        // The first caller's answer may go down with the listener; the message does not.
        let _ = tokio::time::timeout(Duration::from_secs(5), append(&store, new))
            .await
            .unwrap();
    }
    assert_eq!(
        store
            .room(rooms[0], ann)
            .await
            .unwrap()
            .unwrap()
            .room
            .messages,
        3
    );
    store.close().await;
}
