//! Contract 7, 7b, 7c: rooms by pages, without scripts.

use crate::support::{
    Answer, Browser, Server, User,
    browser::token,
    eventually, json,
    people::{room_path, user_path},
    stories,
};

stories![
    entering_takes_a_seat_and_leaving_gives_it_up,
    who_is_not_logged_in_is_led_back_after_it,
    what_did_not_ask_to_enter_does_not_join,
    a_full_room_offers_others,
    a_private_room_asks_those_who_are_invited,
    a_room_that_ended_has_a_stone,
    a_form_sends_and_says_what_is_wrong,
    a_host_changes_the_room,
    only_the_host_changes_the_room,
    everybody_may_know_what_is_open,
];

fn page_of(room: i64) -> String {
    format!("/chat/{room}/")
}

/// The user's browser, logged in.
async fn at_browser(server: &Server, user: &User) -> Browser {
    let browser = server.browser();
    browser.log_in(&user.name).await;
    browser
}

async fn members(host: &User, room: i64) -> Vec<i64> {
    let room = host.get(&room_path(room, "")).await.ok(200);
    let users = room["users"].as_array().expect("users");
    users.iter().filter_map(serde_json::Value::as_i64).collect()
}

#[track_caller]
fn has(page: &Answer, texts: &[&str]) {
    let html = page.text();
    for text in texts {
        assert!(html.contains(text), "{text} is missing: {html}");
    }
}

async fn entering_takes_a_seat_and_leaving_gives_it_up(server: Server) {
    let (ada, mina) = (server.user("ada").await, server.user("mina").await);
    let room = ada.room("Tea").await;
    ada.say(room, "hello").await;
    let hers = at_browser(&server, &ada).await;
    has(&hers.get(&page_of(room)).await, &["hello"]);
    assert_eq!(members(&ada, room).await, [0; 0], "the creator takes none");
    let browser = at_browser(&server, &mina).await;
    for _ in 0..2 {
        let page = browser.get(&page_of(room)).await;
        assert_eq!(page.status, 200);
        let ids = [
            "id=\"chat-log\"",
            "id=\"chat-message-input\"",
            "id=\"chat-message-submit\"",
            "id=\"participants\"",
            "id=\"leave-room\"",
            "<script type=\"application/json\" id=\"user_nickname\">\"mina\"</script>",
            "hello",
        ];
        has(&page, &ids);
        // The host comes first, also while away (contract 7c).
        let text = page.text();
        let panel = text
            .split_once("id=\"participants\"")
            .expect("it is there")
            .1;
        let place = |name| panel.find(&format!("<b>{name}</b>")).expect("is in it");
        assert!(place("ada") < place("mina"), "{panel}");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(members(&ada, room).await, [mina.id]);
    }
    let token = token(&browser.get(&page_of(room)).await);
    let leave = format!("{}leave/", page_of(room));
    for _ in 0..2 {
        let left = browser.post(&leave, &token, &[]).await;
        assert_eq!((left.status, left.header("location")), (303, "/chat/list/"));
        assert_eq!(members(&ada, room).await, [0; 0]);
    }
    let join = format!("{}join/", page_of(room));
    let joined = browser.post(&join, &token, &[]).await;
    assert_eq!(joined.status, 303);
    assert_eq!(joined.header("location"), page_of(room));
    assert_eq!(members(&ada, room).await, [mina.id]);
    for (method, path) in [("POST", page_of(room)), ("GET", leave), ("GET", join)] {
        let call = browser.call(method, &path).header("x-csrftoken", &token);
        assert_eq!(call.await.status, 405, "{method} {path}");
    }
}

async fn who_is_not_logged_in_is_led_back_after_it(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let secret = ada.private_room("Secret").await;
    let browser = server.browser();
    for path in [
        page_of(room),
        page_of(secret),
        "/chat/99999/".into(),
        "/chat/x/".into(),
        format!("/chat/{room}/settings/"),
        "/me/".into(),
        "/admin/".into(),
    ] {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, 302, "{path}");
        let place = format!("/accounts/login/?next={path}");
        assert_eq!(answer.header("location"), place);
    }
    // What was sent too late leads back to the room, not to an address that takes forms only.
    let token = token(&browser.get("/accounts/login/").await);
    for what in ["send", "join", "leave"] {
        let path = format!("/chat/{room}/{what}/");
        let answer = browser.post(&path, &token, &[("text", "late")]).await;
        let place = format!("/accounts/login/?next=/chat/{room}/");
        assert_eq!((answer.status, answer.header("location")), (302, &*place));
    }
    let browser = at_browser(&server, &ada).await;
    for path in [
        "/chat/99999/",
        "/chat/x/",
        "/chat/-1/",
        "/chat/18446744073709551616/",
    ] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    let stranger = server.user("eve").await;
    let browser = at_browser(&server, &stranger).await;
    let hidden = browser.get(&page_of(secret)).await;
    let none = browser.get("/chat/99999/").await;
    assert_eq!((hidden.status, none.status), (404, 404));
    assert!(!hidden.text().contains("Secret"));
}

async fn what_did_not_ask_to_enter_does_not_join(server: Server) {
    let (ada, mina) = (server.user("ada").await, server.user("mina").await);
    let room = ada.room("Tea").await;
    ada.say(room, "for members").await;
    let browser = at_browser(&server, &mina).await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("sec-fetch-dest", "image"),
        ("sec-fetch-dest", "iframe"),
    ] {
        let call = browser.call("GET", &page_of(room)).header(name, value);
        let page = browser.send(call).await;
        assert_eq!(page.status, 200);
        has(&page, &["Tea", "/join/"]);
        assert!(!page.text().contains("for members"));
        assert_eq!(members(&ada, room).await, [0; 0], "{name}: {value}");
    }
    assert_eq!(
        browser
            .send(browser.call("HEAD", &page_of(room)))
            .await
            .status,
        200
    );
    assert_eq!(members(&ada, room).await, [0; 0], "a look at the head");
    let call = browser
        .call("GET", &page_of(room))
        .header("sec-fetch-site", "same-origin");
    has(&browser.send(call).await, &["for members"]);
    assert_eq!(members(&ada, room).await, [mina.id]);
}

async fn a_full_room_offers_others(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room_of(json!({"name": "Small", "max_users": 1})).await;
    ada.room("Large").await;
    server.user("bob").await.join(room).await;
    let late = server.user("late").await;
    let browser = at_browser(&server, &late).await;
    let page = browser.get(&page_of(room)).await;
    assert_eq!(page.status, 403);
    has(&page, &["Small", "Large"]);
    assert!(!page.text().contains("chat-message-input"));
    let join = format!("{}join/", page_of(room));
    let answer = browser.post(&join, &browser.cookie("csrftoken"), &[]).await;
    assert_eq!(answer.status, 403);
}

async fn a_private_room_asks_those_who_are_invited(server: Server) {
    let (ada, mina) = (server.user("ada").await, server.user("mina").await);
    let room = ada.private_room("Committee").await;
    ada.say(room, "for members").await;
    let browser = at_browser(&server, &mina).await;
    assert_eq!(browser.get(&page_of(room)).await.status, 404);
    ada.invite(room, &mina).await;
    let page = browser.get(&page_of(room)).await;
    assert_eq!(page.status, 200);
    has(&page, &["Committee", "/join/"]);
    assert!(!page.text().contains("for members"));
    has(&browser.get("/chat/list/").await, &["Committee"]);
    let join = format!("{}join/", page_of(room));
    let joined = browser.post(&join, &token(&page), &[]).await;
    assert_eq!(joined.status, 303);
    has(&browser.get(&page_of(room)).await, &["for members"]);
}

async fn a_room_that_ended_has_a_stone(server: Server) {
    let (ada, mina) = (server.user("ada").await, server.user("mina").await);
    let eve = server.user("eve").await;
    let open = ada.room("Night market").await;
    let private = ada.private_room("Committee").await;
    ada.invite(private, &mina).await;
    mina.join(private).await;
    for room in [open, private] {
        ada.delete(&room_path(room, "")).await.is_empty();
    }
    let (visitor, member) = (server.browser(), at_browser(&server, &mina).await);
    let stranger = at_browser(&server, &eve).await;
    // Also after the sweeper went over it.
    for _ in 0..2 {
        for browser in [&visitor, &member, &stranger] {
            let page = browser.get(&page_of(open)).await;
            assert_eq!(page.status, 410);
            has(&page, &["Night market"]);
        }
        assert_eq!(member.get(&page_of(private)).await.status, 410);
        assert_eq!(stranger.get(&page_of(private)).await.status, 404);
        assert_eq!(visitor.get(&page_of(private)).await.status, 302);
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    for room in [open, private] {
        let path = room_path(room, "");
        mina.get(&path).await.is_detail(404, "Not found.");
        assert!(
            !member
                .get("/chat/list/")
                .await
                .text()
                .contains(&page_of(room))
        );
    }
}

async fn a_form_sends_and_says_what_is_wrong(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let browser = at_browser(&server, &ada).await;
    let page = browser.get(&page_of(room)).await;
    let (token, path) = (token(&page), format!("{}send/", page_of(room)));
    let twice = [("text", "once\nonly"), ("nonce", "n-1")];
    for _ in 0..2 {
        let sent = browser.post(&path, &token, &twice).await;
        assert_eq!(sent.status, 303);
        assert_eq!(sent.header("location"), page_of(room));
    }
    assert_eq!(ada.history(room).await.len(), 2, "the room and one message");
    for (text, problem) in [
        ("  ", "A message needs text or a file."),
        (&*"x".repeat(10_001), "has at most 10000 characters"),
    ] {
        let refused = browser.post(&path, &token, &[("text", text)]).await;
        assert_eq!(refused.status, 400);
        has(&refused, &[problem, text.trim()]);
    }
    let reply = [("text", "an answer"), ("reply_to", "999")];
    assert_eq!(browser.post(&path, &token, &reply).await.status, 400);
    let eve = server.user("eve").await;
    let stranger = at_browser(&server, &eve).await;
    let own = stranger.cookie("csrftoken");
    let refused = stranger.post(&path, &own, &[("text", "let me in")]).await;
    assert_eq!(refused.status, 403);
}

async fn a_host_changes_the_room(server: Server) {
    let (ada, mina) = (server.user("ada").await, server.user("mina").await);
    let room = ada.room("Tea").await;
    mina.join(room).await;
    let browser = at_browser(&server, &ada).await;
    let settings = format!("{}settings/", page_of(room));
    let token = token(&browser.get(&settings).await);
    let change = async |fields: &[(&str, &str)]| browser.post(&settings, &token, fields).await;
    let save = [
        ("action", "save"),
        ("title", "Coffee"),
        ("topic", "after tea"),
        ("kind", "PRIVATE"),
        ("max_users", "7"),
    ];
    let saved = change(&save).await;
    assert_eq!((saved.status, saved.header("location")), (303, &*settings));
    let now = ada.get(&room_path(room, "")).await.ok(200);
    assert_eq!(
        (&now["name"], &now["topic"]),
        (&json!("Coffee"), &json!("after tea"))
    );
    assert_eq!(
        (&now["type"], &now["max_users"]),
        (&json!("PRIVATE"), &json!(7))
    );
    let bad = change(&[("action", "save"), ("title", " "), ("max_users", "9999")]).await;
    assert_eq!(bad.status, 200);
    has(
        &bad,
        &["This field is required.", "System max users limit is 250"],
    );
    assert_eq!(change(&[("action", "renew")]).await.status, 303);
    let eve = server.user("eve").await;
    let name = json!({"nickname": "Eve E"});
    eve.patch(&user_path(eve.id)).json(name).await.ok(200);
    let invited = change(&[("action", "invite"), ("nickname", " eve e ")]).await;
    assert_eq!(invited.status, 303, "{}", invited.text());
    has(&browser.get(&settings).await, &["Eve E"]);
    let unknown = change(&[("action", "invite"), ("nickname", "nobody")]).await;
    has(&unknown, &["Nobody here has this nickname."]);
    let id = eve.id.to_string();
    assert_eq!(
        change(&[("action", "remove"), ("user", &id)]).await.status,
        303
    );
    let wrong = change(&[("action", "close"), ("confirm", "coffee")]).await;
    has(&wrong, &["Type the name exactly as it is shown."]);
    let id = mina.id.to_string();
    let handed = change(&[("action", "hand-over"), ("user", &id)]).await;
    assert_eq!(
        (handed.status, handed.header("location")),
        (303, &*page_of(room))
    );
    assert_eq!(browser.get(&settings).await.status, 403, "no host any more");
    let hers = at_browser(&server, &mina).await;
    let own = hers.cookie("csrftoken");
    let close = [("action", "close"), ("confirm", "Coffee")];
    let closed = hers.post(&settings, &own, &close).await;
    assert_eq!(
        (closed.status, closed.header("location")),
        (303, "/chat/list/")
    );
    assert_eq!(hers.get(&page_of(room)).await.status, 410);
}

async fn only_the_host_changes_the_room(server: Server) {
    let (ada, mina) = (server.user("ada").await, server.user("mina").await);
    let room = ada.room("Tea").await;
    mina.join(room).await;
    let browser = at_browser(&server, &mina).await;
    let settings = format!("{}settings/", page_of(room));
    assert_eq!(browser.get(&settings).await.status, 403);
    for action in [
        "save",
        "renew",
        "invite",
        "remove",
        "hand-over",
        "close",
        "x",
    ] {
        let fields = [("action", action), ("title", "Mine"), ("confirm", "Tea")];
        let own = browser.cookie("csrftoken");
        let answer = browser.post(&settings, &own, &fields).await;
        assert_eq!(answer.status, 403, "{action}");
    }
    let own = browser.cookie("csrftoken");
    let none = "/chat/99999/settings/";
    assert_eq!(
        browser.post(none, &own, &[("action", "save")]).await.status,
        404
    );
}

async fn everybody_may_know_what_is_open(server: Server) {
    let (ada, mina) = (server.user("ada_secret").await, server.user("mina").await);
    let room = ada
        .room_of(json!({"name": "Tea", "topic": "Leaves", "max_users": 9}))
        .await;
    ada.private_room("Hidden").await;
    mina.join(room).await;
    ada.say(room, "not for visitors").await;
    let visitor = server.browser();
    let landing = visitor.get("/").await;
    has(
        &landing,
        &["Tea", "Leaves", "1 of 9", "/accounts/register/", "/api/v1/"],
    );
    for secret in ["Hidden", "not for visitors", "mina", "ada_secret"] {
        assert!(!landing.text().contains(secret), "{secret}");
    }
    let list = visitor.get("/chat/list/").await;
    has(&list, &["<table", "Tea", &page_of(room), "ada_secret"]);
    assert!(!list.text().contains("Hidden"));
    let browser = at_browser(&server, &mina).await;
    let newer = mina.room("Newer").await;
    let html = browser.get("/chat/list/").await.text();
    let table = html.split("<table").nth(1).expect("a table");
    assert!(
        table.find(&page_of(newer)) < table.find(&page_of(room)),
        "newest first"
    );
    eventually("the landing page leads into the last room", async || {
        browser.get("/").await.text().contains(&page_of(newer))
    })
    .await;
}
