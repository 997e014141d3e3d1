//! One writer per upload. An upload is on one node, so this process knows all of them.

use crate::App;
use std::{
    collections::HashSet,
    fmt,
    sync::{Mutex, PoisonError},
};

/// The uploads that somebody is writing to.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<HashSet<String>>);

impl UnderWay {
    /// Takes an upload; `None` while somebody else has it.
    pub(super) fn hold(&self, app: &App, id: &str) -> Option<Held> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id.to_owned()).then(|| Held {
            app: app.clone(),
            id: id.to_owned(),
        })
    }
}

/// An upload that nobody else writes to; given back by dropping it.
pub(super) struct Held {
    pub(super) app: App,
    id: String,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.id).finish()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let all = &self.app.uploads().0;
        all.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}
