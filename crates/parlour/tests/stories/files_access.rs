//! Who gets a file, and how it is served (contract 5, 7d).

use crate::support::{
    Server, User, json,
    media::{PNG, send_file},
    people::{id, message_path, path_of},
    stories,
};
use parlour_core::Time;

stories![
    only_who_reads_the_room_gets_the_file,
    a_signature_is_for_one_account_and_one_file,
    ranges_heads_and_tags,
    what_a_browser_may_do_with_a_file,
    names_of_any_script,
    thumbnails_have_the_rights_of_their_file,
];

async fn status(user: &User, path: &str) -> u16 {
    user.get(path).await.status
}

async fn only_who_reads_the_room_gets_the_file(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.private_room("Tea").await;
    ada.invite(room, &bob).await;
    let sent = send_file(&ada, room, "a.txt", b"text").await;
    let path = path_of(&sent["file"]);
    assert_eq!(status(&bob, &path).await, 404, "invited only");
    bob.join(room).await;
    assert_eq!(status(&bob, &path).await, 200);
    let signed = bob.get(&message_path(id(&sent))).await.ok(200)["file"].clone();
    let signed = signed.as_str().expect("an address").to_owned();
    let signed = &signed[signed.find("/media/").expect("a path")..];
    assert_eq!(server.get(signed).await.status, 200);
    bob.leave(room).await;
    assert_eq!(status(&bob, &path).await, 404, "left");
    assert_eq!(
        server.get(signed).await.status,
        404,
        "the right is looked at at use"
    );
    assert_eq!(status(&ada, &path).await, 200);
    assert_eq!(server.get(&path).await.status, 404, "anonymous");
    let bad = server.get(&path).token("nonsense").await;
    assert_eq!(bad.status, 404);
    ada.delete(&message_path(id(&sent))).await.is_empty();
    assert_eq!(status(&ada, &path).await, 404, "deleted");
    for no_file in [
        "/media/",
        "/media/image/",
        "/media/image/x.png",
        "/media/../parlour.db",
        "/media/image/%2e%2e",
        "/media/.staging/x",
        "/media/image/..%2f..%2fparlour.db",
    ] {
        assert_eq!(status(&ada, no_file).await, 404, "{no_file}");
    }
}

async fn a_signature_is_for_one_account_and_one_file(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let one = send_file(&ada, room, "1.txt", b"one").await;
    let two = send_file(&ada, room, "2.txt", b"two").await;
    let address = one["file"].as_str().expect("an address");
    let sig = address.split("?sig=").nth(1).expect("a signature");
    let (path, other) = (path_of(&one["file"]), path_of(&two["file"]));
    let get = async |path: &str, sig: &str| server.get(&format!("{path}?sig={sig}")).await.status;
    assert_eq!(get(&path, sig).await, 200);
    assert_eq!(get(&other, sig).await, 404, "of another file");
    let parts: Vec<&str> = sig.split('.').collect();
    let until: i64 = parts[1].parse().expect("an end");
    let now = Time::now().as_micros() / 1_000_000;
    assert!((0..=600).contains(&(until - now)), "ten minutes at most");
    for forged in [
        format!("{}.{}.{}", parts[0], until + 1, parts[2]),
        format!("{}.{until}.{}", ada.id + 1, parts[2]),
        format!("{}.{until}.", parts[0]),
        format!("{}.{until}.{}x", parts[0], parts[2]),
        "x".to_owned(),
    ] {
        assert_eq!(get(&path, &forged).await, 404, "{forged}");
    }
    server.command(&["user", "deactivate", "ada"]);
    assert_eq!(get(&path, sig).await, 404, "of a suspended account");
}

async fn ranges_heads_and_tags(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let content: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8 | 1).collect();
    let sent = send_file(&ada, room, "a.bin", &content).await;
    let path = path_of(&sent["file"]);
    let whole = ada.get(&path).await;
    assert_eq!((whole.status, &whole.body[..]), (200, &content[..]));
    assert_eq!(whole.header("content-length"), "300000");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert!(whole.header("cache-control").starts_with("private"));
    let tag = whole.header("etag").to_owned();
    let head = ada.call("HEAD", &path).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "300000");
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=299990-", 299_990, 300_000),
        ("bytes=-5", 299_995, 300_000),
        ("bytes=1000-262999", 1_000, 263_000),
    ] {
        let part = ada.get(&path).header("range", range).await;
        assert_eq!(
            (part.status, &part.body[..]),
            (206, &content[from..to]),
            "{range}"
        );
        let told = format!("bytes {from}-{}/300000", to - 1);
        assert_eq!(part.header("content-range"), told);
    }
    let beyond = ada.get(&path).header("range", "bytes=300000-").await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, "bytes */300000")
    );
    let known = ada.get(&path).header("if-none-match", &tag).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(known.header("etag"), tag);
    let changed = ada
        .get(&path)
        .header("range", "bytes=0-0")
        .header("if-range", "\"x\"")
        .await;
    assert_eq!(changed.status, 200);
    let same = ada
        .get(&path)
        .header("range", "bytes=0-0")
        .header("if-range", &tag)
        .await;
    assert_eq!(same.status, 206);
    assert_eq!(ada.post(&path).await.status, 405);
}

async fn what_a_browser_may_do_with_a_file(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let cases: [(&str, &[u8], &str); 5] = [
        ("a.png", PNG, "inline"),
        ("a.txt", b"text", "inline"),
        ("a.svg", svg, "attachment"),
        (
            "a.html",
            b"<!DOCTYPE html><html><script>alert(1)</script>",
            "attachment",
        ),
        (
            "a.pdf",
            b"%PDF-1.7 <html><script>alert(1)</script>",
            "attachment",
        ),
    ];
    for (name, content, word) in cases {
        let sent = send_file(&ada, room, name, content).await;
        let got = ada.get(&path_of(&sent["file"])).await;
        assert_eq!(got.status, 200);
        let disposition = got.header("content-disposition");
        assert!(disposition.starts_with(word), "{name}: {disposition}");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert!(
            got.header("content-security-policy")
                .starts_with("sandbox;"),
            "{name}"
        );
        assert_eq!(
            sent["files"][0]["kind"] == "other",
            word == "attachment",
            "{name}"
        );
    }
}

async fn names_of_any_script(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "고양이 1.txt", b"text").await;
    assert_eq!(sent["files"][0]["name"], "고양이 1.txt");
    let got = ada.get(&path_of(&sent["file"])).await;
    let told =
        "inline; filename=\"___ 1.txt\"; filename*=UTF-8''%EA%B3%A0%EC%96%91%EC%9D%B4%201.txt";
    assert_eq!(got.header("content-disposition"), told);
    let long = "x".repeat(124);
    let refused = crate::support::media::try_file(&ada, room, &long, b"text").await;
    refused.is_bad(
        "file",
        "Ensure this filename has at most 100 characters (it has 124).",
    );
    for given in ["../../x.txt", "..\\..\\x.txt", "C:\\a\\x.txt", "/etc/x.txt"] {
        let sent = send_file(&ada, room, given, b"text").await;
        let name = sent["files"][0]["name"].as_str().expect("a name");
        assert!(
            name.ends_with("x.txt") && !name.contains(['/', '\\']),
            "{given}: {name}"
        );
        assert!(path_of(&sent["file"]).len() < 200);
    }
    assert_eq!(sent["files"][0]["alt"], json!(""));
}

async fn thumbnails_have_the_rights_of_their_file(server: Server) {
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "big.png", &crate::support::media::large_png()).await;
    let thumbs = sent["files"][0]["thumbs"].as_array().expect("thumbs");
    assert!(!thumbs.is_empty(), "{sent}");
    for thumb in thumbs {
        let path = path_of(&thumb["url"]);
        assert!(path.starts_with("/media/thumb/"));
        let got = ada.get(&path).await;
        assert_eq!(got.status, 200);
        assert!(got.header("content-type").starts_with("image/"));
        assert_eq!(got.header("content-length"), got.body.len().to_string());
        assert_eq!(status(&eve, &path).await, 404);
        let address = thumb["url"].as_str().expect("an address");
        let signed = &address[address.find("/media/").expect("a path")..];
        assert_eq!(server.get(signed).await.status, 200);
    }
}
