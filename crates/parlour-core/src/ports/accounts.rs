//! Accounts that are kept.

use crate::{
    Error, RoomId, Time, TokenId, UserId,
    model::{Credentials, Page, PageRequest, Preferences, Sender, User},
};
use async_trait::async_trait;

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
    /// New colour; `Some(None)`: the one of the id.
    pub avatar_hue: Option<Option<u8>>,
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

/// Answer to making the first administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstAdmin {
    /// Made; the code is spent.
    Made(User),
    /// Nothing changed: these are somebody else's.
    Taken(Vec<TakenField>),
    /// Nothing changed: not the code in force.
    WrongCode,
    /// Nothing changed: there is an administrator.
    Done,
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
    /// The account whose nickname has this comparison form.
    async fn user_by_nickname(&self, key: &str) -> Result<Option<UserId>, Error>;
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
    /// How these accounts are shown; those that do not exist are left out.
    async fn senders(&self, ids: &[UserId]) -> Result<Vec<(UserId, Sender)>, Error>;
    /// What an account chose for its pages; the defaults when it never chose. `None`: no such
    /// account.
    async fn preferences(&self, id: UserId) -> Result<Option<Preferences>, Error>;
    /// Keeps what an account chose. Answers whether there is such an account.
    async fn set_preferences(&self, id: UserId, preferences: Preferences) -> Result<bool, Error>;
    /// Whether some active account administers this server.
    async fn has_admin(&self) -> Result<bool, Error>;
    /// Puts the hash of a new code for [`Accounts::create_first_admin`] in force: in place of any older
    /// one, or as a further one.
    async fn set_setup_code(&self, hash: String, is_further: bool) -> Result<(), Error>;
    /// Makes the first administrator and spends the code, both or neither, once however many call.
    async fn create_first_admin(&self, code_hash: &str, new: NewUser) -> Result<FirstAdmin, Error>;
    /// Drops what is remembered of how an account is shown: called when another process changed it.
    fn forget_sender(&self, id: UserId);
    /// Deletes an account.
    async fn delete_user(&self, id: UserId, at: Time) -> Result<DeleteUser, Error>;
}
