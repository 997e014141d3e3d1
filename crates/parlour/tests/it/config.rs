//! `parlour config`, and settings that are refused.

use super::{Place, Ran};

#[test]
fn shows_what_holds_and_where_it_comes_from() {
    let place = Place::new()
        .file(
            "parlour.toml",
            "max_text_chars = 1\nlisten = \"127.0.0.1:1\"\n",
        )
        .file(".env", "PARLOUR_LISTEN=127.0.0.1:2\nROOM_LIFETIME=2d\n");
    let mut command = place.command(&["config", "--max-users-in-room", "40"]);
    let output = command
        .env("ROOM_LIFETIME", "3d")
        .output()
        .expect("started");
    let shown = Ran::from(output).fine();
    let line = |name: &str| {
        let line = shown
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {shown}"));
        line.split_whitespace()
            .skip(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("PARLOUR_LISTEN"), "127.0.0.1:2 # .env line 1");
    assert_eq!(line("ROOM_LIFETIME"), "3d # environment");
    assert_eq!(line("MAX_TEXT_CHARS"), "1 # parlour.toml");
    assert_eq!(line("MAX_USERS_IN_ROOM"), "40 # flag");
    assert_eq!(line("DEFAULT_MAX_USERS"), "40 # default");
    assert_eq!(line("REDIS_URL"), "(not set) # default");
    let left = std::fs::read_dir(place.path()).expect("a folder").count();
    assert_eq!(left, 2, "looking makes nothing");
}

#[test]
fn shows_no_secret() {
    let place = Place::new().file(
        "parlour.toml",
        "secret_key = \"s3cret-s3cret-s3cret\"\ndatabase_url = \"postgres://ada:s3cret@db/chat\"\n",
    );
    let shown = place.run(&["config"]).fine();
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("postgres://ada:***@db/chat"), "{shown}");
}

#[test]
fn prints_the_examples() {
    let place = Place::new();
    for (kind, sign) in [
        ("env", "\n# PARLOUR_LISTEN=127.0.0.1:8000\n"),
        ("toml", "\n# listen = \"127.0.0.1:8000\"\n"),
        ("markdown", "| `PARLOUR_LISTEN` | `--listen` |"),
    ] {
        let text = place.run(&["config", "--example", kind]).fine();
        assert!(text.contains(sign), "{text}");
    }
}

#[test]
fn every_command_refuses_bad_settings_with_code_2() {
    let place = Place::new().file(".env", "RATE_LIMITS=maybe\nPARLOUR_LISTN=x\n");
    for args in [
        &[][..],
        &["serve"],
        &["migrate"],
        &["config"],
        &["doctor"],
        &["user", "promote", "ada"],
    ] {
        assert_eq!(
            place.run(args).refused(2),
            "parlour: .env line 2, PARLOUR_LISTN: no such setting. Did you mean PARLOUR_LISTEN?\n\
             parlour: .env line 1, RATE_LIMITS: expected `on` or `off`, not \"maybe\".\n",
        );
    }
}

#[test]
fn bad_command_lines_are_refused_with_code_2() {
    let place = Place::new();
    for (args, sign) in [
        (&["--lisen", "x"][..], "--listen"),
        (&["sing"], "sing"),
        (&["user"], "Usage"),
        (&["--config", "none.toml"], "none.toml: cannot be read"),
        (
            &["--listen", "8000"],
            "flag --listen: expected an address and port",
        ),
        (
            &["--redis-url", "http://x"],
            "flag --redis-url: expected a URL that begins with",
        ),
    ] {
        let refusal = place.run(args).refused(2);
        assert!(refusal.contains(sign), "{args:?}: {refusal}");
    }
}

#[test]
fn help_names_every_command_and_setting() {
    let place = Place::new();
    let help = place.run(&["--help"]).fine();
    for word in [
        "serve",
        "migrate",
        "doctor",
        "--listen",
        "--rate-limits",
        "[default: 7d]",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
    let short = place.run(&["-h"]).fine();
    assert!(
        short.contains("doctor") && !short.contains("--rate-limits"),
        "{short}"
    );
}
