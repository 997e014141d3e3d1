//! Contract 3: who may be called what, and which passwords are taken.

use crate::support::{
    Answer, PASSWORD, Server, USERS, Value, json,
    people::{id, user_path},
    stories,
};

stories![
    signing_up,
    usernames,
    names_that_look_alike_are_taken,
    emails,
    nicknames,
    passwords_have_rules,
    passwords_are_never_trimmed,
    the_email_is_seen_by_its_account_only,
    one_changes_only_oneself,
    changing_every_field,
    closed_lists_and_sign_up,
];

/// Signs up with these fields over a fine password.
async fn sign_up(server: &Server, mut fields: Value) -> Answer {
    if fields.get("password").is_none() {
        fields["password"] = PASSWORD.into();
    }
    server.post(USERS).json(fields).await
}

async fn signing_up(server: Server) {
    let answer = sign_up(
        &server,
        json!({"username": " ada ", "first_name": " Ada ", "last_name": "Lovelace"}),
    )
    .await;
    let user = answer.ok(201);
    assert_eq!(user["username"], "ada");
    assert_eq!(user["nickname"], "ada");
    assert_eq!(user["first_name"], "Ada");
    assert_eq!(user["last_name"], "Lovelace");
    assert_eq!(user["is_active"], true);
    assert!(!answer.text().contains("password") && !answer.text().contains("squares"));
    let user = sign_up(&server, json!({"username": "bob"})).await.ok(201);
    assert_eq!(
        (&user["first_name"], &user["last_name"]),
        (&json!(""), &json!(""))
    );
    let body = json!({"username": "eve", "is_active": false, "is_admin": true, "id": 1});
    let user = sign_up(&server, body).await.ok(201);
    assert_eq!(user["is_active"], true);
    server.post(USERS).await.is(
        400,
        json!({
            "username": ["This field is required."], "password": ["This field is required."],
        }),
    );
}

async fn usernames(server: Server) {
    let long = "x".repeat(150);
    for name in ["a", "ada.lovelace@x+y-z_1", "다은", "Ünal", "عمر", &long] {
        assert_eq!(
            sign_up(&server, json!({"username": name})).await.ok(201)["username"],
            name
        );
    }
    let characters = "Enter a valid username. This value may contain only letters, numbers, and \
                      @/./+/-/_ characters.";
    for name in [
        "a b",
        "a/b",
        "<b>",
        "a,b",
        "a\u{202e}b",
        "a\nb",
        "a☕",
        "a'b",
        "a\"b",
    ] {
        sign_up(&server, json!({"username": name}))
            .await
            .is_bad("username", characters);
    }
    for (name, text) in [
        (json!("  "), "This field may not be blank."),
        (
            json!("x".repeat(151)),
            "Ensure this field has no more than 150 characters.",
        ),
        (json!(["a"]), "Not a valid string."),
    ] {
        sign_up(&server, json!({"username": name}))
            .await
            .is_bad("username", text);
    }
    for field in ["first_name", "last_name"] {
        let body = json!({"username": "ada", field: "x".repeat(151)});
        let text = "Ensure this field has no more than 150 characters.";
        sign_up(&server, body).await.is_bad(field, text);
    }
}

/// A difference of letter case, width or ligature only is none (D-08).
async fn names_that_look_alike_are_taken(server: Server) {
    let body = json!({"username": "Ada", "nickname": "Queen", "email": "ada@example.org"});
    sign_up(&server, body).await.ok(201);
    let taken = "A user with that username already exists.";
    for name in ["Ada", "ada", "ADA", "Ａda", " ada "] {
        sign_up(&server, json!({"username": name}))
            .await
            .is_bad("username", taken);
    }
    for nickname in ["Queen", "queen", "Ｑueen", "Que\u{200b}en"] {
        let body = json!({"username": "other", "nickname": nickname});
        sign_up(&server, body)
            .await
            .is_bad("nickname", "Already existing nickname");
    }
    for email in ["ada@example.org", "ADA@EXAMPLE.ORG"] {
        let body = json!({"username": "other", "email": email});
        sign_up(&server, body)
            .await
            .is_bad("email", "Already existing email");
    }
    sign_up(&server, json!({"username": "ﬁn"})).await.ok(201);
    sign_up(&server, json!({"username": "FIN"}))
        .await
        .is_bad("username", taken);
    // A name that is another account's email would log in as either.
    sign_up(&server, json!({"username": "ada@example.org"}))
        .await
        .is_bad("username", taken);
    // And the other way round: two accounts must not answer to one log-in name.
    let name = json!({"username": "eve@example.org"});
    sign_up(&server, name).await.ok(201);
    let body = json!({"username": "other", "email": "Eve@example.org"});
    assert_eq!(sign_up(&server, body).await.status, 400);
    // All that is taken is told at once.
    let body = json!({"username": "ADA", "nickname": "QUEEN", "email": "Ada@example.org"});
    sign_up(&server, body).await.is(
        400,
        json!({
            "username": [taken],
            "nickname": ["Already existing nickname"],
            "email": ["Already existing email"],
        }),
    );
}

async fn emails(server: Server) {
    for (number, email) in ["a@b.co", "ada+x@example.org"].into_iter().enumerate() {
        let body = json!({"username": format!("good{number}"), "email": email});
        sign_up(&server, body).await.ok(201);
    }
    for email in [
        "a",
        "a@",
        "@b.co",
        "a b@c.de",
        "a@b..co",
        "A <a@b.co>",
        "a@b.co\nBcc: x@y.zz",
    ] {
        let body = json!({"username": "bad", "email": email});
        sign_up(&server, body)
            .await
            .is_bad("email", "Enter a valid email address.");
    }
    // None at all may be said in three ways, by any number of people.
    for (number, email) in [json!(""), json!(null), json!("  ")]
        .into_iter()
        .enumerate()
    {
        let body = json!({"username": format!("none{number}"), "email": email});
        sign_up(&server, body).await.ok(201);
    }
}

async fn nicknames(server: Server) {
    let long = "x".repeat(60);
    let user = sign_up(&server, json!({"username": long})).await.ok(201);
    assert_eq!(user["nickname"], "x".repeat(50));
    let longer = format!("{}y", "x".repeat(60));
    let user = sign_up(&server, json!({"username": longer})).await.ok(201);
    let nickname = user["nickname"].as_str().unwrap_or_default();
    assert!(
        nickname != "x".repeat(50) && nickname.chars().count() <= 50,
        "{nickname}"
    );
    let body = json!({"username": "ada", "nickname": " The Queen ☕ "});
    assert_eq!(
        sign_up(&server, body).await.ok(201)["nickname"],
        "The Queen ☕"
    );
    let body = json!({"username": "bob", "nickname": "x".repeat(51)});
    let text = "Ensure this field has no more than 50 characters.";
    sign_up(&server, body).await.is_bad("nickname", text);
    let body = json!({"username": "bob", "nickname": " "});
    sign_up(&server, body)
        .await
        .is_bad("nickname", "This field may not be blank.");
}

/// One set of rules for every door (D-05).
async fn passwords_have_rules(server: Server) {
    let short = "This password is too short. It must contain at least 8 characters.";
    let common = "This password is too common.";
    let numeric = "This password is entirely numeric.";
    let has = |answer: &Answer, texts: &[&str]| {
        assert_eq!(answer.status, 400, "{}", answer.text());
        for text in texts {
            let told = answer.json()["password"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            assert!(told.iter().any(|t| t == text), "{text}: {told:?}");
        }
    };
    for (password, texts) in [
        (json!("1"), &[short, numeric][..]),
        (json!("abc7xq"), &[short]),
        (json!("password"), &[common]),
        (json!("iloveyou1"), &[common]),
        (json!("PASSWORD1"), &[common]),
        (json!("73917264950318"), &[numeric]),
        (json!(73_917_264_950_318_i64), &[numeric]),
        (json!("12345678"), &[common, numeric]),
    ] {
        let body = json!({"username": "ada", "password": password});
        has(&sign_up(&server, body).await, texts);
    }
    for (fields, to) in [
        (
            json!({"username": "margarete", "password": "margarete1"}),
            "username",
        ),
        (
            json!({"username": "x", "nickname": "grasshopper", "password": "Grasshopper1"}),
            "nickname",
        ),
        (
            json!({"username": "x", "email": "wolfgangus@example.org", "password": "wolfgangus9"}),
            "email",
        ),
    ] {
        let answer = sign_up(&server, fields).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let text = answer.json()["password"].to_string();
        assert!(
            text.contains("too similar to the") && text.contains(to),
            "{text}"
        );
    }
    let ada = server.user("ada").await;
    for method in ["PATCH", "PUT"] {
        let body = json!({"username": "ada", "password": "12345678"});
        has(
            &ada.call(method, &user_path(ada.id)).json(body).await,
            &[common, numeric],
        );
    }
    let body = json!({"username": "bob", "password": "x".repeat(200_000)});
    assert_eq!(sign_up(&server, body).await.status, 400);
}

/// Spaces belong to a password at sign-up and at log-in alike (D-06).
async fn passwords_are_never_trimmed(server: Server) {
    let spaced = "  corn field maze ";
    sign_up(&server, json!({"username": "ada", "password": spaced}))
        .await
        .ok(201);
    server.login("ada", spaced).await.token();
    server.login("ada", spaced.trim()).await.is_refused();
    let unicode = "파란 하늘 열 개";
    sign_up(&server, json!({"username": "bob", "password": unicode}))
        .await
        .ok(201);
    server.login("bob", unicode).await.token();
}

async fn the_email_is_seen_by_its_account_only(server: Server) {
    let body = json!({"username": "ada", "email": "ada@example.org"});
    let account = sign_up(&server, body).await.ok(201);
    let path = user_path(id(&account));
    let token = server.login("ada", PASSWORD).await.token();
    let bob = server.user("bob").await;
    assert_eq!(
        server.get(&path).token(&token).await.ok(200)["email"],
        "ada@example.org"
    );
    for answer in [
        server.get(&path).await,
        server.get(USERS).await,
        // Not even one's own (contract 3).
        server.get(USERS).token(&token).await,
        bob.get(&path).await,
        bob.get(USERS).await,
    ] {
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains("example.org"), "{}", answer.text());
        assert!(!answer.text().contains("password"), "{}", answer.text());
    }
}

/// 401 without a token, 403 for another account, 200 for oneself (D-01).
async fn one_changes_only_oneself(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let path = user_path(ada.id);
    let body = json!({"username": "ada", "password": PASSWORD, "first_name": "Mallory"});
    for method in ["PATCH", "PUT", "DELETE"] {
        assert_eq!(
            server.call(method, &path).json(&body).await.status,
            401,
            "{method}"
        );
        assert_eq!(
            bob.call(method, &path).json(&body).await.status,
            403,
            "{method}"
        );
        let nobody = bob.call(method, &user_path(999_999)).json(&body).await;
        nobody.is_detail(404, "Not found.");
    }
    assert_eq!(server.get(&path).await.ok(200)["first_name"], "");
}

async fn changing_every_field(server: Server) {
    let ada = server.user("ada").await;
    server.user("bob").await;
    let path = user_path(ada.id);
    let before = server.get(&path).await.ok(200);
    let body = json!({
        "first_name": "A", "last_name": "L", "nickname": "Queen", "email": "ada@example.org",
    });
    let user = ada.patch(&path).json(body).await.ok(200);
    assert_eq!(user["nickname"], "Queen");
    assert_eq!(user["email"], "ada@example.org");
    assert_eq!(user["created_at"], before["created_at"]);
    assert_eq!(
        ada.patch(&path).json(json!({})).await.ok(200),
        user,
        "nothing asked, nothing done"
    );
    let user = ada
        .patch(&path)
        .json(json!({"username": "ADA"}))
        .await
        .ok(200);
    assert_eq!(
        user["username"], "ADA",
        "one's own name in another case is free for oneself"
    );
    let taken = "A user with that username already exists.";
    ada.patch(&path)
        .json(json!({"username": "BOB"}))
        .await
        .is_bad("username", taken);
    let body = json!({"username": "carol", "nickname": "Carol", "email": "carol@example.org"});
    sign_up(&server, body).await.ok(201);
    ada.patch(&path)
        .json(json!({"nickname": "CAROL", "email": "Carol@Example.org"}))
        .await
        .is(
            400,
            json!({
                "nickname": ["Already existing nickname"], "email": ["Already existing email"],
            }),
        );
    ada.put(&path).json(json!({})).await.is(
        400,
        json!({
            "username": ["This field is required."], "password": ["This field is required."],
        }),
    );
    let body = json!({"username": "countess", "password": PASSWORD});
    assert_eq!(
        ada.put(&path).json(body).await.ok(200)["username"],
        "countess"
    );
    server.login("countess", PASSWORD).await.token();
    server.login("ada", PASSWORD).await.is_refused();
    let user = ada.patch(&path).json(json!({"email": null})).await.ok(200);
    assert!(user["email"].is_null(), "{user}");
}

async fn closed_lists_and_sign_up(engine: crate::support::Engine) {
    let setup = engine
        .setup()
        .env("PARLOUR_REGISTRATION", "closed")
        .env("PARLOUR_USER_LIST", "members");
    let server = setup.start().await;
    let body = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(server.post(USERS).json(body).await.status, 403);
    let anonymous = "Authentication credentials were not provided.";
    server.get(USERS).await.is_detail(401, anonymous);
    server.get(&user_path(1)).await.is_detail(401, anonymous);
}
