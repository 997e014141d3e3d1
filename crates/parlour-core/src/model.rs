//! The nouns: users, rooms, messages, and pages of them.

mod file;
mod message;
mod people;
mod site;

pub use file::{File, FileKind, KeptFile, Thumb};
pub use message::{Html, Mention, Message, Reaction};
pub use people::{
    Density, HourCycle, Language, People, Person, Preferences, SendKey, Sender, Theme, Unread,
};
pub use site::{Logo, MAX_HUE, Site};

use crate::{RoomId, Time, TokenId, UserId, event::EndReason};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// A user account as other parts of the system see it. The password hash is not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Log-in name, 1 to 150 letters, digits and `@ . + - _`.
    pub username: String,
    /// Display name, 1 to 50 characters.
    pub nickname: String,
    /// Only the account itself may see it.
    pub email: Option<String>,
    /// 0 to 150 characters.
    pub first_name: String,
    /// 0 to 150 characters.
    pub last_name: String,
    /// A deactivated account cannot log in.
    pub is_active: bool,
    /// Administers this server.
    pub is_admin: bool,
    /// The chosen colour, an index below [`User::HUES`]; `None`: given by the id.
    pub avatar_hue: Option<u8>,
    /// When the account was made.
    pub created_at: Time,
}

impl User {
    /// How many colours there are to choose from.
    pub const HUES: u8 = 12;

    /// The colour in which the account is shown, below [`User::HUES`].
    #[must_use]
    pub fn hue(&self) -> u8 {
        hue(self.id, self.avatar_hue)
    }

    /// How the account is shown beside what it wrote.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender {
            nickname: self.nickname.clone(),
            hue: self.hue(),
        }
    }
}

/// The colour of an account that chose this one, or none.
#[must_use]
pub fn hue(id: UserId, chosen: Option<u8>) -> u8 {
    let of_id = u8::try_from(id.get().rem_euclid(i64::from(User::HUES))).unwrap_or(0);
    chosen.filter(|hue| *hue < User::HUES).unwrap_or(of_id)
}

/// A user together with the stored password hash (PHC string).
#[derive(Clone)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// Argon2id hash in PHC format.
    pub password_hash: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What a stored credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// For programs; lives until revoked.
    Token,
    /// A browser session; ends by itself.
    Session,
}

impl TokenKind {
    /// The word kept in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
        }
    }
}

impl FromStr for TokenKind {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        match word {
            "token" => Ok(Self::Token),
            "session" => Ok(Self::Session),
            _ => Err(Unknown),
        }
    }
}

/// A stored credential (never the secret itself).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The id.
    pub id: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub kind: TokenKind,
    /// When it was issued.
    pub created_at: Time,
    /// When it ends by itself; `None`: never.
    pub expires_at: Option<Time>,
    /// A word for people, such as the program it was issued to.
    pub label: String,
    /// Whether the account is active.
    pub user_is_active: bool,
    /// Whether the account administers this server.
    pub user_is_admin: bool,
}

/// Who may enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RoomKind {
    /// Anybody with an account may join.
    Group,
    /// Only invited people may join; to everybody else the room does not exist.
    Private,
}

impl RoomKind {
    /// The word of the contract: `GROUP` or `PRIVATE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group => "GROUP",
            Self::Private => "PRIVATE",
        }
    }
}

impl FromStr for RoomKind {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        match word {
            "GROUP" => Ok(Self::Group),
            "PRIVATE" => Ok(Self::Private),
            _ => Err(Unknown),
        }
    }
}

/// A word that names none of an enumeration's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown word")
    }
}

impl std::error::Error for Unknown {}

/// A room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The id.
    pub id: RoomId,
    /// 1 to 50 characters, unique among GROUP rooms and among one owner's PRIVATE rooms.
    pub name: String,
    /// 0 to 250 characters.
    pub topic: String,
    /// Who may enter.
    pub kind: RoomKind,
    /// The host. No member until joining, never counted toward `max_users` unless joined.
    pub owner: UserId,
    /// Seats.
    pub max_users: i64,
    /// When it was made.
    pub created_at: Time,
    /// Moves on changes of the room, joins and leaves; not on messages.
    pub updated_at: Time,
    /// When it ends; `None`: never.
    pub expires_at: Option<Time>,
    /// Position of the newest event of its stream.
    pub seq: i64,
    /// How many messages are in it (deleted ones not counted).
    pub messages: i64,
    /// Those who joined, in the order of joining.
    pub users: Vec<UserId>,
}

/// What a room knows of a user who is not (only) its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Stranger,
    /// May join a PRIVATE room; does not read or write before joining.
    Invited,
    /// Reads and writes.
    Member,
    /// Was put out; cannot come back until invited again.
    Removed,
}

impl Standing {
    /// The word kept in the database; strangers have no row.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Invited => "invited",
            Self::Member => "member",
            Self::Removed => "removed",
        }
    }
}

impl FromStr for Standing {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        match word {
            "stranger" => Ok(Self::Stranger),
            "invited" => Ok(Self::Invited),
            "member" => Ok(Self::Member),
            "removed" => Ok(Self::Removed),
            _ => Err(Unknown),
        }
    }
}

/// A room as one user meets it.
#[derive(Clone, Debug)]
pub struct RoomView {
    /// The room.
    pub room: Arc<Room>,
    /// What it knows of the user.
    pub standing: Standing,
    /// Whether the user is the owner.
    pub is_owner: bool,
}

/// What is left of a room that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The id.
    pub room: RoomId,
    /// Its name.
    pub name: String,
    /// Who could enter.
    pub kind: RoomKind,
    /// Who owned it.
    pub owner: UserId,
    /// When it ended.
    pub ended_at: Time,
    /// Why.
    pub reason: EndReason,
    /// Whether the user it was asked for was a member.
    pub was_member: bool,
}

/// Which page of a list is asked for. Pages count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Which page.
    pub page: PageNumber,
    /// Rows on a page, 1 to 100.
    pub size: i64,
}

/// A page's number, or the last one whatever its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageNumber {
    /// Counted from 1.
    Nth(i64),
    /// The last page.
    Last,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many rows the whole list has.
    pub count: i64,
    /// Rows on a page.
    pub size: i64,
}

impl<T> Page<T> {
    /// How many pages the list has; an empty list has one.
    #[must_use]
    pub fn total_pages(&self) -> i64 {
        total_pages(self.count, self.size)
    }

    /// The same page with each row turned into something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            count: self.count,
            size: self.size,
        }
    }
}

/// How many pages `count` rows fill; an empty list has one page.
#[must_use]
pub const fn total_pages(count: i64, size: i64) -> i64 {
    if count <= 0 {
        1
    } else {
        (count - 1) / size + 1
    }
}

impl PageRequest {
    /// The offset of the page's first row in a list of `count` rows, or `None` when there is no such
    /// page. Page 1 of an empty list exists.
    #[must_use]
    pub fn offset(&self, count: i64) -> Option<i64> {
        let last = total_pages(count, self.size);
        let page = match self.page {
            PageNumber::Last => last,
            PageNumber::Nth(page) => page,
        };
        (1..=last).contains(&page).then(|| (page - 1) * self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_count_from_one_and_an_empty_list_has_one() {
        let ask = |page, count| {
            PageRequest {
                page: PageNumber::Nth(page),
                size: 10,
            }
            .offset(count)
        };
        assert_eq!(ask(1, 0), Some(0));
        assert_eq!(ask(2, 0), None);
        assert_eq!(ask(2, 10), None);
        assert_eq!(ask(2, 11), Some(10));
        assert_eq!(ask(0, 11), None);
        assert_eq!(ask(-1, 11), None);
        assert_eq!(
            PageRequest {
                page: PageNumber::Last,
                size: 10
            }
            .offset(31),
            Some(30)
        );
    }
}
