//! Uploads that may stop and go on: their rows.

use crate::bench::Bench;
use parlour_core::{
    FileId, Time, UserId,
    ports::{BeginUpload, DeleteUser, Upload, UploadLimits, UploadState},
};

on_each_engine! {
    an_upload_is_found_by_its_owner_until_it_expires,
    what_changes_is_kept,
    an_upload_that_ended_is_gone,
    the_limits_hold_in_parallel,
    files_count_against_the_quota,
    deleting_an_account_forgets_its_uploads,
}

const HOUR: i64 = 3_600_000_000;

fn later(at: Time, by: i64) -> Time {
    Time::from_micros(at.as_micros() + by)
}

fn new(owner: UserId, id: &str, size: u64, at: Time) -> Upload {
    Upload {
        id: id.to_owned(),
        owner,
        size,
        name: "name \u{ac00} \"x\".bin".to_owned(),
        alt: "a cat".to_owned(),
        metadata: "filename bm90ZXMudHh0".to_owned(),
        state: UploadState {
            sure: None,
            whole: false,
            file: None,
            expires_at: later(at, HOUR),
        },
    }
}

fn limits(at: Time) -> UploadLimits {
    UploadLimits {
        most: 3,
        quota: Some(1_000),
        at,
    }
}

async fn begin(t: &Bench, upload: &Upload, at: Time) -> BeginUpload {
    let begun = t.store.begin_upload(upload.clone(), limits(at));
    begun.await.unwrap()
}

async fn see(t: &Bench, upload: &Upload, at: Time) -> Option<Upload> {
    let found = t.store.upload(upload.owner, &upload.id, at);
    found.await.unwrap()
}

async fn an_upload_is_found_by_its_owner_until_it_expires(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let now = t.now();
    let upload = new(ann, "a", 10, now);
    assert_eq!(begin(t, &upload, now).await, BeginUpload::Begun);
    assert_eq!(see(t, &upload, now).await.as_ref(), Some(&upload));
    assert_eq!(t.store.upload(bob, "a", now).await.unwrap(), None);
    assert_eq!(t.store.upload(ann, "b", now).await.unwrap(), None);
    assert_eq!(see(t, &upload, later(now, HOUR)).await, None);
    let nobodys = new(UserId::new(999), "c", 1, now);
    assert_eq!(begin(t, &nobodys, now).await, BeginUpload::NoOwner);
    assert_eq!(t.store.upload_ids().await.unwrap(), ["a"]);
    let ended = |at| t.store.end_expired_uploads(at);
    assert_eq!(ended(later(now, HOUR - 1)).await.unwrap(), 0);
    assert_eq!(ended(later(now, HOUR)).await.unwrap(), 1);
    assert_eq!(see(t, &upload, now).await, None);
}

async fn what_changes_is_kept(t: &Bench) {
    let ann = t.user("ann").await;
    let now = t.now();
    let mut upload = new(ann, "a", 10, now);
    begin(t, &upload, now).await;
    for state in [
        UploadState {
            sure: Some(7),
            whole: false,
            file: None,
            expires_at: later(now, 2 * HOUR),
        },
        UploadState {
            sure: None,
            whole: true,
            file: Some(FileId::new(17)),
            expires_at: later(now, 3 * HOUR),
        },
    ] {
        assert!(t.store.save_upload("a", state).await.unwrap());
        upload.state = state;
        assert_eq!(see(t, &upload, now).await.as_ref(), Some(&upload));
    }
    let missing = t.store.save_upload("b", upload.state).await.unwrap();
    assert!(!missing);
}

async fn an_upload_that_ended_is_gone(t: &Bench) {
    let ann = t.user("ann").await;
    let now = t.now();
    let upload = new(ann, "a", 10, now);
    begin(t, &upload, now).await;
    assert!(t.store.end_upload("a").await.unwrap());
    assert!(!t.store.end_upload("a").await.unwrap());
    assert_eq!(see(t, &upload, now).await, None);
}

async fn the_limits_hold_in_parallel(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let now = t.now();
    let of = |owner, sizes: [u64; 5], name: &'static str| {
        let begun = sizes.into_iter().enumerate().map(move |(n, size)| {
            let upload = new(owner, &format!("{name}{n}"), size, now);
            async move { begin(t, &upload, now).await }
        });
        futures_util::future::join_all(begun)
    };
    let count = |answers: &[BeginUpload], wanted| answers.iter().filter(|a| **a == wanted).count();
    let many = of(ann, [1; 5], "a").await;
    assert_eq!(count(&many, BeginUpload::Begun), 3);
    assert_eq!(count(&many, BeginUpload::TooMany), 2);
    let large = of(bob, [400; 5], "b").await;
    assert_eq!(count(&large, BeginUpload::Begun), 2);
    assert_eq!(count(&large, BeginUpload::OverQuota), 3);
    // What expired, and what is finished, is not under way.
    let much_later = later(now, HOUR);
    let next = new(ann, "next", 1, much_later);
    assert_eq!(begin(t, &next, much_later).await, BeginUpload::Begun);
    for n in 0..5 {
        let state = UploadState {
            file: Some(FileId::new(1)),
            ..new(bob, "", 1, now).state
        };
        t.store.save_upload(&format!("b{n}"), state).await.unwrap();
    }
    let next = new(bob, "after", 1_000, now);
    assert_eq!(begin(t, &next, now).await, BeginUpload::Begun);
}

async fn files_count_against_the_quota(t: &Bench) {
    let ann = t.user("ann").await;
    let now = t.now();
    crate::files::stage_of_size(t, ann, 600).await;
    let large = new(ann, "a", 401, now);
    assert_eq!(begin(t, &large, now).await, BeginUpload::OverQuota);
    let fits = new(ann, "a", 400, now);
    assert_eq!(begin(t, &fits, now).await, BeginUpload::Begun);
    let any = UploadLimits {
        quota: None,
        ..limits(now)
    };
    let huge = new(ann, "b", 1 << 50, now);
    let begun = t.store.begin_upload(huge, any).await.unwrap();
    assert_eq!(begun, BeginUpload::Begun);
}

async fn deleting_an_account_forgets_its_uploads(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let now = t.now();
    for (owner, id) in [(ann, "a"), (bob, "b")] {
        begin(t, &new(owner, id, 1, now), now).await;
    }
    let deleted = t.store.delete_user(ann, now).await.unwrap();
    assert!(matches!(deleted, DeleteUser::Deleted { .. }));
    assert_eq!(t.store.upload_ids().await.unwrap(), ["b"]);
}
