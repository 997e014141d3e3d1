//! Sweeping: what belongs to nobody goes, whatever it is and however much, and nothing else.

use crate::world::World;
use parlour_core::{
    Actor, FileId,
    files::{self, Swept},
    model::{File, FileKind},
    ports::{BlobKey, NewFile, StageFile},
};
use std::{
    path::Path,
    time::{Duration, SystemTime},
};

/// Makes a file this old.
#[expect(
    clippy::disallowed_methods,
    reason = "the age of a file is told by the clock of the system"
)]
fn old(path: &Path, minutes: u64) {
    let file = std::fs::File::options().append(true).open(path);
    let time = SystemTime::now() - Duration::from_secs(minutes * 60);
    file.expect("there").set_modified(time).expect("set");
}

async fn upload(world: &World) -> files::Received {
    let mut file = files::receive(&world.app, "a.txt").await.expect("begun");
    file.push(b"some text").await.expect("taken");
    file.finish().await.expect("whole")
}

fn row(world: &World, owner: &Actor, number: u32) -> NewFile {
    let mut random = [0; 16];
    random[..4].copy_from_slice(&number.to_be_bytes());
    NewFile {
        file: File {
            id: FileId::new(0),
            key: BlobKey::new("text/plain", random, ".txt"),
            name: "a.txt".into(),
            mime: "text/plain".into(),
            kind: FileKind::Text,
            size: 1,
            pixels: None,
            duration: None,
            placeholder: None,
            alt: String::new(),
            thumbs: Vec::new(),
        },
        owner: owner.user,
        sha256: String::new(),
        received: String::new(),
        quota: None,
        at: world.app.now(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_belong_to_nobody_go_and_others_stay() {
    let world = World::new().await;
    let ada = world.actor("ada").await;
    let kept = files::keep(&world.app, &ada, upload(&world).await).await;
    let kept = kept.expect("kept");
    let media = world.folder().join("media");
    let mut strays = Vec::new();
    for (number, minutes) in [(1, 44), (2, 46), (3, 600)] {
        let key = BlobKey::new("image/png", [number; 16], ".png");
        let mut staged = world.app.blobs().stage().await.expect("staged");
        staged.append(b"x").await.expect("written");
        world
            .app
            .blobs()
            .keep(&key, staged, "image/png")
            .await
            .expect("kept");
        old(&media.join(key.as_str()), minutes);
        strays.push(media.join(key.as_str()));
    }
    let own = media.join(kept.file.key.as_str());
    old(&own, 600);
    let mut left = Vec::new();
    for minutes in [44, 46, 600] {
        let staged = world.app.blobs().stage().await.expect("staged");
        let name = staged.leave().await.expect("left");
        old(&media.join(".staging").join(&name), minutes);
        left.push(name);
    }
    let swept = files::sweep_orphans(&world.app).await;
    let expected = Swept {
        stale: 0,
        staged: 2,
        blobs: 2,
        expired: 0,
    };
    assert_eq!(swept.expect("swept"), expected);
    assert!(own.exists(), "it has a row");
    let there: Vec<bool> = strays.iter().map(|path| path.exists()).collect();
    assert_eq!(there, [true, false, false]);
    let there = left
        .iter()
        .map(|name| media.join(".staging").join(name).exists());
    assert_eq!(there.collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_stale_files_goes_in_one_sweep() {
    let world = World::new().await;
    let ada = world.actor("ada").await;
    // One call of the store releases 1,000.
    for number in 0..1_003 {
        let staged = world
            .app
            .store()
            .stage_file(row(&world, &ada, number))
            .await;
        assert!(matches!(staged, Ok(StageFile::Staged(_))), "{staged:?}");
    }
    world.clock.forward(Duration::from_secs(44 * 60));
    let swept = files::sweep_orphans(&world.app).await.expect("swept");
    assert_eq!(swept.stale, 0, "not yet");
    world.clock.forward(Duration::from_secs(2 * 60));
    let swept = files::sweep_orphans(&world.app).await.expect("swept");
    assert_eq!(swept.stale, 1_003);
    while files::sweep_released(&world.app).await.expect("swept") {}
    let left = world
        .app
        .store()
        .released_files(9)
        .await
        .expect("an answer");
    assert!(left.is_empty());
}
