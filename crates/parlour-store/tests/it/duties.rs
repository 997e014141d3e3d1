//! Who does the recurring work.

use crate::bench::Bench;
use std::sync::Arc;

on_each_engine! {
    a_duty_is_taken_only_from_the_mark_that_was_seen,
    of_many_who_saw_the_same_mark_one_gets_it,
}

async fn a_duty_is_taken_only_from_the_mark_that_was_seen(t: &Bench) {
    assert_eq!(t.store.duty().await.unwrap(), None);
    assert!(!t.store.mark_duty(Some("a 1"), "b 1").await.unwrap());
    assert!(t.store.mark_duty(None, "a 1").await.unwrap());
    assert!(!t.store.mark_duty(None, "b 1").await.unwrap());
    let (second, _) = t.second().await;
    assert_eq!(second.duty().await.unwrap().as_deref(), Some("a 1"));
    assert!(second.mark_duty(Some("a 1"), "b 1").await.unwrap());
    assert!(!t.store.mark_duty(Some("a 1"), "a 2").await.unwrap());
    assert_eq!(t.store.duty().await.unwrap().as_deref(), Some("b 1"));
    second.close().await;
}

async fn of_many_who_saw_the_same_mark_one_gets_it(t: &Bench) {
    let mut seen: Option<String> = None;
    for round in 0..5 {
        let tasks: Vec<_> = (0..8)
            .map(|who| {
                let (store, seen) = (Arc::clone(&t.store), seen.clone());
                let mark = format!("{who} {round}");
                tokio::spawn(async move { store.mark_duty(seen.as_deref(), &mark).await.unwrap() })
            })
            .collect();
        let mut winners = Vec::new();
        for (who, task) in tasks.into_iter().enumerate() {
            if task.await.unwrap() {
                winners.push(format!("{who} {round}"));
            }
        }
        seen = t.store.duty().await.unwrap();
        assert_eq!(winners, Vec::from_iter(seen.clone()));
    }
}
