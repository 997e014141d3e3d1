//! Bodies of requests and answers as documentation; what is read and sent is in the handlers.

use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Everything that is no field error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    /// What is wrong.
    #[schema(example = "Not found.")]
    detail: String,
}

/// Field errors: each bad field with its texts, all at once. What belongs to no field is under
/// `error`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": ["This field is required."]}))]
pub(crate) struct FieldErrors(BTreeMap<String, Vec<String>>);

/// The answer to joining a full room: a bare list, kept for compatibility.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(["Max users limit for group reached."]))]
pub(crate) struct FullRoom(Vec<String>);

/// The rooms that stand in the way of deleting an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnsRooms {
    /// What is wrong.
    detail: String,
    /// The rooms' ids.
    #[schema(example = json!([1, 2]))]
    rooms: Vec<i64>,
}

/// A log-in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoginBody {
    /// Username or email.
    #[schema(example = "ada")]
    username: String,
    #[schema(format = Password, example = "difference of squares")]
    password: String,
}

/// A new token. It is told once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenBody {
    #[schema(example = "plr_ThisIsOnlyAnExampleOfFortyThreeCharactersXX")]
    pub(crate) token: String,
}

/// A new account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignUpBody {
    /// Letters and digits of any script and `@ . + - _`; unique, also in another letter case.
    #[schema(max_length = 150, example = "ada")]
    username: String,
    /// Not common, not only digits, not like the names.
    #[schema(format = Password, min_length = 8, max_length = 128, example = "difference of squares")]
    password: String,
    /// Display name; the username when left out.
    #[schema(required = false, max_length = 50, example = "Ada")]
    nickname: Option<String>,
    #[schema(required = false, max_length = 254, example = "ada@example.org")]
    email: Option<String>,
    #[schema(required = false, max_length = 150, example = "Ada")]
    first_name: Option<String>,
    #[schema(required = false, max_length = 150, example = "Lovelace")]
    last_name: Option<String>,
}

/// All fields of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserPutBody {
    #[schema(max_length = 150, example = "ada")]
    username: String,
    /// All other tokens and sessions end.
    #[schema(format = Password, min_length = 8, max_length = 128, example = "difference of squares")]
    password: String,
    #[schema(required = false, max_length = 50, example = "Ada")]
    nickname: Option<String>,
    /// Null removes it.
    #[schema(required = false, max_length = 254, example = "ada@example.org")]
    email: Option<String>,
    #[schema(required = false, max_length = 150, example = "Ada")]
    first_name: Option<String>,
    #[schema(required = false, max_length = 150, example = "Lovelace")]
    last_name: Option<String>,
    /// Colour; null: the one of the id.
    #[schema(required = false, minimum = 0, maximum = 11, example = 3)]
    avatar_hue: Option<i64>,
}

/// Some fields of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserPatchBody {
    #[schema(required = false, max_length = 150, example = "ada")]
    username: Option<String>,
    /// All other tokens and sessions end.
    #[schema(required = false, format = Password, min_length = 8, max_length = 128)]
    password: Option<String>,
    #[schema(required = false, max_length = 50, example = "Ada")]
    nickname: Option<String>,
    /// Null removes it.
    #[schema(required = false, max_length = 254, example = "ada@example.org")]
    email: Option<String>,
    #[schema(required = false, max_length = 150, example = "Ada")]
    first_name: Option<String>,
    #[schema(required = false, max_length = 150, example = "Lovelace")]
    last_name: Option<String>,
    /// Colour; null: the one of the id.
    #[schema(required = false, minimum = 0, maximum = 11, example = 3)]
    avatar_hue: Option<i64>,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoomBody {
    /// Unique among GROUP rooms, and among the PRIVATE rooms of one owner.
    #[schema(max_length = 50, example = "Engine room")]
    name: String,
    #[schema(required = false, max_length = 250, example = "Notes on the engine")]
    topic: Option<String>,
    /// `GROUP` (default) or `PRIVATE`.
    #[serde(rename = "type")]
    #[schema(required = false, example = "GROUP")]
    kind: Option<String>,
    /// Seats, at most the server's limit.
    #[schema(required = false, minimum = 1, example = 50)]
    max_users: Option<i64>,
    /// When the room ends, at most one lifetime from now.
    #[schema(required = false, format = DateTime)]
    expires_at: Option<String>,
}

/// Some fields of a room.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoomPatchBody {
    #[schema(required = false, max_length = 50, example = "Engine room")]
    name: Option<String>,
    #[schema(required = false, max_length = 250, example = "Notes on the engine")]
    topic: Option<String>,
    /// `GROUP` or `PRIVATE`.
    #[serde(rename = "type")]
    #[schema(required = false, example = "GROUP")]
    kind: Option<String>,
    #[schema(required = false, minimum = 1, example = 50)]
    max_users: Option<i64>,
    #[schema(required = false, format = DateTime)]
    expires_at: Option<String>,
}

/// A new end of a room.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RenewBody {
    /// One lifetime from now when left out.
    #[schema(required = false, format = DateTime)]
    expires_at: Option<String>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserRef {
    /// The account's id.
    #[schema(example = 2)]
    user: i64,
}

/// A message to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageBody {
    #[schema(example = 1)]
    room: i64,
    #[schema(example = "hi")]
    text: String,
    /// The client's own id of the message.
    #[schema(required = false, max_length = 64, example = "01J9-42")]
    nonce: Option<String>,
    /// The message of the same room that this one answers.
    #[schema(required = false, example = 15)]
    reply_to: Option<i64>,
    /// The file, of `multipart/form-data`.
    #[schema(required = false, format = Binary)]
    file: Option<String>,
    /// More files, or in JSON the ids of files that were uploaded before.
    #[schema(required = false)]
    files: Option<Vec<String>>,
    /// What the nth file shows.
    #[schema(required = false)]
    alt: Option<Vec<String>>,
}

/// All fields of a message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessagePutBody {
    /// The room it is in.
    #[schema(example = 1)]
    room: i64,
    #[schema(required = false, example = "hi there")]
    text: Option<String>,
    /// A file in place of those that hang there, of `multipart/form-data`.
    #[schema(required = false, format = Binary)]
    file: Option<String>,
}

/// Some fields of a message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessagePatchBody {
    #[schema(required = false, example = "hi there")]
    text: Option<String>,
    /// A file in place of those that hang there, of `multipart/form-data`.
    #[schema(required = false, format = Binary)]
    file: Option<String>,
}

/// How far somebody has read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadBody {
    /// The seq of the last event read; more than the room has counts as its newest.
    #[schema(minimum = 0, example = 4)]
    seq: i64,
    /// Whether the position may also move backwards; no when left out.
    #[schema(required = false, example = false)]
    back: Option<bool>,
}

/// Some preferences.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreferencesPatchBody {
    /// `en` or `ko`; null: as the browser says.
    #[schema(required = false, example = "ko")]
    language: Option<String>,
    /// `system`, `light` or `dark`.
    #[schema(required = false, example = "dark")]
    theme: Option<String>,
    /// `roomy` or `compact`.
    #[schema(required = false, example = "roomy")]
    density: Option<String>,
    /// `auto`, `h12` or `h24`.
    #[schema(required = false, example = "auto")]
    clock: Option<String>,
    /// No movement, whatever the device says.
    #[schema(required = false, example = false)]
    calm: Option<bool>,
    /// `enter` or `ctrl_enter`.
    #[schema(required = false, example = "enter")]
    send_key: Option<String>,
    /// Whether single keys are shortcuts.
    #[schema(required = false, example = true)]
    single_keys: Option<bool>,
}

/// A piece of a room's stream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "History")]
pub(crate) struct HistoryDoc {
    #[schema(example = 1)]
    room: i64,
    /// Name of the database's lineage; when it changes, positions of before mean nothing any more.
    #[schema(example = "6f1c0a52d7f14b0e")]
    epoch: String,
    /// The room's newest position.
    #[schema(example = 4)]
    seq: i64,
    /// Whether there are more events in the direction asked for.
    has_more: bool,
    /// In order of seq.
    events: Vec<EventDoc>,
}

/// An event of a room's stream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Event", example = json!({"type": "message.deleted", "room": 1, "seq": 5, "at": "2026-11-20T23:40:14.876871Z", "id": 16}))]
pub(crate) struct EventDoc {
    /// `message.created`, `message.updated`, `message.deleted`, `messages.purged`, `reaction.added`,
    /// `reaction.removed`, `member.joined`, `member.left`, `room.created`, `room.updated` or
    /// `room.deleted`.
    #[serde(rename = "type")]
    kind: String,
    room: i64,
    /// Position in the room's stream: 1, 2, 3, … without holes.
    seq: i64,
    #[schema(format = DateTime)]
    at: String,
    /// Of `message.created` and `message.updated`: the message as it is now, with `?html=1` also with
    /// its text as safe HTML in `html`.
    #[schema(required = false)]
    message: Option<serde_json::Value>,
    /// Of `message.deleted`, `reaction.added` and `reaction.removed`: the message's id.
    #[schema(required = false)]
    id: Option<i64>,
    /// Of `reaction.added` and `reaction.removed`: one emoji.
    #[schema(required = false)]
    emoji: Option<String>,
    /// Of `reaction.added` and `reaction.removed`: who.
    #[schema(required = false)]
    user: Option<i64>,
    /// Of `messages.purged`: whose messages.
    #[schema(required = false)]
    owner: Option<i64>,
    /// Of `member.joined` and `member.left`: who.
    #[schema(required = false)]
    member: Option<serde_json::Value>,
}
