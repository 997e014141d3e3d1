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
        ran.out.contains("SQLite 3.") && ran.out.contains("schema 3"),
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
