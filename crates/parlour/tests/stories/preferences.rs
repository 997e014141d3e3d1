//! What people choose for themselves: their pages, their colour.

use crate::support::{
    Server, USERS, User, Value, json,
    people::{id, user_path},
    stories,
};

stories![
    they_begin_with_the_defaults,
    each_one_changes_alone,
    only_ones_own,
    bad_words_are_all_told,
    every_content_type,
    they_outlive_a_restart,
    a_colour_of_ones_own,
    bad_colours,
];

fn path(user: &User) -> String {
    format!("{}preferences/", user_path(user.id))
}

fn defaults() -> Value {
    json!({
        "language": null, "theme": "system", "density": "roomy", "clock": "auto",
        "calm": false, "send_key": "enter", "single_keys": true,
    })
}

async fn they_begin_with_the_defaults(server: Server) {
    let ada = server.user("ada").await;
    ada.get(&path(&ada)).await.is(200, defaults());
    ada.patch(&path(&ada)).await.is(200, defaults());
    let unknown = json!({"id": 5, "colour": {"deep": [1]}});
    ada.patch(&path(&ada))
        .json(unknown)
        .await
        .is(200, defaults());
    let user = ada.get(&user_path(ada.id)).await.ok(200);
    assert!(user.get("theme").is_none(), "nobody else's business");
}

async fn each_one_changes_alone(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let mut wanted = defaults();
    for (field, value) in [
        ("language", json!("ko")),
        ("language", json!("en")),
        ("language", json!(null)),
        ("theme", json!("dark")),
        ("theme", json!("light")),
        ("density", json!("compact")),
        ("clock", json!("h12")),
        ("clock", json!("h24")),
        ("calm", json!(true)),
        ("send_key", json!("ctrl_enter")),
        ("single_keys", json!(false)),
    ] {
        wanted[field] = value.clone();
        let call = ada.patch(&path(&ada)).json(json!({ field: value }));
        call.await.is(200, &wanted);
        ada.get(&path(&ada)).await.is(200, &wanted);
    }
    bob.get(&path(&bob)).await.is(200, defaults());
    ada.patch(&path(&ada))
        .json(defaults())
        .await
        .is(200, defaults());
}

async fn only_ones_own(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let not_yours = "You may only change your own account.";
    let dark = json!({"theme": "dark"});
    bob.get(&path(&ada)).await.is_detail(403, not_yours);
    for body in [&dark, &json!({"theme": "loud"})] {
        let call = bob.patch(&path(&ada)).json(body);
        call.await.is_detail(403, not_yours);
    }
    for id in ["999", "abc", "0", "9223372036854775808"] {
        let path = format!("{USERS}{id}/preferences/");
        bob.get(&path).await.is_detail(404, "Not found.");
        let call = bob.patch(&path).json(&dark);
        call.await.is_detail(404, "Not found.");
    }
    let text = "Authentication credentials were not provided.";
    for method in ["GET", "PATCH", "PUT", "DELETE"] {
        let call = server.call(method, &path(&ada)).json(&dark);
        call.await.is_detail(401, text);
    }
    ada.get(&path(&ada)).await.is(200, defaults());
}

async fn bad_words_are_all_told(server: Server) {
    let ada = server.user("ada").await;
    let body = json!({
        "language": "xx", "theme": "loud", "density": "", "clock": "h25", "calm": "maybe",
        "send_key": "shift", "single_keys": null,
    });
    ada.patch(&path(&ada)).json(body).await.is(
        400,
        json!({
            "language": ["\"xx\" is not a valid choice."],
            "theme": ["\"loud\" is not a valid choice."],
            "density": ["\"\" is not a valid choice."],
            "clock": ["\"h25\" is not a valid choice."],
            "calm": ["Must be a valid boolean."],
            "send_key": ["\"shift\" is not a valid choice."],
            "single_keys": ["This field may not be null."],
        }),
    );
    for field in ["language", "theme", "density", "clock", "send_key"] {
        for (given, shown) in [
            (json!(5), "5".to_owned()),
            (json!(1e300), "1e+300".to_owned()),
            (json!(u64::MAX), u64::MAX.to_string()),
            (json!(true), "true".to_owned()),
            (json!([]), "[]".to_owned()),
            (json!({}), "{}".to_owned()),
            (json!("DARK"), "DARK".to_owned()),
            (json!("a\u{0}b"), "a\u{0}b".to_owned()),
            (json!("👍".repeat(10_000)), "👍".repeat(100)),
        ] {
            let answer = ada.patch(&path(&ada)).json(json!({ field: given })).await;
            answer.is_bad(field, &format!("\"{shown}\" is not a valid choice."));
        }
    }
    for field in ["theme", "density", "clock", "send_key", "calm"] {
        let answer = ada.patch(&path(&ada)).json(json!({ field: null })).await;
        answer.is_bad(field, "This field may not be null.");
    }
    for field in ["calm", "single_keys"] {
        for given in [
            json!(2),
            json!(1e300),
            json!(""),
            json!("x"),
            json!([]),
            json!({}),
        ] {
            let answer = ada.patch(&path(&ada)).json(json!({ field: given })).await;
            answer.is_bad(field, "Must be a valid boolean.");
        }
    }
    // One bad word keeps the good ones out too.
    let body = json!({"theme": "dark", "clock": "x"});
    assert_eq!(ada.patch(&path(&ada)).json(body).await.status, 400);
    ada.get(&path(&ada)).await.is(200, defaults());
}

async fn every_content_type(server: Server) {
    let ada = server.user("ada").await;
    let fields = [("theme", " dark "), ("calm", "on"), ("single_keys", "0")];
    for call in [
        ada.patch(&path(&ada)).form(&fields),
        ada.patch(&path(&ada)).multipart(&fields),
        ada.patch(&path(&ada))
            .json(json!({"theme": "dark", "calm": 1, "single_keys": "false"})),
    ] {
        let mut wanted = defaults();
        wanted["theme"] = json!("dark");
        wanted["calm"] = json!(true);
        wanted["single_keys"] = json!(false);
        call.await.is(200, &wanted);
        ada.patch(&path(&ada)).json(defaults()).await.ok(200);
    }
    let text = "Unsupported media type \"text/plain\" in request.";
    let call = ada.patch(&path(&ada)).body("text/plain", "theme=dark");
    call.await.is_detail(415, text);
}

async fn they_outlive_a_restart(mut server: Server) {
    let ada = server.user("ada").await;
    let body = json!({"language": "ko", "calm": true});
    let before = ada.patch(&path(&ada)).json(body).await.ok(200);
    server.kill().await;
    server.start_again().await;
    ada.get(&path(&ada)).await.is(200, before);
}

async fn a_colour_of_ones_own(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let user = ada.get(&user_path(ada.id)).await.ok(200);
    assert_eq!(user["avatar_hue"], Value::Null);
    assert_eq!(user["is_active"], true);
    for (given, kept) in [
        (json!(7), json!(7)),
        (json!(0), json!(0)),
        (json!("11"), json!(11)),
        (json!(3.0), json!(3)),
        (json!(null), json!(null)),
        (json!(5), json!(5)),
    ] {
        let call = ada.patch(&user_path(ada.id));
        let user = call.json(json!({ "avatar_hue": given })).await.ok(200);
        assert_eq!(user["avatar_hue"], kept);
        let seen = bob.get(&user_path(ada.id)).await.ok(200);
        assert_eq!(seen["avatar_hue"], kept, "everybody sees it");
    }
    let call = ada.patch(&user_path(ada.id));
    let user = call.json(json!({"first_name": "A"})).await.ok(200);
    assert_eq!(user["avatar_hue"], 5, "what is left out stays");
    let listed = server.get(USERS).await.rows();
    let row = listed.iter().find(|row| id(row) == ada.id).expect("ada");
    assert_eq!(row["avatar_hue"], 5);
    let call = bob.patch(&user_path(ada.id)).json(json!({"avatar_hue": 1}));
    call.await
        .is_detail(403, "You may only change your own account.");
}

async fn bad_colours(server: Server) {
    let ada = server.user("ada").await;
    let choice = |given: &str| format!("\"{given}\" is not a valid choice.");
    let integer = "A valid integer is required.".to_owned();
    for (given, text) in [
        (json!(12), choice("12")),
        (json!(-1), choice("-1")),
        (json!(256), choice("256")),
        (json!(i64::MAX), choice("9223372036854775807")),
        (json!(1.5), integer.clone()),
        (json!("red"), integer.clone()),
        (json!(""), integer.clone()),
        (json!(true), integer.clone()),
        (json!([1]), integer.clone()),
        (json!("1\u{0}"), integer.clone()),
        (json!("👍".repeat(10_000)), integer.clone()),
    ] {
        let call = ada.patch(&user_path(ada.id));
        let answer = call.json(json!({ "avatar_hue": given })).await;
        answer.is_bad("avatar_hue", &text);
    }
    let body = json!({"avatar_hue": 99, "first_name": [1]});
    ada.patch(&user_path(ada.id)).json(body).await.is(
        400,
        json!({"avatar_hue": [choice("99")], "first_name": ["Not a valid string."]}),
    );
    let user = ada.get(&user_path(ada.id)).await.ok(200);
    assert_eq!(user["avatar_hue"], Value::Null);
}
