//! Files of messages over REST, sockets and pages (contract 5).

use crate::support::{
    MESSAGES, Server, eventually, json,
    media::{PNG, on_disk, send_file, try_file},
    people::{id, message_path, path_of},
    stories,
};

stories![
    a_picture_with_a_caption,
    a_file_needs_no_text,
    several_files_in_any_order_of_parts,
    the_type_is_found_in_the_content,
    sockets_get_the_same_file,
    an_edit_replaces_the_file,
    a_retry_answers_the_first_upload,
    the_same_upload_twice_at_once,
    deleting_a_message_removes_the_bytes,
    the_end_of_a_room_removes_the_bytes,
    deleting_an_account_removes_the_bytes,
    the_files_of_a_room,
    a_page_without_scripts_sends_and_shows,
];

async fn a_picture_with_a_caption(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await.to_string();
    let fields = [("room", room.as_str()), ("text", "look"), ("alt", "a  cat")];
    let sent = ada
        .post(MESSAGES)
        .file(&fields, "my cat.png", PNG)
        .await
        .ok(201);
    assert_eq!(
        (&sent["text"], &sent["file_type"]),
        (&json!("look"), &json!("image/png"))
    );
    let address = sent["file"].as_str().expect("an address");
    let origin = format!("http://{}/media/image/", server.address());
    assert!(
        address.starts_with(&origin) && address.contains(".png?sig="),
        "{address}"
    );
    let file = &sent["files"][0];
    assert_eq!(file["url"], sent["file"]);
    for (key, value) in [
        ("type", json!("image/png")),
        ("kind", json!("image")),
        ("name", json!("my cat.png")),
        ("size", json!(PNG.len())),
        ("width", json!(4)),
        ("height", json!(3)),
        ("alt", json!("a cat")),
    ] {
        assert_eq!(file[key], value, "{key}");
    }
    // The address loads as it stands.
    let got = server
        .get(&address[address.find("/media/").expect("a path")..])
        .await;
    assert_eq!((got.status, &got.body[..]), (200, PNG));
    assert_eq!(got.header("content-type"), "image/png");
    let read = ada.get(&message_path(id(&sent))).await.ok(200);
    assert_eq!(path_of(&read["file"]), path_of(&sent["file"]));
}

async fn a_file_needs_no_text(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "a.txt", b"text").await;
    assert_eq!(
        (&sent["text"], &sent["file_type"]),
        (&json!(""), &json!("text/plain"))
    );
    // With the file gone from the form, nothing is left to say.
    let call = ada
        .post(MESSAGES)
        .file(&[("room", &room.to_string())], "", b"");
    call.await.is_bad("text", "A message needs text or a file.");
    // The text may go as long as the file is there.
    let path = message_path(id(&sent));
    ada.patch(&path)
        .json(json!({"text": "caption"}))
        .await
        .ok(200);
    let bare = ada.patch(&path).json(json!({"text": ""})).await.ok(200);
    assert_eq!(
        (&bare["text"], path_of(&bare["file"])),
        (&json!(""), path_of(&sent["file"]))
    );
    let message = id(&ada.say(room, "no file").await);
    let call = ada.patch(&message_path(message)).json(json!({"text": ""}));
    call.await.is_bad("text", "A message needs text or a file.");
}

async fn several_files_in_any_order_of_parts(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await.to_string();
    let files: [(&str, &str, &[u8]); 3] = [
        ("files", "1.txt", b"one"),
        ("files", "2.txt", b"two"),
        ("file", "first.txt", b"zero"),
    ];
    let sent = ada
        .post(MESSAGES)
        .files(&[("room", &room)], &files)
        .await
        .ok(201);
    let names: Vec<_> = sent["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|f| &f["name"])
        .collect();
    assert_eq!(names, ["first.txt", "1.txt", "2.txt"]);
    assert_eq!(sent["file"], sent["files"][0]["url"]);
    // Files before the room and the text.
    let head = |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"");
    let body = format!(
        "{}; filename=\"a.txt\"\r\n\r\nA\r\n{}\r\n\r\nhi\r\n{}\r\n\r\n{room}\r\n--x--",
        head("file"),
        head("text"),
        head("room")
    );
    let call = ada
        .post(MESSAGES)
        .body("multipart/form-data; boundary=x", body);
    assert_eq!(call.await.ok(201)["files"][0]["name"], "a.txt");
}

async fn the_type_is_found_in_the_content(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let binary = [0x13, 0x00, 0x9f, 0xee, 0x02, 0x00, 0x01, 0xff];
    let cases: [(&str, &[u8], &str, &str); 4] = [
        ("cat.png", b"just words", "text/plain", "/media/text/"),
        ("words.txt", PNG, "image/png", "/media/image/"),
        (
            "x.jpg",
            &binary,
            "application/octet-stream",
            "/media/application/",
        ),
        (
            "page.png",
            b"<!DOCTYPE html><script>alert(1)</script>",
            "text/html",
            "/media/text/",
        ),
    ];
    for (name, content, kind, place) in cases {
        let sent = send_file(&ada, room, name, content).await;
        assert_eq!(sent["file_type"], kind, "{name}");
        assert!(
            path_of(&sent["file"]).starts_with(place),
            "{name}: {}",
            sent["file"]
        );
    }
}

async fn sockets_get_the_same_file(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut sockets = [
        bob.socket().await,
        bob.room_socket(room).await,
        ada.socket().await,
    ];
    let sent = send_file(&ada, room, "cat.png", PNG).await;
    let path = path_of(&sent["file"]);
    let mut told = Vec::new();
    for socket in &mut sockets {
        let frame = socket.next().await;
        assert_eq!(
            (&frame["id"], &frame["file_type"]),
            (&sent["id"], &json!("image/png"))
        );
        // It loads as it stands: for its receiver, who brings nothing.
        let file = frame["file"].as_str().expect("an address").to_owned();
        assert_eq!(file.split('?').next(), Some(&*path), "{file}");
        assert_eq!(server.get(&file).await.body, PNG);
        if frame.get("files").is_some() {
            assert_eq!(frame["files"][0]["width"], 4);
            assert_eq!(frame["files"][0]["url"], file);
        }
        told.push(file);
    }
    assert_eq!(told[0], told[1], "one receiver");
    assert_ne!(told[0], told[2], "another one");
    assert_eq!(bob.get(&path).await.body, PNG);
    assert_eq!(server.get(&path).await.status, 404);
    // Texts before and behind a file in one turn, and edits.
    ada.say(room, "text").await;
    assert_eq!(sockets[0].next_said().await, "text");
    let edit = message_path(id(&sent));
    ada.patch(&edit)
        .json(json!({"text": "a cat"}))
        .await
        .ok(200);
    let edited = sockets[0].next().await;
    assert_eq!(
        (&edited["text"], &edited["file"]),
        (&json!("a cat"), &json!(told[0]))
    );
    // The right is that of the receiver, at the time of use.
    bob.leave(room).await;
    assert_eq!(server.get(&told[0]).await.status, 404);
    assert_eq!(server.get(&told[2]).await.body, PNG);
}

async fn an_edit_replaces_the_file(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "a.txt", b"text").await;
    let path = message_path(id(&sent));
    let now = ada.patch(&path).file(&[], "b.png", PNG).await.ok(200);
    assert_eq!(
        (&now["file_type"], &now["files"][0]["name"]),
        (&json!("image/png"), &json!("b.png"))
    );
    assert_eq!(
        ada.get(&path_of(&sent["file"])).await.status,
        404,
        "the old one"
    );
    assert_eq!(ada.get(&path_of(&now["file"])).await.body, PNG);
    let media = server.setup.folder().join("media");
    eventually("the old bytes go", async || on_disk(&media).0 == 1).await;
}

async fn a_retry_answers_the_first_upload(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await.to_string();
    let send = |content: &'static [u8]| {
        let call = ada.post(MESSAGES).header("idempotency-key", "\"k-1\"");
        call.file(&[("room", &room)], "a.txt", content)
    };
    let first = send(b"text").await.ok(201);
    let again = send(b"text").await.ok(201);
    assert_eq!(again["id"], first["id"]);
    assert_eq!(path_of(&again["file"]), path_of(&first["file"]));
    send(b"other")
        .await
        .is_detail(409, "This nonce was already used for another message.");
    let media = server.setup.folder().join("media");
    eventually("what nobody took is gone", async || on_disk(&media).0 == 1).await;
}

async fn the_same_upload_twice_at_once(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await.to_string();
    let send = || {
        let fields = [("room", room.as_str()), ("nonce", "n")];
        ada.post(MESSAGES).file(&fields, "a.txt", b"text")
    };
    let (one, two) = tokio::join!(async { send().await }, async { send().await });
    assert_eq!(one.ok(201)["id"], two.ok(201)["id"]);
    let media = server.setup.folder().join("media");
    eventually("the second copy is gone", async || on_disk(&media).0 == 1).await;
}

async fn deleting_a_message_removes_the_bytes(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "a.txt", b"text").await;
    let media = server.setup.folder().join("media");
    assert_eq!(on_disk(&media), (1, 4));
    ada.delete(&message_path(id(&sent))).await.is_empty();
    assert_eq!(ada.get(&path_of(&sent["file"])).await.status, 404);
    let start = std::time::Instant::now();
    eventually("the bytes are gone", async || on_disk(&media).0 == 0).await;
    assert!(start.elapsed().as_secs() < 5, "contract 7d: within 5 s");
}

async fn the_end_of_a_room_removes_the_bytes(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "a.png", PNG).await;
    ada.delete(&format!("{}{room}/", crate::support::ROOMS))
        .await
        .is_empty();
    assert_eq!(ada.get(&path_of(&sent["file"])).await.status, 404);
    let media = server.setup.folder().join("media");
    eventually("the bytes are gone", async || on_disk(&media).0 == 0).await;
}

async fn deleting_an_account_removes_the_bytes(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let sent = send_file(&bob, room, "a.txt", b"text").await;
    bob.delete(&crate::support::people::user_path(bob.id))
        .await
        .is_empty();
    assert_eq!(ada.get(&path_of(&sent["file"])).await.status, 404);
    let media = server.setup.folder().join("media");
    eventually("the bytes are gone", async || on_disk(&media).0 == 0).await;
}

async fn a_page_without_scripts_sends_and_shows(server: Server) {
    let browser = server.browser();
    browser.register("ada", "ada@example.org").await;
    browser.log_in("ada@example.org").await;
    let made = browser.fill("/chat/create/", &[("title", "Tea")]).await;
    let room = made.header("location").to_owned();
    let page = browser.get(&room).await;
    assert!(page.text().contains("enctype=\"multipart/form-data\""));
    let token = crate::support::browser::token(&page);
    let fields = [("csrfmiddlewaretoken", token.as_str()), ("text", "look")];
    let files: [(&str, &str, &[u8]); 2] = [
        ("files", "cat.png", PNG),
        ("files", "a&b.bin", &[0, 1, 2, 0xff, 0xfe, 0]),
    ];
    let call = browser
        .call("POST", &format!("{room}send/"))
        .files(&fields, &files);
    assert_eq!(browser.send(call).await.status, 303);
    let html = browser.get(&room).await.text();
    assert!(
        html.contains("style=\"--w:4;--h:3\"><img alt=\"cat.png\"")
            && html.contains("width=\"4\" height=\"3\""),
        "{html}"
    );
    assert!(
        html.contains("<b>a&amp;b.bin</b><span class=\"meta\">6 B</span>"),
        "{html}"
    );
    // The same in the list of the room's files; what is asked for wrongly is not asked for.
    for (query, pictures, cards) in [
        ("", 1, 1),
        ("?kind=image", 1, 0),
        ("?kind=document", 0, 1),
        ("?kind=tea&before=x", 1, 1),
        ("?before=1", 0, 0),
    ] {
        let list = browser.get(&format!("{room}files/{query}")).await;
        assert_eq!(list.status, 200, "{query}");
        let text = list.text();
        let counts = (
            text.matches("class=\"pic\"").count(),
            text.matches("class=\"card ").count(),
        );
        assert_eq!(counts, (pictures, cards), "{query}: {text}");
    }
    let stranger = server.browser();
    stranger.register("eve", "eve@example.org").await;
    stranger.log_in("eve@example.org").await;
    assert_eq!(stranger.get(&format!("{room}files/")).await.status, 403);
    let from = html.find("/media/image/").expect("the picture's path");
    let path = html[from..].split('"').next().expect("its end");
    let picture = browser.get(path).await;
    assert_eq!((picture.status, &picture.body[..]), (200, PNG));
    assert_eq!(
        picture.header("cross-origin-resource-policy"),
        "same-origin"
    );
    // An empty form is told so, with nothing chosen.
    let fields = [("csrfmiddlewaretoken", token.as_str()), ("text", "")];
    let call = browser
        .call("POST", &format!("{room}send/"))
        .files(&fields, &[("files", "", b"")]);
    let refused = browser.send(call).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("A message needs text or a file."));
    let empty = try_file(&server.user("bob").await, 1, "a.txt", b"").await;
    assert_eq!(empty.status, 400);
}

async fn the_files_of_a_room(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let picture = send_file(&ada, room, "a.png", PNG).await;
    for name in ["1.txt", "2.txt", "3.txt"] {
        send_file(&ada, room, name, b"text").await;
    }
    ada.say(room, "no file").await;
    let path = format!("{}{room}/files/", crate::support::ROOMS);
    let look = async |query: &str| {
        let body = ada.get(&format!("{path}?{query}")).await.ok(200);
        let files = body["files"].as_array().cloned().expect("files");
        (files, body["has_more"] == true)
    };
    let (all, more) = look("").await;
    let names: Vec<_> = all
        .iter()
        .map(|file| file["name"].as_str().unwrap_or(""))
        .collect();
    assert_eq!(
        (names, more),
        (vec!["3.txt", "2.txt", "1.txt", "a.png"], false)
    );
    let (two, more) = look("limit=2").await;
    assert_eq!((two.len(), more), (2, true));
    let (rest, more) = look(&format!("limit=2&before={}", two[1]["id"])).await;
    assert_eq!((&rest[1]["name"], more), (&json!("a.png"), false));
    let (pictures, _) = look("kind=image").await;
    assert_eq!(pictures.len(), 1);
    assert_eq!(
        (&pictures[0]["message"], &pictures[0]["owner"]),
        (&picture["id"], &json!(ada.id))
    );
    let address = pictures[0]["url"].as_str().expect("an address");
    let signed = &address[address.find("/media/").expect("a path")..];
    assert_eq!(server.get(signed).await.body, PNG);
    ada.delete(&message_path(id(&picture))).await.is_empty();
    assert!(look("kind=image").await.0.is_empty());
    let bad = ada.get(&format!("{path}?kind=x&limit=y")).await;
    bad.is(
        400,
        json!({"kind": ["\"x\" is not a valid choice."],
        "limit": ["A valid integer is required."]}),
    );
}
