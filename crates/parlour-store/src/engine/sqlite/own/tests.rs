use super::*;
use crate::{
    engine::{
        Engine,
        sqlite::{open, prepare},
    },
    options::Options,
};
use rusqlite::{params, types::Value};
use sqlx::Row as _;

async fn file(folder: &tempfile::TempDir) -> File {
    let path = folder.path().join("own.db");
    prepare(&path, None).await.expect("is made");
    File {
        path,
        is_scratch: false,
    }
}

fn put(conn: &Connection, key: &str, bytes: usize) -> Worked<()> {
    conn.prepare_cached("INSERT INTO meta VALUES (?1, ?2)")?
        .execute(params![key, "x".repeat(bytes)])?;
    Ok(((), true))
}

fn keys(own: &mut Own) -> Vec<String> {
    let found = own.transact(|conn| {
        let mut select = conn.prepare("SELECT key FROM meta ORDER BY key")?;
        let keys = select.query_map([], |row| row.get(0))?;
        Ok((keys.collect::<Result<_, _>>()?, false))
    });
    found.expect("reads")
}

#[tokio::test]
async fn after_a_full_disk_it_is_usable_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut own = Own::open(file(&folder).await).expect("opens");
    let pages = |conn: &Connection, most: i64| {
        let set = conn.pragma_update_and_check(None, "max_page_count", most, |row| row.get(0));
        set.map(|most: i64| (most, false)).map_err(Fault::from)
    };
    // As little room as a full disk leaves: the pages that are there.
    own.transact(|conn| pages(conn, 1)).expect("is set");
    for _ in 0..3 {
        let full = own.transact(|conn| put(conn, "large", 10_000_000));
        let failed = full.expect_err("does not fit");
        assert!(matches!(failed.fault, Fault::Down(_)), "{failed:?}");
        assert!(!failed.is_doubtful, "it was not sent to the disk");
    }
    own.transact(|conn| put(conn, "small", 1)).expect("fits");
    own.transact(|conn| pages(conn, 1_000_000)).expect("is set");
    own.transact(|conn| put(conn, "large", 10_000_000))
        .expect("fits now");
    assert_eq!(keys(&mut own), ["large", "small"]);
}

#[tokio::test]
async fn what_panics_is_taken_back_and_the_next_is_not_touched_by_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut own = Own::open(file(&folder).await).expect("opens");
    let failed = own.transact(|conn| -> Worked<()> {
        put(conn, "half", 1)?;
        panic!("as a fault of ours would")
    });
    let failed = failed.expect_err("is said");
    assert!(matches!(failed.fault, Fault::Final(_)), "{failed:?}");
    own.transact(|conn| put(conn, "whole", 1)).expect("goes on");
    assert_eq!(keys(&mut own), ["whole"]);
}

#[tokio::test]
async fn a_refused_row_fails_its_transaction_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut own = Own::open(file(&folder).await).expect("opens");
    own.transact(|conn| put(conn, "one", 1)).expect("is kept");
    // With OR ROLLBACK, as the batch has it, SQLite itself ends the transaction.
    for word in ["", "OR ROLLBACK"] {
        let again = own.transact(|conn| {
            put(conn, "two", 1)?;
            conn.execute(&format!("INSERT {word} INTO meta VALUES ('one', '')"), [])?;
            Ok(((), true))
        });
        let failed = again.expect_err("is there already");
        assert!(matches!(failed.fault, Fault::Again(_)), "{failed:?}");
        assert!(!failed.is_doubtful);
        assert_eq!(keys(&mut own), ["one"]);
    }
}

/// `parlour doctor` looks at a connection of sqlx: what it says must hold for this one too.
#[tokio::test]
async fn both_writing_connections_have_the_same_settings() {
    const NAMES: [&str; 7] = [
        "journal_mode",
        "synchronous",
        "foreign_keys",
        "wal_autocheckpoint",
        "journal_size_limit",
        "temp_store",
        "busy_timeout",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.db");
    let engine = open(&path, &Options::default(), None).await.expect("opens");
    let mut own = engine.own().expect("opens").expect("SQLite has one");
    let Engine::Sqlite { write, .. } = &engine else {
        panic!("a file is SQLite")
    };
    let mut sqlx = write.acquire().await.expect("connects");
    for name in NAMES {
        let pragma = format!("PRAGMA {name}");
        let found = own.transact(|conn| {
            let value = conn.query_row(&pragma, [], |row| row.get(0))?;
            Ok((value, false))
        });
        let found = match found.expect("reads") {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            other => panic!("{name} is {other:?}"),
        };
        let other = sqlx::query(sqlx::AssertSqlSafe(pragma))
            .fetch_one(&mut *sqlx)
            .await
            .expect("reads");
        let other: String = other.try_get_unchecked(0).expect("is text");
        assert_eq!(found, other, "{name}");
    }
    drop(sqlx);
    engine.close().await;
}
