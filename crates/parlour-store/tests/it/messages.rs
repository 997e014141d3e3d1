//! Editing, deleting and listing messages.

use crate::bench::{Bench, last, page, reworded};
use parlour_core::{MessageId, What, ports::EditMessage};
use std::sync::Arc;

on_each_engine! {
    an_edit_is_an_event,
    a_deletion_is_an_event,
    pages_of_a_room,
    far_pages_of_a_long_room,
    pages_of_all_rooms,
    who_is_not_in_sees_nothing,
    parallel_edits_and_deletions_agree,
}

async fn an_edit_is_an_event(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let first = t.send(room, ann, "one").await;
    let at = t.now();
    let answer = t
        .store
        .edit_message(first.id, reworded("two".to_owned(), Vec::new(), at))
        .await
        .unwrap();
    let EditMessage::Done(edited) = answer else {
        panic!()
    };
    assert_eq!(
        (edited.id, edited.seq, edited.created_at),
        (first.id, first.seq, first.created_at)
    );
    assert_eq!((edited.text.as_str(), edited.updated_at), ("two", at));
    assert_eq!(
        t.store.message(first.id).await.unwrap(),
        Some(Arc::clone(&edited))
    );
    let heard = t.ear.of(room).pop().unwrap();
    assert_eq!((heard.seq, heard.at), (3, at));
    assert_eq!(heard.what, What::MessageUpdated(Arc::clone(&edited)));
    let again = t
        .store
        .edit_message(first.id, reworded("two".to_owned(), Vec::new(), t.now()))
        .await
        .unwrap();
    assert_eq!(
        again,
        EditMessage::Done(edited),
        "an equal text changes nothing"
    );
    assert_eq!(t.see(room).await.seq, 3);
    let nothing = t
        .store
        .edit_message(
            MessageId::new(404),
            reworded("x".to_owned(), Vec::new(), t.now()),
        )
        .await
        .unwrap();
    assert_eq!(nothing, EditMessage::Gone);
}

async fn a_deletion_is_an_event(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let first = t.send(room, ann, "one").await;
    assert!(t.delete(first.id).await);
    assert!(!t.delete(first.id).await);
    assert_eq!(t.store.message(first.id).await.unwrap(), None);
    let heard = t.ear.of(room).pop().unwrap();
    assert_eq!((heard.seq, heard.what), (3, What::MessageDeleted(first.id)));
    let now = t.see(room).await;
    assert_eq!((now.seq, now.messages), (3, 0));
    let edit = t
        .store
        .edit_message(first.id, reworded("x".to_owned(), Vec::new(), t.now()))
        .await
        .unwrap();
    assert_eq!(edit, EditMessage::Gone);
    assert_eq!(
        t.count("SELECT COUNT(*) FROM messages WHERE text <> ''")
            .await,
        0
    );
}

async fn pages_of_a_room(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let empty = t
        .store
        .messages_page(ann, Some(room), page(1, 10))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((empty.count, empty.items.len()), (0, 0));
    let mut sent = Vec::new();
    for n in 0..25 {
        sent.push(t.send(room, ann, &format!("{n}")).await);
    }
    t.delete(sent.remove(20).id).await;
    t.delete(sent.remove(3).id).await;
    sent.reverse();
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        for (number, rows) in [(1, 0..10), (2, 10..20), (3, 20..23)] {
            let found = store
                .messages_page(ann, Some(room), page(number, 10))
                .await
                .unwrap()
                .unwrap();
            assert_eq!((found.count, found.size), (23, 10));
            assert_eq!(found.items, sent[rows]);
        }
        let end = store
            .messages_page(ann, Some(room), last(10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(end.items, sent[20..]);
        for bad in [0, 4, -1] {
            assert!(
                store
                    .messages_page(ann, Some(room), page(bad, 10))
                    .await
                    .unwrap()
                    .is_none()
            );
        }
    }
    cold.close().await;
}

async fn far_pages_of_a_long_room(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let waiting: Vec<_> = (0..1_000)
        .map(|n| {
            t.store
                .append(t.new_message(room, ann, &format!("{n}")))
                .unwrap()
        })
        .collect();
    let mut ids = Vec::new();
    for pending in waiting {
        let parlour_core::ports::Append::Stored(message) = pending.wait().await.unwrap() else {
            panic!()
        };
        ids.push(message.id);
    }
    for index in (0..1_000).step_by(7) {
        t.delete(ids[index]).await;
    }
    let kept = |n: &usize| !n.is_multiple_of(7);
    let texts: Vec<String> = (0..1_000)
        .filter(kept)
        .rev()
        .map(|n| format!("{n}"))
        .collect();
    for number in 1..=18 {
        let found = t
            .store
            .messages_page(ann, Some(room), page(number, 50))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.count, 857);
        let start = usize::try_from((number - 1) * 50).unwrap();
        let found: Vec<_> = found
            .items
            .iter()
            .map(|message| message.text.clone())
            .collect();
        assert_eq!(found, texts[start..(start + 50).min(857)], "page {number}");
    }
}

async fn pages_of_all_rooms(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let mine = t.room("mine", ann).await;
    let joined = t.room("joined", bob).await;
    let left = t.room("left", bob).await;
    let other = t.private("other", bob).await;
    t.joined(joined, ann).await;
    t.joined(left, ann).await;
    let mut expected = Vec::new();
    for n in 0..12 {
        for (room, author) in [(mine, ann), (joined, bob), (left, bob), (other, bob)] {
            let message = t.send(room, author, &format!("{n}")).await;
            if room == mine || room == joined {
                expected.push(message);
            }
        }
    }
    t.leave(left, ann).await;
    expected.reverse();
    for (number, rows) in [(1, 0..10), (2, 10..20), (3, 20..24)] {
        let found = t
            .store
            .messages_page(ann, None, page(number, 10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.count, 24);
        assert_eq!(found.items, expected[rows]);
    }
    let end = t
        .store
        .messages_page(ann, None, last(7))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(end.items, expected[21..]);
    assert!(
        t.store
            .messages_page(ann, None, page(4, 10))
            .await
            .unwrap()
            .is_none()
    );
    let eve = t.user("eve").await;
    let nothing = t
        .store
        .messages_page(eve, None, page(1, 10))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(nothing.count, 0);
    // A few messages among very many of others are found the other way.
    let waiting: Vec<_> = (0..3_000)
        .map(|n| {
            t.store
                .append(t.new_message(other, bob, &format!("{n}")))
                .unwrap()
        })
        .collect();
    for pending in waiting {
        pending.wait().await.unwrap();
    }
    for (number, rows) in [(1, 0..10), (3, 20..24)] {
        let found = t
            .store
            .messages_page(ann, None, page(number, 10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.items, expected[rows]);
    }
}

async fn who_is_not_in_sees_nothing(t: &Bench) {
    let [ann, bob, eve] = t.users(["ann", "bob", "eve"]).await;
    let room = t.private("den", ann).await;
    t.send(room, ann, "x").await;
    t.store.invite(room, eve, t.now()).await.unwrap();
    for user in [bob, eve] {
        let found = t
            .store
            .messages_page(user, Some(room), page(1, 10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.count, found.items.len()), (0, 0));
        assert!(
            t.store
                .messages_page(user, Some(room), page(2, 10))
                .await
                .unwrap()
                .is_none()
        );
        let end = t
            .store
            .messages_page(user, Some(room), last(10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(end.count, 0);
    }
    t.joined(room, eve).await;
    let found = t
        .store
        .messages_page(eve, Some(room), page(1, 10))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.count, 1);
    t.leave(room, eve).await;
    let found = t
        .store
        .messages_page(eve, Some(room), page(1, 10))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.count, 0, "leaving bites at once");
}

async fn parallel_edits_and_deletions_agree(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let id = t.send(room, ann, "start").await.id;
    let (other, other_ear) = t.second().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let store = if n % 2 == 0 {
            Arc::clone(&t.store)
        } else {
            Arc::clone(&other)
        };
        let at = t.now();
        calls.spawn(async move {
            if n < 16 {
                store
                    .edit_message(id, reworded(format!("{n}"), Vec::new(), at))
                    .await
                    .unwrap();
                false
            } else {
                store.delete_message(id, at).await.unwrap()
            }
        });
    }
    let deleted = calls
        .join_all()
        .await
        .into_iter()
        .filter(|did| *did)
        .count();
    assert_eq!(deleted, 1, "exactly one call did it");
    let mut heard = t.ear.of(room);
    heard.extend(other_ear.of(room));
    heard.sort_unstable_by_key(|event| event.seq);
    assert_eq!(heard.last().unwrap().what, What::MessageDeleted(id));
    let seqs: Vec<_> = heard.iter().map(|event| event.seq).collect();
    assert_eq!(
        seqs,
        (1..=i64::try_from(heard.len()).unwrap()).collect::<Vec<_>>()
    );
    other.close().await;
}
