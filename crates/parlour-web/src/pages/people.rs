//! People as the pages show them.

use parlour_core::{
    UserId,
    model::{People, Person, Preferences, Sender, User},
};
use serde::Serialize;

/// The one whose page it is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Me {
    id: UserId,
    nickname: String,
    initials: String,
    hue: u8,
    is_admin: bool,
    preferences: Preferences,
}

impl Me {
    /// An account and what it chose.
    pub(crate) fn new(user: &User, preferences: Preferences) -> Self {
        Self {
            id: user.id,
            initials: initials(&user.nickname),
            nickname: user.nickname.clone(),
            hue: user.hue(),
            is_admin: user.is_admin,
            preferences,
        }
    }
}

/// Somebody of a room.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PersonView {
    pub(crate) id: UserId,
    pub(crate) nickname: String,
    initials: String,
    hue: u8,
    is_host: bool,
    is_member: bool,
    here: bool,
    is_me: bool,
    read_seq: Option<i64>,
}

impl PersonView {
    pub(crate) fn new(person: Person, me: UserId) -> Self {
        Self {
            initials: initials(&person.nickname),
            is_me: person.id == me,
            id: person.id,
            nickname: person.nickname,
            hue: person.hue,
            is_host: person.is_host,
            is_member: person.is_member,
            // Who reads this page is here, though no socket of theirs is open yet.
            here: person.here || person.id == me,
            read_seq: person.read_seq,
        }
    }

    /// Somebody who is not in the room yet.
    pub(crate) fn outside(id: UserId, sender: &Sender) -> Self {
        Self {
            id,
            initials: initials(&sender.nickname),
            nickname: sender.nickname.clone(),
            hue: sender.hue,
            is_host: false,
            is_member: false,
            here: false,
            is_me: false,
            read_seq: None,
        }
    }
}

/// The people of a room, for one of them.
pub(crate) fn people(people: People, me: UserId) -> Vec<PersonView> {
    let people = people.people.into_iter();
    people.map(|person| PersonView::new(person, me)).collect()
}

/// One or two letters that stand for a name: of its first and last word.
#[must_use]
pub(crate) fn initials(name: &str) -> String {
    let mut words = name
        .split(|c: char| c.is_whitespace() || matches!(c, '_' | '-' | '.'))
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let Some(first) = words.next() else {
        return name.chars().take(1).collect();
    };
    let is_hangul = |c: char| matches!(c, '\u{ac00}'..='\u{d7a3}');
    let last = words.next_back().filter(|_| !is_hangul(first));
    [Some(first), last]
        .into_iter()
        .flatten()
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_of_names() {
        for (name, expected) in [
            ("Ada Okafor", "AO"),
            ("ada", "A"),
            ("Mina von Park", "MP"),
            ("서연 임", "서"),
            ("ada_lovelace", "AL"),
            ("🙂", "🙂"),
            ("", ""),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
