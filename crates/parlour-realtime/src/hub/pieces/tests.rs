//! Pieces that are shared.

use super::*;
use async_trait::async_trait;
use futures_util::future::join_all;
use parlour_core::{
    Event, Time, UserId, What,
    model::RoomKind,
    ports::{Hearing, History},
};
use std::{
    sync::atomic::{AtomicI64, AtomicUsize, Ordering},
    time::Duration,
};

const ROOM: RoomId = RoomId::new(1);

/// One room of so many events; below zero the store is down.
#[derive(Default)]
struct Store {
    newest: AtomicI64,
    reads: AtomicUsize,
}

#[async_trait]
impl Source for Store {
    async fn history(
        &self,
        room: RoomId,
        after: i64,
        limit: i64,
    ) -> Result<Option<History>, Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
        let newest = self.newest.load(Ordering::Relaxed);
        if newest < 0 {
            return Err(Error::unavailable("down for a test"));
        }
        if newest == 0 {
            return Ok(None);
        }
        let seqs = after + 1..=newest.min(after + limit);
        let events = seqs.map(|seq| Event {
            room,
            seq,
            at: Time::from_micros(0),
            what: What::MemberJoined(UserId::new(1)),
        });
        Ok(Some(History {
            events: events.collect(),
            has_more: after + limit < newest,
            seq: newest,
        }))
    }

    async fn positions(&self, _: &[RoomId]) -> Result<Vec<(RoomId, i64)>, Error> {
        Ok(Vec::new())
    }

    async fn hearings(&self, _: &[UserId]) -> Result<Vec<(UserId, Hearing)>, Error> {
        Ok(Vec::new())
    }

    async fn ended_kind(&self, _: RoomId) -> Result<Option<RoomKind>, Error> {
        Ok(None)
    }

    fn epoch(&self) -> &'static str {
        "e"
    }
}

fn pieces(newest: i64) -> (Arc<Store>, Pieces) {
    let store = Arc::new(Store::default());
    store.newest.store(newest, Ordering::Relaxed);
    let pieces = Pieces::new(Arc::clone(&store) as _, 4);
    (store, pieces)
}

/// First, last and number of the events, if there are any.
fn extent(found: &Found) -> Option<(i64, i64, usize)> {
    let Found::Next(frames) = found else {
        return None;
    };
    Some((frames.first()?.0, frames.last()?.0, frames.len()))
}

#[tokio::test(start_paused = true)]
async fn those_who_want_the_same_share_it() {
    let (store, pieces) = pieces(400);
    let all = join_all((0..100).map(|number| pieces.read(ROOM, 128 + number, 300))).await;
    for (number, (found, _)) in (0..).zip(&all) {
        let first = 129 + number;
        let count = usize::try_from(257 - first).expect("positive");
        assert_eq!(extent(found), Some((first, 256, count)));
    }
    assert_eq!(store.reads.load(Ordering::Relaxed), 1);
    drop(all);
    let (found, _) = pieces.read(ROOM, 256, 300).await;
    assert_eq!(extent(&found), Some((257, 300, 44)), "nothing beyond");
    pieces.read(ROOM, 128, 300).await;
    assert_eq!(store.reads.load(Ordering::Relaxed), 3, "nobody held it");
}

#[tokio::test(start_paused = true)]
async fn a_piece_from_before_the_room_went_on_is_read_again() {
    let (store, pieces) = pieces(100);
    let early = pieces.read(ROOM, 90, 100).await;
    store.newest.store(120, Ordering::Relaxed);
    let all = join_all((0..10).map(|_| pieces.read(ROOM, 100, 120))).await;
    for (found, _) in &all {
        assert_eq!(extent(found), Some((101, 120, 20)));
    }
    assert_eq!(store.reads.load(Ordering::Relaxed), 2);
    assert_eq!(extent(&early.0), Some((91, 100, 10)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_lost_for_all_who_wait() {
    for (newest, expected) in [(-1, Found::Lost), (0, Found::Ended)] {
        let (store, pieces) = pieces(newest);
        let all = join_all((0..10).map(|_| pieces.read(ROOM, 5, 9))).await;
        assert!(all.iter().all(|(found, _)| *found == expected));
        assert_eq!(store.reads.load(Ordering::Relaxed), 1);
    }
}
