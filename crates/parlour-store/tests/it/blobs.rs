//! What `parlour_core::ports::Blobs` promises, on a disk and on S3.

use crate::blobs_bench::{Shelf, ask, bytes, key};
use parlour_core::ports::BlobKey;
use std::time::Duration;

on_each_storage!(
    what_is_kept_is_read_again,
    large_files_are_whole,
    what_is_gone_is_none,
    lists_are_in_order_and_go_on,
    staged_files_come_back_or_go,
    a_staged_file_has_a_size_until_it_is_removed,
    what_others_may_go_on_with_stays_until_it_is_removed,
    old_leftovers_are_swept,
    many_at_once,
    addresses_of_the_storage_itself,
);

async fn what_is_kept_is_read_again(shelf: &Shelf) {
    shelf.blobs.probe().await.unwrap();
    assert!(shelf.blobs.free().await.unwrap().unwrap() > 0);
    for length in [0, 1, 4096, 300_001, 2_500_000] {
        let whole = bytes(length);
        let key = shelf.keep(&whole).await;
        let end = length as u64;
        assert_eq!(shelf.blobs.size(&key).await.unwrap(), Some(end));
        assert!(shelf.read(&key, 0..end).await.unwrap().unwrap() == whole);
        assert_eq!(shelf.read(&key, 0..0).await.unwrap().unwrap(), b"");
        let (from, to) = (length / 3, length - length / 4);
        let part = shelf
            .read(&key, from as u64..to as u64)
            .await
            .unwrap()
            .unwrap();
        assert!(part == whole[from..to]);
    }
    assert_eq!(shelf.leftovers(), Vec::<String>::new());
}

async fn large_files_are_whole(shelf: &Shelf) {
    // Parts of S3 are of 8 MiB: exactly two of them, and two and a bit.
    for length in [16 << 20, (16 << 20) + 12_345] {
        let whole = bytes(length);
        let key = shelf.keep(&whole).await;
        assert_eq!(shelf.blobs.size(&key).await.unwrap(), Some(length as u64));
        assert!(shelf.read(&key, 0..length as u64).await.unwrap().unwrap() == whole);
    }
}

async fn what_is_gone_is_none(shelf: &Shelf) {
    let key = shelf.keep(b"something").await;
    for _ in 0..2 {
        shelf.blobs.delete(&key).await.unwrap();
        assert_eq!(shelf.blobs.size(&key).await.unwrap(), None);
        assert_eq!(shelf.read(&key, 0..9).await.unwrap(), None);
        assert_eq!(shelf.read(&key, 0..0).await.unwrap(), None);
    }
    assert!(shelf.blobs.list(None, 9).await.unwrap().is_empty());
}

async fn lists_are_in_order_and_go_on(shelf: &Shelf) {
    let mut keys: Vec<BlobKey> = Vec::new();
    for (index, mime) in ["image/png", "video/mp4", "application/pdf", "image/gif"]
        .iter()
        .cycle()
        .take(11)
        .enumerate()
    {
        let mut random = [0; 16];
        random[0] = (index * 53 % 256) as u8;
        let key = BlobKey::new(mime, random, ".x");
        let staged = shelf.staged(&bytes(index)).await;
        shelf.blobs.keep(&key, staged, mime).await.unwrap();
        keys.push(key);
    }
    let thumb = keys[0].thumb(360, "jpg");
    shelf
        .blobs
        .keep(&thumb, shelf.staged(b"small").await, "image/jpeg")
        .await
        .unwrap();
    keys.push(thumb);
    let sizes: Vec<_> = (0..11).chain([5]).collect();
    let mut expected: Vec<_> = keys.into_iter().zip(sizes).collect();
    expected.sort();
    let all = shelf.blobs.list(None, 100).await.unwrap();
    let seen: Vec<_> = all
        .iter()
        .map(|entry| (entry.key.clone(), entry.size as usize))
        .collect();
    assert_eq!(seen, expected);
    assert!(all.iter().all(|entry| entry.age < Duration::from_secs(600)));
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = shelf.blobs.list(after.as_ref(), 5).await.unwrap();
        assert!(page.len() <= 5);
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        paged.extend(page.into_iter().map(|entry| entry.key));
    }
    assert_eq!(
        paged,
        expected.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    );
}

async fn staged_files_come_back_or_go(shelf: &Shelf) {
    let mut staged = shelf.blobs.stage().await.unwrap();
    staged.append(b"one ").await.unwrap();
    let name = staged.leave().await.unwrap();
    assert_eq!(shelf.leftovers(), std::slice::from_ref(&name));
    let mut again = shelf.blobs.restage(&name).await.unwrap().unwrap();
    again.append(b"two").await.unwrap();
    let key = key();
    // Bytes that nobody finished are kept all the same.
    shelf.blobs.keep(&key, again, "text/plain").await.unwrap();
    assert_eq!(shelf.read(&key, 0..7).await.unwrap().unwrap(), b"one two");
    drop(shelf.staged(b"nobody wants it").await);
    assert_eq!(shelf.leftovers(), Vec::<String>::new());
    std::fs::write(shelf.folder.path().join("secret"), "x").unwrap();
    for name in [
        name.as_str(),
        "",
        ".",
        "..",
        "../secret",
        "../../secret",
        "/etc/passwd",
    ] {
        assert!(shelf.blobs.restage(name).await.unwrap().is_none(), "{name}");
    }
}

async fn what_others_may_go_on_with_stays_until_it_is_removed(shelf: &Shelf) {
    let mut staged = shelf.blobs.stage().await.unwrap();
    staged.append(b"12345").await.unwrap();
    let name = staged.leave().await.unwrap();
    // The blob could not be noted, and is made once more.
    for _ in 0..2 {
        let mut again = shelf.blobs.restage(&name).await.unwrap().unwrap();
        again.outlive();
        let key = key();
        shelf.blobs.keep(&key, again, "text/plain").await.unwrap();
        assert_eq!(shelf.read(&key, 0..5).await.unwrap().unwrap(), b"12345");
        shelf.blobs.delete(&key).await.unwrap();
        assert_eq!(shelf.blobs.staged_size(&name).await.unwrap(), Some(5));
    }
    shelf.blobs.unstage(&name).await.unwrap();
    assert_eq!(shelf.leftovers(), Vec::<String>::new());
}

async fn a_staged_file_has_a_size_until_it_is_removed(shelf: &Shelf) {
    let mut staged = shelf.blobs.stage().await.unwrap();
    staged.append(b"12345").await.unwrap();
    let name = staged.leave().await.unwrap();
    let size = |name: String| async move { shelf.blobs.staged_size(&name).await.unwrap() };
    assert_eq!(size(name.clone()).await, Some(5));
    std::fs::write(shelf.folder.path().join("secret"), "x").unwrap();
    for other in ["", ".", "..", "../secret", "../../secret", "/etc/passwd"] {
        assert_eq!(size(other.to_owned()).await, None, "{other}");
        shelf.blobs.unstage(other).await.unwrap();
    }
    assert!(shelf.folder.path().join("secret").exists());
    shelf.blobs.unstage(&name).await.unwrap();
    shelf.blobs.unstage(&name).await.unwrap();
    assert_eq!(size(name).await, None);
}

async fn old_leftovers_are_swept(shelf: &Shelf) {
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(shelf.blobs.stage().await.unwrap().leave().await.unwrap());
    }
    std::fs::write(shelf.staging.join(format!("{}.new", names[0])), "half").unwrap();
    std::fs::write(shelf.staging.join(format!("{}.new", names[1])), "half").unwrap();
    // Somebody has it in their hands, and the rest of the form takes its time.
    let held = shelf.blobs.stage().await.unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!(
        shelf.blobs.sweep_staged(hour, &[]).await.unwrap(),
        0,
        "they are young"
    );
    assert_eq!(
        shelf
            .blobs
            .sweep_staged(Duration::ZERO, &names[..1])
            .await
            .unwrap(),
        3
    );
    assert!(held.path().exists());
    drop(held);
    let mut left = shelf.leftovers();
    left.sort();
    assert_eq!(left, [names[0].clone(), format!("{}.new", names[0])]);
}

async fn many_at_once(shelf: &Shelf) {
    let all = (0..20).map(|n| async move {
        let whole = bytes(50_000 + n);
        let key = shelf.keep(&whole).await;
        assert!(
            shelf
                .read(&key, 0..whole.len() as u64)
                .await
                .unwrap()
                .unwrap()
                == whole
        );
    });
    futures_util::future::join_all(all).await;
    assert_eq!(shelf.blobs.list(None, 100).await.unwrap().len(), 20);
}

async fn addresses_of_the_storage_itself(shelf: &Shelf) {
    let key = shelf.keep(b"picture").await;
    let disposition = "attachment; filename=\"a b.png\"; filename*=UTF-8''%ED%95%9C.png";
    let lives = Duration::from_secs(60);
    let url = shelf
        .blobs
        .direct(&key, disposition, "image/png", lives)
        .await
        .unwrap();
    let Some(url) = url else {
        assert!(!shelf.is_s3);
        return;
    };
    assert!(
        url.contains("X-Amz-Expires=60") && url.contains("X-Amz-Signature="),
        "{url}"
    );
    let (status, answer) = ask("GET", &url).await;
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert_eq!(status, 200, "{answer}");
    assert!(answer.ends_with("picture"));
    assert!(
        answer.contains(&format!(
            "content-disposition: {}",
            disposition.to_lowercase()
        )),
        "{answer}"
    );
    assert!(answer.contains("content-type: image/png"), "{answer}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_files_of_a_disk() {
    use std::os::unix::fs::PermissionsExt as _;
    let shelf = Shelf::disk().await;
    let key = shelf.keep(b"private").await;
    let root = shelf.folder.path().join("blobs");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root.join(key.as_str())), 0o600);
    for folder in [root.as_path(), &root.join("image"), &shelf.staging] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[tokio::test]
async fn strangers_in_the_folder_are_no_blobs() {
    let shelf = Shelf::disk().await;
    let key = shelf.keep(b"x").await;
    let root = shelf.folder.path().join("blobs");
    std::fs::write(root.join("README"), "x").unwrap();
    std::fs::write(root.join("image/note.txt"), "x").unwrap();
    std::fs::create_dir(root.join("lost+found")).unwrap();
    let all = shelf.blobs.list(None, 9).await.unwrap();
    assert_eq!(
        all.into_iter().map(|entry| entry.key).collect::<Vec<_>>(),
        [key]
    );
}
