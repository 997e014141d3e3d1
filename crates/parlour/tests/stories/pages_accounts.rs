//! Contract 7: register, log in, log out, by pages.

use crate::support::{Browser, Engine, PASSWORD, Server, browser::token, stories};

stories![
    from_registration_to_the_list,
    what_is_wrong_is_said_and_what_was_typed_is_kept,
    names_that_are_taken,
    passwords_are_judged_below_the_second_field,
    usernames_come_from_nicknames,
    a_wrong_login_says_one_thing,
    the_way_to_where_one_wanted_to_go,
    who_is_logged_in_needs_no_form,
    logging_out_ends_the_session_everywhere,
    logging_in_again_ends_the_session_before,
    a_closed_server_says_so,
    rooms_are_made_by_a_form,
    too_many_wrong_logins,
];

const REGISTER: &str = "/accounts/register/";
const LOG_IN: &str = "/accounts/login/";
const LOG_OUT: &str = "/accounts/logout/";

async fn register(browser: &Browser, email: &str, nickname: &str, one: &str, two: &str) -> String {
    let fields = [
        ("email", email),
        ("nickname", nickname),
        ("password1", one),
        ("password2", two),
    ];
    let answer = browser.fill(REGISTER, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

async fn from_registration_to_the_list(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    let login = browser.get(LOG_IN).await;
    let page = login.text();
    assert!(page.contains("value=\"ada@example.org\""), "{page}");
    assert!(page.contains("role=\"status\""), "{page}");
    // Once only.
    let again = browser.get(LOG_IN).await.text();
    assert!(!again.contains("ada@example.org"), "{again}");
    let answer = browser.log_in("ADA@example.org").await;
    assert_eq!(answer.header("location"), "/chat/list/");
    let list = browser.get("/chat/list/").await;
    assert_eq!(list.status, 200);
    assert!(list.text().contains("Ada"));
    assert!(!list.text().contains("/accounts/register/"));
    assert_eq!(list.header("cache-control"), "no-store");
}

async fn what_is_wrong_is_said_and_what_was_typed_is_kept(server: Server) {
    let browser = server.browser();
    let long = "n".repeat(51);
    let page = register(&browser, "no-email", &long, PASSWORD, "something else 1").await;
    for text in [
        "Enter a valid email address.",
        "Ensure this value has at most 50 characters (it has 51).",
        "The two password fields didn&#x27;t match.",
        "value=\"no-email\"",
        &format!("value=\"{long}\""),
        "aria-invalid=\"true\"",
        "id=\"error-summary\"",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    assert!(!page.contains(PASSWORD) && !page.contains("something else 1"));
    let page = register(&browser, "", "  ", "", "").await;
    // Each in the summary and at its field; scripts have their texts below.
    let shown = page.split("id=\"texts\"").next().unwrap_or_default();
    assert_eq!(
        shown.matches("This field is required.").count(),
        8,
        "{page}"
    );
    // The same in Korean, for who wants it.
    let call = browser
        .call("GET", REGISTER)
        .header("accept-language", "ko-KR,ko;q=0.9");
    let form = browser.send(call).await;
    assert!(form.text().contains("<html lang=\"ko\""));
    let fields = [("csrfmiddlewaretoken", token(&form)), ("email", "x".into())];
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let call = browser
        .call("POST", REGISTER)
        .header("accept-language", "ko");
    let page = browser.send(call.form(&fields)).await.text();
    assert!(
        page.contains("올바른 이메일 주소를 입력해 주세요."),
        "{page}"
    );
    assert!(page.contains("필수 항목입니다."), "{page}");
}

async fn names_that_are_taken(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    let page = register(&browser, "Ada@Example.org", "aDA", PASSWORD, PASSWORD).await;
    assert!(page.contains("Already existing email"), "{page}");
    assert!(page.contains("Already existing nickname"), "{page}");
    assert!(page.contains("href=\"/accounts/login/\""), "{page}");
    // Twice the same form, as by two clicks: one account.
    let other = server.browser();
    let form = other.get(REGISTER).await;
    let token = token(&form);
    let fields = [
        ("email", "eve@example.org"),
        ("nickname", "Eve"),
        ("password1", PASSWORD),
        ("password2", PASSWORD),
    ];
    let (one, two) = tokio::join!(
        other.post(REGISTER, &token, &fields),
        other.post(REGISTER, &token, &fields)
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 302], "{}{}", one.text(), two.text());
    let users = server.get("/api/v1/users/").await.ok(200);
    assert_eq!(users["page_metadata"]["count"], 2);
}

async fn passwords_are_judged_below_the_second_field(server: Server) {
    let browser = server.browser();
    let page = register(&browser, "ada@example.org", "Ada", "1234", "1234").await;
    let (before, below) = page.split_once("name=\"password2\"").expect("the field");
    for text in [
        "This password is too short. It must contain at least 8 characters.",
        "This password is too common.",
        "This password is entirely numeric.",
    ] {
        assert!(below.contains(text), "{text}: {page}");
    }
    let (_, first) = before.split_once("name=\"password1\"").expect("the field");
    assert!(!first.contains("aria-invalid"), "{page}");
    let page = register(
        &browser,
        "ada@example.org",
        "lovelace-ada",
        "lovelace-ada1",
        "lovelace-ada1",
    )
    .await;
    assert!(
        page.contains("The password is too similar to the nickname."),
        "{page}"
    );
}

async fn usernames_come_from_nicknames(server: Server) {
    let browser = server.browser();
    browser.register("Ada <Lovelace>", "ada@example.org").await;
    browser
        .register("Ada (Lovelace)", "other@example.org")
        .await;
    let users = server.get("/api/v1/users/").await.rows();
    let names: Vec<&str> = users
        .iter()
        .rev()
        .filter_map(|user| user["username"].as_str())
        .collect();
    assert_eq!(names[0], "Ada__Lovelace_");
    assert_ne!(names[0], names[1]);
    assert!(names[1].starts_with("Ada__Lovelace_"), "{names:?}");
    // Log-in takes either name at either door.
    server.login("ada@example.org", PASSWORD).await.token();
    server.login("Ada__Lovelace_", PASSWORD).await.token();
    browser.log_in("ada__lovelace_").await;
}

async fn a_wrong_login_says_one_thing(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    for email in ["ada@example.org", "nobody@example.org"] {
        let fields = [("username", email), ("password", "wrong password 1")];
        let page = browser.fill(LOG_IN, &fields).await;
        assert_eq!(page.status, 200);
        let page = page.text();
        assert!(page.contains("Login failed."), "{page}");
        assert!(page.contains("role=\"alert\""), "{page}");
        assert!(page.contains(&format!("value=\"{email}\"")), "{page}");
        assert!(!page.contains("wrong password 1"), "{page}");
    }
    assert_eq!(browser.cookie("sessionid"), "");
    let page = browser.fill(LOG_IN, &[]).await.text();
    assert!(page.contains("This field is required."), "{page}");
}

async fn the_way_to_where_one_wanted_to_go(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    let sent = browser.get("/chat/create/").await;
    assert_eq!(sent.status, 302);
    assert_eq!(
        sent.header("location"),
        "/accounts/login/?next=/chat/create/"
    );
    let form = browser.get(sent.header("location")).await;
    let login = |next: &'static str| {
        let browser = server.browser();
        async move {
            let form = browser.get(LOG_IN).await;
            let fields = [
                ("username", "ada@example.org"),
                ("password", PASSWORD),
                ("next", next),
            ];
            let answer = browser.post(LOG_IN, &token(&form), &fields).await;
            assert_eq!(answer.status, 302, "{}", answer.text());
            answer.header("location").to_owned()
        }
    };
    // The form of that page carries it on by itself.
    assert!(
        form.text()
            .contains("name=\"next\" value=\"/chat/create/\""),
        "{}",
        form.text()
    );
    assert_eq!(login("/chat/create/").await, "/chat/create/");
    for elsewhere in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "javascript:alert(1)",
        "/accounts/logout/",
    ] {
        assert_eq!(login(elsewhere).await, "/chat/list/", "{elsewhere}");
    }
}

async fn who_is_logged_in_needs_no_form(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    browser.log_in("ada@example.org").await;
    for path in [LOG_IN, REGISTER] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (302, "/chat/list/")
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

async fn logging_out_ends_the_session_everywhere(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    browser.log_in("ada@example.org").await;
    let secret = browser.cookie("sessionid");
    // A link elsewhere must not log anybody out.
    let asked = browser.get(LOG_OUT).await;
    assert_eq!(asked.status, 200);
    assert!(asked.text().contains("<button"), "{}", asked.text());
    assert_eq!(browser.get("/chat/create/").await.status, 200);
    let done = browser.post(LOG_OUT, &token(&asked), &[]).await;
    assert_eq!((done.status, done.header("location")), (302, "/chat/list/"));
    assert_eq!(browser.cookie("sessionid"), "");
    assert_eq!(browser.get("/chat/create/").await.status, 302);
    // Nor does the secret work for who kept it.
    browser.set_cookie("sessionid", &secret);
    assert_eq!(browser.get("/chat/create/").await.status, 302);
}

async fn logging_in_again_ends_the_session_before(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    browser.log_in("ada@example.org").await;
    let first = browser.cookie("sessionid");
    let token = token(&browser.get(LOG_OUT).await);
    let fields = [("username", "ada@example.org"), ("password", PASSWORD)];
    let again = browser.post(LOG_IN, &token, &fields).await;
    assert_eq!(again.status, 302);
    let second = browser.cookie("sessionid");
    assert_ne!(first, second);
    assert_eq!(browser.get("/chat/create/").await.status, 200);
    browser.set_cookie("sessionid", &first);
    assert_eq!(browser.get("/chat/create/").await.status, 302);
}

async fn a_closed_server_says_so(engine: Engine) {
    let server = engine
        .setup()
        .env("PARLOUR_REGISTRATION", "closed")
        .start()
        .await;
    let browser = server.browser();
    let form = browser.get(REGISTER).await;
    assert_eq!(form.status, 200);
    assert!(
        form.text()
            .contains("This server does not take new accounts.")
    );
    assert!(!form.text().contains("name=\"password1\""));
    let login = token(&browser.get(LOG_IN).await);
    let fields = [
        ("email", "ada@example.org"),
        ("nickname", "Ada"),
        ("password1", PASSWORD),
        ("password2", PASSWORD),
    ];
    assert_eq!(browser.post(REGISTER, &login, &fields).await.status, 403);
}

async fn rooms_are_made_by_a_form(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    browser.log_in("ada@example.org").await;
    let made = browser
        .fill("/chat/create/", &[("title", "  Tea & <b>  ")])
        .await;
    assert_eq!(made.status, 302, "{}", made.text());
    let path = made.header("location").to_owned();
    assert!(path.starts_with("/chat/") && path.ends_with('/'), "{path}");
    let list = browser.get("/chat/list/").await.text();
    assert!(list.contains(&format!("href=\"{path}\"")), "{list}");
    assert!(
        list.contains("Tea &amp; &lt;b&gt;") && !list.contains("Tea & <b>"),
        "{list}"
    );
    let again = browser
        .fill(
            "/chat/create/",
            &[("title", "Tea & <b>"), ("topic", "kept")],
        )
        .await;
    assert_eq!(again.status, 200);
    assert!(
        again.text().contains("room with this name already exists."),
        "{}",
        again.text()
    );
    assert!(again.text().contains("value=\"kept\""), "{}", again.text());
    let long = "x".repeat(51);
    for (title, max_users, text) in [
        ("", "5", "This field is required."),
        (
            long.as_str(),
            "5",
            "Ensure this value has at most 50 characters (it has 51).",
        ),
        (
            "Fine",
            "0",
            "Ensure this value is greater than or equal to 1.",
        ),
        ("Fine", "many", "A valid integer is required."),
        ("Fine", "100000", "System max users limit is 250"),
    ] {
        let fields = [("title", title), ("max_users", max_users)];
        let page = browser.fill("/chat/create/", &fields).await;
        assert_eq!(page.status, 200, "{title}");
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    let private = [("title", "Hidden"), ("kind", "PRIVATE")];
    assert_eq!(browser.fill("/chat/create/", &private).await.status, 302);
    assert!(browser.get("/chat/list/").await.text().contains("Hidden"));
    assert!(
        !server
            .browser()
            .get("/chat/list/")
            .await
            .text()
            .contains("Hidden")
    );
    // A path without its slash is mended, and no form is lost by it.
    let bare = browser.get("/chat/list").await;
    assert_eq!((bare.status, bare.header("location")), (301, "/chat/list/"));
    let token = token(&browser.get("/chat/create/").await);
    let made = browser
        .post("/chat/create", &token, &[("title", "No slash")])
        .await;
    assert_eq!(made.status, 302, "{}", made.text());
}

async fn too_many_wrong_logins(engine: Engine) {
    let server = engine.setup().env("RATE_LIMITS", "on").start().await;
    let browser = server.browser();
    let token = token(&browser.get(LOG_IN).await);
    let fields = [
        ("username", "ada@example.org"),
        ("password", "wrong password 1"),
    ];
    let mut refused = None;
    for _ in 0..20 {
        let answer = browser.post(LOG_IN, &token, &fields).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 200);
    }
    let refused = refused.expect("429 at the 20th at the latest");
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!(seconds > 0);
    assert!(
        refused.text().contains(&seconds.to_string()),
        "{}",
        refused.text()
    );
    assert!(refused.header("content-type").starts_with("text/html"));
}
