//! The group commit.

use crate::bench::{Bench, append};
use parlour_core::{
    Kind, What,
    error::BUSY,
    model::RoomKind,
    ports::{Announce, Append},
};
use parlour_store::Options;
use std::sync::Arc;

on_each_engine! {
    stored_read_back_and_announced,
    only_those_in_the_room_write,
    an_ended_room_takes_nothing,
    one_batch_tells_its_messages_apart,
    any_text_comes_back_as_it_went,
    a_full_queue_says_busy_at_once,
    a_closed_store_takes_nothing,
    closing_finishes_what_was_queued,
    calls_of_one_room_keep_their_order,
    each_of_a_large_batch_has_its_own_id,
    sends_and_other_changes_take_turns,
}

async fn stored_read_back_and_announced(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let mut new = t.new_message(room, bob, "hello");
    new.nonce = Some("n-1".to_owned());
    let at = new.at;
    let Append::Stored(message) = t.append(new).await else {
        panic!("not stored")
    };
    assert_eq!((message.room, message.owner, message.seq), (room, bob, 3));
    assert_eq!((message.created_at, message.updated_at), (at, at));
    assert_eq!(message.nonce.as_deref(), Some("n-1"));
    let found = t.store.message(message.id).await.unwrap();
    assert_eq!(found.as_deref(), Some(&*message));
    let heard = t.ear.of(room).pop().unwrap();
    assert_eq!((heard.seq, heard.at), (3, at));
    assert_eq!(heard.what, What::MessageCreated(message));
    let now = t.see(room).await;
    assert_eq!((now.seq, now.messages), (3, 1));
}

async fn only_those_in_the_room_write(t: &Bench) {
    let [ann, bob, eve] = t.users(["ann", "bob", "eve"]).await;
    let room = t.private("den", ann).await;
    t.store.invite(room, eve, t.now()).await.unwrap();
    assert_eq!(t.append(t.new_message(room, bob, "x")).await, Append::NotIn);
    assert_eq!(t.append(t.new_message(room, eve, "x")).await, Append::NotIn);
    t.send(room, ann, "the owner writes without a seat").await;
    t.joined(room, eve).await;
    t.send(room, eve, "now").await;
    t.leave(room, eve).await;
    assert_eq!(t.append(t.new_message(room, eve, "x")).await, Append::NotIn);
    assert_eq!(t.see(room).await.messages, 2);
}

async fn an_ended_room_takes_nothing(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    t.send(room, ann, "x").await;
    let reason = parlour_core::event::EndReason::Deleted;
    assert!(t.store.end_room(room, reason, t.now()).await.unwrap());
    assert_eq!(t.append(t.new_message(room, ann, "x")).await, Append::Gone);
    let nowhere = parlour_core::RoomId::new(9_999);
    assert_eq!(
        t.append(t.new_message(nowhere, ann, "x")).await,
        Append::Gone
    );
}

async fn one_batch_tells_its_messages_apart(t: &Bench) {
    let [ann, eve] = t.users(["ann", "eve"]).await;
    let (one, two) = (t.room("one", ann).await, t.room("two", ann).await);
    let nowhere = parlour_core::RoomId::new(9_999);
    let mut waiting = Vec::new();
    for n in 0..50 {
        for (room, author) in [(one, ann), (two, ann), (one, eve), (nowhere, ann)] {
            let mut message = t.new_message(room, author, &format!("{n}"));
            message.nonce = (n % 3 == 0).then(|| format!("{room} {n}"));
            let again = message.clone();
            waiting.push(t.store.append(message).unwrap());
            if again.nonce.is_some() {
                waiting.push(t.store.append(again).unwrap());
            }
        }
    }
    let mut counts = [0; 4];
    for pending in waiting {
        let index = match pending.wait().await.unwrap() {
            Append::Stored(_) => 0,
            Append::Repeated(_) => 1,
            Append::NotIn => 2,
            Append::Gone => 3,
            Append::NonceReused => panic!("no nonce was used with another body"),
            Append::NoReply => panic!("no message is an answer"),
            Append::NoFile => panic!("no message has a file"),
        };
        counts[index] += 1;
    }
    assert_eq!(counts, [100, 34, 67, 67]);
    for room in [one, two] {
        let now = t.see(room).await;
        assert_eq!((now.seq, now.messages), (51, 50));
    }
}

async fn any_text_comes_back_as_it_went(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let long = "가".repeat(10_000);
    let texts = [
        "plain",
        "quotes ' \" \\ $1 ?1 {\"a\": [1]} -- ;",
        "line\nbreak\ttab \u{1} \u{7f} \u{2028}",
        "한국어 🎉 👩‍👩‍👧 e\u{301} \u{202e}rtl",
        "[1,2]",
        "null",
        "\u{10ffff}\u{fffd}\u{feff}",
        &long,
    ];
    for text in texts {
        let mut new = t.new_message(room, ann, text);
        new.nonce = Some(text.chars().take(64).collect());
        let Append::Stored(message) = t.append(new).await else {
            panic!("not stored")
        };
        assert_eq!(message.text, text);
        let found = t.store.message(message.id).await.unwrap().unwrap();
        assert_eq!(found, message);
    }
    let (cold, _) = t.second().await;
    let found = cold
        .messages_page(ann, Some(room), crate::bench::page(1, 100))
        .await
        .unwrap()
        .unwrap();
    let found: Vec<_> = found.items.iter().rev().map(|m| m.text.as_str()).collect();
    assert_eq!(found, texts);
    cold.close().await;
}

async fn a_full_queue_says_busy_at_once(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let options = Options {
        append_queue: 8,
        append_batch: 2,
        ..Options::default()
    };
    let announce: Arc<dyn Announce> = Arc::<crate::bench::Ear>::clone(&t.ear);
    let tiny = parlour_store::open(&t.url, options, announce)
        .await
        .unwrap();
    let mut waiting = Vec::new();
    let mut busy = 0;
    for n in 0..5_000 {
        match tiny.append(t.new_message(room, ann, &format!("{n}"))) {
            Ok(pending) => waiting.push(pending),
            Err(error) => {
                assert!(error.is(BUSY), "{error:?}");
                assert!(error.retry_hint().is_some());
                busy += 1;
            }
        }
    }
    assert!(busy > 0, "5,000 calls without a pause fit a queue of 8");
    let stored = i64::try_from(waiting.len()).unwrap();
    for pending in waiting {
        assert!(matches!(pending.wait().await.unwrap(), Append::Stored(_)));
    }
    assert_eq!(
        tiny.room(room, ann).await.unwrap().unwrap().room.messages,
        stored
    );
    tiny.close().await;
}

async fn a_closed_store_takes_nothing(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let (other, _) = t.second().await;
    other.close().await;
    other.close().await;
    let late = append(&other, t.new_message(room, ann, "late")).await;
    assert_eq!(late.unwrap_err().kind(), Kind::Unavailable);
    let read = other.room(room, ann).await;
    assert_eq!(read.unwrap_err().kind(), Kind::Unavailable);
    let written = other.join(room, ann, 10, t.now()).await;
    assert_eq!(written.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(other.probe().await.unwrap_err().kind(), Kind::Unavailable);
}

async fn closing_finishes_what_was_queued(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let (other, ear) = t.second().await;
    let waiting: Vec<_> = (0..500)
        .map(|n| {
            other
                .append(t.new_message(room, ann, &format!("{n}")))
                .unwrap()
        })
        .collect();
    other.close().await;
    assert_eq!(ear.of(room).len(), 500, "announced before it closed");
    for pending in waiting {
        assert!(matches!(pending.wait().await.unwrap(), Append::Stored(_)));
    }
    let (third, _) = t.second().await;
    assert_eq!(
        third.room(room, ann).await.unwrap().unwrap().room.messages,
        500
    );
    third.close().await;
}

async fn calls_of_one_room_keep_their_order(t: &Bench) {
    let ann = t.user("ann").await;
    let new = t.new_room("den", ann, RoomKind::Private);
    let room = t.make_room(new).await.id;
    let waiting: Vec<_> = (0..1_000)
        .map(|n| {
            t.store
                .append(t.new_message(room, ann, &format!("{n}")))
                .unwrap()
        })
        .collect();
    let mut before = (0, 0);
    for (n, pending) in waiting.into_iter().enumerate() {
        let Append::Stored(message) = pending.wait().await.unwrap() else {
            panic!("not stored")
        };
        assert_eq!(message.text, format!("{n}"));
        let here = (message.seq, message.id.get());
        assert!(here.0 == before.0 + 1 || before.0 == 0);
        assert!(here.1 > before.1, "ids grow with seq");
        before = here;
    }
}

/// More rows than one statement inserts, and a rest.
async fn each_of_a_large_batch_has_its_own_id(t: &Bench) {
    let ann = t.user("ann").await;
    let rooms = [t.room("one", ann).await, t.room("two", ann).await];
    let waiting: Vec<_> = (0..150)
        .map(|n| {
            let new = t.new_message(rooms[n % 2], ann, &format!("{n}"));
            t.store.append(new).unwrap()
        })
        .collect();
    for (n, pending) in waiting.into_iter().enumerate() {
        let Append::Stored(message) = pending.wait().await.unwrap() else {
            panic!("not stored")
        };
        assert_eq!(message.text, format!("{n}"));
        let found = t.store.message(message.id).await.unwrap();
        assert_eq!(found.as_deref(), Some(&*message));
    }
}

/// Sends and other changes are written over different connections: they take turns, and the order
/// of the room is one.
async fn sends_and_other_changes_take_turns(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..100 {
        let store = Arc::clone(&t.store);
        let (new, at) = (t.new_message(room, ann, &format!("{n}")), t.now());
        calls.spawn(async move {
            match n % 10 {
                0 => drop(store.join(room, bob, 50, at).await.unwrap()),
                5 => drop(store.leave(room, bob, at).await.unwrap()),
                _ => {
                    let answer = append(&store, new).await.unwrap();
                    assert!(matches!(answer, Append::Stored(_)));
                }
            }
        });
    }
    calls.join_all().await;
    let now = t.see(room).await;
    assert_eq!(now.messages, 80);
    let heard: Vec<_> = t.ear.of(room).iter().map(|event| event.seq).collect();
    let all: Vec<_> = (heard[0]..=now.seq).collect();
    assert_eq!(heard, all);
}
