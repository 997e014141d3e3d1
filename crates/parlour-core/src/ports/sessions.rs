//! Credentials that are kept.

use crate::{
    Error, Signal, Time, TokenId, UserId,
    model::{Token, TokenKind},
};
use async_trait::async_trait;

/// A new credential.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose.
    pub user: UserId,
    /// SHA-256 of the secret, base64url without padding.
    pub hash: String,
    /// What for.
    pub kind: TokenKind,
    /// A word for people, at most 100 characters.
    pub label: String,
    /// Now.
    pub at: Time,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
}

/// Which credentials of a user end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndWhich {
    /// This one.
    One(TokenId),
    /// All but this one.
    AllBut(TokenId),
    /// All.
    All,
}

/// An entry of the log of ended credentials and changed rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Position in the log; entries of parallel commits may appear out of order.
    pub id: i64,
    /// What to tell.
    pub signal: Signal,
}

/// Credentials: API tokens and browser sessions.
///
/// Everything that ends a credential or changes a user's rights also writes the log that
/// [`Sessions::revocations`] reads, in the same transaction, so that other processes on the same
/// database learn of it.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Keeps a credential. `None` when the account is gone or inactive.
    async fn create_token(&self, new: NewToken) -> Result<Option<TokenId>, Error>;
    /// The credential with this hash, whether or not it has ended by time.
    async fn token(&self, hash: &str) -> Result<Option<Token>, Error>;
    /// A user's credentials, newest first.
    async fn tokens_of(&self, user: UserId) -> Result<Vec<Token>, Error>;
    /// Ends credentials of a user; answers those that were there.
    async fn end_tokens(
        &self,
        user: UserId,
        which: EndWhich,
        at: Time,
    ) -> Result<Vec<TokenId>, Error>;
    /// Deletes credentials that ended by time, and log entries older than an hour. Answers how many
    /// credentials.
    async fn sweep_tokens(&self, now: Time) -> Result<u64, Error>;
    /// Log entries with an id above `after`, in order of id, at most 1,000.
    async fn revocations(&self, after: i64) -> Result<Vec<Revocation>, Error>;
}
