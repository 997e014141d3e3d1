//! Contract 7 and 7c: what stands between the pages and other sites.

use crate::support::{Answer, Engine, PASSWORD, ROOMS, Server, browser::token, json, stories};

stories![
    a_form_needs_the_token_of_its_visitor,
    other_sites_cannot_send_our_forms,
    cookies_have_their_attributes,
    the_policy_stands_on_every_answer,
    whatever_is_typed_is_text,
    scripts_of_our_pages_may_call_the_api,
    errors_are_pages_for_people_and_json_for_programs,
];

const LOG_IN: &str = "/accounts/login/";

fn fields<'a>(token: &'a str, email: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("csrfmiddlewaretoken", token),
        ("username", email),
        ("password", PASSWORD),
    ]
}

async fn a_form_needs_the_token_of_its_visitor(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    let page = browser.get(LOG_IN).await;
    let good = token(&page);
    assert_ne!(good, token(&browser.get(LOG_IN).await), "masked anew");
    let other = server.browser();
    let foreign = token(&other.get(LOG_IN).await);
    for bad in ["", "x", &good[1..], &foreign, &other.cookie("csrftoken")] {
        let call = browser
            .call("POST", LOG_IN)
            .form(&fields(bad, "ada@example.org"));
        let answer = call.await;
        assert_eq!(answer.status, 403, "{bad}: {}", answer.text());
        assert!(answer.header("content-type").starts_with("text/html"));
    }
    // Without the cookie nothing fits, and before the log-in is asked for.
    for path in [LOG_IN, "/chat/create/", "/accounts/logout/"] {
        let answer = server
            .post(path)
            .form(&[("csrfmiddlewaretoken", good.as_str())])
            .await;
        assert_eq!(answer.status, 403, "{path}");
    }
    // The cookie's own value, a header, and a multipart form are fine too.
    let cookie = browser.cookie("csrftoken");
    let call = browser
        .call("POST", LOG_IN)
        .form(&fields(&cookie, "nobody@example.org"));
    assert_eq!(call.await.status, 200);
    let call = browser.call("POST", LOG_IN).header("x-csrftoken", &good);
    assert_eq!(call.form(&[("username", "x")]).await.status, 200);
    let call = browser
        .call("POST", LOG_IN)
        .multipart(&fields(&good, "nobody@example.org"));
    assert_eq!(call.await.status, 200);
    // It changes at log-in; the one from before is worth nothing then.
    let before = browser.cookie("csrftoken");
    browser.log_in("ada@example.org").await;
    assert_ne!(before, browser.cookie("csrftoken"));
    let old = browser.post("/accounts/logout/", &good, &[]).await;
    assert_eq!(old.status, 403);
    assert_eq!(
        browser.get("/chat/create/").await.status,
        200,
        "still logged in"
    );
    // Nor is the token of the session worth anything with another session's cookie.
    let session = browser.cookie("sessionid");
    let thief = server.browser();
    thief.get(LOG_IN).await;
    thief.set_cookie("sessionid", &session);
    let answer = thief
        .post("/accounts/logout/", &thief.cookie("csrftoken"), &[])
        .await;
    assert_eq!(answer.status, 403);
}

async fn other_sites_cannot_send_our_forms(engine: Engine) {
    // One process, so that there is one origin: the proxy before several has one too.
    let server = engine.setup().start().await;
    let browser = server.browser();
    let token = token(&browser.get(LOG_IN).await);
    let own = format!("http://{}", server.address());
    let send = |headers: Vec<(&'static str, String)>| {
        let mut call = browser.call("POST", LOG_IN);
        for (name, value) in headers {
            call = call.header(name, &value);
        }
        call.form(&fields(&token, "nobody@example.org"))
    };
    for good in [
        vec![("origin", own.clone())],
        vec![("referer", format!("{own}/accounts/login/"))],
        vec![
            ("sec-fetch-site", "same-origin".to_owned()),
            ("origin", own.clone()),
        ],
    ] {
        assert_eq!(send(good.clone()).await.status, 200, "{good:?}");
    }
    for bad in [
        vec![("origin", "https://evil.example".to_owned())],
        vec![("origin", "null".to_owned())],
        vec![("referer", "https://evil.example/form".to_owned())],
        vec![("sec-fetch-site", "cross-site".to_owned())],
        vec![("sec-fetch-site", "same-site".to_owned()), ("origin", own)],
    ] {
        assert_eq!(send(bad.clone()).await.status, 403, "{bad:?}");
    }
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    cookies
        .map(|cookie| cookie.to_str().expect("text").to_owned())
        .collect()
}

#[track_caller]
fn has_cookie(answer: &Answer, name: &str, attributes: &[&str], without: &[&str]) {
    let cookies = set_cookies(answer);
    let begin = format!("{name}=");
    let cookie = cookies.iter().find(|cookie| cookie.starts_with(&begin));
    let cookie = cookie.unwrap_or_else(|| panic!("no {name} in {cookies:?}"));
    let parts: Vec<&str> = cookie.split("; ").collect();
    for attribute in attributes {
        assert!(parts.contains(attribute), "{attribute}: {cookie}");
    }
    for attribute in without {
        assert!(!parts.contains(attribute), "{attribute}: {cookie}");
    }
}

async fn cookies_have_their_attributes(engine: Engine) {
    let server = engine.setup().start().await;
    let browser = server.browser();
    let year = ["Path=/", "SameSite=Lax", "Max-Age=31536000"];
    let first = browser.get("/").await;
    has_cookie(&first, "csrftoken", &year, &["Secure", "HttpOnly"]);
    assert_eq!(set_cookies(&browser.get("/").await), Vec::<String>::new());
    browser.register("Ada", "ada@example.org").await;
    let login = browser.log_in("ada@example.org").await;
    let session = ["Path=/", "SameSite=Lax", "HttpOnly", "Max-Age=1209600"];
    has_cookie(&login, "sessionid", &session, &["Secure"]);
    has_cookie(&login, "csrftoken", &year, &[]);
    drop(server);

    // Over https, as the configuration says or a proxy that is trusted.
    let setups = [
        (
            engine.setup().env("PUBLIC_URL", "https://chat.example"),
            "http",
        ),
        (
            engine.setup().env("TRUSTED_PROXIES", "127.0.0.0/8"),
            "https",
        ),
    ];
    for (setup, scheme) in setups {
        let server = setup.start().await;
        let browser = server.browser();
        let call = |method: &str, path: &str| {
            let call = browser.call(method, path);
            call.header("x-forwarded-proto", scheme)
        };
        let page = browser.send(call("GET", "/accounts/register/")).await;
        has_cookie(&page, "__Host-csrftoken", &year, &[]);
        has_cookie(&page, "__Host-csrftoken", &["Secure"], &["HttpOnly"]);
        let csrf = token(&page);
        let form = [
            ("csrfmiddlewaretoken", csrf.as_str()),
            ("email", "ada@example.org"),
            ("nickname", "Ada"),
            ("password1", PASSWORD),
            ("password2", PASSWORD),
        ];
        let made = browser
            .send(call("POST", "/accounts/register/").form(&form))
            .await;
        assert_eq!(made.status, 302, "{}", made.text());
        let login = call("POST", LOG_IN).form(&fields(&csrf, "ada@example.org"));
        let login = browser.send(login).await;
        has_cookie(&login, "__Host-sessionid", &session, &[]);
        has_cookie(&login, "__Host-sessionid", &["Secure"], &[]);
        let inside = browser.send(call("GET", "/chat/create/")).await;
        assert_eq!(inside.status, 200);
    }

    // A stranger cannot say that the way is safe.
    let server = engine.setup().start().await;
    let call = server.get("/").header("x-forwarded-proto", "https");
    has_cookie(&call.await, "csrftoken", &["Path=/"], &["Secure"]);
}

async fn the_policy_stands_on_every_answer(server: Server) {
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    let login = browser.log_in("ada@example.org").await;
    let visitor = server.browser();
    let answers = [
        ("log-in", 302, login),
        ("landing", 200, visitor.get("/").await),
        ("list", 200, browser.get("/chat/list/").await),
        ("login", 200, visitor.get(LOG_IN).await),
        ("redirect", 302, visitor.get("/chat/create/").await),
        ("no page", 404, visitor.get("/nothing/").await),
        ("forged", 403, visitor.post(LOG_IN, "x", &[]).await),
        (
            "method",
            405,
            visitor.send(visitor.call("DELETE", "/chat/list/")).await,
        ),
        ("slash", 301, visitor.get("/chat/list").await),
    ];
    let mut nonces = Vec::new();
    for (what, status, answer) in answers {
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{what}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{what}: {policy}"
        );
        assert!(
            !policy.contains("script-src 'self'") && !policy.contains("unsafe-eval"),
            "{policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{what}");
        }
        if status == 301 {
            continue;
        }
        let (_, rest) = policy.split_once("script-src 'nonce-").expect("a nonce");
        nonces.push(rest.split('\'').next().unwrap_or_default().to_owned());
        assert!(answer.header("cache-control").contains("no-"), "{what}");
    }
    let count = nonces.len();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), count, "a nonce is used once");
    assert!(nonces.iter().all(|nonce| nonce.len() >= 16));
}

async fn whatever_is_typed_is_text(server: Server) {
    let browser = server.browser();
    let marks = "\u{301}".repeat(10_000);
    let long = format!("a{marks}");
    for evil in [
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "{{ 7*7 }}{% raw %}",
        "\u{202e}evil\u{200b}\u{200d}",
        "</title><svg/onload=alert(1)>",
        long.as_str(),
    ] {
        let page = browser
            .fill(
                "/accounts/register/",
                &[("email", evil), ("nickname", evil), ("password1", evil)],
            )
            .await;
        assert_eq!(page.status, 200);
        let text = page.text();
        for bad in ["<script>alert", "<img src=x", "<svg/onload", ">49<"] {
            assert!(!text.contains(bad), "{evil}: {bad} in {text}");
        }
        let page = browser
            .fill(LOG_IN, &[("username", evil), ("password", "x")])
            .await;
        assert!(!page.text().contains("<script>alert"), "{evil}");
        let query: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        if query.len() < 8_000 {
            let page = browser
                .get(&format!("{LOG_IN}?next={query}&lang={query}"))
                .await;
            assert_eq!(page.status, 200);
            assert!(!page.text().contains("<script>alert"), "{evil}");
            let page = browser.get(&format!("/{query}/")).await;
            assert_eq!(page.status, 404);
            assert!(!page.text().contains("<script>alert"), "{evil}");
        }
    }
    // Where it is taken, it is shown as text to everybody.
    browser.register("<i>Ada\u{202e}", "ada@example.org").await;
    browser.log_in("ada@example.org").await;
    let made = [("title", "</td><script>x"), ("topic", "<b onclick=x>")];
    assert_eq!(browser.fill("/chat/create/", &made).await.status, 302);
    for path in ["/", "/chat/list/"] {
        let page = browser.get(path).await.text();
        assert!(page.contains("&lt;/td&gt;&lt;script&gt;x"), "{page}");
        for bad in ["<script>x", "<b onclick", "<i>Ada"] {
            assert!(!page.contains(bad), "{path}: {bad} in {page}");
        }
    }
}

async fn scripts_of_our_pages_may_call_the_api(engine: Engine) {
    // One process, so that there is one origin: the proxy before several has one too.
    let server = engine.setup().start().await;
    let browser = server.browser();
    browser.register("Ada", "ada@example.org").await;
    browser.log_in("ada@example.org").await;
    let csrf = browser.cookie("csrftoken");
    let own = format!("http://{}", server.address());
    // Without the header a cookie is no credential.
    for method in ["GET", "POST"] {
        browser
            .call(method, ROOMS)
            .await
            .is_detail(401, "Authentication credentials were not provided.");
    }
    let call = |method: &str| browser.call(method, ROOMS).header("x-csrftoken", &csrf);
    assert_eq!(
        call("GET")
            .header("sec-fetch-site", "same-origin")
            .await
            .status,
        200
    );
    let made = call("POST")
        .header("origin", &own)
        .json(json!({"name": "Tea"}));
    assert_eq!(made.await.status, 201);
    let page = browser.get("/accounts/logout/").await;
    let masked = browser
        .call("GET", ROOMS)
        .header("x-csrftoken", &token(&page));
    assert_eq!(masked.await.status, 200);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("referer", "https://evil.example/"),
    ] {
        assert_eq!(call("GET").header(name, value).await.status, 401, "{name}");
    }
    let wrong = browser.call("GET", ROOMS).header("x-csrftoken", "x");
    assert_eq!(wrong.await.status, 401);
    // An Authorization header wins, also a bad one.
    let bad = call("GET").header("authorization", "Token nonsense").await;
    bad.is_detail(401, "Invalid token.");
    // A session is no API token, and a token no session.
    let secret = browser.cookie("sessionid");
    assert_eq!(server.get(ROOMS).token(&secret).await.status, 401);
    let eve = server.user("eve").await;
    let visitor = server.browser();
    visitor.set_cookie("sessionid", &eve.token);
    assert_eq!(visitor.get("/chat/create/").await.status, 302);
    // After the log-out both are worth nothing.
    let done = browser.post("/accounts/logout/", &csrf, &[]).await;
    assert_eq!(done.status, 302);
    browser.set_cookie("sessionid", &secret);
    browser.set_cookie("csrftoken", &csrf);
    let call = browser.call("GET", ROOMS).header("x-csrftoken", &csrf);
    assert_eq!(call.await.status, 401);
}

async fn errors_are_pages_for_people_and_json_for_programs(server: Server) {
    let browser = server.browser();
    let page = browser.get("/no/such/page/").await;
    assert_eq!(page.status, 404);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{page:?}"
    );
    assert!(page.text().contains("<h1"), "{}", page.text());
    server
        .get("/no/such/page/")
        .await
        .is_detail(404, "Not found.");
    let api = browser.call("GET", "/api/v1/nothing/").await;
    api.is_detail(404, "Not found.");
    let large = browser.get(LOG_IN).await;
    let token = token(&large);
    let text = "x".repeat(2_000_000);
    let call = browser
        .call("POST", LOG_IN)
        .form(&[("csrfmiddlewaretoken", &token), ("username", &text)]);
    assert_eq!(call.await.status, 413);
    let call = browser.call("POST", LOG_IN).body("application/json", "{}");
    assert_eq!(call.await.status, 415);
    let call = browser.call("POST", LOG_IN).body("text/plain", "x");
    assert_eq!(call.await.status, 415);
    let post = browser.call("POST", "/chat/list/").await;
    assert_eq!(post.status, 405);
    assert!(post.header("allow").contains("GET"), "{post:?}");
}
