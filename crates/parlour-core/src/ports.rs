//! What the actions need from outside, as small interfaces. Comments state guarantees; the
//! conformance suite of `parlour-store` checks them on every engine.
//!
//! Store methods are *intentions that are atomic by themselves*. What can race is decided inside the
//! method and answered as a domain outcome; a lookup that finds nothing answers `None`, and somebody
//! above decides whether that is an error. Every method fails with
//! [`Unavailable`](crate::Kind::Unavailable) within about two seconds when the database does not
//! answer, and never hangs.
//!
//! **Commit, then announce.** Every method that changes a room gives the change the next `seq` of the
//! room inside its transaction, and after the durable commit hands the events to the [`Announce`] the
//! store was opened with, in commit order per room, also when the caller has gone away meanwhile.
//! "Committed" is durable: it survives a power cut (realtime.md).

use crate::{
    Error, Event, MessageId, RoomId, Signal, Time, TokenId, UserId,
    event::EndReason,
    model::{
        Credentials, Message, Page, PageRequest, Room, RoomKind, RoomView, Token, TokenKind, User,
    },
};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Everything that is kept.
pub trait Store: Accounts + Sessions + Rooms + Messages + Upkeep {}

impl<T: Accounts + Sessions + Rooms + Messages + Upkeep> Store for T {}

/// Which unique field of an account is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenField {
    /// The username (or another account's email equals it).
    Username,
    /// The nickname.
    Nickname,
    /// The email (or another account's username equals it).
    Email,
}

/// The keys by which accounts are unique: see [`crate::text::key`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountKeys {
    /// Comparison form of the username.
    pub username: Option<String>,
    /// Comparison form of the nickname.
    pub nickname: Option<String>,
    /// Comparison form of the email.
    pub email: Option<String>,
}

/// A new account.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Log-in name as typed (trimmed).
    pub username: String,
    /// Display name.
    pub nickname: String,
    /// Email, if given.
    pub email: Option<String>,
    /// Comparison forms; `username` and `nickname` are always there.
    pub keys: AccountKeys,
    /// 0 to 150 characters.
    pub first_name: String,
    /// 0 to 150 characters.
    pub last_name: String,
    /// PHC string.
    pub password_hash: String,
    /// Administers this server.
    pub is_admin: bool,
    /// Now.
    pub at: Time,
}

/// Answer to making or changing an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveUser {
    /// Done. `ended` are the credentials that ended with a password change or deactivation.
    Saved {
        /// The account as it is now.
        user: User,
        /// Credentials that ended.
        ended: Vec<TokenId>,
    },
    /// Nothing changed: these are somebody else's.
    Taken(Vec<TakenField>),
    /// No such account.
    Gone,
}

/// A change of an account. `None`: as it was.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// New log-in name (its key in `keys`).
    pub username: Option<String>,
    /// New display name (its key in `keys`).
    pub nickname: Option<String>,
    /// New email (its key in `keys`); `Some(None)` removes it.
    pub email: Option<Option<String>>,
    /// Comparison forms of the three above.
    pub keys: AccountKeys,
    /// New first name.
    pub first_name: Option<String>,
    /// New last name.
    pub last_name: Option<String>,
    /// New password hash: all credentials but `keep` end.
    pub password_hash: Option<String>,
    /// The credential that asked for the change and stays.
    pub keep: Option<TokenId>,
    /// New activity; `Some(false)` ends all credentials.
    pub is_active: Option<bool>,
    /// New administration right.
    pub is_admin: Option<bool>,
}

/// Answer to deleting an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteUser {
    /// Gone: the account, its credentials, memberships, and the texts of its messages. Each room
    /// it was a member of has a `MemberLeft`, each room it wrote in a `MessagesPurged`.
    Deleted {
        /// Credentials that ended.
        ended: Vec<TokenId>,
    },
    /// Nothing changed: it owns these living rooms.
    OwnsRooms(Vec<RoomId>),
    /// No such account.
    Gone,
}

/// Accounts.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Makes an account. Uniqueness of username, nickname and email, and of usernames against
    /// emails, holds under parallel calls.
    async fn create_user(&self, new: NewUser) -> Result<SaveUser, Error>;
    /// Which of the keys belong to an account other than `except`.
    async fn taken(
        &self,
        keys: AccountKeys,
        except: Option<UserId>,
    ) -> Result<Vec<TakenField>, Error>;
    /// An account.
    async fn user(&self, id: UserId) -> Result<Option<User>, Error>;
    /// The account whose username or email has this comparison form, with its password hash.
    async fn credentials_by_login(&self, key: &str) -> Result<Option<Credentials>, Error>;
    /// An account with its password hash.
    async fn credentials(&self, id: UserId) -> Result<Option<Credentials>, Error>;
    /// All accounts, newest id first; `None` when there is no such page.
    async fn users_page(&self, page: PageRequest) -> Result<Option<Page<User>>, Error>;
    /// Changes an account.
    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        at: Time,
    ) -> Result<SaveUser, Error>;
    /// Replaces a hash by a newer one of the same password, unless the password was changed since
    /// `old` was read; no credential ends. Answers whether it did.
    async fn rehash(&self, id: UserId, old: String, new: String) -> Result<bool, Error>;
    /// Deletes an account.
    async fn delete_user(&self, id: UserId, at: Time) -> Result<DeleteUser, Error>;
}

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
    /// Deletes a bounded piece of what ended rooms left behind (messages, memberships, events), and
    /// tombstones that ended before `forget_before`. Answers whether there is more to do.
    async fn purge(&self, forget_before: Time) -> Result<bool, Error>;
    /// The rooms in which a user hears: joined or owned.
    async fn hearings(&self, user: UserId) -> Result<Vec<Hearing>, Error>;
    /// The newest seq of each of these rooms that lives.
    async fn positions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, i64)>, Error>;
    /// A piece of a room's stream. `limit` is 1 to 1,000. `None` when the room does not exist.
    /// Consistent with everything this process committed before the call.
    async fn history(&self, room: RoomId, span: Span, limit: i64)
    -> Result<Option<History>, Error>;
}

/// A message to be stored.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The room.
    pub room: RoomId,
    /// The author.
    pub author: UserId,
    /// The text, checked.
    pub text: String,
    /// The client's own id, 1 to 64 characters.
    pub nonce: Option<String>,
    /// Now.
    pub at: Time,
}

/// Answer to storing a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Append {
    /// Stored durably.
    Stored(Arc<Message>),
    /// The same nonce with the same body was stored before; this is that message as it is now.
    Repeated(Arc<Message>),
    /// The nonce was used with another body, or its message was deleted. Nothing changed.
    NonceReused,
    /// The author is neither member nor owner. Nothing changed.
    NotIn,
    /// No such living room. Nothing changed.
    Gone,
}

/// A message on its way to the disk.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Append, Error>>);

impl Pending {
    /// The two ends of a pending message.
    #[must_use]
    pub fn new() -> (oneshot::Sender<Result<Append, Error>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Waits for the durable commit.
    ///
    /// # Errors
    /// What the store says; [`crate::error::STORE_UNAVAILABLE`] when the writer stopped first. In
    /// both cases the message may or may not be stored: a retry with the same nonce is safe.
    pub async fn wait(self) -> Result<Append, Error> {
        self.0
            .await
            .unwrap_or_else(|_| Err(Error::unavailable("the writer stopped")))
    }
}

/// Answer to changing a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditMessage {
    /// Changed.
    Done(Arc<Message>),
    /// No such message (any more), or its room ended.
    Gone,
}

/// Messages.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Queues a message for the group commit. Messages of one room are stored in the order of the
    /// calls. The body's identity for the nonce is its room and text. Event: `MessageCreated`.
    ///
    /// # Errors
    /// [`crate::error::BUSY`] at once when the queue is full.
    fn append(&self, message: NewMessage) -> Result<Pending, Error>;
    /// A message that is not deleted, of a room that lives.
    async fn message(&self, id: MessageId) -> Result<Option<Arc<Message>>, Error>;
    /// Messages of all rooms the user joined or owns (or of one such room), newest first; `None`
    /// when there is no such page. A room the user is not in gives an empty list. Consistent with
    /// everything this process committed before the call.
    async fn messages_page(
        &self,
        user: UserId,
        room: Option<RoomId>,
        page: PageRequest,
    ) -> Result<Option<Page<Arc<Message>>>, Error>;
    /// Changes a message's text. Event: `MessageUpdated`. An equal text changes nothing and makes no
    /// event.
    async fn edit_message(
        &self,
        id: MessageId,
        text: String,
        at: Time,
    ) -> Result<EditMessage, Error>;
    /// Deletes a message. Event: `MessageDeleted`. Answers whether this call did it.
    async fn delete_message(&self, id: MessageId, at: Time) -> Result<bool, Error>;
}

/// The store's own health.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Writes and commits something small: proves that sends can be stored now.
    async fn probe(&self) -> Result<(), Error>;
    /// Name of the database's lineage; changes when a backup is restored.
    fn epoch(&self) -> &str;
    /// Finishes the commits under way, answers their callers, and closes. Later calls fail with
    /// [`crate::error::STORE_UNAVAILABLE`].
    async fn close(&self);
}

/// Tells whoever listens, in this process and others.
#[async_trait]
pub trait Announce: Send + Sync {
    /// Events that were just committed, in commit order per room. May wait when listeners are
    /// behind; never fails: what is lost on the way is healed from the store.
    async fn events(&self, events: Vec<Arc<Event>>);
    /// News of a user.
    async fn signal(&self, signal: Signal);
}

/// The time. Passed in, so that tests can move it.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Time;
}

/// Randomness fit for secrets. Passed in, so that tests can repeat it.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time::now()
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}
