//! Uploads that stop and go on: their time, and what is left of them.

use crate::world::World;
use parlour_core::{
    Actor, Error,
    error::NOT_FOUND,
    files::ORPHAN_AGE,
    files::{
        sweep_orphans,
        upload::{self, GoOn, NewUpload, Progress},
    },
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

async fn begun(world: &World, actor: &Actor, size: u64) -> String {
    let new = NewUpload {
        size,
        name: "notes.txt".to_owned(),
        alt: String::new(),
        metadata: String::new(),
    };
    let begun = upload::begin(&world.app, actor, new).await.expect("begins");
    begun.upload.id
}

async fn send(world: &World, actor: &Actor, id: &str, (at, bytes): (u64, &[u8])) -> Progress {
    let next = upload::go_on(&world.app, actor, id, (at, false)).await;
    let GoOn::Ready(mut appending) = next.expect("is there") else {
        panic!("goes on elsewhere");
    };
    appending.push(bytes).await.expect("taken");
    appending.done().await.expect("kept")
}

fn is_gone(found: &Result<Progress, Error>) -> bool {
    found.as_ref().is_err_and(|error| error.is(NOT_FOUND))
}

#[tokio::test]
async fn a_day_without_a_byte_ends_an_upload() {
    let world = World::new().await;
    let ann = world.actor("ann").await;
    let id = begun(&world, &ann, 10).await;
    world.clock.forward(23 * HOUR);
    send(&world, &ann, &id, (0, b"01234")).await;
    world.clock.forward(23 * HOUR);
    let progress = upload::progress(&world.app, &ann, &id).await;
    assert_eq!(progress.expect("is there").offset, 5);
    assert_eq!(sweep_orphans(&world.app).await.expect("sweeps").expired, 0);
    world.clock.forward(HOUR);
    assert!(is_gone(&upload::progress(&world.app, &ann, &id).await));
    assert!(upload::end(&world.app, &ann, &id).await.is_err());
    let next = upload::go_on(&world.app, &ann, &id, (5, false)).await;
    assert!(next.is_err());
    assert_eq!(sweep_orphans(&world.app).await.expect("sweeps").expired, 1);
    // Nobody keeps its bytes any more once they are old on the disk too.
    let open = world.app.store().upload_ids().await.expect("answers");
    assert!(open.is_empty());
    let blobs = world.app.blobs();
    assert_eq!(
        blobs.sweep_staged(Duration::ZERO, &open).await.ok(),
        Some(1)
    );
}

#[tokio::test]
async fn a_finished_file_waits_for_its_message() {
    let world = World::new().await;
    let ann = world.actor("ann").await;
    let id = begun(&world, &ann, 5).await;
    let done = send(&world, &ann, &id, (0, b"01234")).await;
    let file = done.upload.state.file.expect("a file");
    world.clock.forward(ORPHAN_AGE - Duration::from_secs(1));
    let seen = upload::progress(&world.app, &ann, &id).await;
    assert_eq!(seen.expect("is there").upload.state.file, Some(file));
    sweep_orphans(&world.app).await.expect("sweeps");
    let found = world.app.store().files_of(ann.user, &[file]).await;
    assert_eq!(found.expect("answers").len(), 1);
    world.clock.forward(Duration::from_secs(2));
    assert!(is_gone(&upload::progress(&world.app, &ann, &id).await));
    sweep_orphans(&world.app).await.expect("sweeps");
    let found = world.app.store().files_of(ann.user, &[file]).await;
    assert!(found.expect("answers").is_empty());
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_what_reached_the_disk() {
    let world = World::new().await;
    let ann = world.actor("ann").await;
    let id = begun(&world, &ann, 1 << 20).await;
    let next = upload::go_on(&world.app, &ann, &id, (0, false)).await;
    let GoOn::Ready(mut appending) = next.expect("is there") else {
        panic!("goes on elsewhere");
    };
    appending.push(&[b'x'; 600_000]).await.expect("taken");
    let second = upload::go_on(&world.app, &ann, &id, (0, false)).await;
    assert!(matches!(second, Ok(GoOn::Busy)));
    drop(appending);
    let at = upload::progress(&world.app, &ann, &id).await;
    let at = at.expect("is there").offset;
    assert!(at <= 600_000, "{at}");
    let rest = vec![b'x'; (1 << 20) - usize::try_from(at).expect("small")];
    let done = send(&world, &ann, &id, (at, &rest)).await;
    assert!(done.upload.state.file.is_some());
}
