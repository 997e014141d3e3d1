//! How far people have read.

use crate::{Error, RoomId, Time, UserId, model::Unread};
use async_trait::async_trait;

/// Read positions. Joining sets the position to the joining event; who never read and never joined
/// (an owner) stands at 0.
#[async_trait]
pub trait Reading: Send + Sync {
    /// Moves a position forwards, or with `back` wherever it is told; never beyond the room's newest
    /// event, never below 0. Answers the position after it, `None` when the room does not live or
    /// the user is neither member nor owner. No event.
    async fn mark_read(
        &self,
        room: RoomId,
        user: UserId,
        seq: i64,
        back: bool,
        at: Time,
    ) -> Result<Option<i64>, Error>;
    /// The positions of those who belong to the room and have one.
    async fn read_positions(&self, room: RoomId) -> Result<Vec<(UserId, i64)>, Error>;
    /// What a user has not read: of one room, or of every room joined or owned, in order of their
    /// ids.
    async fn unread(&self, user: UserId, room: Option<RoomId>) -> Result<Vec<Unread>, Error>;
}
