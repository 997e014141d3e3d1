//! The client's own ids make sending idempotent.

use crate::bench::{Bench, append, reworded};
use parlour_core::{
    RoomId, UserId,
    event::EndReason,
    ports::{Append, NewMessage},
};
use std::sync::Arc;

on_each_engine! {
    the_same_body_is_the_same_message,
    another_body_is_refused,
    fifty_at_once_make_one,
    fifty_at_once_of_two_processes_make_one,
    an_edited_message_is_repeated_as_it_is_now,
    a_deleted_message_keeps_its_nonce,
    a_nonce_belongs_to_its_author,
    a_nonce_lives_as_long_as_its_room,
    who_left_still_learns_that_it_was_stored,
    nonces_outlive_a_restart,
}

fn with_nonce(t: &Bench, room: RoomId, author: UserId, nonce: &str, text: &str) -> NewMessage {
    NewMessage {
        nonce: Some(nonce.to_owned()),
        ..t.new_message(room, author, text)
    }
}

async fn the_same_body_is_the_same_message(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let Append::Stored(first) = t.append(with_nonce(t, room, ann, "n", "x")).await else {
        panic!()
    };
    let again = t.append(with_nonce(t, room, ann, "n", "x")).await;
    assert_eq!(again, Append::Repeated(first));
    assert_eq!(t.see(room).await.seq, 2);
    assert_eq!(t.ear.of(room).len(), 2);
}

async fn another_body_is_refused(t: &Bench) {
    let ann = t.user("ann").await;
    let (room, other) = (t.room("den", ann).await, t.room("other", ann).await);
    t.append(with_nonce(t, room, ann, "n", "x")).await;
    assert_eq!(
        t.append(with_nonce(t, room, ann, "n", "y")).await,
        Append::NonceReused
    );
    assert_eq!(
        t.append(with_nonce(t, other, ann, "n", "x")).await,
        Append::NonceReused
    );
    assert_eq!(
        (t.see(room).await.messages, t.see(other).await.messages),
        (1, 0)
    );
}

async fn at_once(
    t: &Bench,
    stores: &[Arc<dyn parlour_core::ports::Store>],
    new: NewMessage,
) -> Vec<Append> {
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..50 {
        let store = Arc::clone(&stores[n % stores.len()]);
        let mut new = new.clone();
        new.at = t.now();
        calls.spawn(async move { append(&store, new).await.unwrap() });
    }
    calls.join_all().await
}

fn check_one(answers: &[Append]) {
    let mut ids = Vec::new();
    let mut stored = 0;
    for answer in answers {
        match answer {
            Append::Stored(message) => {
                stored += 1;
                ids.push((message.id, message.seq, message.created_at));
            }
            Append::Repeated(message) => ids.push((message.id, message.seq, message.created_at)),
            other => panic!("{other:?}"),
        }
    }
    ids.dedup();
    assert_eq!((stored, ids.len()), (1, 1), "one row, equal answers");
}

async fn fifty_at_once_make_one(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    for round in 0..5 {
        let new = with_nonce(t, room, ann, &format!("n{round}"), "x");
        check_one(&at_once(t, &[Arc::clone(&t.store)], new).await);
        let other = with_nonce(t, room, ann, &format!("n{round}"), "y");
        let answers = at_once(t, &[Arc::clone(&t.store)], other).await;
        assert!(answers.iter().all(|answer| *answer == Append::NonceReused));
    }
    assert_eq!(t.see(room).await.messages, 5);
}

async fn fifty_at_once_of_two_processes_make_one(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let (other, _) = t.second().await;
    let stores = [Arc::clone(&t.store), Arc::clone(&other)];
    for round in 0..5 {
        let new = with_nonce(t, room, ann, &format!("n{round}"), "x");
        check_one(&at_once(t, &stores, new).await);
    }
    assert_eq!(
        other.room(room, ann).await.unwrap().unwrap().room.messages,
        5
    );
    other.close().await;
}

async fn an_edited_message_is_repeated_as_it_is_now(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let Append::Stored(first) = t.append(with_nonce(t, room, ann, "n", "x")).await else {
        panic!()
    };
    t.store
        .edit_message(first.id, reworded("edited".to_owned(), Vec::new(), t.now()))
        .await
        .unwrap();
    let Append::Repeated(now) = t.append(with_nonce(t, room, ann, "n", "x")).await else {
        panic!()
    };
    assert_eq!(
        (now.id, now.seq, now.text.as_str()),
        (first.id, first.seq, "edited")
    );
    let as_edited = t.append(with_nonce(t, room, ann, "n", "edited")).await;
    assert_eq!(as_edited, Append::NonceReused, "the first body counts");
}

async fn a_deleted_message_keeps_its_nonce(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let Append::Stored(first) = t.append(with_nonce(t, room, ann, "n", "x")).await else {
        panic!()
    };
    assert!(t.delete(first.id).await);
    assert_eq!(
        t.append(with_nonce(t, room, ann, "n", "x")).await,
        Append::NonceReused
    );
    assert_eq!(
        t.append(with_nonce(t, room, ann, "n", "y")).await,
        Append::NonceReused
    );
    assert_eq!(t.see(room).await.messages, 0);
}

async fn a_nonce_belongs_to_its_author(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    for user in [ann, bob] {
        let answer = t.append(with_nonce(t, room, user, "n", "x")).await;
        assert!(matches!(answer, Append::Stored(_)));
    }
}

async fn a_nonce_lives_as_long_as_its_room(t: &Bench) {
    let ann = t.user("ann").await;
    let (room, other) = (t.room("den", ann).await, t.room("other", ann).await);
    t.append(with_nonce(t, room, ann, "n", "x")).await;
    t.store
        .end_room(room, EndReason::Deleted, t.now())
        .await
        .unwrap();
    assert_eq!(
        t.append(with_nonce(t, room, ann, "n", "x")).await,
        Append::Gone
    );
    let answer = t.append(with_nonce(t, other, ann, "n", "y")).await;
    assert!(matches!(answer, Append::Stored(_)), "{answer:?}");
}

async fn who_left_still_learns_that_it_was_stored(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    t.append(with_nonce(t, room, bob, "n", "x")).await;
    t.leave(room, bob).await;
    let again = t.append(with_nonce(t, room, bob, "n", "x")).await;
    assert!(matches!(again, Append::Repeated(_)));
    assert_eq!(
        t.append(with_nonce(t, room, bob, "n", "y")).await,
        Append::NotIn
    );
}

async fn nonces_outlive_a_restart(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let Append::Stored(first) = t.append(with_nonce(t, room, ann, "n", "x")).await else {
        panic!()
    };
    t.store.close().await;
    let (later, _) = t.second().await;
    let again = append(&later, with_nonce(t, room, ann, "n", "x"))
        .await
        .unwrap();
    assert_eq!(again, Append::Repeated(first));
    later.close().await;
}
