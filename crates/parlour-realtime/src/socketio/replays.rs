//! What clients missed is handed over one wish after the other, beside whatever else they do.

use futures_util::future::BoxFuture;
use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

/// How many wishes may wait; then no packet is read.
const MOST: usize = 32;

/// The wishes of one connection, in order.
#[derive(Default)]
pub(super) struct Replays(VecDeque<BoxFuture<'static, ()>>);

impl Replays {
    pub(super) fn is_busy(&self) -> bool {
        !self.0.is_empty()
    }

    pub(super) fn is_free(&self) -> bool {
        self.0.len() < MOST
    }

    pub(super) fn push(&mut self, replay: BoxFuture<'static, ()>) {
        self.0.push_back(replay);
    }

    /// Goes on; answers whether one ended.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Some(replay) = self.0.front_mut() {
            let Poll::Ready(()) = replay.as_mut().poll(cx) else {
                return moved;
            };
            self.0.pop_front();
            moved = true;
        }
        if moved {
            // Nothing is held while nothing waits.
            self.0 = VecDeque::new();
        }
        moved
    }
}
