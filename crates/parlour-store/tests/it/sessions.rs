//! Credentials and the log of those that ended.

use crate::bench::Bench;
use parlour_core::{
    Signal, TokenId, UserId,
    model::TokenKind,
    ports::{EndWhich, UserChange},
};
use std::time::Duration;

on_each_engine! {
    a_credential_is_kept,
    many_ask_at_once,
    credentials_end,
    nobody_ends_the_credentials_of_others,
    only_active_accounts_get_credentials,
    the_log_tells_other_processes,
    the_sweep_takes_what_ended,
    deactivation_and_a_new_credential_race,
}

async fn a_credential_is_kept(t: &Bench) {
    let ann = t.user("ann").await;
    let mut new = t.new_token(ann, "h1");
    new.kind = TokenKind::Session;
    new.expires_at = Some(new.at.plus(Duration::from_secs(60)));
    let id = t.store.create_token(new.clone()).await.unwrap().unwrap();
    let token = t.store.token("h1").await.unwrap().unwrap();
    assert_eq!(
        (token.id, token.user, token.kind),
        (id, ann, TokenKind::Session)
    );
    assert_eq!(
        (token.created_at, token.expires_at),
        (new.at, new.expires_at)
    );
    assert_eq!(token.label, "test");
    assert!(token.user_is_active && !token.user_is_admin);
    assert!(t.store.token("h2").await.unwrap().is_none());
    let second = t
        .store
        .create_token(t.new_token(ann, "h2"))
        .await
        .unwrap()
        .unwrap();
    let all = t.store.tokens_of(ann).await.unwrap();
    assert_eq!(
        all.iter().map(|token| token.id).collect::<Vec<_>>(),
        [second, id]
    );
    let admin = UserChange {
        is_admin: Some(true),
        ..UserChange::default()
    };
    t.store.update_user(ann, admin, t.now()).await.unwrap();
    assert!(t.store.token("h1").await.unwrap().unwrap().user_is_admin);
}

/// Those who ask at the same time share statements; each gets its own answer, and nobody an old one.
async fn many_ask_at_once(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    for (number, user) in [(0, ann), (1, bob), (2, ann)] {
        let new = t.new_token(user, &format!("h{number}"));
        t.store.create_token(new).await.unwrap().unwrap();
    }
    let ask = |number: usize| {
        let store = std::sync::Arc::clone(&t.store);
        tokio::spawn(async move {
            let token = store.token(&format!("h{}", number % 4)).await.unwrap();
            token.map(|token| token.user)
        })
    };
    for bobs in [Some(bob), None] {
        let all: Vec<_> = (0..600).map(ask).collect();
        for (number, asked) in all.into_iter().enumerate() {
            let expected = [Some(ann), bobs, Some(ann), None][number % 4];
            assert_eq!(asked.await.unwrap(), expected, "{number}");
        }
        t.store
            .end_tokens(bob, EndWhich::All, t.now())
            .await
            .unwrap();
    }
}

async fn tokens(t: &Bench, user: UserId, hashes: [&str; 3]) -> [TokenId; 3] {
    let mut ids = [TokenId::new(0); 3];
    for (id, hash) in ids.iter_mut().zip(hashes) {
        *id = t
            .store
            .create_token(t.new_token(user, hash))
            .await
            .unwrap()
            .unwrap();
    }
    ids
}

async fn credentials_end(t: &Bench) {
    let ann = t.user("ann").await;
    let [a, b, c] = tokens(t, ann, ["a", "b", "c"]).await;
    let end = async |which| t.store.end_tokens(ann, which, t.now()).await.unwrap();
    assert_eq!(end(EndWhich::One(b)).await, [b]);
    assert_eq!(end(EndWhich::One(b)).await, []);
    assert_eq!(end(EndWhich::AllBut(c)).await, [a]);
    assert!(t.store.token("c").await.unwrap().is_some());
    assert_eq!(end(EndWhich::All).await, [c]);
    assert_eq!(end(EndWhich::All).await, []);
    assert!(t.store.tokens_of(ann).await.unwrap().is_empty());
    let ended = |ids: &[TokenId]| Signal::CredentialsEnded {
        user: ann,
        ended: ids.to_vec(),
    };
    assert_eq!(t.ear.signals(), [ended(&[b]), ended(&[a]), ended(&[c])]);
}

async fn nobody_ends_the_credentials_of_others(t: &Bench) {
    let [ann, eve] = t.users(["ann", "eve"]).await;
    let [a, ..] = tokens(t, ann, ["a", "b", "c"]).await;
    assert_eq!(
        t.store
            .end_tokens(eve, EndWhich::One(a), t.now())
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        t.store
            .end_tokens(eve, EndWhich::All, t.now())
            .await
            .unwrap(),
        []
    );
    assert_eq!(t.store.tokens_of(ann).await.unwrap().len(), 3);
}

async fn only_active_accounts_get_credentials(t: &Bench) {
    let nobody = UserId::new(404);
    assert_eq!(
        t.store
            .create_token(t.new_token(nobody, "x"))
            .await
            .unwrap(),
        None
    );
    let ann = t.user("ann").await;
    let off = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    t.store.update_user(ann, off, t.now()).await.unwrap();
    assert_eq!(
        t.store.create_token(t.new_token(ann, "x")).await.unwrap(),
        None
    );
    assert!(t.store.token("x").await.unwrap().is_none());
}

async fn the_log_tells_other_processes(t: &Bench) {
    let (other, _) = t.second().await;
    let ann = t.user("ann").await;
    let start = other
        .revocations(0)
        .await
        .unwrap()
        .last()
        .map_or(0, |entry| entry.id);
    let [a, b, c] = tokens(t, ann, ["a", "b", "c"]).await;
    t.store
        .end_tokens(ann, EndWhich::AllBut(c), t.now())
        .await
        .unwrap();
    let off = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    t.store.update_user(ann, off, t.now()).await.unwrap();
    t.store.delete_user(ann, t.now()).await.unwrap();
    let log = other.revocations(start).await.unwrap();
    assert!(log.is_sorted_by_key(|entry| entry.id));
    let signals: Vec<_> = log.iter().map(|entry| entry.signal.clone()).collect();
    let ended = |ids: &[TokenId]| Signal::CredentialsEnded {
        user: ann,
        ended: ids.to_vec(),
    };
    let changed = Signal::UserChanged(ann);
    assert_eq!(
        signals,
        [ended(&[a, b]), changed.clone(), ended(&[c]), changed]
    );
    assert_eq!(signals, t.ear.signals());
    let rest = other.revocations(log[1].id).await.unwrap();
    assert_eq!(rest, log[2..]);
    other.close().await;
}

async fn the_sweep_takes_what_ended(t: &Bench) {
    let ann = t.user("ann").await;
    let now = t.now();
    for (hash, seconds) in [("past", 0), ("now", 10), ("later", 11)] {
        let mut new = t.new_token(ann, hash);
        new.expires_at = Some(now.plus(Duration::from_secs(seconds)));
        t.store.create_token(new).await.unwrap().unwrap();
    }
    let [a, ..] = tokens(t, ann, ["a", "b", "c"]).await;
    t.store
        .end_tokens(ann, EndWhich::One(a), now)
        .await
        .unwrap();
    let at = now.plus(Duration::from_secs(10));
    assert_eq!(t.store.sweep_tokens(at).await.unwrap(), 2);
    assert_eq!(t.store.sweep_tokens(at).await.unwrap(), 0);
    assert!(t.store.token("later").await.unwrap().is_some());
    assert!(t.store.token("b").await.unwrap().is_some());
    assert_eq!(t.store.revocations(0).await.unwrap().len(), 1);
    t.store
        .sweep_tokens(now.plus(Duration::from_secs(3_601)))
        .await
        .unwrap();
    assert_eq!(t.store.revocations(0).await.unwrap(), []);
}

async fn deactivation_and_a_new_credential_race(t: &Bench) {
    let (other, _) = t.second().await;
    for round in 0..10 {
        let ann = t.user(&format!("ann{round}")).await;
        let off = UserChange {
            is_active: Some(false),
            ..UserChange::default()
        };
        let new = t.new_token(ann, &format!("t{round}"));
        let (changed, made) = tokio::join!(
            t.store.update_user(ann, off, t.now()),
            other.create_token(new)
        );
        changed.unwrap();
        made.unwrap();
        assert!(
            t.store.tokens_of(ann).await.unwrap().is_empty(),
            "no credential outlives it"
        );
    }
    other.close().await;
}
