//! How accounts are shown, remembered: every message and every list of people asks for it.

use crate::{Error, UserId, model::Sender, ports::Store};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// Above this many the memory starts anew.
const MOST: usize = 100_000;

/// Senders by account. What was read before an account changed is not kept.
#[derive(Debug, Default)]
pub(crate) struct Profiles(RwLock<Memory>);

#[derive(Debug, Default)]
struct Memory {
    known: HashMap<UserId, Arc<Sender>>,
    changes: u64,
}

impl Profiles {
    /// The senders of these accounts, in their order; those that do not exist are left out.
    pub(crate) async fn of(
        &self,
        store: &dyn Store,
        ids: &[UserId],
    ) -> Result<Vec<(UserId, Arc<Sender>)>, Error> {
        let (mut found, unknown, changes) = self.look(ids);
        if !unknown.is_empty() {
            let read = store.senders(&unknown).await?;
            let read = read.into_iter().map(|(id, sender)| (id, Arc::new(sender)));
            let read: Vec<_> = read.collect();
            self.keep(&read, changes);
            found.extend(read);
        }
        Ok(ids
            .iter()
            .filter_map(|id| Some((*id, Arc::clone(found.get(id)?))))
            .collect())
    }

    fn look(&self, ids: &[UserId]) -> (HashMap<UserId, Arc<Sender>>, Vec<UserId>, u64) {
        let memory = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = HashMap::with_capacity(ids.len());
        let mut unknown = Vec::new();
        for id in ids {
            match memory.known.get(id) {
                Some(sender) => drop(found.insert(*id, Arc::clone(sender))),
                None => unknown.push(*id),
            }
        }
        (found, unknown, memory.changes)
    }

    fn keep(&self, read: &[(UserId, Arc<Sender>)], changes: u64) {
        let mut memory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if memory.changes != changes {
            return;
        }
        if memory.known.len() + read.len() > MOST {
            memory.known.clear();
        }
        memory
            .known
            .extend(read.iter().map(|(id, sender)| (*id, Arc::clone(sender))));
    }

    /// Forgets one account: it changed.
    pub(crate) fn forget(&self, id: UserId) {
        let mut memory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        memory.changes += 1;
        memory.known.remove(&id);
    }
}
