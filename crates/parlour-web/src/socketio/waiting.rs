//! Clients who have not said yet who they are. Anybody can be one, so there may be only so many.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Most in all. Each has ten seconds.
const MOST: usize = 8_192;
/// Most of one address: half, because a whole office, or a proxy that nobody told us to trust, may
/// stand behind it.
const MOST_OF_ONE: usize = MOST / 2;

/// Who waits.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One who waits, until this is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    waiting: Arc<Waiting>,
    address: IpAddr,
}

impl Waiting {
    /// Lets one more wait; `None` when there are too many.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Guest> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= MOST {
            return None;
        }
        let of_one = counts.by_address.entry(address).or_default();
        if *of_one >= MOST_OF_ONE {
            return None;
        }
        *of_one += 1;
        counts.all += 1;
        Some(Guest {
            waiting: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self
            .waiting
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        if let Some(of_one) = counts.by_address.get_mut(&self.address) {
            *of_one -= 1;
            if *of_one == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn only_so_many_wait() {
        let waiting = Arc::new(Waiting::default());
        let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
        let mut guests: Vec<_> = std::iter::from_fn(|| waiting.enter(address(1))).collect();
        assert_eq!(guests.len(), MOST_OF_ONE);
        guests.extend(std::iter::from_fn(|| waiting.enter(address(2))));
        assert_eq!(guests.len(), MOST);
        assert!(waiting.enter(address(3)).is_none());
        guests.pop();
        assert!(waiting.enter(address(3)).is_some());
        guests.clear();
        assert!(waiting.0.lock().expect("whole").by_address.is_empty());
    }
}
