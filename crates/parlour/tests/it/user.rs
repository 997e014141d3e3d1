//! `parlour user …` and `parlour migrate` on a database of their own.

use super::Place;

#[test]
fn an_account_is_made_promoted_and_deactivated() {
    let place = Place::new();
    let args = ["user", "create", "ada", "--email", "ada@example.org"];
    let made = place.run(&args).fine();
    let lines: Vec<&str> = made.lines().collect();
    assert_eq!(lines.len(), 2, "{made}");
    assert_eq!(lines[0], "created ada (id 1)");
    let password = lines[1].strip_prefix("password: ").expect("a password");
    assert_eq!(password.len(), 24);
    assert!(place.path().join("data/parlour.db").exists());

    let said = place.run(&["user", "promote", "ADA"]).fine();
    assert_eq!(said, "promoted ada (id 1)\n");
    let said = place.run(&["user", "deactivate", "ada@example.org"]).fine();
    assert_eq!(said, "deactivated ada (id 1)\n");
    let said = place.run(&["user", "reset-password", "ada"]).fine();
    assert!(
        said.starts_with("changed the password of ada (id 1)\npassword: "),
        "{said}"
    );
    assert!(!said.contains(password));
}

#[test]
fn who_looks_in_the_wrong_folder_is_told_so_and_makes_nothing() {
    let place = Place::new();
    for action in ["promote", "deactivate", "reset-password"] {
        let refusal = place
            .run(&["user", action, "ada", "--data-dir", "nowhere"])
            .refused(1);
        assert!(
            refusal.contains("there is no database") && refusal.contains("nowhere/parlour.db"),
            "{refusal}"
        );
    }
    assert!(!place.path().join("nowhere").exists());
}

#[test]
fn passwords_come_from_standard_input_and_keep_the_rules() {
    let place = Place::new();
    let create = ["user", "create", "ada", "--password-stdin", "--admin"];
    let said = place
        .run_with_input(&create, "correct horse battery\n")
        .fine();
    assert_eq!(
        said, "created ada (id 1)\n",
        "a given password is not repeated"
    );

    let refusal = place.run_with_input(&create, "12345\n").refused(1);
    for rule in [
        "username: A user with",
        "too short",
        "too common",
        "entirely numeric",
    ] {
        assert!(refusal.contains(rule), "{refusal}");
    }
    assert!(
        refusal.lines().all(|line| line.starts_with("parlour: ")),
        "{refusal}"
    );
    let refusal = place.run_with_input(&create, "").refused(1);
    assert_eq!(refusal, "parlour: no password on standard input\n");

    let reset = ["user", "reset-password", "ada", "--password-stdin"];
    place.run_with_input(&reset, "ada\n").refused(1);
    let said = place.run_with_input(&reset, "another long one\n").fine();
    assert_eq!(said, "changed the password of ada (id 1)\n");
}

#[test]
fn unknown_accounts_are_named() {
    let place = Place::new();
    place.run(&["migrate"]).fine();
    for verb in ["promote", "deactivate", "reset-password"] {
        let refusal = place.run(&["user", verb, "bob"]).refused(1);
        assert_eq!(
            refusal,
            "parlour: no account has the username or email \"bob\"\n"
        );
    }
}

#[test]
fn migrate_may_run_again() {
    let place = Place::new();
    for _ in 0..2 {
        let said = place.run(&["migrate"]).fine();
        assert_eq!(said, "sqlite://./data/parlour.db is up to date\n");
    }
}

#[test]
fn a_database_that_is_none_is_named_without_its_password() {
    let place = Place::new().file("notes.txt", "These are notes, not a database. Really.\n");
    for url in [
        "sqlite://notes.txt",
        "postgres://ada:s3cret@127.0.0.1:1/chat",
        "postgres://ada:s3c/ret@[/chat",
    ] {
        let refusal = place.run(&["migrate", "--database-url", url]).refused(1);
        assert!(refusal.starts_with("parlour: "), "{refusal}");
        assert!(!refusal.contains("s3c"), "{refusal}");
    }
}
