//! Reactions: events, order, limits, and what becomes of them.

use crate::bench::{Bench, page, reworded};
use parlour_core::{
    Event, MessageId, RoomId, UserId, What,
    event::{EndReason, Reacted},
    model::{Message, Reaction},
    ports::{NewReaction, React, Span, Store},
};
use std::sync::Arc;

on_each_engine! {
    a_reaction_is_an_event,
    emoji_keep_the_order_of_their_first_use,
    only_those_in_the_room_react,
    parallel_reactions_stop_at_the_limit,
    the_same_reaction_at_once_is_one,
    memory_keeps_up_and_keeps_the_html,
    old_messages_take_reactions,
    a_deleted_message_has_no_reactions,
}

fn by(emoji: &str, users: &[UserId]) -> Reaction {
    Reaction {
        emoji: emoji.to_owned(),
        users: users.to_vec(),
    }
}

async fn newest(store: &Arc<dyn Store>, room: RoomId, user: UserId) -> Vec<Arc<Message>> {
    let found = store.messages_page(user, Some(room), page(1, 50)).await;
    found.unwrap().unwrap().items
}

async fn all(store: &Arc<dyn Store>, room: RoomId) -> Vec<Event> {
    let found = store.history(room, Span::After(0), 1_000).await;
    found.unwrap().unwrap().events
}

async fn a_reaction_is_an_event(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let sent = t.send(room, bob, "x").await;
    assert_eq!(sent.reactions, []);
    let (now, seq) = t.reacted(sent.id, ann, "👍", true).await;
    assert_eq!(
        (now.reactions.clone(), seq),
        (vec![by("👍", &[ann])], Some(4))
    );
    assert_eq!(now.updated_at, sent.updated_at, "it is no edit");
    let (again, seq) = t.reacted(sent.id, ann, "👍", true).await;
    assert_eq!(
        (&again, seq),
        (&now, None),
        "doing it again changes nothing"
    );
    let (none, seq) = t.reacted(sent.id, bob, "👍", false).await;
    assert_eq!((&none, seq), (&now, None), "there was nothing to take back");
    let (both, seq) = t.reacted(sent.id, bob, "👍", true).await;
    assert_eq!(
        (both.reactions.clone(), seq),
        (vec![by("👍", &[ann, bob])], Some(5))
    );
    let (left, seq) = t.reacted(sent.id, ann, "👍", false).await;
    assert_eq!(
        (left.reactions.clone(), seq),
        (vec![by("👍", &[bob])], Some(6))
    );
    assert_eq!(
        t.store.message(sent.id).await.unwrap(),
        Some(Arc::clone(&left))
    );
    let reacted = |user| {
        Arc::new(Reacted {
            message: sent.id,
            emoji: "👍".to_owned(),
            user,
        })
    };
    let expected = [
        What::ReactionAdded(reacted(ann)),
        What::ReactionAdded(reacted(bob)),
        What::ReactionRemoved(reacted(ann)),
    ];
    let heard = t.ear.of(room);
    let whats: Vec<_> = heard[3..].iter().map(|event| event.what.clone()).collect();
    assert_eq!(whats, expected);
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        let found = all(store, room).await;
        assert_eq!(found[3..], heard[3..], "read back as it was");
        assert_eq!(found[2].what, What::MessageCreated(Arc::clone(&left)));
        assert_eq!(newest(store, room, ann).await, [Arc::clone(&left)]);
    }
    let view = t.see(room).await;
    assert_eq!((view.seq, view.messages), (6, 1));
    cold.close().await;
}

async fn emoji_keep_the_order_of_their_first_use(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    t.joined(room, cleo).await;
    let id = t.send(room, ann, "x").await.id;
    newest(&t.store, room, ann).await;
    for (user, emoji, on) in [
        (ann, "b", true),
        (bob, "a", true),
        (cleo, "b", true),
        (cleo, "a", true),
        (ann, "a", true),
        // The first user takes it back; the emoji stays where it is.
        (ann, "b", false),
        (bob, "c", true),
        // Who comes back comes last.
        (bob, "a", false),
        (bob, "a", true),
    ] {
        assert!(t.reacted(id, user, emoji, on).await.1.is_some());
    }
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        let found = newest(store, room, ann).await;
        let expected = [
            by("b", &[cleo]),
            by("a", &[cleo, ann, bob]),
            by("c", &[bob]),
        ];
        assert_eq!(found[0].reactions, expected);
    }
    // An emoji that nobody uses any more begins anew.
    t.reacted(id, cleo, "b", false).await;
    t.reacted(id, cleo, "b", true).await;
    let (other, _) = t.second().await;
    for store in [&t.store, &cold, &other] {
        let found = newest(store, room, ann).await;
        let reactions = found[0].reactions.iter();
        let emoji: Vec<_> = reactions.map(|reaction| &*reaction.emoji).collect();
        assert_eq!(emoji, ["a", "c", "b"]);
    }
    cold.close().await;
    other.close().await;
}

async fn only_those_in_the_room_react(t: &Bench) {
    let [ann, bob, eve] = t.users(["ann", "bob", "eve"]).await;
    let room = t.private("den", ann).await;
    t.store.invite(room, bob, t.now()).await.unwrap();
    t.store.invite(room, eve, t.now()).await.unwrap();
    t.joined(room, bob).await;
    let id = t.send(room, bob, "x").await.id;
    assert_eq!(t.react(id, eve, "👍", true).await, React::NotIn, "invited");
    assert!(
        t.reacted(id, ann, "👍", true).await.1.is_some(),
        "owner without a seat"
    );
    t.leave(room, bob).await;
    assert_eq!(t.react(id, bob, "👍", true).await, React::NotIn, "left");
    let other = MessageId::new(404);
    assert_eq!(t.react(other, ann, "👍", true).await, React::Gone);
    t.store
        .end_room(room, EndReason::Deleted, t.now())
        .await
        .unwrap();
    assert_eq!(t.react(id, ann, "👎", true).await, React::Gone);
    assert_eq!(t.count("SELECT COUNT(*) FROM reactions").await, 1);
}

async fn parallel_reactions_stop_at_the_limit(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let id = t.send(room, ann, "x").await.id;
    let (other, _) = t.second().await;
    let mut users = vec![ann];
    for n in 0..7 {
        let user = t.user(&format!("u{n}")).await;
        t.joined(room, user).await;
        users.push(user);
    }
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..32_usize {
        let store = Arc::clone(if n % 2 == 0 { &t.store } else { &other });
        let reaction = NewReaction {
            user: users[n % 8],
            emoji: format!("e{}", n % 16),
            on: true,
            at: t.now(),
        };
        calls.spawn(async move { store.react(id, reaction, 5).await.unwrap() });
    }
    let answers = calls.join_all().await;
    let full = answers.iter().filter(|answer| **answer == React::TooMany);
    assert!(full.count() >= 16, "11 of 16 emoji found no place");
    let now = t.store.message(id).await.unwrap().unwrap();
    assert_eq!(now.reactions.len(), 5);
    // One that is there already may be used by more people.
    let emoji = now.reactions[0].emoji.clone();
    let late = t.user("late").await;
    t.joined(room, late).await;
    let reaction = |emoji: &str| NewReaction {
        user: late,
        emoji: emoji.to_owned(),
        on: true,
        at: t.now(),
    };
    let joined_in = t.store.react(id, reaction(&emoji), 5).await.unwrap();
    assert!(matches!(joined_in, React::Done { seq: Some(_), .. }));
    let new = t.store.react(id, reaction("new"), 5).await.unwrap();
    assert_eq!(new, React::TooMany);
    other.close().await;
}

async fn the_same_reaction_at_once_is_one(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let id = t.send(room, ann, "x").await.id;
    let (other, _) = t.second().await;
    for on in [true, false] {
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..16 {
            let store = Arc::clone(if n % 2 == 0 { &t.store } else { &other });
            let reaction = NewReaction {
                user: ann,
                emoji: "👍".to_owned(),
                on,
                at: t.now(),
            };
            calls.spawn(async move { store.react(id, reaction, 20).await.unwrap() });
        }
        let done = calls.join_all().await.into_iter();
        let did = done.filter(|answer| matches!(answer, React::Done { seq: Some(_), .. }));
        assert_eq!(did.count(), 1, "exactly one call did it");
        let now = t.store.message(id).await.unwrap().unwrap();
        assert_eq!(now.reactions.len(), usize::from(on));
    }
    assert_eq!(t.see(room).await.seq, 4);
    other.close().await;
}

async fn memory_keeps_up_and_keeps_the_html(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let id = t.send(room, ann, "a < b").await.id;
    let before = newest(&t.store, room, ann).await.remove(0);
    let html = before.html().as_ptr();
    t.reacted(id, ann, "👍", true).await;
    let now = newest(&t.store, room, ann).await.remove(0);
    assert_eq!(now.reactions, [by("👍", &[ann])]);
    assert_eq!(now.html().as_ptr(), html, "it is not made again");
    assert_eq!(before.reactions, [], "what others hold does not change");
    t.store
        .edit_message(id, reworded("b > a".to_owned(), Vec::new(), t.now()))
        .await
        .unwrap();
    let edited = newest(&t.store, room, ann).await.remove(0);
    assert_eq!(edited.reactions, [by("👍", &[ann])]);
    assert_ne!(edited.html(), now.html());
}

async fn old_messages_take_reactions(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let first = t.send(room, ann, "first").await;
    for part in 0..6 {
        let waiting: Vec<_> = (0..60)
            .map(|n| {
                let new = t.new_message(room, ann, &format!("{part}/{n}"));
                t.store.append(new).unwrap()
            })
            .collect();
        for pending in waiting {
            pending.wait().await.unwrap();
        }
    }
    newest(&t.store, room, ann).await;
    let (now, seq) = t.reacted(first.id, ann, "👍", true).await;
    let found = t
        .store
        .messages_page(ann, Some(room), crate::bench::last(50))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.items.last(), Some(&now));
    let found = t.store.history(room, Span::After(0), 2).await.unwrap();
    let found = found.unwrap();
    assert_eq!(found.events[1].what, What::MessageCreated(now));
    assert_eq!(Some(found.seq), seq);
    let listed = t.store.messages_page(ann, None, page(1, 50)).await;
    assert_eq!(listed.unwrap().unwrap().count, 361);
}

async fn a_deleted_message_has_no_reactions(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let gone = t.call(room, bob, &[ann]).await;
    let kept = t.send(room, bob, "kept").await;
    t.reacted(gone.id, ann, "👍", true).await;
    let (kept, _) = t.reacted(kept.id, ann, "👍", true).await;
    t.delete(gone.id).await;
    assert_eq!(t.react(gone.id, ann, "👎", true).await, React::Gone);
    assert_eq!(t.count("SELECT COUNT(*) FROM reactions").await, 1);
    assert_eq!(t.count("SELECT COUNT(*) FROM mentions").await, 0);
    let left = t.count("SELECT COUNT(*) FROM messages WHERE mentions IS NOT NULL");
    assert_eq!(left.await, 0);
    let (cold, _) = t.second().await;
    let reacted = Arc::new(Reacted {
        message: gone.id,
        emoji: "👍".to_owned(),
        user: ann,
    });
    for store in [&t.store, &cold] {
        let found = all(store, room).await;
        let whats: Vec<_> = found[2..].iter().map(|event| &event.what).collect();
        // The reaction's place in the stream stays as it was.
        assert_eq!(*whats[0], What::MessageDeleted(gone.id));
        assert_eq!(*whats[1], What::MessageCreated(Arc::clone(&kept)));
        assert_eq!(*whats[2], What::ReactionAdded(Arc::clone(&reacted)));
        assert_eq!(*whats[4], What::MessageDeleted(gone.id));
    }
    cold.close().await;
}
