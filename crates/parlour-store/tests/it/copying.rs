//! Moving house: a database into another one of the other engine, and what is refused.

use crate::bench::{Bench, Ear};
use parlour_core::{Error, ports::Announce};
use parlour_store::{Copied, CopyPlan, Options, Step, copy, inspect, open};
use sqlx::Connection as _;
use std::{future::poll_fn, path::Path, sync::Arc, task::Poll};
use tempfile::TempDir;

on_each_engine! {
    everything_moves_there_and_back,
    a_copy_that_stopped_goes_on,
    a_copy_is_known_as_one_from_its_first_moment,
    a_source_that_changed_meanwhile_is_found_out,
    other_data_is_never_overwritten,
    other_schemas_are_refused,
    what_a_server_uses_is_refused,
}

/// Somewhere to copy to: of the other engine, where that is tested.
struct Empty {
    url: String,
    bench: Option<Bench>,
    _folder: TempDir,
}

impl Empty {
    async fn other_than(t: &Bench) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = if t.is_postgres() {
            None
        } else {
            Bench::postgres().await
        };
        let url = match &bench {
            Some(bench) => {
                bench.store.close().await;
                run(
                    &bench.url,
                    "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
                )
                .await;
                bench.url.clone()
            }
            None => format!("sqlite://{}", folder.path().join("new/copy.db").display()),
        };
        Self {
            url,
            bench,
            _folder: folder,
        }
    }

    async fn end(self) {
        if let Some(bench) = self.bench {
            bench.end().await;
        }
    }
}

/// Runs statements past the store.
async fn run(url: &str, text: &str) {
    let text = sqlx::AssertSqlSafe(text.to_owned());
    if url.starts_with("sqlite") {
        let mut conn = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    } else {
        let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }
}

async fn moved(from: &str, to: &str, anew: bool) -> Result<Copied, Error> {
    copy(CopyPlan { from, to, anew }, &mut |_| {}).await
}

/// Copies until a step like this one was told, and is cut off there.
async fn cut_off(plan: CopyPlan<'_>, at: impl Fn(&Step) -> bool + Send + Sync) {
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let mut stop = Some(stop);
    let mut tell = |step| {
        if at(&step) {
            let _ = stop.take().map(|stop| stop.send(()));
        }
    };
    tokio::select! {
        biased;
        _ = stopped => {}
        ended = copy(plan, &mut tell) => panic!("it was not stopped: {ended:?}"),
    }
}

fn ear() -> Arc<dyn Announce> {
    Arc::new(Ear::default())
}

/// More rows than one batch has, without an author.
fn many(first: u32, last: u32) -> String {
    let rows: Vec<String> = (first..=last).map(|n| format!("({n}, 1, {n})")).collect();
    format!(
        "INSERT INTO mentions (user_id, room_id, seq) VALUES {}",
        rows.join(", ")
    )
}

async fn everything_moves_there_and_back(t: &Bench) {
    let [ann, bob] = t.users(["ann", "Bób"]).await;
    let room = t.room("den", ann).await;
    t.joined(room, bob).await;
    let kept = t
        .send(room, bob, "kept: 'quotes', \u{1f642}, \"json\"\n")
        .await;
    t.reacted(kept.id, ann, "👍", true).await;
    t.call(room, ann, &[bob]).await;
    // The newest ids are of things that are gone: nobody gets them again.
    let gone = t.send(room, ann, "gone").await;
    t.delete(gone.id).await;
    let left = t.user("eve").await;
    let seen = t.see(room).await;
    t.store.close().await;
    run(&t.url, "DELETE FROM users WHERE nickname = 'eve'").await;

    let there = Empty::other_than(t).await;
    let one = moved(&t.url, &there.url, false).await.unwrap();
    assert_eq!(one.epoch, t.store.epoch());
    let rows = |name: &str| one.tables.iter().find(|t| t.name == name).unwrap().rows;
    assert_eq!(
        (rows("users"), rows("messages"), rows("reactions")),
        (2, 3, 1)
    );
    assert_eq!(
        rows("meta"),
        1,
        "the epoch travels, the copy's mark does not"
    );

    let store = open(&there.url, Options::default(), ear()).await.unwrap();
    assert_eq!(store.epoch(), t.store.epoch());
    let message = store.message(kept.id).await.unwrap().unwrap();
    assert_eq!((&message.text, message.seq), (&kept.text, kept.seq));
    assert_eq!(store.room(room, bob).await.unwrap().unwrap().room, seen);
    store.close().await;

    let back = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", back.path().join("back.db").display());
    let other = moved(&there.url, &url, false).await.unwrap();
    assert_eq!(
        other, one,
        "the same rows have the same checksums on both engines"
    );
    let store = open(&url, Options::default(), ear()).await.unwrap();
    let made = store.create_user(t.new_user("new")).await.unwrap();
    let parlour_core::ports::SaveUser::Saved { user, .. } = made else {
        panic!("{made:?}")
    };
    assert!(user.id > left, "{:?} was given before", user.id);
    store.close().await;
    there.end().await;
}

async fn a_copy_that_stopped_goes_on(t: &Bench) {
    t.user("ann").await;
    t.store.close().await;
    run(&t.url, &many(1, 7_000)).await;
    let there = Empty::other_than(t).await;
    let plan = CopyPlan {
        from: &t.url,
        to: &there.url,
        anew: false,
    };
    let most = |step: &Step| matches!(step, Step::Copied { table, rows, .. } if table == "mentions" && *rows >= 4_000);
    cut_off(plan, most).await;
    // Nobody takes it for a database.
    let refused = open(&there.url, Options::default(), ear())
        .await
        .err()
        .unwrap();
    assert!(
        refused.text().contains("not finished"),
        "{}",
        refused.text()
    );

    let mut steps = Vec::new();
    let copied = copy(plan, &mut |step| steps.push(step)).await.unwrap();
    let Step::GoesOn(rows) = steps[0] else {
        panic!("{steps:?}")
    };
    assert!((4_000..7_100).contains(&rows), "{rows}");
    let first = steps.iter().find_map(|step| match step {
        Step::Copied { table, rows, .. } if table == "mentions" => Some(*rows),
        _ => None,
    });
    assert!(first > Some(4_000), "it began again: {first:?}");
    let mentions = copied.tables.iter().find(|t| t.name == "mentions").unwrap();
    assert_eq!(mentions.rows, 7_000);
    let again = moved(&t.url, &there.url, false).await.unwrap_err();
    assert!(again.text().contains("finished copy"), "{}", again.text());
    there.end().await;
}

/// A future that is dropped when it would be polled once more than so often.
async fn cut_short<T>(future: impl Future<Output = T>, most: u32) -> Option<T> {
    let mut future = Box::pin(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        if polls > most {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Cut off at one step after the other: there are no tables yet, or they say that they are half a copy.
async fn a_copy_is_known_as_one_from_its_first_moment(t: &Bench) {
    t.user("ann").await;
    t.store.close().await;
    let there = Empty::other_than(t).await;
    let (mut halves, mut steps) = (0, 1);
    loop {
        let file = there.url.strip_prefix("sqlite://").map(Path::new);
        match file {
            Some(file) => drop(std::fs::remove_dir_all(file.parent().unwrap())),
            None => {
                run(
                    &there.url,
                    "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
                )
                .await;
            }
        }
        if let Some(done) = cut_short(moved(&t.url, &there.url, false), steps).await {
            done.unwrap();
            break;
        }
        steps += 1 + steps / 6;
        if file.is_some_and(|file| !file.exists()) {
            continue;
        }
        let found = inspect(&there.url).await.unwrap();
        if found.epoch.is_some() && !found.is_half {
            break;
        }
        assert_eq!(found.schema > 0, found.is_half, "{found:?}");
        if found.is_half {
            halves += 1;
            moved(&t.url, &there.url, false).await.unwrap();
        }
    }
    assert!(halves > 2, "{halves} of {steps}");
    there.end().await;
}

async fn a_source_that_changed_meanwhile_is_found_out(t: &Bench) {
    let ann = t.user("ann").await;
    t.store.close().await;
    run(&t.url, &many(1, 5_000)).await;
    let there = Empty::other_than(t).await;
    let plan = CopyPlan {
        from: &t.url,
        to: &there.url,
        anew: false,
    };
    let users = |step: &Step| matches!(step, Step::Copied { table, .. } if table == "users");
    cut_off(plan, users).await;
    run(
        &t.url,
        &format!("UPDATE users SET first_name = 'Ann' WHERE id = {ann}"),
    )
    .await;
    let refused = moved(&t.url, &there.url, false).await.unwrap_err();
    assert!(
        refused.text().contains("rows of users"),
        "{}",
        refused.text()
    );
    assert!(refused.text().contains("--anew"), "{}", refused.text());
    assert!(open(&there.url, Options::default(), ear()).await.is_err());
    moved(&t.url, &there.url, true).await.unwrap();
    there.end().await;
}

async fn other_data_is_never_overwritten(t: &Bench) {
    t.user("ann").await;
    t.store.close().await;
    let there = Empty::other_than(t).await;
    // A database of its own.
    let store = open(&there.url, Options::default(), ear()).await.unwrap();
    let epoch = store.epoch().to_owned();
    store.close().await;
    for anew in [false, true] {
        let refused = moved(&t.url, &there.url, anew).await.unwrap_err();
        assert!(refused.text().contains("not empty"), "{}", refused.text());
    }
    // A copy of another source.
    let mark = "UPDATE meta SET key = 'copy', value = '{\"epoch\":\"another\",\"tables\":{}}'";
    run(&there.url, mark).await;
    let refused = moved(&t.url, &there.url, false).await.unwrap_err();
    assert!(
        refused.text().contains("another database"),
        "{}",
        refused.text()
    );
    run(
        &there.url,
        &format!("UPDATE meta SET key = 'epoch', value = '{epoch}'"),
    )
    .await;
    let store = open(&there.url, Options::default(), ear()).await.unwrap();
    assert_eq!(store.epoch(), epoch, "nothing was changed");
    store.close().await;
    // Somebody else's tables.
    let foreign = Empty::other_than(t).await;
    run_new(&foreign.url, "CREATE TABLE users (id BIGINT)").await;
    let refused = moved(&t.url, &foreign.url, false).await.unwrap_err();
    assert!(
        refused.text().contains("did not make"),
        "{}",
        refused.text()
    );
    // Itself.
    assert!(moved(&t.url, &t.url, false).await.is_err());
    there.end().await;
    foreign.end().await;
}

/// The same where there may be no file yet.
async fn run_new(url: &str, text: &str) {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let path = std::path::Path::new(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    run(url, text).await;
}

async fn other_schemas_are_refused(t: &Bench) {
    const NEWER: &str = "INSERT INTO _sqlx_migrations \
        (version, description, success, checksum, execution_time) \
        SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    t.user("ann").await;
    t.store.close().await;
    let there = Empty::other_than(t).await;
    run(&t.url, NEWER).await;
    let refused = moved(&t.url, &there.url, false).await.unwrap_err();
    assert!(refused.text().contains("9999"), "{}", refused.text());
    run(&t.url, "DELETE FROM _sqlx_migrations WHERE version > 3").await;
    let refused = moved(&t.url, &there.url, false).await.unwrap_err();
    assert!(
        refused.text().contains("parlour migrate"),
        "{}",
        refused.text()
    );
    there.end().await;

    let (source, there) = (Empty::other_than(t).await, Empty::other_than(t).await);
    for place in [&source, &there] {
        let store = open(&place.url, Options::default(), ear()).await.unwrap();
        store.close().await;
    }
    run(&there.url, "DELETE FROM meta").await;
    run(&there.url, "DELETE FROM _sqlx_migrations WHERE version > 3").await;
    let refused = moved(&source.url, &there.url, false).await.unwrap_err();
    assert!(
        refused.text().contains("older Parlour"),
        "{}",
        refused.text()
    );
    run(&there.url, NEWER).await;
    let refused = moved(&source.url, &there.url, false).await.unwrap_err();
    assert!(refused.text().contains("9999"), "{}", refused.text());
    source.end().await;
    there.end().await;
}

async fn what_a_server_uses_is_refused(t: &Bench) {
    t.user("ann").await;
    let there = Empty::other_than(t).await;
    let refused = moved(&t.url, &there.url, false).await.unwrap_err();
    assert!(
        refused.text().contains("uses the source"),
        "{}",
        refused.text()
    );
    t.store.close().await;
    let store = open(&there.url, Options::default(), ear()).await.unwrap();
    store.probe().await.unwrap();
    let refused = moved(&t.url, &there.url, false).await.unwrap_err();
    assert!(
        refused.text().contains("uses the target"),
        "{}",
        refused.text()
    );
    store.close().await;
    there.end().await;
}
