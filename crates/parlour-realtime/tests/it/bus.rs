//! Buses that misbehave.

use async_trait::async_trait;
use parlour_realtime::{Bus, LocalBus, News};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// Randomness that can be repeated.
pub(crate) struct Dice(Mutex<u64>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed.wrapping_mul(2) + 1))
    }

    /// A number below `n`.
    pub(crate) fn below(&self, n: u64) -> u64 {
        let mut state = self.0.lock().expect("not poisoned");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % n
    }

    pub(crate) fn percent(&self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// What a bus does to events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Chance of losing an event, in percent.
    pub(crate) drop: u64,
    /// Chance of bringing an event twice, in percent.
    pub(crate) repeat: u64,
    /// Events take up to so long, each on its own: they overtake each other.
    pub(crate) delay: Duration,
}

/// A bus that loses, repeats and reorders events, each on its own.
pub(crate) struct FlakyBus {
    inner: Arc<LocalBus>,
    dice: Dice,
    faults: Faults,
    cut: AtomicBool,
}

impl FlakyBus {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            inner: Arc::default(),
            dice: Dice::new(seed),
            faults,
            cut: AtomicBool::new(false),
        }
    }

    /// From now on everything is lost, or nothing more than usual.
    pub(crate) fn set_cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    /// Without faults.
    pub(crate) async fn publish_surely(&self, news: News) {
        self.inner.publish(news).await;
    }
}

#[async_trait]
impl Bus for FlakyBus {
    async fn publish(&self, news: News) {
        let News::Events(events) = news else {
            return self.inner.publish(news).await;
        };
        for event in events {
            if self.cut.load(Ordering::Relaxed) || self.dice.percent(self.faults.drop) {
                continue;
            }
            let copies = if self.dice.percent(self.faults.repeat) {
                2
            } else {
                1
            };
            for _ in 0..copies {
                let most = self.faults.delay.as_micros() as u64;
                let delay = Duration::from_micros(self.dice.below(most + 1));
                let inner = Arc::clone(&self.inner);
                let news = News::Events(vec![Arc::clone(&event)]);
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    inner.publish(news).await;
                });
            }
        }
    }

    fn listen(&self) -> mpsc::Receiver<News> {
        self.inner.listen()
    }
}
