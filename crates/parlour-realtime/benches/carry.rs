//! An event's way to sockets, and what a socket missed: `cargo bench -p parlour-realtime`. The streams are
//! in memory and connections take everything at once, so what is measured is the hub and what is around
//! it, not a disk or a network.

mod world;

use divan::{Bencher, counter::ItemsCount};
use parlour_core::ports::Announce as _;
use parlour_realtime::DialectKind;
use std::sync::Arc;
use world::{ROOM, World, message};

const SESSIONS: usize = 1_000;

fn main() {
    divan::main();
}

/// A message as each dialect tells it, with the HTML of its text.
#[divan::bench(args = [DialectKind::Account, DialectKind::AccountV2, DialectKind::Room, DialectKind::SocketIo])]
fn encode(bencher: Bencher<'_, '_>, kind: DialectKind) {
    bencher
        .with_inputs(|| message(1))
        .bench_refs(|event| kind.encode(event).expect("is told"));
}

/// An event until it lies in the outboxes of 1,000 sockets.
#[divan::bench(sample_count = 300, sample_size = 1)]
fn publish_to_outboxes(bencher: Bencher<'_, '_>) {
    let world = World::new();
    let places = world.runtime.block_on(world.register(SESSIONS));
    bencher
        .counter(ItemsCount::new(SESSIONS))
        .with_inputs(|| {
            for place in &places {
                // What was taken counts until the next taking.
                place.outbox().take();
                place.outbox().take();
            }
            world.next()
        })
        .bench_local_values(|event| {
            world.runtime.block_on(async {
                world.realtime.events(vec![event]).await;
                // The hub serves all of a room in one go.
                while places[0].outbox().waiting() == 0 {
                    tokio::task::yield_now().await;
                }
            });
        });
    assert!(places.iter().all(|place| place.outbox().waiting() > 0));
}

/// An event until it was written to 1,000 connections: by the outbox itself, as with a real socket, or by
/// a task of each.
#[divan::bench(args = [true, false], sample_count = 300, sample_size = 1)]
fn publish_to_connections(bencher: Bencher<'_, '_>, has_line: bool) {
    let world = World::new();
    let written = world.runtime.block_on(world.connect(SESSIONS, has_line));
    let mut all = written.frames();
    bencher
        .counter(ItemsCount::new(SESSIONS))
        .with_inputs(|| world.next())
        .bench_local_values(|event| {
            all += SESSIONS;
            world.runtime.block_on(async {
                world.realtime.events(vec![event]).await;
                while written.frames() < all {
                    tokio::task::yield_now().await;
                }
            });
        });
}

/// A socket of version 2 from its registration until it was told all that it missed.
#[divan::bench(args = [0, 10, 100], sample_count = 200, sample_size = 1)]
fn resume(bencher: Bencher<'_, '_>, missed: i64) {
    let world = World::new();
    let listener = world.runtime.block_on(world.register(1));
    // The hub hears them too, so that whatever it keeps of a room's newest events is there.
    for _ in 0..200 {
        let event = world.next();
        world.runtime.block_on(async {
            world.realtime.events(vec![Arc::clone(&event)]).await;
            while listener[0].outbox().take().is_empty() {
                tokio::task::yield_now().await;
            }
        });
    }
    let from = world.newest() - missed;
    let asks = format!(r#"{{"type":"resume","epoch":"e1","cursors":{{"{ROOM}":{from}}}}}"#);
    bencher.bench_local(|| {
        let frames = world.runtime.block_on(world.resume(&asks));
        // `hello`, what was missed, `recovered`; who is here may be told between.
        assert!(frames >= usize::try_from(missed).map_or(0, |missed| missed + 2));
    });
}
