//! What users and rooms look like to clients of the API.

mod message;
mod people;

pub(super) use message::{FileDoc, MessageDoc};
pub(super) use people::{PeopleView, PreferencesView, UnreadView};

use parlour_core::{
    RoomId, Time, TokenId, UserId,
    model::{Room, RoomKind, Token, TokenKind, User},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A user account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "User")]
pub(crate) struct UserView {
    #[schema(value_type = i64, example = 1)]
    id: UserId,
    /// Log-in name.
    #[schema(example = "ada")]
    username: String,
    /// Display name.
    #[schema(example = "Ada")]
    nickname: String,
    /// Only the account itself sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ada@example.org")]
    email: Option<String>,
    #[schema(example = "Ada")]
    first_name: String,
    #[schema(example = "Lovelace")]
    last_name: String,
    /// False: cannot log in.
    is_active: bool,
    /// The chosen colour, 0 to 11; null: the one of the id.
    #[schema(example = 3)]
    avatar_hue: Option<u8>,
    #[schema(value_type = String, format = DateTime, example = "2026-11-20T23:40:14.876871Z")]
    created_at: Time,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            nickname: user.nickname,
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            is_active: user.is_active,
            avatar_hue: user.avatar_hue,
            created_at: user.created_at,
        }
    }
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Room")]
pub(crate) struct RoomView {
    #[schema(value_type = i64, example = 1)]
    id: RoomId,
    #[schema(example = "Engine room")]
    name: String,
    #[schema(example = "Notes on the engine")]
    topic: String,
    /// Seats.
    #[schema(example = 50)]
    max_users: i64,
    /// `GROUP`: anybody may join; `PRIVATE`: only who was invited.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "GROUP")]
    kind: RoomKind,
    /// The host: sees, reads and writes, and counts as a member only after joining.
    #[schema(value_type = i64, example = 1)]
    owner: UserId,
    /// Those who joined.
    #[schema(value_type = Vec<i64>, example = json!([2, 3]))]
    users: Vec<UserId>,
    #[schema(value_type = String, format = DateTime, example = "2026-11-20T23:40:14.876871Z")]
    created_at: Time,
    /// Moves on changes of the room, joins and leaves; not on messages.
    #[schema(value_type = String, format = DateTime, example = "2026-11-20T23:40:14.876871Z")]
    updated_at: Time,
    /// When the room ends, with its messages; null: never.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-27T23:40:14.876871Z")]
    expires_at: Option<Time>,
    /// Position of the newest event in the room's stream.
    #[schema(example = 4)]
    seq: i64,
}

impl From<&Room> for RoomView {
    fn from(room: &Room) -> Self {
        Self {
            id: room.id,
            name: room.name.clone(),
            topic: room.topic.clone(),
            max_users: room.max_users,
            kind: room.kind,
            owner: room.owner,
            users: room.users.clone(),
            created_at: room.created_at,
            updated_at: room.updated_at,
            expires_at: room.expires_at,
            seq: room.seq,
        }
    }
}

/// One of the account's own tokens or sessions. The secret itself was told once and is not kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Credential")]
pub(crate) struct TokenView {
    #[schema(value_type = i64, example = 1)]
    id: TokenId,
    /// `token`: for programs; `session`: of a browser.
    #[schema(value_type = String, example = "token")]
    kind: TokenKind,
    /// The program it was issued to, by its own word.
    #[schema(example = "curl/8.5")]
    label: String,
    #[schema(value_type = String, format = DateTime, example = "2026-11-20T23:40:14.876871Z")]
    created_at: Time,
    /// When it ends by itself; null: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// Whether it is the one that asks.
    current: bool,
}

impl TokenView {
    pub(crate) fn new(token: Token, current: Option<TokenId>) -> Self {
        Self {
            current: current == Some(token.id),
            id: token.id,
            kind: token.kind,
            label: token.label,
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}
