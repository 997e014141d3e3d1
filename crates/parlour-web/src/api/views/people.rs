//! What people in rooms, and what they chose and read, look like to clients of the API.

use parlour_core::{
    RoomId, UserId,
    model::{Language, People, Person, Preferences, Unread},
};
use serde::Serialize;
use utoipa::ToSchema;

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
