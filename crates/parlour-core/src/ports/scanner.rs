//! Who looks for harmful files.

use crate::Error;
use async_trait::async_trait;
use std::path::Path;

/// What a scanner says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is known against it.
    Clean,
    /// It is harmful; the name is the scanner's.
    Infected(String),
}

/// Looks at files before they are kept.
#[async_trait]
pub trait Scanner: Send + Sync {
    /// Looks at a local file, in bounded time. Fails with
    /// [`Kind::Unavailable`](crate::Kind::Unavailable) when there is no verdict.
    async fn scan(&self, path: &Path) -> Result<Verdict, Error>;
}
