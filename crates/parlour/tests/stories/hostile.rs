//! Bad input in well-formed requests: every answer is a 4xx, memory stays bounded, nothing breaks.

use crate::support::{
    MESSAGES, ROOMS, Server, USERS, User, json,
    people::{LOGIN, message_path, room_path, user_path},
    stories,
};

stories![
    no_body_breaks_any_route,
    doubled_keys_count_once,
    huge_bodies_cost_no_memory,
    forms_of_a_million_parts,
    broken_multipart_forms,
    queries_and_paths_of_all_sorts,
];

/// Growth of memory that is still no leak, in MiB: caches and the allocator's own.
const GROWTH: u64 = 150;

/// Every route that takes a body.
fn doors(user: &User, room: i64, message: i64) -> Vec<(&'static str, String)> {
    vec![
        ("POST", USERS.to_owned()),
        ("POST", LOGIN.to_owned()),
        ("PATCH", user_path(user.id)),
        ("PUT", user_path(user.id)),
        ("POST", ROOMS.to_owned()),
        ("PATCH", room_path(room, "")),
        ("PUT", room_path(room, "join/")),
        ("POST", room_path(room, "invite/")),
        ("POST", room_path(room, "renew/")),
        ("POST", MESSAGES.to_owned()),
        ("PATCH", message_path(message)),
        ("PUT", message_path(message)),
    ]
}

async fn no_body_breaks_any_route(mut server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let message = ada.say(room, "hi").await["id"].as_i64().expect("an id");
    let deep_lists = "[".repeat(100_000);
    let deep_objects = "{\"a\":".repeat(40_000);
    let bodies: Vec<Vec<u8>> = [
        "",
        "{",
        "nope",
        "[]",
        "7",
        "null",
        "true",
        "\"x\"",
        "{\"a\":1e400}",
        "{\"name\":1e400}",
        "{\"name\":\"\\ud800\"}",
        "{\"text\":\"\\udc00\\ud800\",\"room\":1}",
        "\u{feff}{}",
        "{\"name\":\"\\u0000\"}",
        "{\"username\":{},\"password\":[]}",
        "{\"room\":{},\"text\":[]}",
        "{\"user\":1e30}",
        "{\"user\":-1}",
        "{\"expires_at\":\"9999999-01-01T00:00:00Z\"}",
        "{\"expires_at\":\"-000001-01-01T00:00:00Z\"}",
        "{\"name\":\"x\"}}",
        "{\"name\":\"x\",}",
        "NaN",
        "{\"name\":Infinity}",
        &deep_lists,
        &deep_objects,
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([
        vec![0xff, 0xfe],
        b"{\"name\":\"\xc3\x28\"}".to_vec(),
        vec![0; 1000],
    ])
    .collect();
    for (method, path) in doors(&ada, room, message) {
        for body in &bodies {
            for kind in [
                "application/json",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "multipart/form-data",
                "text/plain",
                "",
                "/",
                "application/json; charset=latin1",
                "APPLICATION/JSON",
            ] {
                let answer = ada.call(method, &path).body(kind, body.clone()).await;
                let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
                // An empty change of one's own things is fine; nothing is ever the server's fault.
                assert!(
                    answer.status < 500,
                    "{method} {path} {kind} {shown}: {}",
                    answer.text()
                );
                let object = answer.json().is_object() || answer.json().is_array();
                assert!(object, "{method} {path} {kind} {shown}: {}", answer.text());
            }
        }
    }
    assert!(server.is_well().await);
    assert!(
        !server.process().log().contains("panic"),
        "no handler panics"
    );
}

async fn doubled_keys_count_once(server: Server) {
    let ada = server.user("ada").await;
    let body = "{\"name\":\"first\",\"name\":\"last\",\"topic\":\"t\"}";
    let room = ada.post(ROOMS).body("application/json", body).await.ok(201);
    assert_eq!(room["name"], "last");
    let form = [("name", "one"), ("name", "two")];
    assert_eq!(ada.post(ROOMS).form(&form).await.ok(201)["name"], "two");
    let form = [("name", "three"), ("name", "four")];
    assert_eq!(
        ada.post(ROOMS).multipart(&form).await.ok(201)["name"],
        "four"
    );
}

async fn huge_bodies_cost_no_memory(mut server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let before = server.process().memory();
    for _ in 0..5 {
        let name = "x".repeat(10_000_000);
        for call in [
            ada.post(ROOMS).json(json!({ "name": name })),
            server
                .post(USERS)
                .json(json!({ "username": name, "password": name })),
            server
                .post(LOGIN)
                .json(json!({ "username": name, "password": name })),
            ada.post(ROOMS).form(&[("name", &name)]),
            ada.post(ROOMS).multipart(&[("name", &name)]),
            ada.post(MESSAGES)
                .json(json!({ "room": room, "text": name })),
            // A file of this size is welcome, and streams to the disk.
            ada.post(MESSAGES).file(&[("room", "1")], "big.bin", &name),
        ] {
            // The server may hang up on who goes on sending; that is an answer too.
            let status = call.attempt().await.map_or(413, |answer| answer.status);
            assert!(matches!(status, 201 | 400 | 413), "{status}");
        }
    }
    let after = server.process().memory();
    assert!(
        after < before + GROWTH,
        "{before} MiB before, {after} MiB after"
    );
    assert!(server.is_well().await);
}

async fn forms_of_a_million_parts(mut server: Server) {
    let ada = server.user("ada").await;
    let before = server.process().memory();
    let urlencoded = "a=1&".repeat(1_000_000);
    let part = "--edge\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
    let multipart = part.repeat(1_000_000) + "--edge--\r\n";
    let kind = "multipart/form-data; boundary=edge";
    for call in [
        ada.post(ROOMS)
            .body("application/x-www-form-urlencoded", urlencoded),
        ada.post(ROOMS).body(kind, multipart),
        ada.post(ROOMS)
            .body("application/x-www-form-urlencoded", "a=1&".repeat(5_000)),
        ada.post(ROOMS)
            .body(kind, part.repeat(3_000) + "--edge--\r\n"),
    ] {
        let status = call.attempt().await.map_or(413, |answer| answer.status);
        assert!(matches!(status, 400 | 413), "{status}");
    }
    let after = server.process().memory();
    assert!(
        after < before + GROWTH,
        "{before} MiB before, {after} MiB after"
    );
    assert!(server.is_well().await);
}

async fn broken_multipart_forms(server: Server) {
    let ada = server.user("ada").await;
    let kind = "multipart/form-data; boundary=edge";
    let head = "--edge\r\nContent-Disposition: form-data; name=\"name\"";
    for body in [
        "--edge".to_owned(),
        "--edge--".to_owned(),
        "--edge--\r\n".to_owned(),
        "--other\r\n\r\n--other--".to_owned(),
        format!("{head}\r\n\r\nTea"),
        format!("{head}\r\n\r\nTea\r\n--edge"),
        "--edge\r\n\r\nno head\r\n--edge--\r\n".to_owned(),
        "--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n--edge--\r\n".to_owned(),
        format!(
            "--edge\r\nX: {}\r\n\r\nx\r\n--edge--\r\n",
            "y".repeat(200_000)
        ),
        format!(
            "{head}; filename=\"{}\"\r\n\r\nx\r\n--edge--\r\n",
            "f".repeat(1_000)
        ),
        "\0".repeat(1_000),
    ] {
        let answer = ada.post(ROOMS).body(kind, body.clone()).await;
        assert_eq!(answer.status, 400, "{body:.60}: {}", answer.text());
    }
    for kind in [
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"",
        "multipart/mixed",
    ] {
        let answer = ada.post(ROOMS).body(kind, "--edge--\r\n").await;
        assert!(
            matches!(answer.status, 400 | 415),
            "{kind}: {}",
            answer.status
        );
    }
    assert!(server.is_well().await);
}

async fn queries_and_paths_of_all_sorts(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let long = "x".repeat(20_000);
    for query in [
        "page=-1",
        "page_size=1000000000",
        "page=%ff%fe",
        "page=%00",
        "%",
        "&&&==",
        "a=%zz",
        "page=1;DROP TABLE users",
        "room=%27%20OR%201=1",
        "room[]=1",
        "room=1&room=2",
        "page=1e9",
        "after=%00",
        "after=-9223372036854775808",
        "limit=9223372036854775807",
        "scope=%ff",
        &long,
    ] {
        for list in [ROOMS, MESSAGES, USERS, &room_path(room, "history/")] {
            let answer = ada
                .get(&format!("{list}?{query}").replace(' ', "%20"))
                .await;
            assert!(answer.status < 500, "{list}?{query:.40}: {}", answer.text());
            assert!(
                answer.json().is_object(),
                "{list}?{query:.40}: {}",
                answer.text()
            );
        }
    }
    for path in [
        "/../../etc/passwd",
        "/api/v1/assets/..%2f..%2fCargo.toml",
        "/api/v1/assets/%00",
        "/api/v1/../v1/users/",
        "//",
        "/api//v1/users/",
        "/%2e%2e/",
        "/api/v1/users/%2f/",
        "/api/v1/assets/../../Cargo.toml",
        "/media/x",
        "/.env",
        "/parlour.toml",
    ] {
        let answer = ada.get(path).await;
        assert!(
            matches!(answer.status, 301 | 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("location").starts_with("//"), "{path}");
    }
    assert!(server.is_well().await);
}
