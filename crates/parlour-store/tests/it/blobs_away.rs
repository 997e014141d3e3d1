//! The storage refuses, is silent, stops in the middle, or is not what was said.

use crate::blobs_bench::{Shelf, bytes, key, server};
use parlour_core::Kind;
use parlour_store::blobs::open_blobs;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A server that answers every request with these bytes and hangs up; with none it never answers.
async fn stub(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut next = answers.into_iter();
        let mut held: Vec<TcpStream> = Vec::new();
        while let Ok((mut wire, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = wire.read(&mut head).await;
            match next.next() {
                Some(answer) => {
                    let _ = wire.write_all(answer.as_bytes()).await;
                }
                None => held.push(wire),
            }
        }
    });
    url
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_are_said() {
    let refusal = answer(
        "403 Forbidden",
        "<Error><Code>SignatureDoesNotMatch</Code></Error>",
    );
    let url = stub(vec![refusal; 20]).await;
    let shelf = Shelf::at(&url, "den").await;
    let error = shelf.blobs.probe().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    let said = format!("{error:?}");
    assert!(
        said.contains("refuses these credentials for the bucket den"),
        "{said}"
    );
    let staged = shelf.staged(b"x").await;
    let error = shelf
        .blobs
        .keep(&key(), staged, "text/plain")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(shelf.leftovers(), Vec::<String>::new());
    assert!(
        shelf.blobs.size(&key()).await.is_err(),
        "refused is not the same as gone"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_bucket_is_said() {
    let Some(url) = server() else { return };
    let shelf = Shelf::at(&url, "no-such-bucket-here").await;
    for error in [
        shelf.blobs.probe().await.unwrap_err(),
        shelf
            .blobs
            .keep(&key(), shelf.staged(b"x").await, "text/plain")
            .await
            .unwrap_err(),
        shelf.blobs.list(None, 9).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Unavailable);
        let said = format!("{error:?}");
        assert!(said.contains("no bucket no-such-bucket-here"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_or_absent_storage_is_unavailable_within_seconds() {
    let silent = stub(Vec::new()).await;
    for url in [silent.as_str(), "http://127.0.0.1:9"] {
        let shelf = Shelf::at(url, "den").await;
        let begun = Instant::now();
        let key = key();
        let (size, read, delete, list) = tokio::join!(
            shelf.blobs.size(&key),
            shelf.read(&key, 0..9),
            shelf.blobs.delete(&key),
            shelf.blobs.list(None, 9),
        );
        for error in [
            size.unwrap_err(),
            read.unwrap_err(),
            delete.unwrap_err(),
            list.unwrap_err(),
        ] {
            assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
            assert!(error.retry_hint().is_some());
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_ends_in_the_middle_of_a_file_is_an_error() {
    let half = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 9000\r\nContent-Range: bytes 0-8999/9000\r\n\
         ETag: \"x\"\r\nLast-Modified: Fri, 20 Nov 2026 10:00:00 GMT\r\n\r\n{}",
        "x".repeat(4000)
    );
    let gone = answer("500 Internal Server Error", "");
    let url = stub([vec![half], vec![gone; 20]].concat()).await;
    let shelf = Shelf::at(&url, "den").await;
    let error = shelf.read(&key(), 0..9000).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_ends_in_the_middle_of_an_upload_leaves_nothing() {
    let begun =
        "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
    let gone = answer("500 Internal Server Error", "");
    let url = stub([vec![answer("200 OK", begun)], vec![gone; 40]].concat()).await;
    let shelf = Shelf::at(&url, "den").await;
    let staged = shelf.staged(&bytes(9 << 20)).await;
    let error = shelf
        .blobs
        .keep(&key(), staged, "video/mp4")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(shelf.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_opened_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let blocked = format!("file://{}/file/blobs", folder.path().display());
    for (url, said) in [
        ("ftp://x", "begins with file:// or s3://"),
        ("file://", "begins with file:// or s3://"),
        (blocked.as_str(), "cannot be used"),
    ] {
        let error = open_blobs(url, folder.path(), || {}).await.err().unwrap();
        assert!(error.text().contains(said), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_file_that_got_shorter_or_cannot_be_put_in_its_place_is_an_error() {
    let shelf = Shelf::disk().await;
    let kept = shelf.keep(&bytes(2000)).await;
    assert_eq!(
        shelf.read(&kept, 0..3000).await.unwrap_err().kind(),
        Kind::Unavailable
    );
    // A folder where the file should go: the rename fails, and nothing of the file is left.
    let taken = key();
    std::fs::create_dir(shelf.folder.path().join("blobs").join(taken.as_str())).unwrap();
    let staged = shelf.staged(b"x").await;
    assert!(shelf.blobs.keep(&taken, staged, "image/png").await.is_err());
    assert_eq!(shelf.leftovers(), Vec::<String>::new());
}
