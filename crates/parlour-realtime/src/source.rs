//! What the hub reads from the store: the truth behind the bus.

use crate::file_view::FileSigner;
use async_trait::async_trait;
use parlour_core::{
    Error, RoomId, UserId,
    model::RoomKind,
    ports::{Hearing, History, Span, Store},
};
use std::sync::Arc;

/// The reads a hub needs. Guarantees as in [`parlour_core::ports::Rooms`]: every read sees at least
/// what was announced before it began, and fails within about two seconds rather than hang.
#[async_trait]
pub trait Source: Send + Sync {
    /// The oldest `limit` (1 to 1,000) events of a room above `after`; `None` when the room does not
    /// exist (any more).
    async fn history(&self, room: RoomId, after: i64, limit: i64)
    -> Result<Option<History>, Error>;
    /// The newest seq of each of these rooms that lives.
    async fn positions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, i64)>, Error>;
    /// The rooms in which these users hear: joined or owned.
    async fn hearings(&self, users: &[UserId]) -> Result<Vec<(UserId, Hearing)>, Error>;
    /// Of which kind a room was that ended; `None` when nothing is left of it.
    async fn ended_kind(&self, room: RoomId) -> Result<Option<RoomKind>, Error>;
    /// Name of the database's lineage; changes when a backup is restored.
    fn epoch(&self) -> &str;
    /// Who makes addresses of files that load as they stand; without, they are told as paths.
    fn file_signer(&self) -> Option<FileSigner> {
        None
    }
}

/// The store as a [`Source`].
#[derive(Clone)]
pub struct StoreSource(Arc<dyn Store>, Option<FileSigner>);

impl StoreSource {
    /// Reads from this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store, None)
    }

    /// The same, with addresses of files by this signer.
    #[must_use]
    pub fn signing(self, signer: FileSigner) -> Self {
        Self(self.0, Some(signer))
    }
}

#[async_trait]
impl Source for StoreSource {
    async fn history(
        &self,
        room: RoomId,
        after: i64,
        limit: i64,
    ) -> Result<Option<History>, Error> {
        self.0.history(room, Span::After(after), limit).await
    }

    async fn positions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, i64)>, Error> {
        self.0.positions(rooms).await
    }

    async fn hearings(&self, users: &[UserId]) -> Result<Vec<(UserId, Hearing)>, Error> {
        self.0.hearings_of(users).await
    }

    async fn ended_kind(&self, room: RoomId) -> Result<Option<RoomKind>, Error> {
        let tombstone = self.0.tombstone(room, None).await?;
        Ok(tombstone.map(|tombstone| tombstone.kind))
    }

    fn file_signer(&self) -> Option<FileSigner> {
        self.1.clone()
    }

    fn epoch(&self) -> &str {
        self.0.epoch()
    }
}
