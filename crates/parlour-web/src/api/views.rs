//! What users and rooms look like to clients of the API.

use parlour_core::{
    RoomId, Time, TokenId, UserId,
    model::{
        Language, People, Person, Preferences, Room, RoomKind, Token, TokenKind, Unread, User,
    },
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

/// The people of a room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "People")]
pub(crate) struct PeopleView {
    seats: SeatsView,
    /// The host first, also without a seat, then the members by nickname.
    people: Vec<PersonView>,
}

/// The seats of a room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Seats")]
pub(crate) struct SeatsView {
    #[schema(example = 2)]
    taken: i64,
    #[schema(example = 50)]
    of: i64,
}

/// Somebody who belongs to a room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Person")]
pub(crate) struct PersonView {
    #[schema(value_type = i64, example = 2)]
    id: UserId,
    #[schema(example = "Ada")]
    nickname: String,
    /// Colour.
    #[schema(minimum = 0, maximum = 11, example = 3)]
    hue: u8,
    /// Whether they own the room.
    is_host: bool,
    /// Whether they have a seat.
    is_member: bool,
    /// Whether a socket of theirs is open.
    here: bool,
    /// How far they have read; null: nobody knows.
    #[schema(example = 4)]
    read_seq: Option<i64>,
}

impl From<People> for PeopleView {
    fn from(people: People) -> Self {
        Self {
            seats: SeatsView {
                taken: people.taken,
                of: people.seats,
            },
            people: people.people.into_iter().map(PersonView::from).collect(),
        }
    }
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            nickname: person.nickname,
            hue: person.hue,
            is_host: person.is_host,
            is_member: person.is_member,
            here: person.here,
            read_seq: person.read_seq,
        }
    }
}

/// What one has not read in a room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Unread")]
pub(crate) struct UnreadView {
    #[schema(value_type = i64, example = 1)]
    room: RoomId,
    /// Position of the room's newest event.
    #[schema(example = 9)]
    seq: i64,
    /// How far one has read.
    #[schema(example = 4)]
    read_seq: i64,
    /// Messages of others after that, counted up to 100.
    #[schema(maximum = 100, example = 3)]
    unread: i64,
    /// Those among them that address one, counted up to 100.
    #[schema(maximum = 100, example = 1)]
    mentions: i64,
}

impl From<Unread> for UnreadView {
    fn from(unread: Unread) -> Self {
        Self {
            room: unread.room,
            seq: unread.seq,
            read_seq: unread.read_seq,
            unread: unread.messages,
            mentions: unread.mentions,
        }
    }
}

/// What a person chose for their own pages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Preferences")]
pub(crate) struct PreferencesView {
    /// `en` or `ko`; null: as the browser says.
    #[schema(example = "ko")]
    language: Option<&'static str>,
    /// `system`, `light` or `dark`.
    #[schema(example = "dark")]
    theme: &'static str,
    /// `roomy` or `compact`.
    #[schema(example = "roomy")]
    density: &'static str,
    /// How times of the day are written: `auto`, `h12` or `h24`.
    #[schema(example = "auto")]
    clock: &'static str,
    /// No movement, whatever the device says.
    #[schema(example = false)]
    calm: bool,
    /// Which keys send: `enter` or `ctrl_enter`.
    #[schema(example = "enter")]
    send_key: &'static str,
    /// Whether single keys are shortcuts.
    #[schema(example = true)]
    single_keys: bool,
}

impl From<Preferences> for PreferencesView {
    fn from(chosen: Preferences) -> Self {
        Self {
            language: chosen.language.map(Language::as_str),
            theme: chosen.theme.as_str(),
            density: chosen.density.as_str(),
            clock: chosen.clock.as_str(),
            calm: chosen.calm,
            send_key: chosen.send_key.as_str(),
            single_keys: chosen.single_keys,
        }
    }
}

/// A message, as documentation: what is sent is [`parlour_realtime::view::MessageView`], the same
/// object on every door. A test holds the two together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Message")]
pub(crate) struct MessageDoc {
    #[schema(example = 16)]
    pub(crate) id: i64,
    #[schema(example = 1)]
    pub(crate) room: i64,
    /// The author.
    #[schema(example = 1)]
    pub(crate) owner: i64,
    /// Position of its creation in the room's stream.
    #[schema(example = 4)]
    pub(crate) seq: i64,
    #[schema(example = "hi")]
    pub(crate) text: String,
    /// Where the file is, if there is one.
    pub(crate) file: Option<String>,
    /// The file's MIME type, found from its content.
    pub(crate) file_type: Option<String>,
    /// The client's own id of the message; only there when one was given.
    #[schema(required = false, example = "01J9-42")]
    pub(crate) nonce: Option<String>,
    #[schema(format = DateTime, example = "2026-11-20T23:40:14.876871Z")]
    pub(crate) created_at: String,
    #[schema(format = DateTime, example = "2026-11-20T23:40:14.876871Z")]
    pub(crate) updated_at: String,
    /// The message that this one answers; it may be deleted by now.
    #[schema(example = 15)]
    pub(crate) reply_to: Option<i64>,
    /// The people it addresses with `@nickname`.
    #[schema(example = json!([2]))]
    pub(crate) mentions: Vec<i64>,
    /// In the order of first use.
    pub(crate) reactions: Vec<ReactionDoc>,
    /// The author's nickname.
    #[schema(example = "Ada")]
    pub(crate) sender: String,
    /// The author's colour.
    #[schema(minimum = 0, maximum = 11, example = 3)]
    pub(crate) hue: u8,
}

/// Who reacted to a message with an emoji.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Reaction")]
pub(crate) struct ReactionDoc {
    #[schema(example = "👍")]
    pub(crate) emoji: String,
    /// In the order of reacting.
    #[schema(example = json!([2, 3]))]
    pub(crate) users: Vec<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::{
        MessageId,
        model::{Html, Mention, Message, Reaction, Sender},
    };
    use parlour_realtime::view::MessageView;
    use serde_json::Value;
    use std::{collections::BTreeSet, sync::Arc};

    fn keys(object: &Value) -> BTreeSet<&str> {
        let object = object.as_object().expect("an object");
        object.keys().map(String::as_str).collect()
    }

    fn is_a(value: &Value, schema: &Value) -> bool {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        match &schema["type"] {
            Value::Array(types) => types.iter().any(|one| one == name),
            one => one == name,
        }
    }

    #[test]
    fn the_document_tells_the_message_as_it_is_sent() {
        let time = Time::from_micros(0);
        let message = Message {
            id: MessageId::new(16),
            room: RoomId::new(1),
            owner: UserId::new(2),
            sender: Arc::new(Sender {
                nickname: "Ada".to_owned(),
                hue: 7,
            }),
            seq: 3,
            text: "hi @bob".to_owned(),
            nonce: Some("n".to_owned()),
            reply_to: Some(MessageId::new(15)),
            mentions: vec![Mention {
                user: UserId::new(4),
                name: "bob".to_owned(),
            }],
            reactions: vec![Reaction {
                emoji: "👍".to_owned(),
                users: vec![UserId::new(4)],
            }],
            created_at: time,
            updated_at: time,
            html: Html::default(),
        };
        let sent = serde_json::to_value(MessageView::from(&message)).expect("serialises");
        let document = serde_json::to_value(super::super::openapi::document()).expect("serialises");
        let schemas = &document["components"]["schemas"];
        let told = &schemas["MessageDoc"]["properties"];
        assert_eq!(keys(&sent), keys(told));
        for (key, value) in sent.as_object().expect("an object") {
            assert!(is_a(value, &told[key]), "{key}: {value} and {}", told[key]);
        }
        let of_reaction = &schemas["ReactionDoc"]["properties"];
        assert_eq!(keys(&sent["reactions"][0]), keys(of_reaction));
    }
}
