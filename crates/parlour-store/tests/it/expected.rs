//! A room that one process alone writes in is written without questions on PostgreSQL: whatever another
//! process changed meanwhile counts all the same.

use crate::bench::{Bench, append};
use parlour_core::{
    RoomId, UserId, What,
    event::EndReason,
    ports::{Append, Span, Store},
};
use std::sync::Arc;

on_each_engine! {
    who_left_elsewhere_writes_no_more,
    a_room_that_ended_elsewhere_takes_nothing,
    nonces_count_wherever_they_were_used,
    what_was_written_elsewhere_comes_between,
    two_processes_write_one_stream,
}

/// Several messages, so that the writer has been alone in the room.
async fn warm(t: &Bench, room: RoomId, author: UserId) {
    for number in 0..4 {
        t.send(room, author, &format!("warm {number}")).await;
    }
}

async fn seqs(store: &Arc<dyn Store>, room: RoomId) -> Vec<i64> {
    let found = store.history(room, Span::After(0), 10_000).await;
    let found = found.unwrap().expect("the room lives");
    found.events.iter().map(|event| event.seq).collect()
}

async fn who_left_elsewhere_writes_no_more(t: &Bench) {
    let [ann, bob, eve] = t.users(["ann", "bob", "eve"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let (other, _) = t.second().await;
    warm(t, room, bob).await;
    // In one batch with a member, or alone.
    let never = t.append(t.new_message(room, eve, "never a member")).await;
    assert!(matches!(never, Append::NotIn), "{never:?}");
    warm(t, room, bob).await;
    other.leave(room, bob, t.now()).await.unwrap();
    let after = t.append(t.new_message(room, bob, "after leaving")).await;
    assert!(matches!(after, Append::NotIn), "{after:?}");
    // The owner needs no seat to be in.
    warm(t, room, ann).await;
    let seen = seqs(&other, room).await;
    assert_eq!(seen, (1..=seen.len() as i64).collect::<Vec<_>>());
    other.close().await;
}

async fn a_room_that_ended_elsewhere_takes_nothing(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let (other, _) = t.second().await;
    warm(t, room, ann).await;
    let ended = other.end_room(room, EndReason::Deleted, t.now()).await;
    assert!(ended.unwrap());
    let after = t.append(t.new_message(room, ann, "too late")).await;
    assert!(matches!(after, Append::Gone), "{after:?}");
    other.close().await;
}

async fn nonces_count_wherever_they_were_used(t: &Bench) {
    let ann = t.user("ann").await;
    let (room, elsewhere) = (t.room("den", ann).await, t.room("attic", ann).await);
    let (other, _) = t.second().await;
    let with = |room, text: &str, nonce: &str| {
        let mut new = t.new_message(room, ann, text);
        new.nonce = Some(nonce.to_owned());
        new
    };
    warm(t, room, ann).await;
    let first = append(&other, with(room, "same", "n1")).await.unwrap();
    let Append::Stored(first) = first else {
        panic!("{first:?}")
    };
    append(&other, with(elsewhere, "there", "n2"))
        .await
        .unwrap();
    warm(t, room, ann).await;
    let again = t.append(with(room, "same", "n1")).await;
    let Append::Repeated(again) = again else {
        panic!("{again:?}")
    };
    assert_eq!((again.id, again.seq), (first.id, first.seq));
    for (text, nonce) in [("other", "n1"), ("there", "n2")] {
        warm(t, room, ann).await;
        let reused = t.append(with(room, text, nonce)).await;
        assert!(matches!(reused, Append::NonceReused), "{reused:?}");
    }
    // Twice in one batch, and in two.
    warm(t, room, ann).await;
    let store = &t.store;
    let (one, two) = tokio::join!(
        append(store, with(room, "twice", "n3")),
        append(store, with(room, "twice", "n3")),
    );
    let stored = [one.unwrap(), two.unwrap()]
        .iter()
        .filter(|answer| matches!(answer, Append::Stored(_)))
        .count();
    assert_eq!(stored, 1);
    other.close().await;
}

async fn what_was_written_elsewhere_comes_between(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let (other, _) = t.second().await;
    for round in 0..5 {
        warm(t, room, ann).await;
        let there = t.new_message(room, ann, &format!("elsewhere {round}"));
        append(&other, there).await.unwrap();
    }
    let seen = seqs(&other, room).await;
    // Made, and 25 messages.
    assert_eq!(seen, (1..=seen.len() as i64).collect::<Vec<_>>());
    let room = other.room(room, ann).await.unwrap().unwrap().room;
    assert_eq!(room.messages, 25);
    other.close().await;
}

/// Both write, one of them joins and leaves: one stream without holes, ids that grow with it, and nobody who
/// had left.
async fn two_processes_write_one_stream(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    let (other, _) = t.second().await;
    let writes = |store: Arc<dyn Store>, author, most: usize| {
        let messages: Vec<_> = (0..most)
            .map(|number| t.new_message(room, author, &format!("{author} {number}")))
            .collect();
        async move {
            let mut stored = 0;
            for message in messages {
                match append(&store, message).await.unwrap() {
                    Append::Stored(_) => stored += 1,
                    Append::NotIn => {}
                    answer => panic!("{answer:?}"),
                }
            }
            stored
        }
    };
    let comes_and_goes = async {
        for _ in 0..20 {
            t.joined(room, bob).await;
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            t.leave(room, bob).await;
        }
    };
    let (here, there, guest, ()) = tokio::join!(
        writes(Arc::clone(&t.store), ann, 100),
        writes(Arc::clone(&other), ann, 100),
        writes(Arc::clone(&other), bob, 100),
        comes_and_goes,
    );
    let found = other.history(room, Span::After(0), 10_000).await;
    let found = found.unwrap().expect("the room lives");
    let seqs: Vec<_> = found.events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=found.seq).collect::<Vec<_>>());
    let (mut is_in, mut messages, mut newest) = (false, 0, None);
    for event in &found.events {
        match &event.what {
            What::MemberJoined(user) if *user == bob => is_in = true,
            What::MemberLeft(user, _) if *user == bob => is_in = false,
            What::MessageCreated(message) => {
                assert!(message.owner == ann || is_in, "{message:?} after leaving");
                assert!(newest < Some(message.id), "ids grow with seq");
                (messages, newest) = (messages + 1, Some(message.id));
            }
            _ => {}
        }
    }
    assert_eq!(messages, here + there + guest);
    assert_eq!((here, there), (100, 100));
    other.close().await;
}
