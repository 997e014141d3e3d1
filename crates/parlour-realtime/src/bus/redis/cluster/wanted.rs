//! What is to be followed on one shard, and what the shard confirmed: a state, not a queue, so that none
//! of it can be lost when the shard is slow or away.

use crate::bus::redis::Channel;
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// The state, and what of it the shard was not told yet.
#[derive(Default)]
pub(super) struct Wanted {
    inner: Mutex<Inner>,
    moved: Notify,
}

#[derive(Default)]
struct Inner {
    /// Whether the shard confirmed that it brings the channel.
    channels: HashMap<Channel, bool>,
    unconfirmed: usize,
    moved: HashSet<Channel>,
}

impl Inner {
    fn set(&mut self, channel: Channel, confirmed: bool) -> bool {
        let Some(held) = self.channels.get_mut(&channel) else {
            return false;
        };
        if *held != confirmed {
            *held = confirmed;
            if confirmed {
                self.unconfirmed -= 1;
            } else {
                self.unconfirmed += 1;
            }
        }
        true
    }
}

impl Wanted {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The channel is wanted here from now on.
    pub(super) fn add(&self, channel: Channel) {
        let mut inner = self.inner();
        if inner.channels.insert(channel, false) != Some(false) {
            inner.unconfirmed += 1;
        }
        inner.moved.insert(channel);
        drop(inner);
        self.moved.notify_one();
    }

    /// It is not any more.
    pub(super) fn remove(&self, channel: Channel) {
        let mut inner = self.inner();
        if inner.channels.remove(&channel) == Some(false) {
            inner.unconfirmed -= 1;
        }
        inner.moved.insert(channel);
        drop(inner);
        self.moved.notify_one();
    }

    /// Those that do not belong here are not wanted here any more.
    pub(super) fn give_up(&self, belongs: impl Fn(Channel) -> bool) -> Vec<Channel> {
        let channels: Vec<_> = self.inner().channels.keys().copied().collect();
        let gone: Vec<_> = channels
            .into_iter()
            .filter(|channel| !belongs(*channel))
            .collect();
        for channel in &gone {
            self.remove(*channel);
        }
        gone
    }

    /// Waits until something moved since this was last ready. Cancel safe.
    pub(super) async fn moved(&self) {
        self.moved.notified().await;
    }

    /// What moved since the last time: to be followed, and to be left.
    pub(super) fn take(&self) -> (Vec<Channel>, Vec<Channel>) {
        let mut inner = self.inner();
        let moved = std::mem::take(&mut inner.moved);
        moved
            .into_iter()
            .partition(|channel| inner.channels.contains_key(channel))
    }

    /// A new connection knows nothing yet: everything is to be followed.
    pub(super) fn begin(&self) {
        let mut inner = self.inner();
        for confirmed in inner.channels.values_mut() {
            *confirmed = false;
        }
        inner.unconfirmed = inner.channels.len();
        inner.moved = inner.channels.keys().copied().collect();
    }

    /// The shard brings the channel now; answers whether it is wanted.
    pub(super) fn confirm(&self, channel: Channel) -> bool {
        self.inner().set(channel, true)
    }

    /// The shard brings the channel no more; answers whether it is wanted.
    pub(super) fn lose(&self, channel: Channel) -> bool {
        self.inner().set(channel, false)
    }

    /// Whether something is wanted that the shard did not confirm.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.inner().unconfirmed > 0
    }

    /// What was not confirmed is to be asked for again.
    pub(super) fn ask_again(&self) {
        let mut inner = self.inner();
        let open: Vec<_> = inner
            .channels
            .iter()
            .filter(|(_, confirmed)| !**confirmed)
            .map(|(channel, _)| *channel)
            .collect();
        inner.moved.extend(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::RoomId;

    #[test]
    fn what_is_not_confirmed_is_asked_for_again() {
        let (one, two) = (Channel::Room(RoomId::new(1)), Channel::All);
        let wanted = Wanted::default();
        wanted.add(one);
        wanted.add(two);
        assert_eq!(wanted.take().0.len(), 2);
        assert!(wanted.confirm(one) && wanted.confirm(one));
        assert!(wanted.is_unconfirmed());
        wanted.ask_again();
        assert_eq!(wanted.take(), (vec![two], vec![]));
        assert!(wanted.confirm(two) && !wanted.is_unconfirmed());
        assert!(wanted.lose(two) && wanted.is_unconfirmed());
        wanted.remove(two);
        assert!(!wanted.is_unconfirmed());
        assert_eq!(wanted.take(), (vec![], vec![two]));
        assert!(!wanted.lose(two) && !wanted.confirm(two), "not wanted");
        assert!(!wanted.is_unconfirmed());
    }

    #[test]
    fn a_new_connection_is_asked_for_everything() {
        let (one, two) = (Channel::Room(RoomId::new(1)), Channel::All);
        let wanted = Wanted::default();
        wanted.add(one);
        wanted.add(two);
        wanted.add(two);
        wanted.take();
        wanted.confirm(one);
        wanted.confirm(two);
        wanted.begin();
        assert!(wanted.is_unconfirmed());
        assert_eq!(wanted.take().0.len(), 2);
        assert_eq!(wanted.give_up(|channel| channel == two), [one]);
        assert_eq!(wanted.take(), (vec![], vec![one]));
    }
}
