//! Accounts: uniqueness, changes, deletion.

use crate::bench::{Bench, last, page, reworded};
use parlour_core::{
    RoomId, Signal, UserId, What,
    event::LeaveReason,
    model::{Standing, User},
    ports::{
        AccountKeys, Append, DeleteUser, Join, NewUser, SaveUser, Span, TakenField, UserChange,
    },
};
use std::sync::Arc;

on_each_engine! {
    an_account_is_kept,
    names_are_unique,
    usernames_and_emails_share_a_name_space,
    parallel_sign_ups_make_one,
    parallel_username_and_email_make_one,
    lists_are_newest_first,
    changes_change_what_they_say,
    changes_keep_names_unique,
    a_new_password_ends_credentials,
    deactivation_ends_credentials,
    owners_cannot_be_deleted,
    deletion_leaves_nothing_to_read,
    deletion_while_writing,
    ids_are_not_used_again,
}

fn saved(answer: SaveUser) -> User {
    match answer {
        SaveUser::Saved { user, .. } => user,
        other => panic!("{other:?}"),
    }
}

fn with_email(mut new: NewUser, email: &str) -> NewUser {
    new.email = Some(email.to_owned());
    new.keys.email = Some(email.to_lowercase());
    new
}

async fn an_account_is_kept(t: &Bench) {
    let mut new = with_email(t.new_user("Ann-Æ"), "Ann@Example.org");
    new.first_name = "Ann".to_owned();
    new.last_name = "한국".to_owned();
    new.is_admin = true;
    let at = new.at;
    let user = saved(t.store.create_user(new).await.unwrap());
    assert_eq!(user.username, "Ann-Æ");
    assert_eq!(user.email.as_deref(), Some("Ann@Example.org"));
    assert_eq!(
        (user.created_at, user.is_active, user.is_admin),
        (at, true, true)
    );
    assert_eq!(t.store.user(user.id).await.unwrap(), Some(user.clone()));
    for login in ["ann-æ", "ann@example.org"] {
        let found = t.store.credentials_by_login(login).await.unwrap().unwrap();
        assert_eq!(found.user, user);
        assert_eq!(found.password_hash, "hash of Ann-Æ");
    }
    let found = t.store.credentials(user.id).await.unwrap().unwrap();
    assert_eq!(
        (found.user, found.password_hash.as_str()),
        (user, "hash of Ann-Æ")
    );
    assert!(
        t.store
            .credentials_by_login("nobody")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        t.store
            .credentials(UserId::new(77))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(t.store.user(UserId::new(77)).await.unwrap(), None);
}

async fn names_are_unique(t: &Bench) {
    let first = saved(
        t.store
            .create_user(with_email(t.new_user("ann"), "a@b.c"))
            .await
            .unwrap(),
    );
    let again = with_email(t.new_user("ANN"), "A@B.C");
    let all = vec![
        TakenField::Username,
        TakenField::Nickname,
        TakenField::Email,
    ];
    assert_eq!(
        t.store.create_user(again.clone()).await.unwrap(),
        SaveUser::Taken(all.clone())
    );
    assert_eq!(t.store.taken(again.keys.clone(), None).await.unwrap(), all);
    assert_eq!(t.store.taken(again.keys, Some(first.id)).await.unwrap(), []);
    assert_eq!(
        t.store.taken(AccountKeys::default(), None).await.unwrap(),
        []
    );
    let page = t.store.users_page(page(1, 10)).await.unwrap().unwrap();
    assert_eq!(page.count, 1);
}

async fn usernames_and_emails_share_a_name_space(t: &Bench) {
    // One's own username may equal one's own email.
    saved(
        t.store
            .create_user(with_email(t.new_user("x@y.z"), "X@y.z"))
            .await
            .unwrap(),
    );
    let same_email = with_email(t.new_user("bob"), "x@Y.z");
    assert_eq!(
        t.store.create_user(same_email).await.unwrap(),
        SaveUser::Taken(vec![TakenField::Email])
    );
    saved(
        t.store
            .create_user(with_email(t.new_user("cleo"), "cleo@y.z"))
            .await
            .unwrap(),
    );
    let mut named_so = t.new_user("Cleo@Y.z");
    named_so.nickname = "dan".to_owned();
    named_so.keys.nickname = Some("dan".to_owned());
    assert_eq!(
        t.store.create_user(named_so).await.unwrap(),
        SaveUser::Taken(vec![TakenField::Username])
    );
}

async fn parallel_sign_ups_make_one(t: &Bench) {
    let (other, _) = t.second().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..16 {
        let store = if n % 2 == 0 {
            Arc::clone(&t.store)
        } else {
            Arc::clone(&other)
        };
        let new = t.new_user("ann");
        calls.spawn(async move { store.create_user(new).await.unwrap() });
    }
    let answers = calls.join_all().await;
    let made = answers
        .iter()
        .filter(|answer| matches!(answer, SaveUser::Saved { .. }));
    assert_eq!(made.count(), 1, "{answers:?}");
    other.close().await;
}

async fn parallel_username_and_email_make_one(t: &Bench) {
    let (other, _) = t.second().await;
    for round in 0..8 {
        let name = format!("n{round}@y.z");
        let by_name = t.new_user(&name);
        let by_email = with_email(t.new_user(&format!("u{round}")), &name);
        let (one, two) = tokio::join!(t.store.create_user(by_name), other.create_user(by_email));
        let made = [one.unwrap(), two.unwrap()]
            .iter()
            .filter(|answer| matches!(answer, SaveUser::Saved { .. }))
            .count();
        assert_eq!(made, 1);
    }
    other.close().await;
}

async fn lists_are_newest_first(t: &Bench) {
    let empty = t.store.users_page(page(1, 10)).await.unwrap().unwrap();
    assert_eq!((empty.count, empty.items.len()), (0, 0));
    let ids = t.users(["a", "b", "c", "d", "e"]).await;
    let first = t.store.users_page(page(1, 2)).await.unwrap().unwrap();
    let found: Vec<_> = first.items.iter().map(|user| user.id).collect();
    assert_eq!(
        (first.count, first.size, found),
        (5, 2, vec![ids[4], ids[3]])
    );
    let end = t.store.users_page(last(2)).await.unwrap().unwrap();
    assert_eq!(end.items.len(), 1);
    assert_eq!(end.items[0].id, ids[0]);
    assert!(t.store.users_page(page(4, 2)).await.unwrap().is_none());
    assert!(t.store.users_page(page(0, 2)).await.unwrap().is_none());
}

async fn changes_change_what_they_say(t: &Bench) {
    let id = saved(
        t.store
            .create_user(with_email(t.new_user("ann"), "a@b.c"))
            .await
            .unwrap(),
    )
    .id;
    let before = t.store.user(id).await.unwrap().unwrap();
    let nothing = t
        .store
        .update_user(id, UserChange::default(), t.now())
        .await
        .unwrap();
    assert_eq!(saved(nothing), before);
    let change = UserChange {
        username: Some("anne".to_owned()),
        email: Some(Some("n@b.c".to_owned())),
        keys: AccountKeys {
            username: Some("anne".to_owned()),
            email: Some("n@b.c".to_owned()),
            ..AccountKeys::default()
        },
        first_name: Some("Anne".to_owned()),
        is_admin: Some(true),
        ..UserChange::default()
    };
    let user = saved(t.store.update_user(id, change, t.now()).await.unwrap());
    assert_eq!(Some(user.clone()), t.store.user(id).await.unwrap());
    assert_eq!(
        (user.username.as_str(), user.nickname.as_str()),
        ("anne", "ann")
    );
    assert_eq!((user.first_name.as_str(), user.is_admin), ("Anne", true));
    assert!(t.ear.signals().contains(&Signal::UserChanged(id)));
    for (login, there) in [
        ("ann", false),
        ("a@b.c", false),
        ("anne", true),
        ("n@b.c", true),
    ] {
        let found = t.store.credentials_by_login(login).await.unwrap();
        assert_eq!(found.is_some(), there, "{login}");
    }
    let no_email = UserChange {
        email: Some(None),
        ..UserChange::default()
    };
    let user = saved(t.store.update_user(id, no_email, t.now()).await.unwrap());
    assert_eq!(user.email, None);
    assert!(
        t.store
            .credentials_by_login("n@b.c")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        t.store
            .credentials_by_login("anne")
            .await
            .unwrap()
            .is_some()
    );
    let gone = t
        .store
        .update_user(UserId::new(99), UserChange::default(), t.now());
    assert_eq!(gone.await.unwrap(), SaveUser::Gone);
}

async fn changes_keep_names_unique(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let rename = |name: &str| UserChange {
        username: Some(name.to_owned()),
        nickname: Some(name.to_owned()),
        keys: AccountKeys {
            username: Some(name.to_lowercase()),
            nickname: Some(name.to_lowercase()),
            email: None,
        },
        ..UserChange::default()
    };
    let both = SaveUser::Taken(vec![TakenField::Username, TakenField::Nickname]);
    assert_eq!(
        t.store
            .update_user(bob, rename("ANN"), t.now())
            .await
            .unwrap(),
        both
    );
    assert_eq!(
        saved(
            t.store
                .update_user(ann, rename("ANN"), t.now())
                .await
                .unwrap()
        )
        .username,
        "ANN"
    );
    let (one, two) = (
        t.store.update_user(ann, rename("new"), t.now()),
        t.store.update_user(bob, rename("new"), t.now()),
    );
    let (one, two) = tokio::join!(one, two);
    let made = [one.unwrap(), two.unwrap()];
    assert_eq!(
        made.iter()
            .filter(|a| matches!(a, SaveUser::Saved { .. }))
            .count(),
        1
    );
    assert_eq!(made.iter().filter(|a| **a == both).count(), 1);
}

async fn a_new_password_ends_credentials(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let mut ids = Vec::new();
    for hash in ["1", "2", "3"] {
        ids.push(
            t.store
                .create_token(t.new_token(ann, hash))
                .await
                .unwrap()
                .unwrap(),
        );
    }
    t.store
        .create_token(t.new_token(bob, "4"))
        .await
        .unwrap()
        .unwrap();
    let change = UserChange {
        password_hash: Some("new".to_owned()),
        keep: Some(ids[1]),
        ..UserChange::default()
    };
    let answer = t.store.update_user(ann, change, t.now()).await.unwrap();
    let SaveUser::Saved { ended, .. } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(ended, vec![ids[0], ids[2]]);
    assert!(t.store.token("1").await.unwrap().is_none());
    assert!(t.store.token("2").await.unwrap().is_some());
    assert!(t.store.token("4").await.unwrap().is_some());
    assert_eq!(
        t.store
            .credentials(ann)
            .await
            .unwrap()
            .unwrap()
            .password_hash,
        "new"
    );
    assert!(
        t.ear
            .signals()
            .contains(&Signal::CredentialsEnded { user: ann, ended })
    );
    let all = UserChange {
        password_hash: Some("newer".to_owned()),
        ..UserChange::default()
    };
    let answer = t.store.update_user(ann, all, t.now()).await.unwrap();
    let SaveUser::Saved { ended, .. } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(ended, vec![ids[1]]);
}

async fn deactivation_ends_credentials(t: &Bench) {
    let ann = t.user("ann").await;
    let id = t
        .store
        .create_token(t.new_token(ann, "1"))
        .await
        .unwrap()
        .unwrap();
    let active = |is_active| UserChange {
        is_active: Some(is_active),
        keep: Some(id),
        ..UserChange::default()
    };
    let answer = t
        .store
        .update_user(ann, active(false), t.now())
        .await
        .unwrap();
    let SaveUser::Saved { ended, user } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!((ended, user.is_active), (vec![id], false));
    assert_eq!(
        t.store.create_token(t.new_token(ann, "2")).await.unwrap(),
        None
    );
    t.store
        .update_user(ann, active(true), t.now())
        .await
        .unwrap();
    let next = t
        .store
        .create_token(t.new_token(ann, "2"))
        .await
        .unwrap()
        .unwrap();
    assert!(next > id, "ids of credentials are not used again");
}

async fn owners_cannot_be_deleted(t: &Bench) {
    let ann = t.user("ann").await;
    let (one, two) = (t.room("one", ann).await, t.private("two", ann).await);
    let answer = t.store.delete_user(ann, t.now()).await.unwrap();
    assert_eq!(answer, DeleteUser::OwnsRooms(vec![one, two]));
    assert!(t.store.user(ann).await.unwrap().is_some());
    for room in [one, two] {
        let reason = parlour_core::event::EndReason::Deleted;
        t.store.end_room(room, reason, t.now()).await.unwrap();
    }
    let answer = t.store.delete_user(ann, t.now()).await.unwrap();
    assert_eq!(answer, DeleteUser::Deleted { ended: vec![] });
    assert_eq!(
        t.store.delete_user(ann, t.now()).await.unwrap(),
        DeleteUser::Gone
    );
}

async fn deletion_leaves_nothing_to_read(t: &Bench) {
    let [ann, bob, cleo] = t.users(["ann", "bob", "cleo"]).await;
    let joined_and_wrote = t.room("one", ann).await;
    let left = t.room("two", ann).await;
    let silent = t.room("three", ann).await;
    let apart = t.room("four", ann).await;
    t.joined(joined_and_wrote, bob).await;
    t.joined(joined_and_wrote, cleo).await;
    t.joined(left, bob).await;
    t.joined(silent, bob).await;
    let first = t.send(joined_and_wrote, bob, "secret").await;
    let kept = t.send(joined_and_wrote, cleo, "stays").await;
    t.store
        .edit_message(
            first.id,
            reworded("secret 2".to_owned(), Vec::new(), t.now()),
        )
        .await
        .unwrap();
    t.send(left, bob, "bye").await;
    t.leave(left, bob).await;
    let token = t
        .store
        .create_token(t.new_token(bob, "1"))
        .await
        .unwrap()
        .unwrap();
    let answer = t.store.delete_user(bob, t.now()).await.unwrap();
    assert_eq!(answer, DeleteUser::Deleted { ended: vec![token] });
    let signals = t.ear.signals();
    assert!(signals.contains(&Signal::CredentialsEnded {
        user: bob,
        ended: vec![token]
    }));
    assert!(signals.contains(&Signal::UserChanged(bob)));
    assert!(t.store.token("1").await.unwrap().is_none());
    assert!(t.store.credentials_by_login("bob").await.unwrap().is_none());
    assert!(t.store.message(first.id).await.unwrap().is_none());
    let gone = What::MemberLeft(bob, LeaveReason::AccountDeleted);
    let purged = What::MessagesPurged(bob);
    let news = |room| {
        let heard = t.ear.of(room).into_iter().map(|event| event.what);
        heard
            .filter(|what| *what == gone || *what == purged)
            .collect::<Vec<_>>()
    };
    assert_eq!(news(joined_and_wrote), [gone.clone(), purged.clone()]);
    assert_eq!(news(left), std::slice::from_ref(&purged));
    assert_eq!(news(silent), std::slice::from_ref(&gone));
    assert_eq!(news(apart), []);
    for store in [Arc::clone(&t.store), t.second().await.0] {
        let room = store.room(joined_and_wrote, bob).await.unwrap().unwrap();
        assert_eq!(
            (room.room.users.clone(), room.room.messages),
            (vec![cleo], 1)
        );
        assert_eq!(room.standing, Standing::Stranger);
        let history = store
            .history(joined_and_wrote, Span::After(0), 100)
            .await
            .unwrap()
            .unwrap();
        let whats: Vec<_> = history.events.into_iter().map(|event| event.what).collect();
        assert_eq!(whats[3], What::MessageDeleted(first.id));
        assert_eq!(whats[4], What::MessageCreated(Arc::clone(&kept)));
        assert_eq!(whats[5], What::MessageDeleted(first.id), "the edit's place");
        assert_eq!(whats[7], What::MessagesPurged(bob));
        let page = store
            .messages_page(cleo, Some(joined_and_wrote), page(1, 10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((page.count, page.items), (1, vec![Arc::clone(&kept)]));
    }
    assert!(matches!(t.join(joined_and_wrote, bob).await, Join::Gone));
    assert_eq!(
        t.append(t.new_message(joined_and_wrote, bob, "ghost"))
            .await,
        Append::NotIn
    );
}

async fn deletion_while_writing(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let rooms: [RoomId; 2] = [t.room("one", ann).await, t.room("two", ann).await];
    for room in rooms {
        t.joined(room, bob).await;
    }
    let mut waiting = Vec::new();
    for n in 0..200 {
        waiting.push(
            t.store
                .append(t.new_message(rooms[n % 2], bob, "x"))
                .unwrap(),
        );
    }
    let answer = t.store.delete_user(bob, t.now()).await.unwrap();
    assert!(matches!(answer, DeleteUser::Deleted { .. }));
    for pending in waiting {
        pending.wait().await.unwrap();
    }
    let (cold, _) = t.second().await;
    for room in rooms {
        let now = cold.room(room, ann).await.unwrap().unwrap().room;
        assert_eq!((now.messages, now.users.len()), (0, 0));
        let history = cold
            .history(room, Span::Newest, 1_000)
            .await
            .unwrap()
            .unwrap();
        let readable = |what: &What| matches!(what, What::MessageCreated(_));
        assert!(!history.events.iter().any(|event| readable(&event.what)));
    }
    cold.close().await;
}

async fn ids_are_not_used_again(t: &Bench) {
    let ann = t.user("ann").await;
    t.store.delete_user(ann, t.now()).await.unwrap();
    let bob = t.user("ann").await;
    assert!(bob > ann);
}
