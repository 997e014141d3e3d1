//! Files in a bucket: the whole server on a storage that speaks S3, also when that is away or slow.

use crate::support::{
    Engine, Server, eventually,
    media::{large_png, on_disk, send_file, try_file},
    people::{id, message_path, path_of},
    proxy::{Mode, Proxy},
    s3::Bucket,
    stories,
};
use std::time::{Duration, Instant};

stories![
    a_file_lives_and_dies_in_the_bucket,
    large_files_go_in_parts,
    a_storage_that_is_down_loses_nothing,
    a_storage_that_only_servers_reach,
];

/// A server whose storage can be cut off.
async fn behind_proxy(engine: Engine) -> Option<(Server, Proxy, Bucket)> {
    let bucket = Bucket::make().await?;
    let proxy = Proxy::start().await;
    proxy.stand_before(bucket.address);
    let server = bucket.setup(engine, proxy.address).start().await;
    Some((server, proxy, bucket))
}

mod slow {
    use super::*;

    stories![sqlite only: a_storage_that_is_silent_is_not_waited_for];

    async fn a_storage_that_is_silent_is_not_waited_for(engine: Engine) {
        let Some((server, proxy, _)) = behind_proxy(engine).await else {
            return;
        };
        let ada = server.user("ada").await;
        let room = ada.room("Tea").await;
        let sent = send_file(&ada, room, "a.txt", b"text").await;
        proxy.set(Mode::Swallow);
        let start = Instant::now();
        let uploading = try_file(&ada, room, "b.txt", b"more");
        let talking = async {
            for number in 0..50 {
                ada.say(room, &format!("message {number}")).await;
            }
            let talked = start.elapsed();
            assert!(
                talked < Duration::from_secs(20),
                "messages wait: {talked:?}"
            );
        };
        let (refused, ()) = tokio::join!(uploading, talking);
        assert_eq!(refused.status, 503, "{}", refused.text());
        // The guide promises 30 seconds for a part of a file.
        assert!(
            start.elapsed() < Duration::from_secs(45),
            "{:?}",
            start.elapsed()
        );
        assert_eq!(on_disk(&server.setup.folder().join("staging")).0, 0);
        proxy.set(Mode::Pass);
        assert_eq!(ada.get(&path_of(&sent["file"])).await.status, 302);
        send_file(&ada, room, "c.txt", b"again").await;
    }
}

async fn a_file_lives_and_dies_in_the_bucket(engine: Engine) {
    let Some(bucket) = Bucket::make().await else {
        return;
    };
    let server = bucket.setup(engine, bucket.address).start().await;
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "my cat.png", &large_png()).await;
    let path = path_of(&sent["file"]);
    let object = bucket.object(&path).await;
    assert_eq!(object.status, 200);
    let thumbs = sent["files"][0]["thumbs"].as_array().expect("thumbs").len();
    assert!(thumbs > 0, "{sent}");
    assert_eq!(bucket.count().await, 1 + thumbs);
    assert_eq!(on_disk(&server.setup.folder().join("staging")).0, 0);

    // Who has no right is not sent anywhere.
    assert_eq!(eve.get(&path).await.status, 404);
    assert_eq!(server.get(&path).await.status, 404);
    let sent_on = ada.get(&path).await;
    assert_eq!((sent_on.status, sent_on.body.len()), (302, 0));
    assert!(sent_on.header("cache-control").contains("no-store"));
    let address = sent_on.header("location").to_owned();
    let expires = address.split("X-Amz-Expires=").nth(1).expect("an end");
    let seconds: u32 = expires
        .split('&')
        .next()
        .unwrap_or("")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&seconds), "{address}");
    assert!(address.contains("X-Amz-Signature="), "{address}");
    let got = bucket.follow(&address, &[]).await;
    assert_eq!((got.status, &got.body), (200, &object.body));
    assert_eq!(got.header("content-type"), "image/png");
    assert!(
        got.header("content-disposition").starts_with("inline"),
        "{:?}",
        got.headers
    );
    let part = bucket.follow(&address, &[("range", "bytes=10-19")]).await;
    assert_eq!((part.status, &part.body[..]), (206, &object.body[10..20]));

    let thumb = path_of(&sent["files"][0]["thumbs"][0]["url"]);
    assert_eq!(ada.get(&thumb).await.status, 302);
    assert_eq!(bucket.object(&thumb).await.status, 200);
    ada.delete(&message_path(id(&sent))).await.is_empty();
    assert_eq!(ada.get(&path).await.status, 404);
    let start = Instant::now();
    eventually("the objects are gone", async || bucket.count().await == 0).await;
    assert!(start.elapsed().as_secs() < 5, "contract 7d: within 5 s");
    assert_eq!(bucket.object(&path).await.status, 404);
}

/// The session's cookie is answered by Parlour itself, with ranges.
async fn large_files_go_in_parts(engine: Engine) {
    let Some(bucket) = Bucket::make().await else {
        return;
    };
    let server = bucket.setup(engine, bucket.address).start().await;
    let browser = server.browser();
    browser.register("ada", "ada@example.org").await;
    browser.log_in("ada@example.org").await;
    let made = browser.fill("/chat/create/", &[("title", "Tea")]).await;
    let room = made.header("location").to_owned();
    let token = crate::support::browser::token(&browser.get(&room).await);
    // Parts are of 8 MiB: two, and a bit.
    let content: Vec<u8> = (0..17_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 1)
        .collect();
    let fields = [("csrfmiddlewaretoken", token.as_str()), ("text", "")];
    let files: [(&str, &str, &[u8]); 1] = [("files", "a.bin", &content)];
    let call = browser
        .call("POST", &format!("{room}send/"))
        .files(&fields, &files);
    assert_eq!(browser.send(call).await.status, 303);
    let html = browser.get(&room).await.text();
    let from = html.find("/media/application/").expect("the file's path");
    let path = html[from..]
        .split(['"', '?'])
        .next()
        .expect("its end")
        .to_owned();
    let object = bucket.object(&path).await;
    assert!(object.status == 200 && object.body == content);
    let whole = browser.get(&path).await;
    assert!(whole.status == 200 && whole.body == content);
    assert_eq!(whole.header("content-length"), "17000000");
    let call = browser
        .call("GET", &path)
        .header("range", "bytes=8388600-8388620");
    let part = browser.send(call).await;
    assert_eq!(
        (part.status, &part.body[..]),
        (206, &content[8_388_600..=8_388_620])
    );
}

/// With `BLOBS_DIRECT=off` nobody is sent anywhere.
async fn a_storage_that_only_servers_reach(engine: Engine) {
    let Some(bucket) = Bucket::make().await else {
        return;
    };
    let setup = bucket.setup(engine, bucket.address);
    let server = setup.env("BLOBS_DIRECT", "off").start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let sent = send_file(&ada, room, "a.txt", b"through the server").await;
    let path = path_of(&sent["file"]);
    assert_eq!(bucket.object(&path).await.status, 200);
    let got = ada.get(&path).await;
    assert_eq!(
        (got.status, &got.body[..]),
        (200, &b"through the server"[..])
    );
    let part = ada.get(&path).header("range", "bytes=8-10").await;
    assert_eq!((part.status, &part.body[..]), (206, &b"the"[..]));
}

async fn a_storage_that_is_down_loses_nothing(engine: Engine) {
    let Some((server, proxy, bucket)) = behind_proxy(engine).await else {
        return;
    };
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let kept = send_file(&ada, room, "kept.txt", b"kept").await;
    let deleted = send_file(&ada, room, "deleted.txt", b"deleted").await;
    proxy.set(Mode::Cut);
    let start = Instant::now();
    let refused = try_file(&ada, room, "new.txt", b"new").await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    assert!(!refused.json()["detail"].as_str().unwrap_or("").is_empty());
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(on_disk(&server.setup.folder().join("staging")).0, 0);
    ada.say(room, "text can still be sent").await;
    assert!(server.is_well().await, "messages can be stored");
    ada.delete(&message_path(id(&deleted))).await.is_empty();
    assert_eq!(ada.get(&path_of(&deleted["file"])).await.status, 404);
    proxy.set(Mode::Pass);
    let sent_on = ada.get(&path_of(&kept["file"])).await;
    assert_eq!(sent_on.status, 302);
    let got = bucket.object(&path_of(&kept["file"])).await;
    assert_eq!(&got.body[..], b"kept");
    let new = send_file(&ada, room, "new.txt", b"new").await;
    assert_eq!(
        &bucket.object(&path_of(&new["file"])).await.body[..],
        b"new"
    );
    // The job tries again after a pause that grew while the storage was away.
    let path = path_of(&deleted["file"]);
    let limit = Instant::now() + Duration::from_secs(30);
    while bucket.object(&path).await.status != 404 {
        assert!(Instant::now() < limit, "the deleted file's object stays");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(bucket.count().await, 2, "nothing else is left");
}
