//! `parlour doctor`.

use super::Place;
use std::net::TcpListener;

fn verdict<'a>(report: &'a str, subject: &str) -> &'a str {
    let line = report
        .lines()
        .find(|line| line.get(6..).is_some_and(|rest| rest.starts_with(subject)));
    let line = line.unwrap_or_else(|| panic!("nothing on {subject} in {report}"));
    line.split(' ').next().unwrap_or_default()
}

#[test]
fn a_fresh_folder_is_fine() {
    let place = Place::new();
    let ran = place.run(&["doctor", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for subject in ["settings", "data dir", "database", "port", "clock"] {
        assert_eq!(verdict(&ran.out, subject), "ok", "{ran:?}");
    }
    assert!(
        ran.out.contains("files") && ran.out.contains("disk"),
        "{ran:?}"
    );
    let left = std::fs::read_dir(place.path()).expect("a folder").count();
    assert_eq!(left, 0, "the doctor makes nothing");
}

#[test]
fn a_database_in_use_is_told_of() {
    let place = Place::new();
    place.run(&["migrate"]).fine();
    let ran = place.run(&["doctor", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(verdict(&ran.out, "database"), "ok", "{ran:?}");
    assert!(
        ran.out.contains("SQLite 3.") && ran.out.contains("schema 4"),
        "{ran:?}"
    );
}

#[test]
fn what_fails_is_named_and_ends_with_code_1() {
    let place = Place::new().file("data", "a file where a folder should be");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ran = place.run(&[
        "doctor",
        "--listen",
        &address,
        "--database-url",
        "postgres://ada:s3cret@127.0.0.1:1/chat",
        "--rate-limits",
        "off",
    ]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for subject in ["data dir", "database", "port"] {
        assert_eq!(verdict(&ran.out, subject), "fail", "{ran:?}");
    }
    assert!(
        ran.out.contains("warn  settings   RATE_LIMITS is off"),
        "{ran:?}"
    );
    assert!(
        ran.err.contains("3 of ") && ran.err.contains(" checks failed"),
        "{ran:?}"
    );
    assert!(!format!("{ran:?}").contains("s3cret"), "{ran:?}");
}

mod blobs {
    use super::*;
    use crate::storage::{Storage, fill};
    use parlour_core::ports::BlobKey;
    use std::{fs, time::Duration};

    #[test]
    fn without_a_database_there_are_none_and_nothing_is_made() {
        let place = Place::new();
        let ran = place.run(&["doctor", "--blobs", "--listen", "127.0.0.1:0"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(verdict(&ran.out, "blobs"), "ok", "{ran:?}");
        let left = fs::read_dir(place.path()).expect("a folder").count();
        assert_eq!(left, 0, "the doctor makes nothing");
    }

    #[test]
    fn files_that_are_all_there_are_fine_on_both_storages() {
        for storage in Storage::all() {
            let kept = fill(&storage, &[b"one", b"three"]);
            assert_eq!(kept.len(), 2);
            let ran = storage.doctor();
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert_eq!(verdict(&ran.out, "blobs"), "ok", "{ran:?}");
            let told = "2 files with 8 bytes: 0 missing, 0 of another size. 2 blobs, 0 of them";
            assert!(ran.out.contains(told), "{ran:?}");
        }
    }

    #[test]
    fn missing_and_orphaned_ones_are_listed_on_both_storages() {
        for storage in Storage::all() {
            let kept = fill(&storage, &[b"one", b"two", b"three"]);
            storage.remove(&kept[0]);
            storage.put(&kept[2], b"thr");
            let stray = BlobKey::new("image/png", [9; 16], ".png");
            storage.put(&stray, b"nobody's");
            let ran = storage.doctor();
            assert_eq!(ran.code, Some(1), "{ran:?}");
            let lines: Vec<&str> = ran.out.lines().collect();
            let told = |line: &str| assert!(lines.contains(&line), "{line} in {ran:?}");
            told(&format!(
                "fail  missing    {} (uploaded by account 1, of no message yet)",
                kept[0]
            ));
            told(&format!(
                "fail  size       {}: 3 bytes and not 5 (uploaded by account 1, of no message yet)",
                kept[2]
            ));
            told(&format!("ok    orphan     {stray}: 8 bytes, 0 min old"));
            told(
                "fail  blobs      3 files with 11 bytes: 1 missing, 1 of another size. 3 blobs, \
                 1 of them without a file (8 bytes; 0 for longer than an hour).",
            );
            assert!(ran.err.contains("1 of "), "{ran:?}");
            assert!(!ran.out.contains(kept[1].as_str()), "{ran:?}");
        }
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the age of a file is told by the clock of the system"
    )]
    fn an_old_orphan_is_worth_a_warning() {
        let storage = Storage::disk();
        fill(&storage, &[b"one"]);
        let stray = BlobKey::new("image/png", [9; 16], ".png");
        storage.put(&stray, b"x");
        let path = storage.folder().join(stray.as_str());
        let file = fs::File::options().append(true).open(path).expect("there");
        let old = std::time::SystemTime::now() - Duration::from_secs(7_500);
        file.set_modified(old).expect("set");
        let ran = storage.doctor();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(verdict(&ran.out, "blobs"), "warn", "{ran:?}");
        let told = format!("warn  orphan     {stray}: 1 bytes, 2 h 5 min old\n");
        assert!(ran.out.contains(&told), "{ran:?}");
    }

    #[test]
    fn a_missing_folder_is_said_and_not_made() {
        let storage = Storage::disk();
        fill(&storage, &[b"one"]);
        fs::remove_dir_all(storage.folder()).expect("removed");
        let ran = storage.doctor();
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(verdict(&ran.out, "blobs"), "fail", "{ran:?}");
        assert!(!storage.folder().exists(), "the doctor makes nothing");
    }

    #[test]
    fn many_files_are_looked_at_page_by_page() {
        let storage = Storage::disk();
        let contents: Vec<&[u8]> = vec![b"x"; 1_203];
        let kept = fill(&storage, &contents);
        storage.remove(&kept[1_100]);
        let ran = storage.doctor();
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let told =
            "1203 files with 1203 bytes: 1 missing, 0 of another size. 1202 blobs, 0 of them";
        assert!(ran.out.contains(told), "{ran:?}");
        assert_eq!(ran.out.matches("missing    ").count(), 1);
    }
}
