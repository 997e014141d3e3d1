//! The connections of this process that travel by requests, by their ids.

use super::{link::Link, refusal::Refusal};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_core::App;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// Bytes that tell processes apart: at the beginning of each id, eight characters.
const NODE: usize = 6;
/// Bytes that nobody can guess.
const SECRET: usize = 15;
/// Characters of an id.
const LENGTH: usize = (NODE + SECRET) / 3 * 4;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Links {
    node: OnceLock<String>,
    all: Mutex<HashMap<String, Arc<Link>>>,
}

impl Links {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Link>>> {
        // It is whole after any panic.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn node(&self, app: &App) -> &str {
        self.node.get_or_init(|| random::<NODE>(app))
    }

    /// A new id.
    pub(super) fn sid(&self, app: &App) -> String {
        format!("{}{}", self.node(app), random::<SECRET>(app))
    }

    pub(super) fn add(&self, sid: String, link: Arc<Link>) {
        self.all().insert(sid, link);
    }

    pub(super) fn remove(&self, sid: &str) {
        self.all().remove(sid);
    }

    /// The connection of this id; who has none may have come to the wrong process.
    pub(super) fn find(&self, sid: &str, app: &App) -> Result<Arc<Link>, Refusal> {
        if let Some(link) = self.all().get(sid) {
            return Ok(Arc::clone(link));
        }
        let is_ours = sid.len() != LENGTH || sid.starts_with(self.node(app));
        Err(if is_ours {
            Refusal::UNKNOWN_SID
        } else {
            Refusal::ELSEWHERE
        })
    }
}

/// So many random bytes, as text.
pub(super) fn random<const N: usize>(app: &App) -> String {
    let mut bytes = [0; N];
    app.random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
