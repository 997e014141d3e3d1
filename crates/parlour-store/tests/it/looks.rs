//! How people and the server are shown, replies, and what people choose.

use crate::bench::{Bench, page, reworded};
use parlour_core::{
    MessageId, RoomId, UserId,
    model::{self, HourCycle, Language, Logo, Message, Preferences, Sender, Site},
    ports::{Append, LogoChange, NewMessage, SaveUser, SiteChange, Span, Store, UserChange},
};
use std::sync::Arc;

on_each_engine! {
    messages_carry_their_sender,
    a_new_name_is_seen_everywhere,
    another_process_is_told_of_a_new_name,
    a_message_on_its_way_during_a_rename,
    replies_are_kept,
    a_reply_is_part_of_the_body,
    messages_by_their_ids,
    people_are_found,
    preferences_are_kept,
    the_look_is_kept,
    parallel_changes_of_the_look_all_count,
}

async fn renamed(t: &Bench, id: UserId, nickname: Option<&str>, hue: Option<Option<u8>>) {
    let mut change = UserChange {
        nickname: nickname.map(str::to_owned),
        avatar_hue: hue,
        ..UserChange::default()
    };
    change.keys.nickname = nickname.map(str::to_lowercase);
    let saved = t.store.update_user(id, change, t.now()).await.unwrap();
    assert!(matches!(saved, SaveUser::Saved { .. }), "{saved:?}");
}

/// The newest message from a page, from history, and by its id.
async fn everywhere(store: &Arc<dyn Store>, room: RoomId, reader: UserId) -> Vec<Arc<Message>> {
    let listed = store.messages_page(reader, Some(room), page(1, 10)).await;
    let listed = listed.unwrap().unwrap().items.remove(0);
    let all = store.messages_page(reader, None, page(1, 10)).await;
    let all = all.unwrap().unwrap().items.remove(0);
    let history = store
        .history(room, Span::Newest, 50)
        .await
        .unwrap()
        .unwrap();
    let mut of_history = history
        .events
        .into_iter()
        .filter_map(|event| match event.what {
            parlour_core::What::MessageCreated(message)
            | parlour_core::What::MessageUpdated(message) => Some(message),
            _ => None,
        });
    let of_history = of_history.next_back().unwrap();
    let one = store.message(listed.id).await.unwrap().unwrap();
    vec![listed, all, of_history, one]
}

fn sender(nickname: &str, hue: u8) -> Arc<Sender> {
    let nickname = nickname.to_owned();
    Arc::new(Sender { nickname, hue })
}

async fn messages_carry_their_sender(t: &Bench) {
    let [ann, bob] = t.users(["Ann", "Bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let sent = t.send(room, bob, "x").await;
    let of_id = model::hue(bob, None);
    assert_eq!(sent.sender, sender("Bob", of_id));
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        for found in everywhere(store, room, ann).await {
            assert_eq!(found, sent);
        }
    }
    cold.close().await;
}

async fn a_new_name_is_seen_everywhere(t: &Bench) {
    let [ann, bob] = t.users(["Ann", "Bob"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let sent = t.send(room, bob, "x").await;
    t.store
        .edit_message(sent.id, reworded("y".to_owned(), Vec::new(), t.now()))
        .await
        .unwrap();
    let of_id = model::hue(bob, None);
    let other = (of_id + 1) % 12;
    for (nickname, hue, expected) in [
        (Some("Robert"), None, sender("Robert", of_id)),
        (None, Some(Some(other)), sender("Robert", other)),
        (Some("Bob"), Some(None), sender("Bob", of_id)),
    ] {
        everywhere(&t.store, room, ann).await;
        renamed(t, bob, nickname, hue).await;
        let (cold, _) = t.second().await;
        for store in [&t.store, &cold] {
            for found in everywhere(store, room, ann).await {
                assert_eq!(found.sender, expected);
            }
        }
        cold.close().await;
    }
    // What has nothing to do with how somebody is shown leaves the memory alone.
    let before = everywhere(&t.store, room, ann).await.remove(0);
    let change = UserChange {
        first_name: Some("R.".to_owned()),
        ..UserChange::default()
    };
    t.store.update_user(bob, change, t.now()).await.unwrap();
    let after = everywhere(&t.store, room, ann).await.remove(0);
    assert!(Arc::ptr_eq(&before, &after));
}

async fn another_process_is_told_of_a_new_name(t: &Bench) {
    let ann = t.user("Ann").await;
    let room = t.room("den", ann).await;
    t.send(room, ann, "x").await;
    let (other, _) = t.second().await;
    everywhere(&other, room, ann).await;
    renamed(t, ann, Some("Anna"), None).await;
    other.forget_sender(ann);
    for found in everywhere(&other, room, ann).await {
        assert_eq!(found.sender.nickname, "Anna");
    }
    other.close().await;
}

async fn a_message_on_its_way_during_a_rename(t: &Bench) {
    let ann = t.user("Ann").await;
    let room = t.room("den", ann).await;
    t.send(room, ann, "x").await;
    everywhere(&t.store, room, ann).await;
    let old = t.new_message(room, ann, "made before, stored after");
    renamed(t, ann, Some("Anna"), None).await;
    everywhere(&t.store, room, ann).await;
    t.append(old).await;
    for found in everywhere(&t.store, room, ann).await {
        assert_eq!(found.text, "made before, stored after");
        assert_eq!(found.sender.nickname, "Anna");
    }
}

async fn replies_are_kept(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let first = t.send(room, ann, "question").await;
    let reply = NewMessage {
        reply_to: Some(first.id),
        ..t.new_message(room, ann, "answer")
    };
    let Append::Stored(reply) = t.append(reply).await else {
        panic!()
    };
    assert_eq!((first.reply_to, reply.reply_to), (None, Some(first.id)));
    t.delete(first.id).await;
    let edit = t
        .store
        .edit_message(reply.id, reworded("later".to_owned(), Vec::new(), t.now()));
    edit.await.unwrap();
    let (cold, _) = t.second().await;
    for store in [&t.store, &cold] {
        for found in everywhere(store, room, ann).await {
            assert_eq!(
                found.reply_to,
                Some(first.id),
                "it stays, also when that is gone"
            );
        }
    }
    t.delete(reply.id).await;
    let left = t.count("SELECT COUNT(*) FROM messages WHERE reply_to IS NOT NULL");
    assert_eq!(left.await, 0);
    cold.close().await;
}

async fn a_reply_is_part_of_the_body(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("den", ann).await;
    let first = t.send(room, ann, "one").await.id;
    let other = t.send(room, ann, "two").await.id;
    let reply = |to: Option<MessageId>| NewMessage {
        reply_to: to,
        nonce: Some("n".to_owned()),
        ..t.new_message(room, ann, "answer")
    };
    let Append::Stored(stored) = t.append(reply(Some(first))).await else {
        panic!()
    };
    let again = t.append(reply(Some(first))).await;
    assert_eq!(again, Append::Repeated(stored));
    for to in [None, Some(other)] {
        assert_eq!(t.append(reply(to)).await, Append::NonceReused);
    }
    // What it answers is gone meanwhile: the retry does not care, a new answer does.
    let late = |nonce: &str| NewMessage {
        reply_is_there: false,
        nonce: Some(nonce.to_owned()),
        ..reply(Some(first))
    };
    assert_eq!(t.append(late("n")).await, again);
    assert_eq!(t.append(late("new")).await, Append::NoReply);
}

async fn messages_by_their_ids(t: &Bench) {
    let ann = t.user("ann").await;
    let [room, ended] = [t.room("den", ann).await, t.room("old", ann).await];
    let one = t.send(room, ann, "one").await;
    let two = t.send(room, ann, "two").await;
    let gone = t.send(room, ann, "gone").await;
    let away = t.send(ended, ann, "away").await;
    let (one, _) = t.reacted(one.id, ann, "👍", true).await;
    t.delete(gone.id).await;
    t.store
        .end_room(ended, parlour_core::event::EndReason::Deleted, t.now())
        .await
        .unwrap();
    let ids = [
        two.id,
        gone.id,
        one.id,
        away.id,
        MessageId::new(404),
        one.id,
    ];
    let mut found = t.store.messages_by_id(&ids).await.unwrap();
    found.sort_unstable_by_key(|message| message.id);
    assert_eq!(found, [one, two]);
    assert_eq!(t.store.messages_by_id(&[]).await.unwrap(), []);
}

async fn people_are_found(t: &Bench) {
    let [ann, bob] = t.users(["Ann", "Bob"]).await;
    renamed(t, bob, None, Some(Some(7))).await;
    let mut found = t
        .store
        .senders(&[bob, UserId::new(404), ann])
        .await
        .unwrap();
    found.sort_unstable_by_key(|(id, _)| *id);
    let expected = [
        (ann, Arc::unwrap_or_clone(t.sender(ann))),
        (bob, Arc::unwrap_or_clone(sender("Bob", 7))),
    ];
    assert_eq!(found, expected);
    assert_eq!(t.store.senders(&[]).await.unwrap(), []);
    assert_eq!(t.store.user_by_nickname("bob").await.unwrap(), Some(bob));
    assert_eq!(t.store.user_by_nickname("Bob").await.unwrap(), None);
    let user = t.store.user(bob).await.unwrap().unwrap();
    assert_eq!((user.avatar_hue, user.hue()), (Some(7), 7));
    let user = t.store.user(ann).await.unwrap().unwrap();
    assert_eq!(user.avatar_hue, None);
}

async fn preferences_are_kept(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let chosen = Preferences {
        language: Some(Language::Korean),
        clock: HourCycle::Twelve,
        calm: true,
        ..Preferences::default()
    };
    let of = async |id| t.store.preferences(id).await.unwrap();
    assert_eq!(of(ann).await, Some(Preferences::default()));
    assert!(t.store.set_preferences(ann, chosen.clone()).await.unwrap());
    assert_eq!(of(ann).await, Some(chosen.clone()));
    assert_eq!(of(bob).await, Some(Preferences::default()));
    let nobody = UserId::new(404);
    assert_eq!(of(nobody).await, None);
    assert!(!t.store.set_preferences(nobody, chosen).await.unwrap());
}

async fn the_look_is_kept(t: &Bench) {
    assert_eq!(t.store.site().await.unwrap(), Site::default());
    let logo = Logo {
        media_type: "image/png".to_owned(),
        bytes: (0..=255).collect(),
    };
    let change = SiteChange {
        name: Some("The \"Den\"".to_owned()),
        css: Some("a{}".to_owned()),
        logo: LogoChange::Replace(logo.clone()),
        ..SiteChange::default()
    };
    let first = t.store.save_site(change).await.unwrap();
    let mut expected = Site {
        name: "The \"Den\"".to_owned(),
        css: "a{}".to_owned(),
        logo: Some(logo),
        version: 1,
        ..Site::default()
    };
    assert_eq!(first, expected);
    let change = SiteChange {
        welcome: Some("Hello".to_owned()),
        run_by: Some("Ann".to_owned()),
        hue: Some(300),
        css: Some(String::new()),
        ..SiteChange::default()
    };
    t.store.save_site(change).await.unwrap();
    expected.welcome = "Hello".to_owned();
    expected.run_by = "Ann".to_owned();
    expected.hue = 300;
    expected.css = String::new();
    expected.version = 2;
    let (cold, _) = t.second().await;
    assert_eq!(cold.site().await.unwrap(), expected);
    let change = SiteChange {
        logo: LogoChange::Remove,
        ..SiteChange::default()
    };
    expected.logo = None;
    expected.version = 3;
    assert_eq!(cold.save_site(change).await.unwrap(), expected);
    assert_eq!(t.store.site().await.unwrap(), expected);
    cold.close().await;
}

async fn parallel_changes_of_the_look_all_count(t: &Bench) {
    let (other, _) = t.second().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..16_u16 {
        let store = Arc::clone(if n % 2 == 0 { &t.store } else { &other });
        let change = SiteChange {
            hue: (n < 8).then_some(100 + n),
            welcome: (n >= 8).then(|| format!("{n}")),
            ..SiteChange::default()
        };
        calls.spawn(async move { store.save_site(change).await.unwrap().version });
    }
    let mut versions = calls.join_all().await;
    versions.sort_unstable();
    assert_eq!(versions, (1..=16).collect::<Vec<_>>());
    let site = t.store.site().await.unwrap();
    assert!((100..108).contains(&site.hue) && !site.welcome.is_empty());
    other.close().await;
}
