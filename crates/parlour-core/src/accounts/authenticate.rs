//! From a secret to an actor, without asking the database each time.

use crate::{
    Actor, App, Error, Proof, Time, TokenId, UserId,
    error::INVALID_TOKEN,
    model::{Token, TokenKind},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::{PoisonError, RwLock},
};

/// Above this many remembered credentials all are forgotten; the next use reads them again.
const MAX_REMEMBERED: usize = 100_000;

/// What is stored of a secret: its SHA-256 in base64url. Secrets have 256 random bits, so a plain
/// hash is enough.
#[must_use]
pub fn secret_hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}

/// Who presents this secret. `kind` is what the door takes: API tokens or browser sessions.
///
/// # Errors
/// [`INVALID_TOKEN`] when the secret is unknown, revoked, ended, of another kind, or of an account
/// that is not active.
pub async fn authenticate(app: &App, secret: &str, kind: TokenKind) -> Result<Actor, Error> {
    // No secret of ours is longer; do not hash megabytes for nothing.
    if secret.is_empty() || secret.len() > 256 {
        return Err(INVALID_TOKEN.into());
    }
    let hash = secret_hash(secret);
    let token = match app.remembered().find(&hash) {
        Found::Known(token) => token,
        Found::Unknown { generation } => {
            let token = app.store().token(&hash).await?.ok_or(INVALID_TOKEN)?;
            let entry = Entry::of(&token);
            if !token.user_is_active {
                return Err(INVALID_TOKEN.into());
            }
            app.remembered().keep(hash, entry, generation);
            entry
        }
    };
    if token.kind != kind || token.expires_at.is_some_and(|end| end <= app.now()) {
        return Err(INVALID_TOKEN.into());
    }
    Ok(Actor {
        user: token.user,
        is_admin: token.is_admin,
        proof: match kind {
            TokenKind::Token => Proof::Token(token.id),
            TokenKind::Session => Proof::Session(token.id),
        },
    })
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: TokenId,
    user: UserId,
    kind: TokenKind,
    is_admin: bool,
    expires_at: Option<Time>,
}

impl Entry {
    const fn of(token: &Token) -> Self {
        Self {
            id: token.id,
            user: token.user,
            kind: token.kind,
            is_admin: token.user_is_admin,
            expires_at: token.expires_at,
        }
    }
}

/// What this process remembers of credentials.
#[derive(Debug, Default)]
pub(crate) struct Remembered(RwLock<Memory>);

#[derive(Debug, Default)]
struct Memory {
    by_hash: HashMap<String, Entry>,
    of_user: HashMap<UserId, HashSet<String>>,
    /// Counts what was forgotten. An answer of the database that was asked for in an earlier
    /// generation may be from before a revocation, so it is used once but not kept.
    generation: u64,
}

enum Found {
    Known(Entry),
    Unknown { generation: u64 },
}

impl Remembered {
    fn find(&self, hash: &str) -> Found {
        let memory = self.0.read().unwrap_or_else(PoisonError::into_inner);
        memory.by_hash.get(hash).map_or(
            Found::Unknown {
                generation: memory.generation,
            },
            |entry| Found::Known(*entry),
        )
    }

    fn keep(&self, hash: String, entry: Entry, generation: u64) {
        let mut memory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if memory.generation != generation {
            return;
        }
        if memory.by_hash.len() >= MAX_REMEMBERED {
            memory.by_hash.clear();
            memory.of_user.clear();
        }
        memory
            .of_user
            .entry(entry.user)
            .or_default()
            .insert(hash.clone());
        memory.by_hash.insert(hash, entry);
    }

    /// Forgets all credentials of a user.
    pub(crate) fn forget(&self, user: UserId) {
        let mut memory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        memory.generation += 1;
        for hash in memory.of_user.remove(&user).unwrap_or_default() {
            memory.by_hash.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(user: i64) -> Entry {
        Entry {
            id: TokenId::new(user),
            user: UserId::new(user),
            kind: TokenKind::Token,
            is_admin: false,
            expires_at: None,
        }
    }

    #[test]
    fn an_answer_from_before_a_revocation_is_not_kept() {
        let memory = Remembered::default();
        let Found::Unknown { generation } = memory.find("h") else {
            panic!("empty")
        };
        memory.forget(UserId::new(1));
        memory.keep("h".into(), entry(1), generation);
        assert!(matches!(memory.find("h"), Found::Unknown { .. }));
    }

    #[test]
    fn forgetting_a_user_leaves_the_others() {
        let memory = Remembered::default();
        memory.keep("a".into(), entry(1), 0);
        memory.keep("b".into(), entry(2), 0);
        memory.forget(UserId::new(1));
        assert!(matches!(memory.find("a"), Found::Unknown { .. }));
        assert!(matches!(memory.find("b"), Found::Known(_)));
    }
}
