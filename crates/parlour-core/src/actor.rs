//! Who acts, and how they proved it.

use crate::{TokenId, UserId};

/// Somebody who acts. Anonymous callers are `Option::<Actor>::None` at the few doors that allow them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub user: UserId,
    /// Whether the account administers this server.
    pub is_admin: bool,
    /// How the account was proved.
    pub proof: Proof,
}

/// What proved the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An API token (`Authorization: Token …` or `?token=`).
    Token(TokenId),
    /// A browser session (cookie).
    Session(TokenId),
    /// The operator at the command line, or a job of the server itself.
    System,
}

impl Actor {
    /// The stored credential behind this actor, if there is one.
    #[must_use]
    pub const fn credential(&self) -> Option<TokenId> {
        match self.proof {
            Proof::Token(id) | Proof::Session(id) => Some(id),
            Proof::System => None,
        }
    }
}
