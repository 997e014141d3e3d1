//! Contract 7c, 7d: one's own page, the administration, the first start, and sockets of sessions.

use crate::support::{
    Browser, Engine, PASSWORD, Server, Socket, User,
    browser::token,
    eventually, json,
    people::{room_path, user_path},
    stories,
};

stories![
    a_person_changes_what_is_theirs,
    a_person_chooses_how_pages_look,
    a_new_password_ends_all_other_sessions,
    tokens_are_shown_once_and_end,
    sessions_open_sockets_and_close_them,
    an_account_goes_when_its_name_is_typed,
    the_administration_is_for_administrators,
    administrators_suspend_and_promote,
    the_look_is_everybodys,
    the_first_administrator,
];

const ME: &str = "/me/";
const ADMIN: &str = "/admin/";

async fn at_browser(server: &Server, user: &User) -> Browser {
    let browser = server.browser();
    browser.log_in(&user.name).await;
    browser
}

/// Posts a form of the page; must lead back.
async fn done(browser: &Browser, path: &str, fields: &[(&str, &str)]) {
    let answer = browser
        .post(path, &browser.cookie("csrftoken"), fields)
        .await;
    assert_eq!(answer.status, 303, "{fields:?}: {}", answer.text());
}

/// Posts a form of the page; must be shown again with this text.
async fn refused(browser: &Browser, path: &str, fields: &[(&str, &str)], text: &str) {
    let answer = browser
        .post(path, &browser.cookie("csrftoken"), fields)
        .await;
    assert_eq!(answer.status, 200, "{fields:?}: {}", answer.text());
    assert!(answer.text().contains(text), "{text}: {}", answer.text());
}

async fn a_person_changes_what_is_theirs(server: Server) {
    let ada = server.user("ada").await;
    let browser = at_browser(&server, &ada).await;
    let sections = [
        "profile",
        "appearance",
        "language",
        "keys",
        "password",
        "sessions",
        "tokens",
    ];
    for section in sections {
        let page = browser.get(&format!("/me/?section={section}")).await;
        assert_eq!(page.status, 200, "{section}: {}", page.text());
    }
    let profile = [
        ("action", "profile"),
        ("nickname", "Ada <b>L</b>"),
        ("avatar_hue", "3"),
    ];
    done(&browser, ME, &profile).await;
    let now = ada.get(&user_path(ada.id)).await.ok(200);
    assert_eq!(
        (&now["nickname"], &now["avatar_hue"]),
        (&json!("Ada <b>L</b>"), &json!(3))
    );
    let page = browser.get(ME).await.text();
    assert!(page.contains("Ada &lt;b&gt;L&lt;/b&gt;") && !page.contains("<b>L</b>"));
    server.user("bob").await;
    let taken = [("action", "profile"), ("nickname", "BOB")];
    refused(&browser, ME, &taken, "Already existing nickname").await;
    let unknown = browser
        .post(ME, &browser.cookie("csrftoken"), &[("action", "x")])
        .await;
    assert_eq!(unknown.status, 404);
}

async fn a_person_chooses_how_pages_look(server: Server) {
    let ada = server.user("ada").await;
    let browser = at_browser(&server, &ada).await;
    done(
        &browser,
        ME,
        &[
            ("action", "appearance"),
            ("theme", "dark"),
            ("density", "compact"),
            ("clock", "h24"),
            ("calm", "on"),
        ],
    )
    .await;
    let page = browser.get("/chat/list/").await.text();
    for attribute in [
        "data-theme=\"dark\"",
        "data-density=\"compact\"",
        "data-motion=\"calm\"",
    ] {
        assert!(page.contains(attribute), "{attribute}");
    }
    refused(
        &browser,
        ME,
        &[("action", "appearance"), ("theme", "pink")],
        "is not a valid choice",
    )
    .await;
    done(&browser, ME, &[("action", "language"), ("language", "ko")]).await;
    assert!(
        browser
            .get("/chat/list/")
            .await
            .text()
            .contains("<html lang=\"ko\"")
    );
    done(
        &browser,
        ME,
        &[("action", "keys"), ("send_key", "ctrl_enter")],
    )
    .await;
    let chosen = ada
        .get(&format!("{}preferences/", user_path(ada.id)))
        .await
        .ok(200);
    assert_eq!(
        chosen["single_keys"],
        json!(false),
        "a box that is not ticked"
    );
    assert_eq!(chosen["send_key"], json!("ctrl_enter"));
}

async fn a_new_password_ends_all_other_sessions(server: Server) {
    let ada = server.user("ada").await;
    let (here, there) = (
        at_browser(&server, &ada).await,
        at_browser(&server, &ada).await,
    );
    let fields = |current, one, two| {
        [
            ("action", "password"),
            ("current", current),
            ("password1", one),
            ("password2", two),
        ]
    };
    let new = "quotient of cubes";
    refused(
        &here,
        ME,
        &fields("wrong one here", new, new),
        "not your present password",
    )
    .await;
    refused(
        &here,
        ME,
        &fields(PASSWORD, new, "other"),
        "didn&#x27;t match",
    )
    .await;
    refused(
        &here,
        ME,
        &fields(PASSWORD, "12345678", "12345678"),
        "entirely numeric",
    )
    .await;
    done(&here, ME, &fields(PASSWORD, new, new)).await;
    assert_eq!(here.get(ME).await.status, 200, "who asked stays");
    assert_eq!(there.get(ME).await.status, 302);
    ada.get(&user_path(ada.id))
        .await
        .is_detail(401, "Invalid token.");
    server.login("ada", new).await.token();
}

async fn tokens_are_shown_once_and_end(server: Server) {
    let ada = server.user("ada").await;
    let browser = at_browser(&server, &ada).await;
    let fields = [("action", "token-create"), ("label", "my <script>")];
    let page = browser
        .post(ME, &browser.cookie("csrftoken"), &fields)
        .await
        .text();
    let secret = page.split("plr_").nth(1).expect("a secret");
    let end = secret.find(['"', '<']).expect("an end");
    let secret = format!("plr_{}", &secret[..end]);
    let call = |path: &str| server.call("GET", path).token(&secret);
    call("/api/v1/chats/unread/").await.ok(200);
    let page = browser.get("/me/?section=tokens").await.text();
    assert!(
        !page.contains(&secret) && page.contains("my &lt;script&gt;"),
        "{page}"
    );
    refused(
        &browser,
        ME,
        &[("action", "token-create"), ("label", " ")],
        "This field is required.",
    )
    .await;
    let tokens = ada.get("/api/v1/auth/tokens/").await.ok(200);
    let mine = tokens.as_array().expect("a list").iter();
    let id = mine
        .filter(|token| token["label"] == "my <script>")
        .map(|token| token["id"].to_string());
    let id = id.collect::<Vec<_>>().pop().expect("its id");
    done(&browser, ME, &[("action", "token-revoke"), ("id", &id)]).await;
    call("/api/v1/chats/unread/")
        .await
        .is_detail(401, "Invalid token.");
    // What is not one's own cannot be ended.
    let bob = at_browser(&server, &server.user("bob").await).await;
    done(&bob, ME, &[("action", "sign-out-one"), ("id", "1")]).await;
    assert_eq!(browser.get(ME).await.status, 200);
}

async fn sessions_open_sockets_and_close_them(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let browser = at_browser(&server, &ada).await;
    let cookie = format!("sessionid={}", browser.cookie("sessionid"));
    let own = format!("http://{}", server.address());
    let room_socket = format!("/ws/chat/{room}/");
    let headers = [("cookie", &*cookie), ("origin", &*own)];
    let mut sockets = Vec::new();
    for path in ["/ws", &room_socket] {
        let foreign = [("cookie", &*cookie), ("origin", "http://evil.example")];
        for bad in [&foreign[..], &[("cookie", &*cookie)], &[("origin", &*own)]] {
            let refused = Socket::open_at(server.address(), path, bad).await;
            assert_eq!(refused.err(), Some(403), "{path} {bad:?}");
        }
        let socket = Socket::open_at(server.address(), path, &headers).await;
        sockets.push(socket.unwrap_or_else(|status| panic!("{path}: {status}")));
    }
    assert_eq!(sockets[0].next().await["type"], "hello");
    assert!(sockets[1].send(json!({"message": "by session"})).await);
    assert_eq!(sockets[1].next().await["sender"], "ada");
    let token = token(&browser.get("/accounts/logout/").await);
    browser.post("/accounts/logout/", &token, &[]).await;
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, 4401);
    }
    let again = Socket::open_at(server.address(), "/ws", &headers).await;
    assert_eq!(again.err(), Some(403));
}

async fn an_account_goes_when_its_name_is_typed(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let browser = at_browser(&server, &ada).await;
    let delete = |name| [("action", "delete"), ("confirm", name)];
    refused(&browser, ME, &delete("Ada"), "Type the name exactly").await;
    refused(&browser, ME, &delete("ada"), "owns rooms").await;
    ada.delete(&room_path(room, "")).await.is_empty();
    done(&browser, ME, &delete("ada")).await;
    assert_eq!(browser.get(ME).await.status, 302);
    server.login("ada", PASSWORD).await.is_refused();
}

async fn the_administration_is_for_administrators(server: Server) {
    let ada = server.user("ada").await;
    let browser = at_browser(&server, &ada).await;
    assert_eq!(browser.get(ADMIN).await.status, 404);
    for action in [
        "look",
        "look-restore",
        "user-promote",
        "user-suspend",
        "room-close",
        "x",
    ] {
        let fields = [("action", action), ("id", "1"), ("name", "Mine")];
        let answer = browser
            .post(ADMIN, &browser.cookie("csrftoken"), &fields)
            .await;
        assert_eq!(answer.status, 404, "{action}");
    }
    server.command(&["user", "promote", "ada"]);
    eventually("the new right is known", async || {
        browser.get(ADMIN).await.status == 200
    })
    .await;
    for section in ["overview", "look", "people", "rooms", "limits"] {
        let page = browser.get(&format!("{ADMIN}?section={section}")).await;
        assert_eq!(page.status, 200, "{section}: {}", page.text());
    }
    let secret = ada.private_room("Secret club").await;
    ada.say(secret, "secret words").await;
    let rooms = browser.get("/admin/?section=rooms").await.text();
    assert!(rooms.contains("Secret club") && !rooms.contains("secret words"));
}

async fn administrators_suspend_and_promote(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    server.command(&["user", "promote", "ada"]);
    let (browser, his) = (
        at_browser(&server, &ada).await,
        at_browser(&server, &bob).await,
    );
    let mut socket = Socket::open(server.address(), &bob.token)
        .await
        .expect("open");
    let (me, him) = (ada.id.to_string(), bob.id.to_string());
    done(&browser, ADMIN, &[("action", "user-suspend"), ("id", &him)]).await;
    assert_eq!(socket.close_code().await, 4401);
    assert_eq!(his.get(ME).await.status, 302);
    server.login("bob", PASSWORD).await.is_refused();
    done(
        &browser,
        ADMIN,
        &[("action", "user-activate"), ("id", &him)],
    )
    .await;
    server.login("bob", PASSWORD).await.token();
    done(&browser, ADMIN, &[("action", "user-promote"), ("id", &him)]).await;
    let his = at_browser(&server, &bob).await;
    assert_eq!(his.get(ADMIN).await.status, 200);
    for action in ["user-suspend", "user-demote"] {
        let fields = [("action", action), ("id", &*me)];
        refused(&browser, ADMIN, &fields, "needs an administrator").await;
    }
    done(&browser, ADMIN, &[("action", "user-demote"), ("id", &him)]).await;
    assert_eq!(his.get(ADMIN).await.status, 404);
    let room = bob.again().await.room("Tea").await.to_string();
    let close = |name| [("action", "room-close"), ("id", &*room), ("confirm", name)];
    refused(&browser, ADMIN, &close("tea"), "Type the name exactly").await;
    done(&browser, ADMIN, &close("Tea")).await;
    assert_eq!(his.get(&format!("/chat/{room}/")).await.status, 410);
}

async fn the_look_is_everybodys(server: Server) {
    let ada = server.user("ada").await;
    server.command(&["user", "promote", "ada"]);
    let browser = at_browser(&server, &ada).await;
    let fields = [
        ("action", "look"),
        ("name", "Harbour <i>Street</i>"),
        ("welcome", "Pull up a chair, <script>alert(1)</script>"),
        ("run_by", "the co-op"),
        ("hue", "300"),
        ("css", "body { --mine: 1 }"),
    ];
    done(&browser, ADMIN, &fields).await;
    let page = server.get("/").await.text();
    for text in [
        "--h:300",
        "Harbour &lt;i&gt;Street&lt;/i&gt;",
        "Pull up a chair, &lt;script&gt;",
        "the co-op",
        "/site/custom.css?v=",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let css = server.get("/site/custom.css").await;
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert!(css.text().contains("--mine: 1"));
    for (field, value, text) in [
        ("hue", "360", "is not a valid choice"),
        ("hue", "red", "A valid integer is required."),
        ("name", " ", "This field is required."),
        ("name", &*"n".repeat(51), "has at most 50 characters"),
    ] {
        refused(&browser, ADMIN, &[("action", "look"), (field, value)], text).await;
    }
    let logo = async |content: &str| {
        let body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"csrfmiddlewaretoken\"\r\n\r\n{}\r\n\
             --x\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nlook\r\n\
             --x\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"l.png\"\r\n\r\n\
             {content}\r\n--x--\r\n",
            browser.cookie("csrftoken")
        );
        let call = browser.call("POST", ADMIN);
        let call = call.body("multipart/form-data; boundary=x", body);
        browser.send(call).await
    };
    for bad in ["<svg onload=alert(1)>", &"RIFF0000WEBP".repeat(7_000)] {
        let refused = logo(bad).await;
        assert_eq!(refused.status, 200);
        assert!(refused.text().contains("Not a PNG, JPEG or WebP picture"));
    }
    assert_eq!(server.get("/site/logo").await.status, 404);
    assert_eq!(logo("RIFF0000WEBPVP8 ").await.status, 303);
    let picture = server.get("/site/logo").await;
    assert_eq!(picture.header("content-type"), "image/webp");
    assert_eq!(&picture.body[..], b"RIFF0000WEBPVP8 ");
    done(&browser, ADMIN, &[("action", "look-restore")]).await;
    assert!(server.get("/").await.text().contains("--h:185"));
}

/// The code that the start told; its line may still be on the way when the server is ready.
async fn set_up_code(server: &Server) -> String {
    eventually("the start tells the code", async || {
        server.log().contains("/setup?code=")
    })
    .await;
    let log = server.log();
    let (_, rest) = log.rsplit_once("/setup?code=").expect("an address");
    rest.lines().next().unwrap_or_default().trim().to_owned()
}

async fn the_first_administrator(engine: Engine) {
    let mut server = engine.setup().start().await;
    let old = set_up_code(&server).await;
    server.terminate().await;
    server.start_again().await;
    let new = set_up_code(&server).await;
    assert_ne!(old, new);
    let browser = server.browser();
    let page = browser.get(&format!("/setup/?code={new}")).await;
    assert_eq!(page.status, 200);
    let token = token(&page);
    let fields = |code| {
        [
            ("code", code),
            ("site_name", "Harbour"),
            ("hue", "200"),
            ("email", "ada@example.org"),
            ("nickname", "Ada"),
            ("password1", PASSWORD),
            ("password2", PASSWORD),
        ]
    };
    for bad in ["", "x", &old] {
        let answer = browser.post("/setup/", &token, &fields(bad)).await;
        assert_eq!(answer.status, 403, "{bad}");
    }
    let empty = browser.post("/setup/", &token, &[("code", &*new)]).await;
    assert_eq!(empty.status, 200);
    assert!(empty.text().contains("This field is required."));
    let good = fields(&new);
    let rivals: Vec<_> = (0..4)
        .map(|_| browser.post("/setup/", &token, &good))
        .collect();
    let answers = futures_util::future::join_all(rivals).await;
    let made: Vec<_> = answers.iter().filter(|one| one.status == 303).collect();
    assert_eq!(made.len(), 1, "exactly one");
    assert_eq!(made[0].header("location"), "/chat/create/");
    assert!(server.get("/").await.text().contains("Harbour"));
    let browser = server.browser();
    browser.log_in("ada@example.org").await;
    assert_eq!(browser.get(ADMIN).await.status, 200);
    let again = browser.get(&format!("/setup/?code={new}")).await.text();
    assert!(!again.contains("password1"), "it is done");
    server.terminate().await;
    server.start_again().await;
    assert!(server.is_well().await);
}
