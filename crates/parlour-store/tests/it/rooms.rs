//! Rooms: making, changing, ending.

use crate::bench::{Bench, reworded};
use parlour_core::{
    RoomId, UserId, What,
    event::EndReason,
    model::{RoomKind, Standing},
    ports::{Change, Join, RoomChange, SaveRoom, Span},
};
use std::{sync::Arc, time::Duration};

on_each_engine! {
    a_room_is_kept,
    names_are_unique_where_they_must_be,
    parallel_rooms_of_one_name_make_one,
    a_change_changes_what_it_says,
    a_changed_kind_checks_the_name_again,
    an_ended_room_is_gone_and_its_name_free,
    rooms_expire_once,
    expiry_is_renewed_in_time,
    a_call_expires_at_most_a_hundred,
    the_purge_leaves_nothing,
}

fn saved(answer: SaveRoom) -> Arc<parlour_core::model::Room> {
    match answer {
        SaveRoom::Saved(room) => room,
        other => panic!("{other:?}"),
    }
}

async fn a_room_is_kept(t: &Bench) {
    let ann = t.user("ann").await;
    let mut new = t.new_room("Café 🎉", ann, RoomKind::Private);
    new.topic = "talk".to_owned();
    new.max_users = 7;
    new.expires_at = Some(new.at.plus(Duration::from_secs(60)));
    let made = t.make_room(new.clone()).await;
    assert_eq!(
        (made.name.as_str(), made.topic.as_str()),
        ("Café 🎉", "talk")
    );
    assert_eq!(
        (made.kind, made.owner, made.max_users),
        (RoomKind::Private, ann, 7)
    );
    assert_eq!(
        (made.created_at, made.updated_at, made.expires_at),
        (new.at, new.at, new.expires_at)
    );
    assert_eq!((made.seq, made.messages, made.users.len()), (1, 0, 0));
    let heard = t.ear.of(made.id);
    assert_eq!(heard.len(), 1);
    assert_eq!((heard[0].seq, heard[0].at), (1, new.at));
    assert_eq!(heard[0].what, What::RoomCreated(Arc::clone(&made)));
    let view = t.store.room(made.id, ann).await.unwrap().unwrap();
    assert_eq!(view.room, made);
    assert_eq!((view.standing, view.is_owner), (Standing::Stranger, true));
    assert!(t.store.room(RoomId::new(404), ann).await.unwrap().is_none());
    let mut of_nobody = t.new_room("x", UserId::new(404), RoomKind::Group);
    of_nobody.at = t.now();
    assert!(matches!(
        t.store.create_room(of_nobody).await.unwrap(),
        SaveRoom::Gone
    ));
}

async fn names_are_unique_where_they_must_be(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    t.room("Den", ann).await;
    let again = t
        .store
        .create_room(t.new_room("DEN", bob, RoomKind::Group))
        .await
        .unwrap();
    assert!(matches!(again, SaveRoom::NameTaken));
    t.private("den", ann).await;
    t.private("den", bob).await;
    let again = t
        .store
        .create_room(t.new_room("Den", bob, RoomKind::Private))
        .await
        .unwrap();
    assert!(matches!(again, SaveRoom::NameTaken));
}

async fn parallel_rooms_of_one_name_make_one(t: &Bench) {
    let ann = t.user("ann").await;
    let (other, _) = t.second().await;
    for kind in [RoomKind::Group, RoomKind::Private] {
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..12 {
            let store = if n % 2 == 0 {
                Arc::clone(&t.store)
            } else {
                Arc::clone(&other)
            };
            let new = t.new_room("den", ann, kind);
            calls.spawn(async move { store.create_room(new).await.unwrap() });
        }
        let answers = calls.join_all().await;
        let made = answers
            .iter()
            .filter(|answer| matches!(answer, SaveRoom::Saved(_)));
        assert_eq!(made.count(), 1);
    }
    other.close().await;
}

async fn a_change_changes_what_it_says(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let id = t.room("den", ann).await;
    t.joined(id, bob).await;
    let before = t.see(id).await;
    let change = RoomChange {
        topic: Some("new".to_owned()),
        max_users: Some(1),
        ..RoomChange::default()
    };
    let at = t.now();
    let room = saved(t.store.update_room(id, change, at).await.unwrap());
    assert_eq!(
        (room.topic.as_str(), room.max_users, room.updated_at),
        ("new", 1, at)
    );
    assert_eq!(
        (room.name.as_str(), &room.users, room.seq),
        ("den", &before.users, 3)
    );
    assert_eq!(t.see(id).await, room);
    let heard = t.ear.of(id).pop().unwrap();
    assert_eq!((heard.seq, heard.what), (3, What::RoomUpdated(room)));
    let rename = RoomChange {
        name: Some(("Lair".to_owned(), "lair".to_owned())),
        expires_at: Some(Some(at.plus(Duration::from_secs(9)))),
        ..RoomChange::default()
    };
    let room = saved(t.store.update_room(id, rename, t.now()).await.unwrap());
    assert_eq!((room.name.as_str(), room.topic.as_str()), ("Lair", "new"));
    assert_eq!(room.expires_at, Some(at.plus(Duration::from_secs(9))));
    t.room("den", ann).await;
    let never = RoomChange {
        expires_at: Some(None),
        ..RoomChange::default()
    };
    assert_eq!(
        saved(t.store.update_room(id, never, t.now()).await.unwrap()).expires_at,
        None
    );
    let back = RoomChange {
        name: Some(("Den".to_owned(), "den".to_owned())),
        ..RoomChange::default()
    };
    let taken = t.store.update_room(id, back, t.now()).await.unwrap();
    assert!(matches!(taken, SaveRoom::NameTaken));
    assert_eq!(t.see(id).await.name, "Lair");
    let gone = t
        .store
        .update_room(RoomId::new(404), RoomChange::default(), t.now())
        .await
        .unwrap();
    assert!(matches!(gone, SaveRoom::Gone));
}

async fn a_changed_kind_checks_the_name_again(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    t.room("den", ann).await;
    let id = t.private("den", bob).await;
    t.store.invite(id, ann, t.now()).await.unwrap();
    t.joined(id, ann).await;
    let open = RoomChange {
        kind: Some(RoomKind::Group),
        ..RoomChange::default()
    };
    let taken = t
        .store
        .update_room(id, open.clone(), t.now())
        .await
        .unwrap();
    assert!(matches!(taken, SaveRoom::NameTaken));
    assert_eq!(t.see(id).await.kind, RoomKind::Private);
    let both = RoomChange {
        name: Some(("lair".to_owned(), "lair".to_owned())),
        ..open
    };
    let room = saved(t.store.update_room(id, both, t.now()).await.unwrap());
    assert_eq!(
        (room.kind, room.users.clone()),
        (RoomKind::Group, vec![ann])
    );
}

async fn an_ended_room_is_gone_and_its_name_free(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let id = t.room("den", ann).await;
    t.joined(id, bob).await;
    let message = t.send(id, bob, "x").await;
    let at = t.now();
    assert!(t.store.end_room(id, EndReason::Deleted, at).await.unwrap());
    assert!(!t.store.end_room(id, EndReason::Deleted, at).await.unwrap());
    let heard = t.ear.of(id).pop().unwrap();
    assert_eq!((heard.seq, heard.at), (4, at));
    assert_eq!(heard.what, What::RoomDeleted(EndReason::Deleted));
    for store in [Arc::clone(&t.store), t.second().await.0] {
        assert!(store.room(id, ann).await.unwrap().is_none());
        assert!(store.history(id, Span::Newest, 10).await.unwrap().is_none());
        assert!(store.message(message.id).await.unwrap().is_none());
        assert!(store.hearings(bob).await.unwrap().is_empty());
        assert!(store.positions(&[id]).await.unwrap().is_empty());
        let page = store
            .messages_page(bob, Some(id), crate::bench::page(1, 10))
            .await
            .unwrap();
        assert_eq!(page.unwrap().count, 0);
        let page = store
            .messages_page(bob, None, crate::bench::page(1, 10))
            .await
            .unwrap();
        assert_eq!(page.unwrap().count, 0);
        let page = store
            .rooms_of(ann, crate::bench::page(1, 10))
            .await
            .unwrap();
        assert_eq!(page.unwrap().count, 0);
    }
    assert!(matches!(t.join(id, bob).await, Join::Gone));
    assert!(matches!(t.leave(id, bob).await, Change::Gone));
    assert!(!t.delete(message.id).await);
    let edit = t
        .store
        .edit_message(message.id, reworded("y".to_owned(), Vec::new(), t.now()))
        .await
        .unwrap();
    assert_eq!(edit, parlour_core::ports::EditMessage::Gone);
    t.room("den", bob).await;
}

async fn rooms_expire_once(t: &Bench) {
    let ann = t.user("ann").await;
    let (other, other_ear) = t.second().await;
    let start = t.now();
    let mut ids = Vec::new();
    for n in 0..20 {
        let mut new = t.new_room(&format!("r{n}"), ann, RoomKind::Group);
        new.expires_at = Some(start.plus(Duration::from_secs(n)));
        ids.push(t.make_room(new).await.id);
    }
    let eternal = t.room("eternal", ann).await;
    let due = start.plus(Duration::from_secs(9));
    assert!(
        t.store.room(ids[0], ann).await.unwrap().is_some(),
        "lives until the job ends it"
    );
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..8 {
        let store = if n % 2 == 0 {
            Arc::clone(&t.store)
        } else {
            Arc::clone(&other)
        };
        calls.spawn(async move { store.expire_rooms(due).await.unwrap() });
    }
    let mut ended: Vec<_> = calls.join_all().await.into_iter().flatten().collect();
    ended.sort_unstable();
    assert_eq!(ended, ids[..10]);
    for (n, id) in ids.iter().enumerate() {
        let mut heard = t.ear.of(*id);
        heard.extend(other_ear.of(*id));
        let ends = heard
            .iter()
            .filter(|event| event.what == What::RoomDeleted(EndReason::Expired));
        assert_eq!(ends.count(), usize::from(n < 10));
        assert_eq!(t.store.positions(&[*id]).await.unwrap().is_empty(), n < 10);
    }
    assert!(t.store.room(eternal, ann).await.unwrap().is_some());
    assert_eq!(t.store.expire_rooms(due).await.unwrap(), []);
    other.close().await;
}

async fn expiry_is_renewed_in_time(t: &Bench) {
    let ann = t.user("ann").await;
    let start = t.now();
    let mut new = t.new_room("den", ann, RoomKind::Group);
    new.expires_at = Some(start.plus(Duration::from_secs(1)));
    let id = t.make_room(new).await.id;
    let later = Some(start.plus(Duration::from_secs(10)));
    let renew = RoomChange {
        expires_at: Some(later),
        ..RoomChange::default()
    };
    saved(t.store.update_room(id, renew, t.now()).await.unwrap());
    let due = start.plus(Duration::from_secs(5));
    assert_eq!(t.store.expire_rooms(due).await.unwrap(), []);
    assert_eq!(
        t.store
            .expire_rooms(start.plus(Duration::from_secs(10)))
            .await
            .unwrap(),
        [id]
    );
}

async fn a_call_expires_at_most_a_hundred(t: &Bench) {
    let ann = t.user("ann").await;
    for n in 0..120 {
        let mut new = t.new_room(&format!("r{n}"), ann, RoomKind::Group);
        new.expires_at = Some(new.at);
        t.make_room(new).await;
    }
    let now = t.now();
    assert_eq!(t.store.expire_rooms(now).await.unwrap().len(), 100);
    assert_eq!(t.store.expire_rooms(now).await.unwrap().len(), 20);
}

async fn the_purge_leaves_nothing(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let id = t.room("den", ann).await;
    let other = t.room("other", ann).await;
    t.joined(id, bob).await;
    let waiting: Vec<_> = (0..2_500)
        .map(|n| {
            t.store
                .append(t.new_message(if n < 2_400 { id } else { other }, ann, "x"))
                .unwrap()
        })
        .collect();
    for pending in waiting {
        pending.wait().await.unwrap();
    }
    let end = t.now();
    t.store.end_room(id, EndReason::Deleted, end).await.unwrap();
    let mut calls = 1;
    while t.store.purge(end).await.unwrap() {
        calls += 1;
        assert!(calls < 20);
    }
    assert!(calls >= 3, "2,400 messages are not deleted in one piece");
    assert_eq!(t.see(other).await.messages, 100);
    assert_eq!(
        t.store
            .messages_page(ann, Some(other), crate::bench::page(1, 10))
            .await
            .unwrap()
            .unwrap()
            .count,
        100
    );
    // The tombstone goes once it is older than asked for.
    let later = end.plus(Duration::from_secs(1));
    t.store.purge(later).await.unwrap();
    assert!(!t.store.purge(later).await.unwrap());
    let left = t
        .count("SELECT (SELECT COUNT(*) FROM messages) + 10000 * (SELECT COUNT(*) FROM rooms)")
        .await;
    assert_eq!(left, 10_100);
}
