//! Pieces of a room's stream, from memory and from the database.

use crate::bench::{Bench, reworded};
use parlour_core::{
    Event, RoomId, What,
    event::LeaveReason,
    ports::{RoomChange, Span, Store},
};
use std::sync::Arc;

on_each_engine! {
    every_event_is_read_back,
    pieces_fit_together,
    a_piece_says_whether_there_is_more,
    a_room_that_does_not_exist_has_none,
    memory_and_database_say_the_same,
}

async fn all(store: &Arc<dyn Store>, room: RoomId) -> Vec<Event> {
    let found = store
        .history(room, Span::After(0), 1_000)
        .await
        .unwrap()
        .unwrap();
    assert!(!found.has_more);
    found.events
}

async fn every_event_is_read_back(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let kept = t.send(room, bob, "kept").await;
    let edited = t.send(room, bob, "edited").await;
    let wiped = t.send(room, bob, "wiped").await;
    t.store
        .edit_message(edited.id, reworded("later".to_owned(), Vec::new(), t.now()))
        .await
        .unwrap();
    t.store
        .edit_message(wiped.id, reworded("later".to_owned(), Vec::new(), t.now()))
        .await
        .unwrap();
    t.delete(wiped.id).await;
    let change = RoomChange {
        topic: Some("t".to_owned()),
        ..RoomChange::default()
    };
    t.store.update_room(room, change, t.now()).await.unwrap();
    t.store.hand_over(room, bob, t.now()).await.unwrap();
    t.store.remove(room, ann, t.now()).await.unwrap();
    let now = t.see(room).await;
    let edited = t.store.message(edited.id).await.unwrap().unwrap();
    let expected = [
        What::RoomCreated(Arc::clone(&now)),
        What::MemberJoined(bob),
        What::MessageCreated(kept),
        What::MessageCreated(Arc::clone(&edited)),
        What::MessageDeleted(wiped.id),
        What::MessageUpdated(edited),
        What::MessageDeleted(wiped.id),
        What::MessageDeleted(wiped.id),
        What::RoomUpdated(Arc::clone(&now)),
        What::RoomUpdated(now),
        What::MemberLeft(bob, LeaveReason::BecameHost),
        What::MemberJoined(ann),
        What::MemberLeft(ann, LeaveReason::Removed),
    ];
    let (cold, _) = t.second().await;
    let heard = t.ear.of(room);
    for store in [&t.store, &cold] {
        let found = all(store, room).await;
        let whats: Vec<_> = found.iter().map(|event| event.what.clone()).collect();
        assert_eq!(whats, expected);
        for (found, heard) in found.iter().zip(&heard) {
            assert_eq!((found.seq, found.at), (heard.seq, heard.at));
        }
    }
    cold.close().await;
}

/// A room with 700 messages and some other events; its newest seq.
async fn long_room(t: &Bench) -> (RoomId, i64) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    for part in 0..7 {
        let waiting: Vec<_> = (0..100)
            .map(|n| {
                t.store
                    .append(t.new_message(room, ann, &format!("{part}/{n}")))
                    .unwrap()
            })
            .collect();
        for pending in waiting {
            pending.wait().await.unwrap();
        }
        t.joined(room, bob).await;
        t.leave(room, bob).await;
    }
    let seq = t.see(room).await.seq;
    assert_eq!(seq, 1 + 7 * 102);
    (room, seq)
}

async fn pieces_fit_together(t: &Bench) {
    let (room, seq) = long_room(t).await;
    let whole = all(&t.store, room).await;
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        for limit in [1, 7, 100, 333] {
            let mut forward: Vec<Event> = Vec::new();
            loop {
                let after = forward.last().map_or(0, |event| event.seq);
                let found = store
                    .history(room, Span::After(after), limit)
                    .await
                    .unwrap()
                    .unwrap();
                assert_eq!(found.seq, seq);
                forward.extend(found.events);
                if !found.has_more {
                    break;
                }
            }
            assert_eq!(forward, whole, "forward by {limit}");
            let mut back = store
                .history(room, Span::Newest, limit)
                .await
                .unwrap()
                .unwrap();
            let mut pieces = back.events.clone();
            while back.has_more {
                let before = pieces[0].seq;
                back = store
                    .history(room, Span::Before(before), limit)
                    .await
                    .unwrap()
                    .unwrap();
                pieces.splice(0..0, back.events.clone());
            }
            assert_eq!(pieces, whole, "back by {limit}");
        }
    }
    cold.close().await;
}

async fn a_piece_says_whether_there_is_more(t: &Bench) {
    let (room, seq) = long_room(t).await;
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        let ask = async |span, limit| {
            let found = store.history(room, span, limit).await.unwrap().unwrap();
            let seqs: Vec<_> = found.events.iter().map(|event| event.seq).collect();
            (seqs.first().copied(), seqs.len(), found.has_more)
        };
        assert_eq!(ask(Span::After(0), 10).await, (Some(1), 10, true));
        assert_eq!(
            ask(Span::After(seq - 10), 10).await,
            (Some(seq - 9), 10, false)
        );
        assert_eq!(ask(Span::After(seq), 10).await, (None, 0, false));
        assert_eq!(ask(Span::After(seq + 5), 10).await, (None, 0, false));
        assert_eq!(ask(Span::After(i64::MAX), 10).await, (None, 0, false));
        assert_eq!(ask(Span::After(-5), 1).await, (Some(1), 1, true));
        assert_eq!(ask(Span::Before(1), 10).await, (None, 0, false));
        assert_eq!(ask(Span::Before(i64::MIN), 10).await, (None, 0, false));
        assert_eq!(ask(Span::Before(11), 10).await, (Some(1), 10, false));
        assert_eq!(ask(Span::Before(12), 10).await, (Some(2), 10, true));
        assert_eq!(
            ask(Span::Before(i64::MAX), 10).await,
            (Some(seq - 9), 10, true)
        );
        assert_eq!(ask(Span::Newest, 10).await, (Some(seq - 9), 10, true));
        assert_eq!(
            ask(Span::Newest, 1_000).await,
            (Some(1), usize::try_from(seq).unwrap(), false)
        );
    }
    cold.close().await;
}

async fn a_room_that_does_not_exist_has_none(t: &Bench) {
    for span in [Span::Newest, Span::After(0), Span::Before(5)] {
        assert!(
            t.store
                .history(RoomId::new(404), span, 10)
                .await
                .unwrap()
                .is_none()
        );
    }
}

async fn memory_and_database_say_the_same(t: &Bench) {
    let (room, _) = long_room(t).await;
    let ann = t.user("zoe").await;
    let page = t
        .store
        .history(room, Span::Newest, 200)
        .await
        .unwrap()
        .unwrap();
    let messages = page.events.iter().filter_map(|event| match &event.what {
        What::MessageCreated(message) => Some(message.id),
        _ => None,
    });
    for (n, id) in messages.enumerate().collect::<Vec<_>>() {
        match n % 3 {
            0 => {
                t.store
                    .edit_message(id, reworded(format!("edited {n}"), Vec::new(), t.now()))
                    .await
                    .unwrap();
            }
            1 => {
                t.delete(id).await;
            }
            _ => t.joined_or_left(room, ann, n % 2 == 0).await,
        }
    }
    let (cold, _) = t.second().await;
    for span in [Span::Newest, Span::After(600), Span::Before(700)] {
        let warm = t.store.history(room, span, 150).await.unwrap().unwrap();
        let found = cold.history(room, span, 150).await.unwrap().unwrap();
        assert_eq!(warm.events, found.events);
        assert_eq!((warm.has_more, warm.seq), (found.has_more, found.seq));
    }
    cold.close().await;
}

impl Bench {
    async fn joined_or_left(&self, room: RoomId, user: parlour_core::UserId, join: bool) {
        if join {
            self.join(room, user).await;
        } else {
            self.leave(room, user).await;
        }
    }
}
