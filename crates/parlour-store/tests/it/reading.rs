//! Read positions, and what is unread.

use crate::bench::{Bench, mentions, reworded};
use parlour_core::{RoomId, UserId, event::EndReason, model::Unread, ports::EditMessage};
use std::sync::Arc;

on_each_engine! {
    positions_move_as_they_are_told,
    positions_never_move_backwards_at_once,
    joining_reads_everything_before,
    messages_of_others_are_unread,
    counting_stops_at_a_hundred,
    mentions_follow_the_message,
    all_rooms_in_one_call,
    positions_of_those_in_the_room,
}

impl Bench {
    async fn mark(&self, room: RoomId, user: UserId, seq: i64, back: bool) -> Option<i64> {
        let at = self.now();
        let marked = self.store.mark_read(room, user, seq, back, at).await;
        marked.unwrap()
    }

    async fn unread(&self, room: RoomId, user: UserId) -> Option<Unread> {
        let one = self.store.unread(user, Some(room)).await.unwrap();
        let all = self.store.unread(user, None).await.unwrap();
        let of_room = all.into_iter().find(|unread| unread.room == room);
        assert_eq!(one.first(), of_room.as_ref(), "one room and all agree");
        of_room
    }

    /// Position, messages, mentions.
    async fn counts(&self, room: RoomId, user: UserId) -> (i64, i64, i64) {
        let unread = self.unread(room, user).await.unwrap();
        (unread.read_seq, unread.messages, unread.mentions)
    }
}

async fn positions_move_as_they_are_told(t: &Bench) {
    let [ann, eve] = t.users(["ann", "eve"]).await;
    let room = t.room("den", ann).await;
    for n in 0..5 {
        t.send(room, ann, &format!("{n}")).await;
    }
    assert_eq!(t.counts(room, ann).await.0, 0, "never read");
    for (seq, back, expected) in [
        (3, false, 3),
        (2, false, 3),
        (3, false, 3),
        (99, false, 6),
        (2, true, 2),
        (4, true, 4),
        (-7, false, 4),
        (-7, true, 0),
        (i64::MAX, true, 6),
    ] {
        assert_eq!(t.mark(room, ann, seq, back).await, Some(expected));
        assert_eq!(t.counts(room, ann).await.0, expected);
    }
    assert_eq!(t.see(room).await.seq, 6, "no event");
    assert_eq!(t.mark(room, eve, 1, false).await, None, "a stranger");
    t.store.invite(room, eve, t.now()).await.unwrap();
    assert_eq!(t.mark(room, eve, 1, false).await, None, "invited");
    assert_eq!(t.mark(RoomId::new(404), ann, 1, false).await, None);
    t.store
        .end_room(room, EndReason::Deleted, t.now())
        .await
        .unwrap();
    assert_eq!(t.mark(room, ann, 1, true).await, None);
    assert_eq!(t.unread(room, ann).await, None);
}

async fn positions_never_move_backwards_at_once(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    for n in 0..40 {
        t.send(room, ann, &format!("{n}")).await;
    }
    let (other, _) = t.second().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..8_i64 {
        let store = Arc::clone(if n % 2 == 0 { &t.store } else { &other });
        let at = t.now();
        calls.spawn(async move {
            let mut reached = 0;
            for step in 0..20_i64 {
                let seq = (step * 7 + n * 5) % 41;
                let now = store.mark_read(room, ann, seq, false, at).await;
                let now = now.unwrap().unwrap();
                assert!(now >= reached && now >= seq, "{reached} {seq} {now}");
                reached = now;
            }
            reached
        });
    }
    let reached = calls.join_all().await.into_iter().max();
    assert_eq!(Some(t.counts(room, ann).await.0), reached);
    other.close().await;
}

async fn joining_reads_everything_before(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.send(room, ann, "before").await;
    t.joined(room, bob).await;
    assert_eq!(t.counts(room, bob).await, (3, 0, 0));
    t.call(room, ann, &[bob]).await;
    assert_eq!(t.counts(room, bob).await, (3, 1, 1));
    t.leave(room, bob).await;
    assert_eq!(t.unread(room, bob).await, None);
    assert_eq!(t.mark(room, bob, 4, false).await, None);
    t.call(room, ann, &[bob]).await;
    t.joined(room, bob).await;
    assert_eq!(t.counts(room, bob).await, (7, 0, 0), "begins anew");
    t.mark(room, ann, 5, false).await;
    // Bob becomes the host and gives the seat to Ann, who joins with it.
    t.store.hand_over(room, bob, t.now()).await.unwrap();
    assert_eq!(t.counts(room, ann).await, (10, 0, 0));
    assert_eq!(t.counts(room, bob).await, (7, 0, 0), "hears on as the host");
}

async fn messages_of_others_are_unread(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let mut sent = Vec::new();
    for n in 0..6 {
        let author = if n % 3 == 0 { bob } else { ann };
        sent.push(t.send(room, author, &format!("{n}")).await);
    }
    assert_eq!(t.counts(room, bob).await, (2, 4, 0), "not the own ones");
    assert_eq!(t.counts(room, ann).await, (0, 2, 0));
    t.delete(sent[1].id).await;
    t.reacted(sent[2].id, ann, "👍", true).await;
    assert_eq!(t.counts(room, bob).await, (2, 3, 0), "not deleted ones");
    t.mark(room, bob, sent[4].seq, false).await;
    assert_eq!(t.counts(room, bob).await, (sent[4].seq, 1, 0));
    t.mark(room, bob, i64::MAX, false).await;
    let unread = t.unread(room, bob).await.unwrap();
    let expected = Unread {
        room,
        seq: 10,
        read_seq: 10,
        messages: 0,
        mentions: 0,
    };
    assert_eq!(unread, expected);
}

async fn counting_stops_at_a_hundred(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let send = async |count: usize| {
        let waiting: Vec<_> = (0..count)
            .map(|_| {
                let new = parlour_core::ports::NewMessage {
                    mentions: mentions(&[bob]),
                    ..t.new_message(room, ann, "x")
                };
                t.store.append(new).unwrap()
            })
            .collect();
        for pending in waiting {
            pending.wait().await.unwrap();
        }
    };
    send(99).await;
    assert_eq!(t.counts(room, bob).await, (2, 99, 99));
    send(60).await;
    assert_eq!(t.counts(room, bob).await, (2, 100, 100));
}

async fn mentions_follow_the_message(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    t.joined(room, cleo).await;
    let sent = t.call(room, ann, &[bob, ann, UserId::new(404)]).await;
    assert_eq!(sent.mentions, mentions(&[bob, ann, UserId::new(404)]));
    assert_eq!(
        t.store.message(sent.id).await.unwrap().as_ref(),
        Some(&sent)
    );
    assert_eq!(
        t.count("SELECT COUNT(*) FROM mentions").await,
        1,
        "not oneself, nor nobody"
    );
    assert_eq!(t.counts(room, bob).await.2, 1);
    assert_eq!(t.counts(room, cleo).await.2, 0);
    let (id, at) = (sent.id, t.now());
    let edited = t
        .store
        .edit_message(id, reworded("later".to_owned(), mentions(&[cleo]), at))
        .await
        .unwrap();
    let EditMessage::Done(edited) = edited else {
        panic!()
    };
    assert_eq!(edited.mentions, mentions(&[cleo]));
    assert_eq!(t.store.message(id).await.unwrap(), Some(edited));
    assert_eq!(t.counts(room, bob).await.2, 0);
    assert_eq!(t.counts(room, cleo).await.2, 1);
    let none = t
        .store
        .edit_message(id, reworded("none".to_owned(), Vec::new(), t.now()));
    none.await.unwrap();
    assert_eq!(t.count("SELECT COUNT(*) FROM mentions").await, 0);
    let again = t.call(room, ann, &[bob, cleo]).await;
    t.delete(again.id).await;
    assert_eq!(t.count("SELECT COUNT(*) FROM mentions").await, 0);
}

async fn all_rooms_in_one_call(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let mut expected = Vec::new();
    for n in 0..12 {
        let owner = if n % 3 == 0 { bob } else { ann };
        let room = t.room(&format!("r{n}"), owner).await;
        if n % 3 == 1 {
            t.joined(room, bob).await;
        }
        for _ in 0..n {
            t.send(room, owner, "x").await;
        }
        if n % 3 < 2 {
            let messages = if n % 3 == 0 { 0 } else { n };
            expected.push((room, messages));
        }
    }
    let found = t.store.unread(bob, None).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|unread| (unread.room, unread.messages))
        .collect();
    assert_eq!(found, expected, "joined or owned, in order of the ids");
    let nobody = t.user("eve").await;
    assert_eq!(t.store.unread(nobody, None).await.unwrap(), []);
}

async fn positions_of_those_in_the_room(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let room = t.room("den", ann).await;
    let positions = async || {
        let mut found = t.store.read_positions(room).await.unwrap();
        found.sort_unstable();
        found
    };
    assert_eq!(positions().await, [], "the host never read");
    t.joined(room, bob).await;
    t.joined(room, cleo).await;
    t.mark(room, ann, 1, false).await;
    assert_eq!(positions().await, [(ann, 1), (bob, 2), (cleo, 3)]);
    t.leave(room, cleo).await;
    assert_eq!(positions().await, [(ann, 1), (bob, 2)]);
    t.store
        .end_room(room, EndReason::Deleted, t.now())
        .await
        .unwrap();
    assert_eq!(positions().await, []);
}
