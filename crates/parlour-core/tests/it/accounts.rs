//! Accounts: sign up, log in, credentials, change, delete.

use crate::world::{HERE, PASSWORD, World, acting, code, fields, value};
use parlour_core::{
    Settings, Signal,
    accounts::{self, LogIn, SignUp, UpdateUser},
    app::Followed,
    given::Given,
    model::TokenKind,
    settings::Rates,
};
use std::time::Duration;

#[tokio::test]
async fn all_bad_fields_are_named_at_once() {
    let world = World::new().await;
    world.user("ada").await;
    let input = SignUp {
        username: value("ADA"),
        password: value("12345"),
        nickname: value("  "),
        email: value("nowhere"),
        first_name: Given::Null,
        last_name: value(&"x".repeat(151)),
    };
    let found = fields(accounts::register(&world.app, input, HERE).await);
    let count = |field| found.iter().filter(|(name, _)| *name == field).count();
    assert_eq!(count("username"), 1, "{found:?}");
    assert_eq!(count("password"), 3, "{found:?}");
    for field in ["nickname", "email", "first_name", "last_name"] {
        assert_eq!(count(field), 1, "{field}: {found:?}");
    }
}

#[tokio::test]
async fn a_services_account_is_one_and_nobody_logs_in_as_it() {
    let world = World::new().await;
    world.user("canary").await;
    let (one, two) = tokio::join!(
        accounts::service(&world.app, "canary"),
        accounts::service(&world.app, "canary")
    );
    let account = one.expect("made");
    assert_eq!(account, two.expect("found"));
    assert_eq!(account.username, "service:canary");
    assert_eq!(account.nickname, "canary-2", "the nickname gives way");
    for password in ["!", "", PASSWORD, "service:canary"] {
        let log_in = LogIn {
            username: value("service:canary"),
            password: value(password),
            address: HERE,
            kind: TokenKind::Token,
            label: String::new(),
        };
        let refused = accounts::log_in(&world.app, log_in).await;
        assert!(refused.is_err(), "{password:?}");
    }
    let sign_up = SignUp {
        username: value("Service:Other"),
        password: value(PASSWORD),
        ..SignUp::default()
    };
    let found = fields(accounts::register(&world.app, sign_up, HERE).await);
    assert_eq!(found[0].0, "username", "{found:?}");
}

#[tokio::test]
async fn a_services_token_ends_by_itself() {
    let world = World::new().await;
    let account = accounts::service(&world.app, "canary").await.expect("made");
    let hour = Duration::from_secs(3600);
    let issued = accounts::issue_to_service(&world.app, account, "canary", hour)
        .await
        .expect("issued");
    let present = || accounts::authenticate(&world.app, &issued.secret, TokenKind::Token);
    assert_eq!(
        present().await.map(|actor| actor.user).ok(),
        Some(issued.user.id)
    );
    world.clock.forward(hour);
    assert_eq!(code(present().await), "invalid_token");
    let swept = world.app.store().sweep_tokens(world.app.now()).await;
    assert_eq!(swept.ok(), Some(1));
}

#[tokio::test]
async fn a_default_nickname_gives_way() {
    let world = World::new().await;
    let input = SignUp {
        username: value("first"),
        password: value(PASSWORD),
        nickname: value("second"),
        ..SignUp::default()
    };
    accounts::register(&world.app, input, HERE)
        .await
        .expect("signs up");
    let second = world.user("second").await;
    assert_eq!(
        (second.username.as_str(), second.nickname.as_str()),
        ("second", "second-2")
    );
}

#[tokio::test]
async fn names_that_look_alike_are_taken() {
    let world = World::new().await;
    world.user("ada").await;
    for twin in ["Ada", "ａｄａ", "ADA"] {
        let input = SignUp {
            username: value(twin),
            password: value(PASSWORD),
            ..SignUp::default()
        };
        let found = fields(accounts::register(&world.app, input, HERE).await);
        assert_eq!(
            found[0].1, "A user with that username already exists.",
            "{twin}"
        );
    }
}

#[tokio::test]
async fn one_answer_for_every_failed_log_in() {
    let world = World::new().await;
    world.user("ada").await;
    world
        .log_in(" ada ", PASSWORD)
        .await
        .expect("spaces around the name do not matter");
    assert_eq!(
        code(world.log_in("ada", "wrong password").await),
        "login_failed"
    );
    assert_eq!(
        code(world.log_in("ada", &format!(" {PASSWORD}")).await),
        "login_failed"
    );
    assert_eq!(code(world.log_in("nobody", PASSWORD).await), "login_failed");
    accounts::deactivate(&world.app, "ada")
        .await
        .expect("deactivates");
    assert_eq!(code(world.log_in("ada", PASSWORD).await), "login_failed");
}

/// Wrong passwords of an account are limited, and not those of an address.
async fn guarded_world() -> World {
    let rates = Rates {
        wrong_login_address: Rates::default().send,
        ..Rates::default()
    };
    let world = World::with(Settings {
        rates: Some(rates),
        ..Settings::default()
    })
    .await;
    world.user("ada").await;
    world
}

/// As many as may be wrong are tried, however many come at once.
#[tokio::test]
async fn guesses_made_at_once_count_before_they_are_known_to_be_wrong() {
    let world = guarded_world().await;
    let guesses = (0..40).map(|_| world.log_in("ada", "wrong password"));
    let outcomes = futures_util::future::join_all(guesses).await;
    let tried = outcomes
        .into_iter()
        .map(code)
        .filter(|code| *code == "login_failed")
        .count();
    assert_eq!(tried, 10);
}

#[tokio::test]
async fn wrong_log_ins_in_a_row_are_slowed_and_a_right_one_forgives() {
    let world = guarded_world().await;
    for round in 0..2 {
        for attempt in 0..9 {
            let outcome = world.log_in("ada", "wrong password").await;
            assert_eq!(
                code(outcome),
                "login_failed",
                "round {round}, attempt {attempt}"
            );
        }
        world.log_in("ADA", PASSWORD).await.expect("the right one");
    }
    for _ in 0..10 {
        world
            .log_in("ada", "wrong password")
            .await
            .expect_err("wrong");
    }
    let refused = world
        .log_in("ada", PASSWORD)
        .await
        .expect_err("too many in a row");
    assert_eq!(refused.code(), "rate_limited");
    assert!(
        refused
            .retry_hint()
            .is_some_and(|wait| wait > Duration::ZERO)
    );
}

#[tokio::test]
async fn a_session_ends_by_time_and_a_token_does_not() {
    let world = World::new().await;
    world.user("ada").await;
    let input = LogIn {
        username: value("ada"),
        password: value(PASSWORD),
        address: HERE,
        kind: TokenKind::Session,
        label: String::new(),
    };
    let session = accounts::log_in(&world.app, input)
        .await
        .expect("a session")
        .secret;
    let token = world.log_in("ada", PASSWORD).await.expect("a token");
    let is_fine = async |secret: &str, kind| {
        accounts::authenticate(&world.app, secret, kind)
            .await
            .is_ok()
    };
    assert!(is_fine(&session, TokenKind::Session).await);
    assert!(
        !is_fine(&session, TokenKind::Token).await,
        "a session is no API token"
    );
    world.clock.forward(Duration::from_secs(15 * 24 * 3600));
    assert!(!is_fine(&session, TokenKind::Session).await);
    assert!(is_fine(&token, TokenKind::Token).await);
}

#[tokio::test]
async fn a_password_change_ends_all_other_credentials_at_once() {
    let world = World::new().await;
    let user = world.user("ada").await;
    let mine = world.log_in("ada", PASSWORD).await.expect("logs in");
    let other = world.log_in("ada", PASSWORD).await.expect("logs in");
    let actor = accounts::authenticate(&world.app, &mine, TokenKind::Token)
        .await
        .expect("mine works");
    accounts::authenticate(&world.app, &other, TokenKind::Token)
        .await
        .expect("is remembered now");

    let input = UpdateUser {
        password: value("another fine secret"),
        ..UpdateUser::default()
    };
    accounts::update(&world.app, &actor, user.id, input)
        .await
        .expect("changes");
    accounts::authenticate(&world.app, &mine, TokenKind::Token)
        .await
        .expect("the asking one stays");
    let gone = accounts::authenticate(&world.app, &other, TokenKind::Token).await;
    assert_eq!(code(gone), "invalid_token");
    assert_eq!(code(world.log_in("ada", PASSWORD).await), "login_failed");
    world
        .log_in("ada", "another fine secret")
        .await
        .expect("the new one works");
    let told = |signal: &Signal| matches!(signal, Signal::CredentialsEnded { ended, .. } if ended.len() == 1);
    assert!(
        world.signals().iter().any(told),
        "the sockets have to hear of it"
    );
}

#[tokio::test]
async fn what_another_process_ended_bites_after_reading_the_log() {
    let world = World::new().await;
    world.user("ada").await;
    let secret = world.log_in("ada", PASSWORD).await.expect("logs in");
    let check = async || accounts::authenticate(&world.app, &secret, TokenKind::Token).await;
    let actor = check().await.expect("works and is remembered");
    // Behind the app's back, as another process would.
    let which = parlour_core::ports::EndWhich::All;
    world
        .app
        .store()
        .end_tokens(actor.user, which, world.app.now())
        .await
        .expect("ends");
    check().await.expect("this process has not heard yet");
    let mut followed = Followed::default();
    let read = world.app.follow_revocations(&mut followed).await;
    assert!(read.expect("reads the log"));
    assert_eq!(code(check().await), "invalid_token");
    let read = world.app.follow_revocations(&mut followed).await;
    assert!(!read.expect("reads again"), "nothing is acted on twice");
}

#[tokio::test]
async fn accounts_belong_to_themselves() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let bob = acting(bob.id);
    let change = UpdateUser {
        first_name: value("Mallory"),
        ..UpdateUser::default()
    };
    assert_eq!(
        code(accounts::update(&world.app, &bob, ada.id, change).await),
        "not_yours"
    );
    assert_eq!(
        code(accounts::delete(&world.app, &bob, ada.id).await),
        "not_yours"
    );
    let set = UpdateUser {
        email: value("ada@example.org"),
        ..UpdateUser::default()
    };
    accounts::update(&world.app, &acting(ada.id), ada.id, set)
        .await
        .expect("one's own");
    let seen = async |actor| {
        accounts::get(&world.app, actor, ada.id)
            .await
            .expect("is public")
            .email
    };
    let herself = acting(ada.id);
    assert_eq!(
        seen(Some(&herself)).await.as_deref(),
        Some("ada@example.org")
    );
    assert_eq!(seen(Some(&bob)).await, None);
    assert_eq!(seen(None).await, None);
}

#[tokio::test]
async fn usernames_and_emails_do_not_cross() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let set = UpdateUser {
        email: value("ada@example.org"),
        ..UpdateUser::default()
    };
    accounts::update(&world.app, &acting(ada.id), ada.id, set)
        .await
        .expect("sets an email");
    let input = SignUp {
        username: value("Ada@Example.org"),
        password: value(PASSWORD),
        ..SignUp::default()
    };
    assert_eq!(
        fields(accounts::register(&world.app, input, HERE).await)[0].0,
        "username"
    );
    world
        .log_in("ADA@example.org", PASSWORD)
        .await
        .expect("the email logs in");
}

#[tokio::test]
async fn a_closed_server_takes_nobody_and_shows_nobody() {
    let settings = Settings {
        rates: None,
        open_registration: false,
        public_user_list: false,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let input = SignUp {
        username: value("ada"),
        password: value(PASSWORD),
        ..SignUp::default()
    };
    assert_eq!(
        code(accounts::register(&world.app, input, HERE).await),
        "sign_up_closed"
    );
    assert_eq!(
        code(accounts::list(&world.app, None, None).await),
        "unauthenticated"
    );
}
