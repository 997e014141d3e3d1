//! What an account's deletion leaves of its talk: nothing.

use crate::bench::{Bench, page};
use parlour_core::{
    RoomId, What,
    model::{Reaction, Sender},
    ports::{DeleteUser, Span, Store},
};
use std::sync::Arc;

on_each_engine! {
    nothing_of_an_account_stays,
    rooms_where_it_only_reacted_are_told,
    authors_who_are_gone_have_no_name,
}

async fn reactions(
    store: &Arc<dyn Store>,
    room: RoomId,
    user: parlour_core::UserId,
) -> Vec<Reaction> {
    let found = store.messages_page(user, Some(room), page(1, 10)).await;
    let found = found.unwrap().unwrap().items;
    let all = found.iter().flat_map(|message| message.reactions.clone());
    all.collect()
}

async fn nothing_of_an_account_stays(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    t.joined(room, cleo).await;
    let mine = t.call(room, ann, &[bob, cleo]).await;
    let his = t.call(room, bob, &[ann, cleo]).await;
    for (message, user) in [(&mine, ann), (&mine, bob), (&his, ann), (&his, bob)] {
        t.reacted(message.id, user, "👍", true).await;
    }
    t.store
        .mark_read(room, bob, 99, false, t.now())
        .await
        .unwrap();
    assert_eq!(reactions(&t.store, room, ann).await.len(), 2);
    let answer = t.store.delete_user(bob, t.now()).await.unwrap();
    assert!(matches!(answer, DeleteUser::Deleted { .. }));
    let left = Reaction {
        emoji: "👍".to_owned(),
        users: vec![ann],
    };
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        assert_eq!(
            reactions(store, room, ann).await,
            std::slice::from_ref(&left)
        );
    }
    assert_eq!(t.count("SELECT COUNT(*) FROM reactions").await, 1);
    let mentioned = t.count("SELECT MIN(user_id) FROM mentions").await;
    assert_eq!(t.count("SELECT COUNT(*) FROM mentions").await, 1);
    assert_eq!(mentioned, cleo.get(), "by Ann");
    let reads = t.count("SELECT COUNT(*) FROM reads").await;
    assert_eq!(reads, 1, "Cleo's");
    let unread = t.store.unread(cleo, Some(room)).await.unwrap();
    assert_eq!((unread[0].messages, unread[0].mentions), (1, 1));
    cold.close().await;
}

async fn rooms_where_it_only_reacted_are_told(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let sent = t.send(room, ann, "x").await;
    t.reacted(sent.id, bob, "👍", true).await;
    t.leave(room, bob).await;
    let (other, _) = t.second().await;
    for store in [&t.store, &other] {
        assert_eq!(reactions(store, room, ann).await.len(), 1);
    }
    t.store.delete_user(bob, t.now()).await.unwrap();
    assert_eq!(
        t.ear.of(room).pop().unwrap().what,
        What::MessagesPurged(bob)
    );
    for store in [&t.store, &other] {
        assert_eq!(reactions(store, room, ann).await, []);
        let found = store.history(room, Span::After(0), 100).await;
        let found = found.unwrap().unwrap();
        let added = found.events[3].what.clone();
        assert!(
            matches!(added, What::ReactionAdded(_)),
            "its place stays filled"
        );
        assert_eq!(found.seq, 6);
    }
    assert_eq!(t.store.message(sent.id).await.unwrap().unwrap().text, "x");
    other.close().await;
}

async fn authors_who_are_gone_have_no_name(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let sent = t.send(room, bob, "x").await;
    // Nobody does this: it is how a message would look whose author went away without it.
    let undone = t.store.delete_user(bob, t.now()).await.unwrap();
    assert!(matches!(undone, DeleteUser::Deleted { .. }));
    t.execute("UPDATE messages SET deleted = FALSE, text = 'x'")
        .await;
    let found = t.store.message(sent.id).await.unwrap().unwrap();
    let expected = Sender {
        nickname: String::new(),
        hue: parlour_core::model::hue(bob, None),
    };
    assert_eq!(*found.sender, expected);
}
