//! Files are shown to ClamAV before they are kept (`CLAMD_URL`).

use crate::support::{
    Engine, MESSAGES, Server, User,
    clamd::{Daemon, Manner, eicar, pretend},
    eventually, json,
    media::{on_disk, send_file, try_file},
    people::path_of,
    stories,
};
use std::{
    io::Write as _,
    time::{Duration, Instant},
};

stories![
    a_harmful_file_is_refused_at_every_door,
    no_verdict_no_file,
    a_daemon_that_hangs_is_not_waited_for,
    the_real_daemon,
];

async fn start(engine: Engine, url: &str) -> (Server, User, i64) {
    let server = engine.setup().env("CLAMD_URL", url).start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    (server, ada, room)
}

fn kept(server: &Server) -> (usize, u64) {
    on_disk(&server.setup.folder().join("media"))
}

/// Refused by multipart and by tus, and nothing is left of it.
async fn refused_everywhere(server: &Server, ada: &User, room: i64, bytes: &[u8]) {
    let text = "This file was refused: it contains something harmful.";
    let before = kept(server);
    let answer = try_file(ada, room, "letter.txt", bytes).await;
    answer.is_bad("error", text);
    assert_eq!(answer.header("x-parlour-error"), "file_infected");
    let path = crate::files_tus::begun(ada, bytes.len(), "filename bm90ZXMudHh0").await;
    let last = ada
        .patch(&path)
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", "0")
        .body("application/offset+octet-stream", bytes.to_vec())
        .await;
    last.is_bad("error", text);
    let head = ada.call("HEAD", &path).header("tus-resumable", "1.0.0");
    assert_eq!(head.await.status, 404, "the upload is gone");
    eventually("nothing is left", || async { kept(server) == before }).await;
    let said = ada.get(&format!("{MESSAGES}?room={room}")).await.rows();
    assert!(
        said.iter()
            .all(|message| message["files"][0]["name"] != "letter.txt")
    );
}

async fn a_harmful_file_is_refused_at_every_door(engine: Engine) {
    let daemon = pretend(Manner::Finds("bad words")).await;
    let (server, ada, room) = start(engine, &daemon.url).await;
    let good = "good words ".repeat(100_000);
    let sent = send_file(&ada, room, "a.txt", good.as_bytes()).await;
    let got = ada.get(&path_of(&sent["file"])).await;
    assert!(got.body == good, "other bytes");
    let bad = format!("{good} bad words {good}");
    refused_everywhere(&server, &ada, room, bad.as_bytes()).await;
    // The daemon saw all of each file, as it came.
    let seen = daemon.seen();
    assert_eq!(seen, [good.len(), bad.len(), bad.len()]);
}

async fn no_verdict_no_file(engine: Engine) {
    let daemon = pretend(Manner::Says("INSTREAM size limit exceeded. ERROR\0")).await;
    let away = "tcp://127.0.0.1:1".to_owned();
    let nowhere = "unix:/nowhere/clamd.sock".to_owned();
    for url in [daemon.url.clone(), away, nowhere] {
        let (server, ada, room) = start(engine, &url).await;
        let before = kept(&server);
        let answer = try_file(&ada, room, "a.txt", b"words").await;
        assert_eq!(answer.status, 503, "{url}: {}", answer.text());
        assert_eq!(answer.header("x-parlour-error"), "unavailable");
        assert!(!answer.header("retry-after").is_empty());
        assert_eq!(kept(&server), before, "{url}");
        ada.say(room, "texts go on").await;
        // An upload in pieces waits for better times.
        let path = crate::files_tus::begun(&ada, 5, "filename bm90ZXMudHh0").await;
        let last = ada
            .patch(&path)
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", "0")
            .body("application/offset+octet-stream", "words");
        assert_eq!(last.await.status, 503, "{url}");
        let head = ada
            .call("HEAD", &path)
            .header("tus-resumable", "1.0.0")
            .await;
        assert_eq!(
            (head.status, head.header("upload-offset")),
            (200, "5"),
            "{url}"
        );
    }
}

async fn a_daemon_that_hangs_is_not_waited_for(engine: Engine) {
    let daemon = pretend(Manner::Hangs).await;
    let (server, ada, room) = start(engine, &daemon.url).await;
    let before = kept(&server);
    let since = Instant::now();
    let answer = try_file(&ada, room, "a.txt", b"words").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(since.elapsed() < Duration::from_secs(40), "bounded");
    assert_eq!(kept(&server), before);
}

async fn the_real_daemon(engine: Engine) {
    let Some(mut daemon) = Daemon::start().await else {
        // Debian: `clamav-daemon`.
        writeln!(std::io::stderr(), "clamd is not installed: left out").expect("said");
        return;
    };
    let (server, ada, room) = start(engine, &daemon.url).await;
    let doctor = || {
        let output = server.setup.command(&["doctor"], "");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let report = doctor();
    assert!(report.contains("ok    scanner    ClamAV "), "{report}");
    refused_everywhere(&server, &ada, room, &eicar()).await;
    let large = "good words ".repeat(300_000);
    let sent = send_file(&ada, room, "a.txt", large.as_bytes()).await;
    let file = crate::files_tus::upload(&ada, "filename bm90ZXMudHh0", b"more words").await;
    let body = json!({"room": room, "files": [file]});
    ada.post(MESSAGES).json(body).await.ok(201);
    let got = ada.get(&path_of(&sent["file"])).await;
    assert!(got.body == large, "other bytes");
    daemon.stop();
    assert_eq!(try_file(&ada, room, "b.txt", b"words").await.status, 503);
    let report = doctor();
    assert!(report.contains("fail  scanner    "), "{report}");
}
