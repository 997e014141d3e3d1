//! Uploads as an attacher of bad files sends them: refused with a sentence, and nothing left behind.

use crate::support::{
    Engine, MESSAGES, Server, eventually, json,
    media::{PNG, on_disk, send_file, try_file},
    people::path_of,
    stories,
};

stories![
    bad_files_are_named_all_at_once,
    files_of_messages_that_are_refused_are_not_kept,
    limits_of_size_and_number,
    the_quota_of_an_account,
    no_space_is_said_before_the_body_is_read,
    a_storage_that_is_away,
];

mod wire {
    use super::*;

    stories![
        sqlite only:
        forms_that_are_none,
        uploads_that_stop_half_way,
        lying_headers,
    ];

    async fn forms_that_are_none(server: Server) {
        let ada = server.user("ada").await;
        let room = ada.room("Tea").await;
        let call = ada.post(MESSAGES).body("multipart/form-data", "--x--");
        assert_eq!(call.await.status, 400, "no boundary");
        let part = "--x\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n\r\n";
        let body = part.repeat(1_000_000) + "--x--";
        let many = ada
            .post(MESSAGES)
            .body("multipart/form-data; boundary=x", body);
        let status = many.attempt().await.map(|answer| answer.status);
        assert!(matches!(status, Ok(400 | 413) | Err(_)), "{status:?}");
        for body in [
            "--x\r\n\r\nno name\r\n--x--",
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nno end",
            "nothing at all",
        ] {
            let call = ada
                .post(MESSAGES)
                .body("multipart/form-data; boundary=x", body);
            assert_eq!(call.await.status, 400, "{body}");
        }
        assert_eq!(on_disk(&server.setup.folder().join("media")).0, 0);
        send_file(&ada, room, "a.txt", b"text").await;
    }

    async fn uploads_that_stop_half_way(server: Server) {
        let ada = server.user("ada").await;
        let room = ada.room("Tea").await;
        for _ in 0..3 {
            let mut raw = server.raw().await;
            let token = format!("Authorization: Token {}", ada.token);
            raw.head(
                &format!("POST {MESSAGES}"),
                &[
                    &token,
                    "Content-Type: multipart/form-data; boundary=x",
                    "Content-Length: 10000000",
                ],
            )
            .await;
            let start = "--x\r\nContent-Disposition: form-data; name=\"file\"; \
                         filename=\"a.bin\"\r\n\r\n";
            raw.write(start.as_bytes()).await;
            raw.write(&vec![7; 1_000_000]).await;
            let media = server.setup.folder().join("media");
            eventually("it is being received", async || on_disk(&media).0 == 1).await;
            drop(raw);
            eventually("nothing is left", async || on_disk(&media).0 == 0).await;
        }
        assert!(
            ada.get(&format!("{MESSAGES}?room={room}"))
                .await
                .rows()
                .is_empty()
        );
        assert!(server.is_well().await);
    }

    async fn lying_headers(server: Server) {
        let ada = server.user("ada").await;
        let room = ada.room("Tea").await;
        let body = |head: &str| {
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"room\"\r\n\r\n{room}\r\n--x\r\n\
                 {head}\r\n\r\n<script>alert(1)</script>\r\n--x--"
            )
        };
        for head in [
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png",
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Length: 1",
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"; filename=\"b.html\"",
        ] {
            let call = ada
                .post(MESSAGES)
                .body("multipart/form-data; boundary=x", body(head));
            let sent = call.await;
            if sent.status == 400 {
                continue;
            }
            let sent = sent.ok(201);
            assert!(
                !sent["file_type"]
                    .as_str()
                    .expect("a type")
                    .starts_with("image/"),
                "{head}"
            );
            let got = ada.get(&path_of(&sent["file"])).await;
            let word = got.header("content-disposition");
            assert!(
                word.starts_with("attachment")
                    || got.header("content-type").starts_with("text/plain")
            );
        }
    }
}

async fn bad_files_are_named_all_at_once(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let empty = try_file(&ada, room, "a.txt", b"").await;
    empty.is_bad("file", "The submitted file is empty.");
    let fields = [("room", "9"), ("text", "x")];
    let call = ada.post(MESSAGES).file(&fields, &"x".repeat(101), b"");
    call.await.is(
        400,
        json!({
            "room": ["Invalid pk \"9\" - object does not exist."],
            "file": ["Ensure this filename has at most 100 characters (it has 101).",
                "The submitted file is empty."],
        }),
    );
    let told = "This file is not there any more. Upload it again.";
    let call = ada
        .post(MESSAGES)
        .json(json!({"room": room, "files": [99]}));
    call.await.is_bad("file", told);
    let told = "The submitted data was not a file. Check the encoding type on the form.";
    let call = ada
        .post(MESSAGES)
        .json(json!({"room": room, "files": [true]}));
    call.await.is_bad("file", told);
}

async fn files_of_messages_that_are_refused_are_not_kept(server: Server) {
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let room = ada.room("Tea").await;
    let media = server.setup.folder().join("media");
    let refused = try_file(&eve, room, "a.txt", b"text").await;
    refused.is_bad(
        "room",
        "You're not authorized to perform any actions in this room",
    );
    assert_eq!(on_disk(&media).0, 0);
    let room = room.to_string();
    let fields = [("room", room.as_str()), ("reply_to", "999")];
    let call = ada.post(MESSAGES).file(&fields, "a.txt", b"text");
    assert_eq!(call.await.status, 400);
    eventually("nothing is left", async || on_disk(&media).0 == 0).await;
    let anonymous = server.post(MESSAGES).file(&fields, "a.txt", b"text").await;
    assert_eq!(anonymous.status, 401);
    assert_eq!(on_disk(&media).0, 0);
}

async fn limits_of_size_and_number(engine: Engine) {
    let setup = engine.setup().env("MAX_UPLOAD_BYTES", "100KB");
    let server = setup.start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    assert_eq!(
        try_file(&ada, room, "a.bin", &vec![7; 100_000])
            .await
            .status,
        201
    );
    let large = try_file(&ada, room, "a.bin", &vec![7; 100_001]).await;
    large.is_detail(
        413,
        "This file is too large: at most 100000 bytes are taken.",
    );
    let huge = try_file(&ada, room, "a.bin", &vec![7; 2_000_000]).await;
    assert_eq!(huge.status, 413, "before it is read");
    let room = room.to_string();
    let send = |count| {
        let files = vec![("files", "a.txt", &b"text"[..]); count];
        ada.post(MESSAGES).files(&[("room", &room)], &files)
    };
    assert_eq!(
        send(10).await.ok(201)["files"].as_array().map(Vec::len),
        Some(10)
    );
    send(11)
        .await
        .is_bad("file", "A message can carry at most 10 files.");
    let media = server.setup.folder().join("media");
    eventually("what was refused is gone", async || on_disk(&media).0 == 11).await;
}

async fn the_quota_of_an_account(engine: Engine) {
    let setup = engine.setup().env("USER_QUOTA_BYTES", "1000B");
    let server = setup.start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let told = "Your files take all the space that one account may use here. Delete some first.";
    send_file(&ada, room, "a.bin", &[7; 600]).await;
    try_file(&ada, room, "b.bin", &[7; 600])
        .await
        .is_detail(413, told);
    // Half of the message's files would fit: none is kept.
    let number = room.to_string();
    let files: [(&str, &str, &[u8]); 2] = [("files", "c", &[7; 300]), ("files", "d", &[7; 300])];
    let call = ada.post(MESSAGES).files(&[("room", &number)], &files);
    call.await.is_detail(413, told);
    let media = server.setup.folder().join("media");
    eventually("nothing is left of them", async || {
        on_disk(&media) == (1, 600)
    })
    .await;
    send_file(&ada, room, "c.bin", &[7; 400]).await;
    send_file(&bob, room, "a.bin", &[7; 600]).await;
    ada.say(room, "text can still be sent").await;
}

async fn no_space_is_said_before_the_body_is_read(engine: Engine) {
    let setup = engine.setup().env("MIN_FREE_DISK", "1000000GiB");
    let server = setup.start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let refused = try_file(&ada, room, "a.txt", b"text").await;
    refused.is_detail(507, "This server has no more space for files.");
    assert_eq!(on_disk(&server.setup.folder().join("media")).0, 0);
    ada.say(room, "text can still be sent").await;
}

async fn a_storage_that_is_away(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "a.png", PNG).await;
    let media = server.setup.folder().join("media");
    let aside = server.setup.folder().join("aside");
    std::fs::rename(&media, &aside).expect("moved away");
    std::fs::write(&media, b"no folder").expect("written");
    let refused = try_file(&ada, room, "a.txt", b"text").await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    ada.say(room, "text can still be sent").await;
    std::fs::remove_file(&media).expect("removed");
    std::fs::rename(&aside, &media).expect("moved back");
    assert_eq!(ada.get(&path_of(&sent["file"])).await.body, PNG);
    send_file(&ada, room, "a.txt", b"text").await;
}
