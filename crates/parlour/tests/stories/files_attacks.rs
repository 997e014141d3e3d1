//! Files that attackers make: kept, and harmless to the server and to whoever looks at them.

use crate::support::{
    Answer, MESSAGES, Server, User, Value,
    media::{PNG, on_disk, send_file},
    people::path_of,
    stories,
};

stories![
    sqlite only:
    pictures_that_would_cost_too_much,
    files_that_are_two_things,
    names_of_attackers,
    parts_of_attackers,
    ranges_of_attackers,
];

/// A PNG whose header says these sides, with one small piece of data.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crate::support::media::crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Frames of 1,000 by 1,000 pixels, of 22 bytes each.
fn gif(frames: usize) -> Vec<u8> {
    let mut bytes = b"GIF89a\xe8\x03\xe8\x03\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    for _ in 0..frames {
        bytes.extend(b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\xe8\x03\xe8\x03\0\x02\x02\x44\x01\0");
    }
    bytes.push(b';');
    bytes
}

/// Sends it; what the message says of it and how it is served.
async fn served(ada: &User, room: i64, name: &str, content: &[u8]) -> (Value, Answer) {
    let sent = send_file(ada, room, name, content).await;
    let got = ada.get(&path_of(&sent["file"])).await;
    assert_eq!(got.status, 200, "{name}");
    assert_eq!(got.header("x-content-type-options"), "nosniff", "{name}");
    let policy = got.header("content-security-policy");
    assert!(policy.starts_with("sandbox;"), "{name}: {policy}");
    (sent["files"][0].clone(), got)
}

fn is_attachment(answer: &Answer) -> bool {
    answer
        .header("content-disposition")
        .starts_with("attachment")
}

async fn pictures_that_would_cost_too_much(mut server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    send_file(&ada, room, "a.png", PNG).await;
    let before = server.process().memory();
    let frames = gif(100_000);
    let cut = &PNG[..PNG.len() / 2];
    let segments = [b"\xff\xd8".to_vec(), b"\xff\xe1\0\x02".repeat(500_000)].concat();
    for (name, content) in [
        ("50,000 x 50,000", &png(50_000, 50_000)[..]),
        (
            "as large as can be said",
            &png(i32::MAX as u32, i32::MAX as u32),
        ),
        ("no pixel", &png(0, 0)),
        ("100,000 frames", &frames),
        ("cut off", cut),
        (
            "a head alone",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0",
        ),
        ("nothing but segments", &segments),
        (
            "lengths beyond the end",
            b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xff",
        ),
    ] {
        let (file, got) = served(&ada, room, "a.png", content).await;
        assert!(is_attachment(&got), "{name}: {file}");
        assert_eq!(file["kind"], "other", "{name}");
        assert!(
            file["thumbs"].as_array().is_none_or(Vec::is_empty),
            "{name}"
        );
    }
    let grown = server.process().memory().saturating_sub(before);
    assert!(
        grown < 64,
        "{grown} MiB more for pictures that are not decoded"
    );
    assert!(server.is_well().await);
}

async fn files_that_are_two_things(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for (name, content) in [
        ("a.js", &b"GIF89a/*\0\0\0\0\0*/=1;alert(1)//"[..]),
        ("a.html", b"%PDF-1.7\n<html><script>alert(1)</script>"),
        ("a.svg", b"<svg onload=alert(1)>"),
        ("a.png.exe", b"MZ\x90\0\x03\0\0\0"),
        ("a.zip", b"PK\x03\x04<html><script>alert(1)</script>"),
    ] {
        let (file, got) = served(&ada, room, name, content).await;
        assert!(is_attachment(&got), "{name}: {file}");
        assert_eq!(file["name"], name);
    }
    // What looks like a page to no reader of types is shown as the text that it is.
    let late = [&b" ".repeat(3_000)[..], b"<html><script>alert(1)</script>"].concat();
    for (name, content) in [
        ("late.html", &late[..]),
        ("utf7.html", b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-"),
    ] {
        let (_, got) = served(&ada, room, name, content).await;
        assert_eq!(
            got.header("content-type"),
            "text/plain; charset=utf-8",
            "{name}"
        );
    }
}

async fn names_of_attackers(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    for (given, kept) in [
        ("%2e%2e%2fx.txt", "x.txt"),
        ("..\\\\x.txt", "x.txt"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("aux.", "_aux"),
        (".htaccess", "htaccess"),
        ("...", "file"),
        (" ", "file"),
        ("", "file"),
        ("\u{202e}gpj.exe", "gpj.exe"),
        ("a\tb.txt", "ab.txt"),
    ] {
        let (file, got) = served(&ada, room, given, b"text").await;
        assert_eq!(file["name"], kept, "{given:?}");
        let told = got.header("content-disposition");
        assert!(
            told.contains(&format!("filename=\"{kept}\"")),
            "{given:?}: {told}"
        );
    }
    let long = "x".repeat(4_096);
    let refused = crate::support::media::try_file(&ada, room, &long, b"text").await;
    refused.is_bad(
        "file",
        "Ensure this filename has at most 100 characters (it has 4096).",
    );
    let refused = crate::support::media::try_file(&ada, room, "a\0b", b"text").await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let media = server.setup.folder().join("media");
    assert_eq!(on_disk(&media).0, 11, "nothing lies elsewhere");
}

async fn parts_of_attackers(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await.to_string();
    let told = "The submitted data was not a file. Check the encoding type on the form.";
    let text = [("room", room.as_str()), ("file", "text")];
    ada.post(MESSAGES)
        .multipart(&text)
        .await
        .is_bad("file", told);
    let send = async |head: &str, end: &str| {
        let body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"room\"\r\n\r\n{room}\r\n--x\r\n\
             Content-Disposition: form-data; name=\"file\"; {head}\r\n\r\ntext\r\n{end}"
        );
        let call = ada
            .post(MESSAGES)
            .body("multipart/form-data; boundary=x", body);
        call.attempt().await.map_or(0, |answer| answer.status)
    };
    let end = "--x--\r\n";
    assert_eq!(send("filename=\"a\"", end).await, 201);
    for (name, head, end) in [
        (
            "many headers",
            format!("filename=\"a\"{}", "\r\nX-A: a".repeat(100_000)),
            end,
        ),
        (
            "a name in another way",
            "filename*=UTF-8''a%0d%0aX-Evil%3A1.txt".to_owned(),
            end,
        ),
        (
            "a head without an end",
            format!("filename=\"a\"\r\nX-A: {}", "a".repeat(3 << 20)),
            end,
        ),
        ("no end", "filename=\"a\"".to_owned(), ""),
    ] {
        assert_eq!(send(&head, end).await, 400, "{name}");
    }
    let inner = "filename=\"a\"\r\nContent-Type: multipart/mixed; boundary=y";
    assert_eq!(send(inner, end).await, 201, "what is inside is bytes");
    assert!(server.is_well().await);
    assert_eq!(on_disk(&server.setup.folder().join("media")).0, 2);
}

async fn ranges_of_attackers(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "a.bin", &[7; 10_000]).await;
    let path = path_of(&sent["file"]);
    let many = format!("bytes={}", ["0-0"; 2_000].join(","));
    for (range, status, length) in [
        (many.as_str(), 200, 10_000),
        ("bytes=-0", 416, 0),
        ("bytes=5-1", 200, 10_000),
        ("bytes=-", 200, 10_000),
        ("bytes=99999999999999999999-", 416, 0),
        ("bytes=-99999999999999999999", 206, 10_000),
        ("bytes=9999-99999999999999999999", 206, 1),
        ("lines=0-1", 200, 10_000),
    ] {
        let got = ada.get(&path).header("range", range).await;
        let shown = &range[..range.len().min(30)];
        assert_eq!((got.status, got.body.len()), (status, length), "{shown}");
    }
}
