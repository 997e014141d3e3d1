//! Contract 1: slashes, bodies, statuses and headers that every route shares.

use crate::support::{
    Answer, MESSAGES, PASSWORD, ROOMS, Server, Socket, USERS, Value, json,
    people::{LOGIN, id, message_path, reaction_path, room_path, user_path},
    stories,
};

/// What must stand on every answer.
#[track_caller]
fn has_security_headers(answer: &Answer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{name} of {what}");
    }
}

fn is_detail_starting(answer: &Answer, status: u16, start: &str) -> bool {
    let body = answer.json();
    answer.status == status
        && body.as_object().is_some_and(|object| object.len() == 1)
        && body["detail"]
            .as_str()
            .is_some_and(|text| text.starts_with(start))
}

stories![
    paths_end_with_a_slash,
    bodies_that_cannot_be_read,
    three_content_types_give_equal_results,
    ids_that_nothing_has_are_not_found,
    methods_that_there_are_not,
    refusals_without_a_token,
    security_headers_stand_on_every_answer,
    answers_are_json_in_utf8_with_nothing_escaped,
];

/// A GET without the slash is sent there with its query; nothing else loses its body (D-25).
async fn paths_end_with_a_slash(server: Server) {
    let ada = server.user("ada").await;
    let moved = ada.get("/api/v1/users?page=1&page_size=3").await;
    assert_eq!(moved.status, 301);
    assert!(
        moved
            .header("location")
            .ends_with("/api/v1/users/?page=1&page_size=3")
    );
    has_security_headers(&moved, "a redirect");

    let body = json!({"name": "Tea"});
    let made = ada.post("/api/v1/chats/rooms").json(body).await;
    assert!(matches!(made.status, 201 | 308), "{}", made.status);
    if made.status == 201 {
        assert_eq!(made.json()["name"], "Tea");
        let room = id(&made.json());
        let patched = ada
            .patch(&format!("{ROOMS}{room}"))
            .json(json!({"topic": "t"}))
            .await;
        assert_eq!(patched.ok(200)["topic"], "t");
        ada.delete(&format!("{ROOMS}{room}")).await.is_empty();
    }
    let login = json!({"username": "ada", "password": PASSWORD});
    let login = server.post("/api/v1/auth/login").json(login).await;
    assert!(matches!(login.status, 200 | 308), "{}", login.status);
    server
        .get("/api/v1/nothing")
        .await
        .is_detail(404, "Not found.");
}

/// A body of another type is refused, one that does not parse says so, nothing counts as `{}`.
async fn bodies_that_cannot_be_read(server: Server) {
    let ada = server.user("ada").await;
    for path in [ROOMS, MESSAGES, USERS, LOGIN] {
        let send = |kind: &str, body: &'static [u8]| ada.post(path).body(kind, body);
        send("text/plain", b"name=x")
            .await
            .is_detail(415, "Unsupported media type \"text/plain\" in request.");
        for bad in [
            &b"{"[..],
            b"nope",
            b"{\"a\":}",
            b"{'a':1}",
            b"\xff\xfe",
            b"{\"name\":\"\xff\"}",
            b"{} {}",
        ] {
            let answer = send("application/json", bad).await;
            let shown = String::from_utf8_lossy(bad).into_owned();
            assert!(
                is_detail_starting(&answer, 400, "JSON parse error - "),
                "{path} {shown}"
            );
        }
        for (body, kind) in [(&b"[]"[..], "list"), (b"\"x\"", "str"), (b"7", "int")] {
            let text = format!("Invalid data. Expected a dictionary, but got {kind}.");
            send("application/json", body).await.is_bad("error", &text);
        }
        let answer = send("multipart/form-data", b"--x--").await;
        assert_eq!(answer.status, 400, "{path}");
    }
    let required = json!({"name": ["This field is required."]});
    ada.post(ROOMS).await.is(400, &required);
    ada.post(ROOMS)
        .body("application/json", "")
        .await
        .is(400, &required);
    ada.post(ROOMS).json(json!({})).await.is(400, &required);
}

/// JSON, forms and multipart forms are three ways to say the same.
async fn three_content_types_give_equal_results(server: Server) {
    let ada = server.user("ada").await;
    let fields = [("name", "  Tea  "), ("max_users", "7"), ("type", "PRIVATE")];
    let json_fields = json!({"name": "  Tea  ", "max_users": "7", "type": "PRIVATE"});
    let mut seen: Vec<Value> = Vec::new();
    for call in [
        ada.post(ROOMS).json(&json_fields),
        ada.post(ROOMS).form(&fields),
        ada.post(ROOMS).multipart(&fields),
    ] {
        let mut room = call.await.ok(201);
        ada.delete(&room_path(id(&room), "")).await.is_empty();
        for moving in ["id", "created_at", "updated_at", "expires_at"] {
            assert!(!room[moving].is_null(), "{moving}");
            room[moving] = Value::Null;
        }
        seen.push(room);
    }
    assert_eq!(seen[0]["name"], "Tea");
    assert_eq!(seen[0]["max_users"], 7);
    assert!(seen.iter().all(|room| *room == seen[0]), "{seen:?}");

    let login = [("username", "ada"), ("password", PASSWORD)];
    assert_eq!(server.post(LOGIN).form(&login).await.status, 200);

    let room = ada.room("Messages").await;
    let number = room.to_string();
    let fields = [("room", number.as_str()), ("text", "one\ntwo")];
    for call in [
        ada.post(MESSAGES)
            .json(json!({"room": room, "text": "one\ntwo"})),
        ada.post(MESSAGES).form(&fields),
        ada.post(MESSAGES).multipart(&fields),
    ] {
        assert_eq!(call.await.ok(201)["text"], "one\ntwo");
    }
}

/// What a path names must be an id that a room, message or account can have (D-23).
async fn ids_that_nothing_has_are_not_found(server: Server) {
    let ada = server.user("ada").await;
    for id in [
        "abc",
        "0",
        "-1",
        "1.5",
        "999999",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999999",
        "%00",
        "1%20",
        "%ff",
    ] {
        for base in [ROOMS, MESSAGES, USERS] {
            let answer = ada.get(&format!("{base}{id}/")).await;
            assert_eq!(answer.status, 404, "{base}{id}/ {}", answer.text());
            assert_eq!(
                answer.json(),
                json!({"detail": "Not found."}),
                "{base}{id}/"
            );
        }
        assert_eq!(
            ada.put(&format!("{ROOMS}{id}/join/")).await.status,
            404,
            "{id}"
        );
    }
    for path in [
        "/api/",
        "/api/v2/",
        "/api/v1/nothing/",
        "/api/v1/chats/",
        "/api/v1/auth/",
    ] {
        let answer = server.get(path).await;
        answer.is_detail(404, "Not found.");
        has_security_headers(&answer, path);
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json"),
            "{path}"
        );
    }
}

/// 405 and OPTIONS name the methods there are.
async fn methods_that_there_are_not(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for (method, path, allowed) in [
        ("DELETE", ROOMS.to_owned(), vec!["GET", "POST"]),
        ("PUT", USERS.to_owned(), vec!["GET", "POST"]),
        ("GET", LOGIN.to_owned(), vec!["POST"]),
        ("DELETE", MESSAGES.to_owned(), vec!["GET", "POST"]),
        ("GET", room_path(room, "join/"), vec!["PUT", "PATCH"]),
        ("POST", room_path(room, "join/"), vec!["PUT", "PATCH"]),
        ("DELETE", room_path(room, "leave/"), vec!["PUT", "PATCH"]),
        (
            "POST",
            room_path(room, ""),
            vec!["GET", "PUT", "PATCH", "DELETE"],
        ),
        ("GET", room_path(room, "read/"), vec!["POST"]),
        ("GET", room_path(room, "typing/"), vec!["POST"]),
        ("POST", room_path(room, "people/"), vec!["GET"]),
        ("POST", "/api/v1/chats/unread/".to_owned(), vec!["GET"]),
        ("GET", reaction_path(1, "👍"), vec!["PUT", "DELETE"]),
        (
            "PUT",
            format!("{}preferences/", user_path(ada.id)),
            vec!["GET", "PATCH"],
        ),
        (
            "UPDATE",
            message_path(1),
            vec!["GET", "PUT", "PATCH", "DELETE"],
        ),
    ] {
        let answer = ada.call(method, &path).await;
        answer.is_detail(405, &format!("Method \"{method}\" not allowed."));
        let options = ada.call("OPTIONS", &path).await;
        assert!(
            matches!(options.status, 200 | 204),
            "OPTIONS {path}: {}",
            options.status
        );
        for answer in [&answer, &options] {
            let allow: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
            for name in &allowed {
                assert!(allow.contains(name), "Allow of {path}: {allow:?}");
            }
            assert!(!allow.contains(&method), "Allow of {path}: {allow:?}");
            has_security_headers(answer, &path);
        }
    }
    // Without a token 401 comes first, but only where a token is needed (contract 7d).
    for method in ["DELETE", "PUT", "PATCH"] {
        let answer = server.call(method, USERS).await;
        answer.is_detail(405, &format!("Method \"{method}\" not allowed."));
    }
    for path in [
        ROOMS.to_owned(),
        room_path(999, ""),
        room_path(room, "join/"),
    ] {
        let answer = server.call("DELETE", &path).json(json!([])).await;
        answer.is_detail(401, "Authentication credentials were not provided.");
    }
}

/// 401 says how to authenticate, and comes before everything that could be learnt.
async fn refusals_without_a_token(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for (method, path) in [
        ("GET", ROOMS.to_owned()),
        ("POST", ROOMS.to_owned()),
        ("GET", room_path(room, "")),
        ("GET", room_path(999, "")),
        ("PUT", room_path(room, "join/")),
        ("GET", MESSAGES.to_owned()),
        ("POST", MESSAGES.to_owned()),
        ("PATCH", user_path(ada.id)),
        ("PUT", user_path(ada.id)),
        ("DELETE", user_path(ada.id)),
        ("POST", "/api/v1/auth/logout/".to_owned()),
        ("POST", room_path(room, "read/")),
        ("POST", room_path(999, "typing/")),
        ("GET", room_path(room, "people/")),
        ("GET", "/api/v1/chats/unread/".to_owned()),
        ("PUT", reaction_path(999, "x")),
        ("DELETE", reaction_path(999, "👍")),
        ("GET", format!("{}preferences/", user_path(ada.id))),
        ("PATCH", format!("{}preferences/", user_path(999))),
        ("PUT", format!("{}preferences/", user_path(ada.id))),
    ] {
        let answer = server.call(method, &path).body("text/plain", "?").await;
        answer.is_detail(401, "Authentication credentials were not provided.");
        assert_eq!(
            answer.header("www-authenticate"),
            "Token",
            "{method} {path}"
        );
        has_security_headers(&answer, &path);
    }
}

async fn security_headers_stand_on_every_answer(server: Server) {
    let ada = server.user("ada").await;
    for (status, call) in [
        (200, server.get("/")),
        (200, server.get("/healthz")),
        (200, server.get("/api/v1/")),
        (200, server.get("/api/v1/redoc/")),
        (200, server.get("/api/v1/schema/")),
        (200, server.get(USERS)),
        (404, server.get("/nothing")),
        (404, server.get("/api/v1/assets/nothing")),
        (301, server.get("/api/v1/users")),
        (401, server.get(ROOMS)),
        (400, ada.post(ROOMS)),
        (405, ada.delete(ROOMS)),
        (415, ada.post(ROOMS).body("text/plain", "x")),
        (
            413,
            ada.post(ROOMS)
                .body("application/json", vec![b' '; 3_000_000]),
        ),
    ] {
        let what = format!("{call:.60?}");
        let answer = call.await;
        assert_eq!(answer.status, status, "{what}");
        has_security_headers(&answer, &what);
    }
    let refused = Socket::open(server.address(), "nobody").await;
    assert!(matches!(refused, Err(401 | 403)), "{refused:?}");
}

async fn answers_are_json_in_utf8_with_nothing_escaped(server: Server) {
    let ada = server.user("다은").await;
    let room = ada.post(ROOMS).json(json!({"name": "모임 ☕ é"})).await;
    assert!(room.text().contains("\"모임 ☕ é\""), "{}", room.text());
    assert!(room.header("content-type").starts_with("application/json"));
    let answer = ada.get(ROOMS).header("accept", "text/html").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    let said = ada
        .try_say(id(&room.json()), "안녕 \u{1f44b} \u{202e}")
        .await;
    assert!(said.text().contains("안녕 \u{1f44b}"), "{}", said.text());
}
