//! The first administrator.

use crate::bench::Bench;
use parlour_core::{
    UserId,
    model::User,
    ports::{FirstAdmin, NewUser, SaveUser, TakenField, UserChange},
};
use std::sync::Arc;

on_each_engine! {
    the_first_administrator_is_made_with_the_code,
    codes_of_several_processes_hold_side_by_side,
    a_taken_name_keeps_the_code,
    parallel_first_administrators_make_one,
    only_active_administrators_count,
}

async fn first(t: &Bench, code: &str, new: NewUser) -> FirstAdmin {
    t.store.create_first_admin(code, new).await.unwrap()
}

fn made(answer: FirstAdmin) -> User {
    match answer {
        FirstAdmin::Made(user) => user,
        other => panic!("{other:?}"),
    }
}

async fn code(t: &Bench, hash: &str) {
    t.store
        .set_setup_code(hash.to_owned(), false)
        .await
        .unwrap();
}

/// Each of several processes tells one at its start.
async fn codes_of_several_processes_hold_side_by_side(t: &Bench) {
    code(t, "older").await;
    code(t, "one").await;
    let (other, _) = t.second().await;
    other.set_setup_code("two".to_owned(), true).await.unwrap();
    for wrong in ["older", "one two", "two one", ""] {
        let answer = first(t, wrong, t.new_user("ann")).await;
        assert_eq!(answer, FirstAdmin::WrongCode, "{wrong}");
    }
    made(first(t, "one", t.new_user("ann")).await);
    let second = first(t, "two", t.new_user("bob")).await;
    assert_eq!(second, FirstAdmin::Done);
    // However often it is started, so much is kept.
    for n in 0..100 {
        let hash = format!("{n:043}");
        t.store.set_setup_code(hash, true).await.unwrap();
    }
    let kept = t
        .count("SELECT COUNT(*) FROM meta WHERE key = 'setup_code' AND LENGTH(value) = 1000")
        .await;
    assert_eq!(kept, 1);
    other.close().await;
}

async fn the_first_administrator_is_made_with_the_code(t: &Bench) {
    assert!(!t.store.has_admin().await.unwrap());
    let without = first(t, "", t.new_user("ann")).await;
    assert_eq!(without, FirstAdmin::WrongCode, "there is no code");
    code(t, "older").await;
    code(t, "newer").await;
    let older = first(t, "older", t.new_user("ann")).await;
    assert_eq!(older, FirstAdmin::WrongCode);
    assert_eq!(t.count("SELECT COUNT(*) FROM users").await, 0);
    let ann = made(first(t, "newer", t.new_user("ann")).await);
    assert!(ann.is_admin && ann.is_active);
    assert_eq!(t.store.user(ann.id).await.unwrap(), Some(ann.clone()));
    let found = t.store.credentials_by_login("ann").await.unwrap().unwrap();
    assert_eq!(found.user, ann);
    assert!(t.store.has_admin().await.unwrap());
    let again = first(t, "newer", t.new_user("bob")).await;
    assert_eq!(again, FirstAdmin::Done);
    code(t, "later").await;
    let later = first(t, "later", t.new_user("bob")).await;
    assert_eq!(later, FirstAdmin::Done, "a code helps nobody any more");
    let kept = t.count("SELECT COUNT(*) FROM users").await;
    assert_eq!(kept, 1);
}

async fn a_taken_name_keeps_the_code(t: &Bench) {
    t.user("ann").await;
    code(t, "code").await;
    let taken = first(t, "code", t.new_user("ann")).await;
    let fields = vec![TakenField::Username, TakenField::Nickname];
    assert_eq!(taken, FirstAdmin::Taken(fields));
    made(first(t, "code", t.new_user("bob")).await);
    let left = t.count("SELECT COUNT(*) FROM meta WHERE key = 'setup_code'");
    assert_eq!(left.await, 0, "it is spent");
}

async fn parallel_first_administrators_make_one(t: &Bench) {
    code(t, "code").await;
    let (other, _) = t.second().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..12 {
        let store = Arc::clone(if n % 2 == 0 { &t.store } else { &other });
        let new = t.new_user(&format!("u{n}"));
        calls.spawn(async move { store.create_first_admin("code", new).await.unwrap() });
    }
    let answers = calls.join_all().await;
    let made = answers
        .iter()
        .filter(|answer| matches!(answer, FirstAdmin::Made(_)));
    assert_eq!(made.count(), 1);
    let late = answers
        .iter()
        .filter(|answer| matches!(answer, FirstAdmin::Done));
    assert_eq!(late.count(), 11);
    assert_eq!(t.count("SELECT COUNT(*) FROM users").await, 1);
    other.close().await;
}

async fn only_active_administrators_count(t: &Bench) {
    let mut new = t.new_user("ann");
    new.is_admin = true;
    let SaveUser::Saved { user, .. } = t.store.create_user(new).await.unwrap() else {
        panic!()
    };
    let change = async |id: UserId, change: UserChange| {
        t.store.update_user(id, change, t.now()).await.unwrap();
        t.store.has_admin().await.unwrap()
    };
    assert!(t.store.has_admin().await.unwrap());
    let suspended = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    assert!(!change(user.id, suspended).await);
    let back = UserChange {
        is_active: Some(true),
        ..UserChange::default()
    };
    assert!(change(user.id, back).await);
    let demoted = UserChange {
        is_admin: Some(false),
        ..UserChange::default()
    };
    assert!(!change(user.id, demoted).await);
}
