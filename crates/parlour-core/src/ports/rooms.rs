//! Rooms that are kept, and their streams.

use crate::{
    Error, Event, RoomId, Time, UserId,
    event::EndReason,
    model::{Page, PageRequest, Room, RoomKind, RoomView, Tombstone},
};
use async_trait::async_trait;
use std::sync::Arc;

/// A new room.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Display name.
    pub name: String,
    /// Comparison form of the name.
    pub name_key: String,
    /// 0 to 250 characters.
    pub topic: String,
    /// Who may enter.
    pub kind: RoomKind,
    /// The host.
    pub owner: UserId,
    /// Seats.
    pub max_users: i64,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// Now.
    pub at: Time,
}

/// A change of a room. `None`: as it was.
#[derive(Clone, Debug, Default)]
pub struct RoomChange {
    /// New name and its comparison form.
    pub name: Option<(String, String)>,
    /// New topic.
    pub topic: Option<String>,
    /// New kind; the name is checked again.
    pub kind: Option<RoomKind>,
    /// New number of seats; nobody is put out.
    pub max_users: Option<i64>,
    /// New end; `Some(None)`: never.
    pub expires_at: Option<Option<Time>>,
}

/// Answer to making or changing a room.
#[derive(Clone, Debug)]
pub enum SaveRoom {
    /// Done.
    Saved(Arc<Room>),
    /// Nothing changed: the name is in use.
    NameTaken,
    /// No such living room.
    Gone,
}

/// Answer to joining.
#[derive(Clone, Debug)]
pub enum Join {
    /// Is a member now.
    Joined(Arc<Room>),
    /// Was a member already; nothing changed.
    AlreadyIn(Arc<Room>),
    /// No free seat.
    Full,
    /// Was removed and not invited again.
    Removed,
    /// PRIVATE and neither owner nor invited.
    NotInvited,
    /// No such living room, or no such account.
    Gone,
}

/// Answer to leaving, removing, inviting, handing over.
#[derive(Clone, Debug)]
pub enum Change {
    /// Done (or was so already).
    Done(Arc<Room>),
    /// The user is nothing in this room that the change could apply to, or does not exist.
    NoSuchUser,
    /// The new owner has a PRIVATE room of that name already.
    NameTaken,
    /// No such living room.
    Gone,
}

/// Which events of a room are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The oldest with a seq above this.
    After(i64),
    /// The newest with a seq below this.
    Before(i64),
    /// The newest.
    Newest,
}

/// A piece of a room's stream, in order of seq, without holes.
#[derive(Clone, Debug)]
pub struct History {
    /// The events.
    pub events: Vec<Event>,
    /// Whether there are more in the direction asked for.
    pub has_more: bool,
    /// The room's newest seq when this was read.
    pub seq: i64,
}

/// A room in which a user hears, as of `seq` of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// The room.
    pub room: RoomId,
    /// Position of the stream at which this is true.
    pub seq: i64,
    /// The room's owner.
    pub owner: UserId,
    /// Whether the user is a member.
    pub is_member: bool,
}

/// Rooms. A room that ended does not exist for any method here but [`Rooms::purge`].
#[async_trait]
pub trait Rooms: Send + Sync {
    /// Makes a room. Event: `RoomCreated`, seq 1.
    async fn create_room(&self, new: NewRoom) -> Result<SaveRoom, Error>;
    /// A room and the user's standing in it, consistent with each other and with everything this
    /// process committed before the call. Usually answered without the database.
    async fn room(&self, room: RoomId, user: UserId) -> Result<Option<RoomView>, Error>;
    /// The rooms a user joined or owns, latest `updated_at` first.
    async fn rooms_of(&self, user: UserId, page: PageRequest) -> Result<Option<Page<Room>>, Error>;
    /// All GROUP rooms, latest `updated_at` first.
    async fn open_rooms(&self, page: PageRequest) -> Result<Option<Page<Room>>, Error>;
    /// All living rooms, newest id first: for administrators.
    async fn all_rooms(&self, page: PageRequest) -> Result<Option<Page<Room>>, Error>;
    /// The living rooms that a user is invited to and has not joined, newest id first; at most 100.
    async fn invitations(&self, user: UserId) -> Result<Vec<Room>, Error>;
    /// The users who are invited to a room and have not joined, in order of their ids.
    async fn invited(&self, room: RoomId) -> Result<Vec<UserId>, Error>;
    /// What is left of a room that ended, until it is forgotten, and whether `user` was a member
    /// (kept as long as the tombstone, for PRIVATE rooms at least).
    async fn tombstone(
        &self,
        room: RoomId,
        user: Option<UserId>,
    ) -> Result<Option<Tombstone>, Error>;
    /// Changes a room. Event: `RoomUpdated`.
    async fn update_room(
        &self,
        room: RoomId,
        change: RoomChange,
        at: Time,
    ) -> Result<SaveRoom, Error>;
    /// Joins. Never lets the number of members exceed the smaller of the room's `max_users` and
    /// `cap`, whatever happens in parallel. Event: `MemberJoined` (only for [`Join::Joined`]).
    async fn join(&self, room: RoomId, user: UserId, cap: i64, at: Time) -> Result<Join, Error>;
    /// Ends a membership. Event: `MemberLeft`.
    async fn leave(&self, room: RoomId, user: UserId, at: Time) -> Result<Change, Error>;
    /// Invites an account; a member stays one, a removed user may come back. No event.
    async fn invite(&self, room: RoomId, user: UserId, at: Time) -> Result<Change, Error>;
    /// Puts a member out or withdraws an invitation; bars the user. Event: `MemberLeft` for a member.
    async fn remove(&self, room: RoomId, user: UserId, at: Time) -> Result<Change, Error>;
    /// Makes a member the owner. A former owner who had no seat takes the new owner's, so the count
    /// never rises. Events: `RoomUpdated`, then (when the seat moves) `MemberLeft` with `BecameHost`
    /// and `MemberJoined`.
    async fn hand_over(&self, room: RoomId, to: UserId, at: Time) -> Result<Change, Error>;
    /// Ends a room; at once invisible and its name free. Event: `RoomDeleted`. Answers whether this
    /// call did it.
    async fn end_room(&self, room: RoomId, reason: EndReason, at: Time) -> Result<bool, Error>;
    /// Ends the rooms whose time is up, each exactly once however many processes call. At most 100
    /// a call. Events: `RoomDeleted`.
    async fn expire_rooms(&self, now: Time) -> Result<Vec<RoomId>, Error>;
    /// Deletes a bounded piece of what ended rooms left behind (messages, reactions, read positions,
    /// events; memberships of PRIVATE rooms stay with the tombstone), and
    /// tombstones that ended before `forget_before`. Answers whether there is more to do.
    async fn purge(&self, forget_before: Time) -> Result<bool, Error>;
    /// The rooms in which these users hear (joined or owned), in order of users and rooms.
    async fn hearings_of(&self, users: &[UserId]) -> Result<Vec<(UserId, Hearing)>, Error>;
    /// The rooms in which a user hears, in order of their ids.
    async fn hearings(&self, user: UserId) -> Result<Vec<Hearing>, Error> {
        let all = self.hearings_of(&[user]).await?;
        Ok(all.into_iter().map(|(_, hearing)| hearing).collect())
    }
    /// The newest seq of each of these rooms that lives.
    async fn positions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, i64)>, Error>;
    /// A piece of a room's stream. `limit` is 1 to 1,000. `None` when the room does not exist.
    /// Consistent with everything this process committed before the call.
    async fn history(&self, room: RoomId, span: Span, limit: i64)
    -> Result<Option<History>, Error>;
}
