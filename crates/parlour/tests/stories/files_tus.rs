//! Uploads that stop and go on: tus 1.0.0 at `/api/v1/uploads/`.

use crate::support::{
    Answer, Call, Engine, MESSAGES, Server, Socket, User, eventually, json,
    media::{PNG, noted_png, on_disk},
    people::{id, path_of},
    stories,
};
use std::time::{Duration, SystemTime};

pub(crate) const UPLOADS: &str = "/api/v1/uploads/";
const BYTES: &str = "application/offset+octet-stream";
/// `cat.png` and `a cat`.
const CAT: &str = "filename Y2F0LnBuZw==,filetype aW1hZ2UvcG5n,alt YSBjYXQ=";
/// `notes.txt`.
const NOTES: &str = "filename bm90ZXMudHh0";

stories![
    the_server_tells_what_it_speaks,
    three_pieces_and_a_broken_connection,
    an_upload_outlives_a_crash_and_a_stop,
    a_stop_in_the_middle_of_a_piece_keeps_what_came,
    wrong_offsets_and_headers,
    one_writer_at_a_time,
    more_than_allowed,
    checksums,
    an_interrupted_piece_with_a_checksum_does_not_count,
    nobody_else_sees_an_upload,
    an_upload_that_is_ended_leaves_nothing,
    open_uploads_are_not_swept,
    a_message_carries_the_file_once,
    a_socket_sends_a_message_with_the_file,
    a_refused_message_leaves_the_file_for_the_next,
    metadata_is_removed_as_by_the_other_door,
    the_first_bytes_with_the_beginning,
    methods_behind_post,
    too_many_at_once,
    the_end_of_an_account_ends_its_uploads,
];

fn tus(call: Call) -> Call {
    call.header("tus-resumable", "1.0.0")
}

fn begin(user: &User, size: usize, metadata: &str) -> Call {
    tus(user.post(UPLOADS))
        .header("upload-length", &size.to_string())
        .header("upload-metadata", metadata)
}

/// Begins an upload; its path.
pub(crate) async fn begun(user: &User, size: usize, metadata: &str) -> String {
    let answer = begin(user, size, metadata).await;
    answer.ok(201);
    answer.header("location").to_owned()
}

fn piece(user: &User, path: &str, at: usize, bytes: &[u8]) -> Call {
    tus(user.patch(path))
        .header("upload-offset", &at.to_string())
        .body(BYTES, bytes.to_vec())
}

async fn head(user: &User, path: &str) -> Answer {
    tus(user.call("HEAD", path)).await
}

/// How far an upload came, as the server says.
#[track_caller]
fn offset(answer: &Answer) -> usize {
    let text = answer.header("upload-offset");
    text.parse().unwrap_or_else(|_| panic!("{answer:?}"))
}

/// Sends all of a file at once; its id.
pub(crate) async fn upload(user: &User, metadata: &str, bytes: &[u8]) -> i64 {
    let path = begun(user, bytes.len(), metadata).await;
    file_of(&piece(user, &path, 0, bytes).await)
}

#[track_caller]
fn file_of(answer: &Answer) -> i64 {
    let text = answer.header("x-parlour-file");
    text.parse()
        .unwrap_or_else(|_| panic!("{answer:?} {}", answer.text()))
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("x-parlour-error"))
}

/// So many bytes of text, different everywhere.
fn words(count: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|n: u32| format!("line {n}\n").into_bytes());
    lines.take(count).collect()
}

/// Begins a piece on a connection of its own and sends less than it announces.
async fn half_a_piece(
    (server, user): (&Server, &User),
    path: &str,
    (at, announced): (usize, usize),
    (bytes, more): (&[u8], &str),
) -> crate::support::Raw {
    let mut raw = server.raw().await;
    let token = format!("Authorization: Token {}", user.token);
    let (at, length) = (
        format!("Upload-Offset: {at}"),
        format!("Content-Length: {announced}"),
    );
    let kind = format!("Content-Type: {BYTES}");
    let headers = [
        &token[..],
        "Tus-Resumable: 1.0.0",
        &kind,
        &at,
        &length,
        more,
    ];
    let headers: Vec<_> = headers
        .into_iter()
        .filter(|line| !line.is_empty())
        .collect();
    assert!(raw.head(&format!("PATCH {path}"), &headers).await);
    assert!(raw.write(bytes).await);
    raw
}

/// Waits until the server has so many bytes, or noticed that the writer went away.
async fn arrives(user: &User, path: &str, wanted: usize) {
    eventually("the bytes arrive", || async {
        offset(&head(user, path).await) == wanted
    })
    .await;
}

async fn the_server_tells_what_it_speaks(server: Server) {
    let ada = server.user("ada").await;
    for call in [
        server.call("OPTIONS", UPLOADS),
        ada.call("OPTIONS", &format!("{UPLOADS}x/")),
    ] {
        let told = call.await;
        told.is_empty();
        for (name, value) in [
            ("tus-resumable", "1.0.0"),
            ("tus-version", "1.0.0"),
            (
                "tus-extension",
                "creation,creation-with-upload,termination,expiration,checksum",
            ),
            ("tus-max-size", "26214400"),
            ("tus-checksum-algorithm", "sha1,sha256"),
        ] {
            assert_eq!(told.header(name), value, "{name}");
        }
    }
    let old = ada.post(UPLOADS).header("upload-length", "5");
    for call in [old.clone(), old.header("tus-resumable", "0.2.2")] {
        let answer = call.await;
        assert_eq!(code(&answer), (412, "wrong_version"));
        assert_eq!(answer.header("tus-version"), "1.0.0");
    }
    assert_eq!(tus(server.post(UPLOADS)).await.status, 401);
    assert_eq!(ada.get(UPLOADS).await.status, 405);
    let preflight = server
        .call("OPTIONS", UPLOADS)
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "PATCH");
    let preflight = preflight.await;
    let allowed = preflight.header("access-control-allow-headers");
    for name in [
        "tus-resumable",
        "upload-offset",
        "upload-length",
        "upload-metadata",
    ] {
        assert!(allowed.contains(name), "{name}: {allowed}");
    }
    let answer = begin(&ada, 5, NOTES)
        .header("origin", "https://elsewhere.example")
        .await;
    let exposed = answer.header("access-control-expose-headers");
    for name in [
        "location",
        "upload-offset",
        "upload-expires",
        "x-parlour-file",
    ] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
}

async fn three_pieces_and_a_broken_connection(server: Server) {
    let ada = server.user("ada").await;
    let whole = words(3_000_000);
    let begun = begin(&ada, whole.len(), NOTES).await;
    begun.ok(201);
    let path = begun.header("location").to_owned();
    assert!(path.starts_with(UPLOADS) && path.ends_with('/'), "{path}");
    assert!(begun.header("upload-expires").ends_with(" GMT"));
    let first = piece(&ada, &path, 0, &whole[..1_000_000]).await;
    first.is_empty();
    assert_eq!(
        (offset(&first), first.header("tus-resumable")),
        (1_000_000, "1.0.0")
    );
    // The second one breaks half way: what came of it stays.
    let raw = half_a_piece(
        (&server, &ada),
        &path,
        (1_000_000, 1_500_000),
        (&whole[1_000_000..1_700_000], ""),
    )
    .await;
    drop(raw);
    arrives(&ada, &path, 1_700_000).await;
    let seen = head(&ada, &path).await;
    assert_eq!(seen.status, 200);
    for (name, value) in [
        ("upload-length", "3000000"),
        ("upload-metadata", NOTES),
        ("cache-control", "no-store"),
        ("x-parlour-file", ""),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    let mut last = piece(&ada, &path, 1_700_000, &whole[1_700_000..]).await;
    while last.status == 423 {
        // The server may still be putting the broken one in order.
        tokio::time::sleep(Duration::from_millis(20)).await;
        last = piece(&ada, &path, 1_700_000, &whole[1_700_000..]).await;
    }
    last.is_empty();
    let file = file_of(&last);
    assert_eq!(file_of(&head(&ada, &path).await), file);
    // An answer that got lost may be asked for again.
    let again = piece(&ada, &path, whole.len(), b"").await;
    assert_eq!((again.status, file_of(&again)), (204, file));
    let room = ada.room("Tea").await;
    let body = json!({"room": room, "files": [file]});
    let sent = ada.post(MESSAGES).json(body).await.ok(201);
    let kept = &sent["files"][0];
    assert_eq!(
        (&kept["id"], &kept["name"], &kept["size"], &kept["type"]),
        (
            &json!(file),
            &json!("notes.txt"),
            &json!(3_000_000),
            &json!("text/plain")
        )
    );
    let got = ada.get(&path_of(&sent["file"])).await;
    assert!(
        got.status == 200 && got.body[..] == whole[..],
        "other bytes"
    );
}

async fn an_upload_outlives_a_crash_and_a_stop(mut server: Server) {
    let ada = server.user("ada").await;
    let whole = words(900_000);
    let path = begun(&ada, whole.len(), NOTES).await;
    piece(&ada, &path, 0, &whole[..300_000]).await.is_empty();
    server.kill().await;
    server.start_again().await;
    assert_eq!(offset(&head(&ada, &path).await), 300_000);
    let second = piece(&ada, &path, 300_000, &whole[300_000..600_000]).await;
    second.is_empty();
    server.terminate().await;
    server.start_again().await;
    assert_eq!(offset(&head(&ada, &path).await), 600_000);
    let last = piece(&ada, &path, 600_000, &whole[600_000..]).await;
    let file = file_of(&last);
    server.kill().await;
    server.start_again().await;
    assert_eq!(file_of(&head(&ada, &path).await), file);
    let room = ada.room("Tea").await;
    let body = json!({"room": room, "files": [file]});
    let sent = ada.post(MESSAGES).json(body).await.ok(201);
    let got = ada.get(&path_of(&sent["file"])).await;
    assert!(got.body[..] == whole[..], "other bytes");
}

async fn a_stop_in_the_middle_of_a_piece_keeps_what_came(engine: Engine) {
    let setup = engine.setup().env("PARLOUR_SHUTDOWN_TIMEOUT", "1s");
    let mut server = setup.start().await;
    let ada = server.user("ada").await;
    let whole = words(900_000);
    let path = begun(&ada, whole.len(), NOTES).await;
    piece(&ada, &path, 0, &whole[..300_000]).await.is_empty();
    for end in ["TERM", "KILL"] {
        let at = offset(&head(&ada, &path).await);
        let more = &whole[at..at + 290_000];
        let raw = half_a_piece((&server, &ada), &path, (at, whole.len() - at), (more, "")).await;
        // At least the first piece of it was written to the disk.
        eventually("some of it arrives", || async {
            offset(&head(&ada, &path).await) > at
        })
        .await;
        if end == "TERM" {
            server.terminate().await;
        } else {
            server.kill().await;
        }
        drop(raw);
        server.start_again().await;
        let now = offset(&head(&ada, &path).await);
        assert!(now > at && now <= at + 290_000, "{end}: {at} {now}");
    }
    let at = offset(&head(&ada, &path).await);
    let file = file_of(&piece(&ada, &path, at, &whole[at..]).await);
    let room = ada.room("Tea").await;
    let body = json!({"room": room, "files": [file]});
    let sent = ada.post(MESSAGES).json(body).await.ok(201);
    let got = ada.get(&path_of(&sent["file"])).await;
    assert!(got.body[..] == whole[..], "other bytes");
}

async fn wrong_offsets_and_headers(server: Server) {
    let ada = server.user("ada").await;
    let path = begun(&ada, 10, NOTES).await;
    piece(&ada, &path, 0, b"01234").await.is_empty();
    for at in [0, 4, 6, 10, 99] {
        let answer = piece(&ada, &path, at, b"x").await;
        assert_eq!(code(&answer), (409, "wrong_offset"), "{at}");
    }
    let bare = || tus(ada.patch(&path));
    for (call, expected) in [
        (bare().body(BYTES, "5"), (400, "malformed")),
        (
            bare().header("upload-offset", "-1").body(BYTES, "5"),
            (400, "malformed"),
        ),
        (
            bare().header("upload-offset", "5").body("text/plain", "5"),
            (415, "unsupported"),
        ),
        (bare().header("upload-offset", "5"), (415, "unsupported")),
    ] {
        assert_eq!(code(&call.await), expected);
    }
    assert_eq!(
        offset(&head(&ada, &path).await),
        5,
        "nothing of that was taken"
    );
    let post = || tus(ada.post(UPLOADS));
    for (call, expected) in [
        (post(), (400, "malformed")),
        (post().header("upload-length", "many"), (400, "malformed")),
        (
            post().header("upload-defer-length", "1"),
            (400, "malformed"),
        ),
        (begin(&ada, 5, "filename ???"), (400, "malformed")),
    ] {
        assert_eq!(code(&call.await), expected);
    }
    begin(&ada, 0, NOTES)
        .await
        .is_bad("file", "The submitted file is empty.");
    // 120 characters.
    let long = format!("filename {}", "YWJj".repeat(40));
    begin(&ada, 5, &long).await.is_bad(
        "file",
        "Ensure this filename has at most 100 characters (it has 120).",
    );
    for path in [
        "x",
        "../../../etc/passwd",
        "%2e%2e%2fsecret",
        "0123456789abcdef0123456789abcdef",
    ] {
        let path = format!("{UPLOADS}{path}/");
        assert_eq!(head(&ada, &path).await.status, 404, "{path}");
    }
}

/// A piece of 600,000 bytes of which half is on the way; the server has begun to take it.
async fn taken(server: &Server, user: &User) -> (String, crate::support::Raw) {
    let path = begun(user, 600_000, NOTES).await;
    let half = &words(300_000);
    let raw = half_a_piece((server, user), &path, (0, 600_000), (half, "")).await;
    eventually("the upload is taken", || async {
        offset(&head(user, &path).await) > 0
    })
    .await;
    (path, raw)
}

async fn one_writer_at_a_time(server: Server) {
    let ada = server.user("ada").await;
    let (path, mut raw) = taken(&server, &ada).await;
    let at = offset(&head(&ada, &path).await);
    for at in [0, at] {
        let second = piece(&ada, &path, at, b"x").await;
        assert_eq!(code(&second), (423, "upload_busy"));
    }
    assert_eq!(code(&tus(ada.delete(&path)).await), (423, "upload_busy"));
    // A stranger does not even learn that.
    let bob = server.user("bob").await;
    assert_eq!(piece(&bob, &path, 0, b"x").await.status, 404);
    assert!(raw.write(&words(600_000)[300_000..]).await);
    assert_eq!(raw.status(Duration::from_secs(20)).await, 204);
    file_of(&head(&ada, &path).await);
}

async fn more_than_allowed(engine: Engine) {
    let setup = engine.setup().env("MAX_UPLOAD_BYTES", "1000");
    let server = setup.env("USER_QUOTA_BYTES", "2500").start().await;
    let ada = server.user("ada").await;
    let told = server.call("OPTIONS", UPLOADS).await;
    assert_eq!(told.header("tus-max-size"), "1000");
    for size in ["1001", "99999999999999999999999999"] {
        let call = tus(ada.post(UPLOADS)).header("upload-length", size);
        assert_eq!(code(&call.await), (413, "file_too_large"), "{size}");
    }
    // More bytes than were announced: known by the length, or on the way.
    let path = begun(&ada, 500, NOTES).await;
    let answer = piece(&ada, &path, 0, &words(501)).await;
    assert_eq!(code(&answer), (413, "too_large"));
    assert_eq!(offset(&head(&ada, &path).await), 0);
    let mut raw = server.raw().await;
    let token = format!("Authorization: Token {}", ada.token);
    let kind = format!("Content-Type: {BYTES}");
    let headers = [
        &token[..],
        &kind,
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        "Transfer-Encoding: chunked",
    ];
    assert!(raw.head(&format!("PATCH {path}"), &headers).await);
    assert!(
        raw.write(format!("258\r\n{}\r\n0\r\n\r\n", "x".repeat(600)))
            .await
    );
    assert_eq!(raw.status(Duration::from_secs(20)).await, 413);
    // What is under way counts: 500 here, 1,000, and a file of 1,000.
    begun(&ada, 1_000, NOTES).await;
    assert_eq!(
        code(&begin(&ada, 1_001, NOTES).await),
        (413, "file_too_large")
    );
    let last = begun(&ada, 1_000, NOTES).await;
    file_of(&piece(&ada, &last, 0, &words(1_000)).await);
    assert_eq!(code(&begin(&ada, 1, NOTES).await), (413, "quota_exceeded"));
    tus(ada.delete(&path)).await.is_empty();
    begin(&ada, 1, NOTES).await.ok(201);
}

async fn checksums(server: Server) {
    let ada = server.user("ada").await;
    let path = begun(&ada, 22, NOTES).await;
    let world = b"hello world";
    let with =
        |at, checksum: &str| piece(&ada, &path, at, world).header("upload-checksum", checksum);
    for (checksum, expected) in [
        (
            "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            (460, "checksum_mismatch"),
        ),
        ("md5 XrY7u+Ae7tCTyyK7j1rNww==", (400, "unknown_checksum")),
        ("sha1 short", (400, "malformed")),
        ("sha1", (400, "malformed")),
    ] {
        assert_eq!(code(&with(0, checksum).await), expected, "{checksum}");
        assert_eq!(offset(&head(&ada, &path).await), 0, "{checksum}");
    }
    let first = with(0, "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").await;
    first.is_empty();
    let sha256 = "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=";
    let wrong = piece(&ada, &path, 11, b"hello World").header("upload-checksum", sha256);
    assert_eq!(code(&wrong.await), (460, "checksum_mismatch"));
    let file = file_of(&with(11, sha256).await);
    let room = ada.room("Tea").await;
    let body = json!({"room": room, "files": [file]});
    let sent = ada.post(MESSAGES).json(body).await.ok(201);
    let got = ada.get(&path_of(&sent["file"])).await;
    assert_eq!(got.text(), "hello worldhello world");
}

async fn an_interrupted_piece_with_a_checksum_does_not_count(mut server: Server) {
    let ada = server.user("ada").await;
    let whole = words(900_000);
    let path = begun(&ada, whole.len(), NOTES).await;
    let sum = "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";
    for crash in [false, true] {
        let part = (&whole[..600_000], sum);
        let raw = half_a_piece((&server, &ada), &path, (0, 800_000), part).await;
        let staged = server.setup.folder().join("media/.staging");
        eventually("some of it is on the disk", || async {
            on_disk(&staged).1 > 250_000
        })
        .await;
        assert_eq!(offset(&head(&ada, &path).await), 0);
        if crash {
            server.kill().await;
            server.start_again().await;
        }
        drop(raw);
        eventually("nobody writes any more", || async {
            piece(&ada, &path, 1, b"").await.status == 409
        })
        .await;
        let now = offset(&head(&ada, &path).await);
        assert_eq!(now, 0, "after a crash: {crash}");
    }
    let file = file_of(&piece(&ada, &path, 0, &whole).await);
    let room = ada.room("Tea").await;
    let body = json!({"room": room, "files": [file]});
    let sent = ada.post(MESSAGES).json(body).await.ok(201);
    let got = ada.get(&path_of(&sent["file"])).await;
    assert!(got.body[..] == whole[..], "other bytes");
}

async fn nobody_else_sees_an_upload(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let path = begun(&ada, 10, NOTES).await;
    assert_eq!(head(&bob, &path).await.status, 404);
    piece(&bob, &path, 0, b"0123456789")
        .await
        .is_detail(404, "Not found.");
    tus(bob.delete(&path)).await.is_detail(404, "Not found.");
    assert_eq!(tus(server.call("HEAD", &path)).await.status, 401);
    let file = file_of(&piece(&ada, &path, 0, b"0123456789").await);
    let room = bob.room("Den").await;
    let body = json!({"room": room, "files": [file]});
    let gone = "This file is not there any more. Upload it again.";
    bob.post(MESSAGES).json(body).await.is_bad("file", gone);
}

async fn an_upload_that_is_ended_leaves_nothing(server: Server) {
    let ada = server.user("ada").await;
    let media = server.setup.folder().join("media");
    let path = begun(&ada, 1_000, NOTES).await;
    piece(&ada, &path, 0, &words(400)).await.is_empty();
    assert_eq!(on_disk(&media), (1, 400));
    tus(ada.delete(&path)).await.is_empty();
    assert_eq!(on_disk(&media), (0, 0));
    assert_eq!(head(&ada, &path).await.status, 404);
    assert_eq!(tus(ada.delete(&path)).await.status, 404);
    assert_eq!(piece(&ada, &path, 400, b"x").await.status, 404);
    // A finished one goes as long as no message has it.
    let path = begun(&ada, 400, NOTES).await;
    let file = file_of(&piece(&ada, &path, 0, &words(400)).await);
    tus(ada.delete(&path)).await.is_empty();
    eventually("the file goes", || async { on_disk(&media) == (0, 0) }).await;
    let room = ada.room("Tea").await;
    let body = json!({"room": room, "files": [file]});
    assert_eq!(ada.post(MESSAGES).json(body).await.status, 400);
    let path = begun(&ada, 400, NOTES).await;
    let file = file_of(&piece(&ada, &path, 0, &words(400)).await);
    let body = json!({"room": room, "files": [file]});
    let sent = ada.post(MESSAGES).json(body).await.ok(201);
    tus(ada.delete(&path)).await.is_empty();
    let got = ada.get(&path_of(&sent["file"])).await;
    assert_eq!((got.status, got.body.len()), (200, 400));
}

async fn open_uploads_are_not_swept(mut server: Server) {
    let ada = server.user("ada").await;
    let staging = server.setup.folder().join("media/.staging");
    let path = begun(&ada, 1_000, NOTES).await;
    piece(&ada, &path, 0, &words(400)).await.is_empty();
    let nobodys = staging.join("0".repeat(32));
    std::fs::write(&nobodys, "half").expect("written");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for entry in std::fs::read_dir(&staging).expect("the folder") {
        let file = std::fs::File::options()
            .write(true)
            .open(entry.expect("an entry").path());
        let file = file.expect("opens");
        file.set_modified(long_ago).expect("becomes old");
    }
    // The sweeper's first round is at the start.
    server.terminate().await;
    server.start_again().await;
    eventually("what is nobody's is swept", || async { !nobodys.exists() }).await;
    assert_eq!(offset(&head(&ada, &path).await), 400);
    file_of(&piece(&ada, &path, 400, &words(600)).await);
}

async fn a_message_carries_the_file_once(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let file = upload(&ada, CAT, PNG).await;
    let body = json!({"room": room, "text": "look", "files": [file], "nonce": "n"});
    let sent = ada.post(MESSAGES).json(&body).await.ok(201);
    let kept = &sent["files"][0];
    for (key, value) in [
        ("name", json!("cat.png")),
        ("alt", json!("a cat")),
        ("type", json!("image/png")),
        ("width", json!(4)),
    ] {
        assert_eq!(kept[key], value, "{key}");
    }
    // A retry is the same message; another message does not get it, nor one message twice.
    let again = ada.post(MESSAGES).json(&body).await.ok(201);
    assert_eq!(id(&again), id(&sent));
    let gone = "This file is not there any more. Upload it again.";
    let other = upload(&ada, CAT, PNG).await;
    for files in [json!([file]), json!([other, other]), json!([999_999])] {
        let body = json!({"room": room, "text": "x", "files": files});
        ada.post(MESSAGES).json(body).await.is_bad("file", gone);
    }
    for files in [json!(["x"]), json!([{}]), json!(7.5)] {
        let body = json!({"room": room, "text": "x", "files": files});
        let answer = ada.post(MESSAGES).json(body).await;
        assert_eq!(answer.status, 400, "{files}");
    }
    // With another one, in the order given, also by a form.
    let third = upload(&ada, NOTES, b"some words").await;
    let ids = format!("{third},{other}");
    let fields = [("room", &room.to_string()[..]), ("files", &ids)];
    let sent = ada.post(MESSAGES).form(&fields).await.ok(201);
    let names = [&sent["files"][0]["name"], &sent["files"][1]["name"]];
    assert_eq!(names, [&json!("notes.txt"), &json!("cat.png")]);
}

async fn a_socket_sends_a_message_with_the_file(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let path = format!("/?token={}&v=2", ada.token);
    let mut socket = Socket::open_at(server.address(), &path, &[])
        .await
        .expect("opens");
    let file = upload(&ada, CAT, PNG).await;
    let send = json!({"type": "send", "room": room, "files": [file], "nonce": "n"});
    socket.send(send.clone()).await;
    let message = loop {
        let frame = socket.next().await;
        assert_ne!(frame["type"], "error", "{frame}");
        if frame["type"] == "message.created" {
            break frame["message"].clone();
        }
    };
    assert_eq!(message["files"][0]["id"], file);
    assert_eq!(message["file_type"], "image/png");
    for files in [json!([file]), json!("x"), json!([{}])] {
        let send = json!({"type": "send", "room": room, "text": "x", "files": files, "nonce": "m"});
        socket.send(send).await;
        let error = loop {
            let frame = socket.next().await;
            assert_ne!(frame["type"], "message.created", "{frame}");
            if frame["type"] == "error" {
                break frame;
            }
        };
        assert_eq!(
            (&error["code"], &error["nonce"]),
            (&json!("invalid"), &json!("m"))
        );
    }
}

async fn a_refused_message_leaves_the_file_for_the_next(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let file = upload(&ada, CAT, PNG).await;
    for refused in [
        json!({"room": 999, "files": [file]}),
        json!({"room": room, "files": [file], "reply_to": 999}),
        json!({"room": room, "files": [file, 999_999]}),
        json!({"room": room, "files": [file], "text": "x".repeat(10_001)}),
    ] {
        assert_eq!(
            ada.post(MESSAGES).json(&refused).await.status,
            400,
            "{refused}"
        );
    }
    let body = json!({"room": room, "files": [file]});
    ada.post(MESSAGES).json(body).await.ok(201);
}

async fn metadata_is_removed_as_by_the_other_door(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let noted = noted_png("Taken at home");
    let path = begun(&ada, noted.len(), CAT).await;
    let last = piece(&ada, &path, 0, &noted).await;
    let file = file_of(&last);
    assert_eq!(offset(&head(&ada, &path).await), noted.len());
    let body = json!({"room": room, "files": [file]});
    let sent = ada.post(MESSAGES).json(body).await.ok(201);
    let got = ada.get(&path_of(&sent["file"])).await;
    assert_eq!(&got.body[..], PNG, "only the picture is left");
    let fields = [("room", &room.to_string()[..])];
    let other = ada
        .post(MESSAGES)
        .file(&fields, "cat.png", &noted)
        .await
        .ok(201);
    assert_eq!(ada.get(&path_of(&other["file"])).await.body, got.body);
}

async fn the_first_bytes_with_the_beginning(server: Server) {
    let ada = server.user("ada").await;
    let whole = words(1_000);
    let answer = begin(&ada, 1_000, NOTES)
        .body(BYTES, whole[..400].to_vec())
        .await;
    answer.ok(201);
    assert_eq!(
        (offset(&answer), answer.header("x-parlour-file")),
        (400, "")
    );
    let path = answer.header("location").to_owned();
    file_of(&piece(&ada, &path, 400, &whole[400..]).await);
    let answer = begin(&ada, 1_000, NOTES).body(BYTES, whole.clone()).await;
    answer.ok(201);
    file_of(&answer);
    // What cannot be begun whole is not begun.
    let before = on_disk(&server.setup.folder().join("media"));
    let wrong = begin(&ada, 1_000, NOTES)
        .header("upload-checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .body(BYTES, whole.clone());
    assert_eq!(code(&wrong.await), (460, "checksum_mismatch"));
    let long = begin(&ada, 10, NOTES).body(BYTES, whole);
    assert_eq!(code(&long.await), (413, "too_large"));
    assert_eq!(on_disk(&server.setup.folder().join("media")), before);
}

async fn methods_behind_post(server: Server) {
    let ada = server.user("ada").await;
    let path = begun(&ada, 1_000, NOTES).await;
    let post = |method: &str| tus(ada.post(&path)).header("x-http-method-override", method);
    let patch = post("PATCH")
        .header("upload-offset", "0")
        .body(BYTES, words(400));
    patch.await.is_empty();
    let head = post("HEAD").await;
    assert_eq!((head.status, offset(&head)), (200, 400));
    assert_eq!(post("GET").await.status, 405);
    assert_eq!(tus(ada.post(&path)).await.status, 405);
    post("DELETE").await.is_empty();
    assert_eq!(post("HEAD").await.status, 404);
}

async fn too_many_at_once(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let mut paths = Vec::new();
    for _ in 0..100 {
        paths.push(begun(&ada, 10, NOTES).await);
    }
    let answer = begin(&ada, 10, NOTES).await;
    assert_eq!(code(&answer), (429, "too_many_uploads"));
    assert_eq!(answer.header("retry-after"), "60");
    begun(&bob, 10, NOTES).await;
    file_of(&piece(&ada, &paths[0], 0, &words(10)).await);
    begun(&ada, 10, NOTES).await;
    assert_eq!(begin(&ada, 10, NOTES).await.status, 429);
    tus(ada.delete(&paths[1])).await.is_empty();
    begun(&ada, 10, NOTES).await;
}

async fn the_end_of_an_account_ends_its_uploads(server: Server) {
    let ada = server.user("ada").await;
    let (_, mut raw) = taken(&server, &ada).await;
    let me = crate::support::people::user_path(ada.id);
    assert_eq!(ada.delete(&me).await.status, 204);
    assert!(raw.write(&words(600_000)[300_000..]).await);
    let status = raw.status(Duration::from_secs(20)).await;
    assert!(matches!(status, 401 | 404), "{status}");
    let kept = server.setup.folder().join("media/text");
    eventually("nothing is kept", || async { on_disk(&kept).0 == 0 }).await;
}
