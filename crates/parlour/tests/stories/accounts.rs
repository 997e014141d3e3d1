//! Contract 2: log in, tokens, and what counts as a credential.

use crate::support::{
    PASSWORD, ROOMS, Server, USERS, json,
    people::{LOGIN, user_path},
    stories,
};

const LOGOUT: &str = "/api/v1/auth/logout/";
const TOKENS: &str = "/api/v1/auth/tokens/";

stories![
    logging_in,
    every_log_in_that_fails_looks_alike,
    every_log_in_issues_a_token_and_older_ones_go_on,
    spellings_of_the_header,
    a_bad_token_is_refused_even_where_none_is_needed,
    only_the_header_is_a_credential,
    logging_out_ends_this_token_only,
    tokens_are_listed_and_revoked,
];

async fn logging_in(server: Server) {
    let body = json!({"username": "ada", "password": PASSWORD, "email": "Ada@Example.org"});
    server.post(USERS).json(body).await.ok(201);
    let answer = server.login("ada", PASSWORD).await.answer;
    let body = answer.ok(200);
    assert_eq!(
        body.as_object().map(serde_json::Map::len),
        Some(1),
        "{body}"
    );
    let token = body["token"].as_str().expect("a token");
    assert!(token.len() >= 32, "{} characters", token.len());
    assert!(!token.contains(char::is_whitespace));
    for name in [
        " ada ",
        "ADA",
        "\tada\n",
        "ada@example.org",
        " ADA@EXAMPLE.ORG ",
    ] {
        server.login(name, PASSWORD).await.token();
    }
    let required = json!({
        "username": ["This field is required."], "password": ["This field is required."],
    });
    server.post(LOGIN).await.is(400, required);
    let blank = json!({
        "username": ["This field may not be blank."], "password": ["This field may not be blank."],
    });
    let body = json!({"username": " ", "password": ""});
    server.post(LOGIN).json(body).await.is(400, blank);
    let null = json!({
        "username": ["This field may not be null."], "password": ["Not a valid string."],
    });
    let body = json!({"username": null, "password": [1]});
    server.post(LOGIN).json(body).await.is(400, null);
    server
        .get(LOGIN)
        .await
        .is_detail(405, "Method \"GET\" not allowed.");
}

async fn every_log_in_that_fails_looks_alike(server: Server) {
    server.user("ada").await;
    server.user("gone").await;
    server.command(&["user", "deactivate", "gone"]);
    for (name, password) in [
        ("ada", "not it at all"),
        ("ada", " difference of squares"),
        ("ada", "Difference of squares"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("ada\u{0}", PASSWORD),
        ("ada' OR '1'='1", "x"),
        ("%", PASSWORD),
    ] {
        server.login(name, password).await.is_refused();
    }
    server
        .login(&"a".repeat(100_000), PASSWORD)
        .await
        .is_refused();
    server.login("ada", &"p".repeat(100_000)).await.is_refused();
    server.login("ada", PASSWORD).await.token();
}

async fn every_log_in_issues_a_token_and_older_ones_go_on(server: Server) {
    let ada = server.user("ada").await;
    let mut tokens = vec![ada.token.clone()];
    for _ in 0..3 {
        tokens.push(server.login("ada", PASSWORD).await.token());
    }
    for token in &tokens {
        assert_eq!(server.get(ROOMS).token(token).await.status, 200);
        assert_eq!(tokens.iter().filter(|other| *other == token).count(), 1);
    }
}

async fn spellings_of_the_header(server: Server) {
    let ada = server.user("ada").await;
    let token = ada.token.as_str();
    let get = |value: String| server.get(ROOMS).header("authorization", &value);
    for scheme in ["Token", "token", "TOKEN", "tOkEn", "Bearer", "bearer"] {
        assert_eq!(
            get(format!("{scheme} {token}")).await.status,
            200,
            "{scheme}"
        );
    }
    let anonymous = "Authentication credentials were not provided.";
    for other in ["Basic", "Digest", "Tokens"] {
        get(format!("{other} {token}"))
            .await
            .is_detail(401, anonymous);
    }
    let start = "Invalid token header. ";
    for (value, text) in [
        (
            "Token".to_owned(),
            format!("{start}No credentials provided."),
        ),
        (
            "Token ".to_owned(),
            format!("{start}No credentials provided."),
        ),
        (
            format!("Token {token} x"),
            format!("{start}Token string should not contain spaces."),
        ),
        ("Token nobody".to_owned(), "Invalid token.".to_owned()),
        (format!("Token {token}x"), "Invalid token.".to_owned()),
        (
            format!("Token {}", "a".repeat(5_000)),
            "Invalid token.".to_owned(),
        ),
    ] {
        let answer = get(value).await;
        answer.is_detail(401, &text);
        assert_eq!(answer.header("www-authenticate"), "Token");
    }
    // Two credentials: nobody can say which one counts.
    let doubled = server.get(ROOMS).token(token).token(token).await;
    assert_eq!(doubled.status, 401, "{}", doubled.text());
}

async fn a_bad_token_is_refused_even_where_none_is_needed(server: Server) {
    let ada = server.user("ada").await;
    let body = json!({"username": "bob", "password": PASSWORD});
    for call in [
        server.get(USERS),
        server.get(&user_path(ada.id)),
        server.post(USERS).json(&body),
        server.get("/api/v1/chats/user/"),
    ] {
        let answer = call.token("nobody").await;
        answer.is_detail(401, "Invalid token.");
    }
    assert_eq!(server.get(USERS).await.json()["page_metadata"]["count"], 1);
    assert_eq!(ada.post(USERS).json(body).await.status, 201);
}

async fn only_the_header_is_a_credential(server: Server) {
    let ada = server.user("ada").await;
    let anonymous = "Authentication credentials were not provided.";
    server
        .get(&format!("{ROOMS}?token={}", ada.token))
        .await
        .is_detail(401, anonymous);
    let cookie = format!("sessionid={}; token={}", ada.token, ada.token);
    server
        .get(ROOMS)
        .header("cookie", &cookie)
        .await
        .is_detail(401, anonymous);
    let body = json!({"token": ada.token, "name": "Tea"});
    server
        .post(ROOMS)
        .json(body)
        .await
        .is_detail(401, anonymous);
}

async fn logging_out_ends_this_token_only(server: Server) {
    let ada = server.user("ada").await;
    let other = ada.again().await;
    ada.post(LOGOUT).await.is_empty();
    ada.get(ROOMS).await.is_detail(401, "Invalid token.");
    ada.post(LOGOUT).await.is_detail(401, "Invalid token.");
    assert_eq!(other.get(ROOMS).await.status, 200);
    server
        .post(LOGOUT)
        .await
        .is_detail(401, "Authentication credentials were not provided.");
    server.login("ada", PASSWORD).await.token();
}

async fn tokens_are_listed_and_revoked(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let other = ada.again().await;
    let answer = ada.get(TOKENS).await;
    let text = answer.text();
    assert!(
        !text.contains(&ada.token) && !text.contains(&other.token),
        "{text}"
    );
    let list = answer.ok(200).as_array().cloned().expect("a list");
    assert_eq!(list.len(), 2, "{text}");
    let current: Vec<bool> = list
        .iter()
        .filter_map(|token| token["current"].as_bool())
        .collect();
    assert_eq!(current, [false, true], "newest first");
    let path = format!("{TOKENS}{}/", list[0]["id"]);
    assert_eq!(bob.delete(&path).await.status, 404);
    server
        .call("DELETE", &path)
        .await
        .is_detail(401, "Authentication credentials were not provided.");
    ada.delete(&path).await.is_empty();
    ada.delete(&path).await.is_detail(404, "Not found.");
    other.get(ROOMS).await.is_detail(401, "Invalid token.");
    assert_eq!(
        ada.get(TOKENS).await.ok(200).as_array().map(Vec::len),
        Some(1)
    );
}
