//! Make a room.

use crate::{
    Actor, App, Error, Time,
    error::Problem,
    given::{Given, Problems},
    model::{Room, RoomKind},
    ports::{NewRoom, SaveRoom},
    rates::Key,
    settings::Settings,
    text::{self, TextRule},
};
use std::sync::Arc;

/// What a room is made from.
#[derive(Clone, Debug, Default)]
pub struct CreateRoom {
    /// 1 to 50 characters.
    pub name: Given<String>,
    /// 0 to 250 characters; default empty.
    pub topic: Given<String>,
    /// `GROUP` (default) or `PRIVATE`.
    pub kind: Given<String>,
    /// Seats; default: the server's.
    pub max_users: Given<i64>,
    /// When it ends; default: the server's lifetime from now. Null only where rooms may live for
    /// ever.
    pub expires_at: Given<Time>,
}

/// Makes a room owned by the actor, who is not a member of it until joining.
///
/// # Errors
/// All bad fields at once.
pub async fn create(app: &App, actor: &Actor, input: CreateRoom) -> Result<Arc<Room>, Error> {
    app.limits().change.take(&Key::User(actor.user))?;
    let settings = app.settings();
    let now = app.now();
    let mut problems = Problems::default();
    let name = name_rule().required("name", input.name, &mut problems);
    let topic = topic_rule().optional("topic", input.topic, &mut problems);
    let kind = kind(input.kind, &mut problems);
    let max_users = seats(settings, input.max_users, &mut problems);
    let expires_at = end(settings, now, input.expires_at, &mut problems);
    problems.check()?;
    let name = name.unwrap_or_default();
    let new = NewRoom {
        name_key: text::room_key(&name),
        name,
        topic: topic.unwrap_or_default(),
        kind: kind.unwrap_or(RoomKind::Group),
        owner: actor.user,
        max_users: max_users.unwrap_or(settings.default_max_users),
        expires_at: expires_at.unwrap_or_else(|| settings.room_lifetime.map(|life| now.plus(life))),
        at: now,
    };
    match app.store().create_room(new).await? {
        SaveRoom::Saved(room) => Ok(room),
        SaveRoom::NameTaken => Err(Error::field("name", Problem::RoomNameTaken)),
        SaveRoom::Gone => Err(Error::internal("a new room is gone")),
    }
}

pub(super) const fn name_rule() -> TextRule {
    TextRule::name(text::MAX_SHORT_NAME_CHARS)
}

pub(super) const fn topic_rule() -> TextRule {
    TextRule::free(text::MAX_TOPIC_CHARS)
}

pub(super) fn kind(given: Given<String>, problems: &mut Problems) -> Option<RoomKind> {
    let word = given.optional("type", problems)?;
    let kind = word.parse().ok();
    if kind.is_none() {
        problems.add(
            "type",
            Problem::NotAChoice {
                given: word.chars().take(100).collect(),
            },
        );
    }
    kind
}

pub(super) fn seats(
    settings: &Settings,
    given: Given<i64>,
    problems: &mut Problems,
) -> Option<i64> {
    let seats = given.optional("max_users", problems)?;
    if seats < 1 {
        problems.add("max_users", Problem::TooSmall { min: 1 });
    }
    if seats > settings.max_users_in_room {
        problems.add(
            "max_users",
            Problem::SeatsAboveLimit {
                limit: settings.max_users_in_room,
            },
        );
    }
    Some(seats)
}

/// The end that was asked for: `None` when nothing was said, `Some(None)` for never.
pub(super) fn end(
    settings: &Settings,
    now: Time,
    given: Given<Time>,
    problems: &mut Problems,
) -> Option<Option<Time>> {
    let mut refuse = |text: String| problems.add("expires_at", Problem::BadEnd(text));
    match (given, settings.room_lifetime) {
        (Given::Missing, _) => None,
        (Given::Null, None) => Some(None),
        (Given::Null, Some(_)) => {
            refuse("Rooms on this server do not live for ever.".into());
            None
        }
        (Given::Wrong(problem), _) => {
            problems.add("expires_at", problem);
            None
        }
        (Given::Value(end), _) if end <= now => {
            refuse("The end of a room must be in the future.".into());
            None
        }
        (Given::Value(end), Some(life)) if end > now.plus(life) => {
            refuse(format!(
                "Rooms on this server end at {} at the latest.",
                now.plus(life)
            ));
            None
        }
        (Given::Value(end), _) => Some(Some(end)),
    }
}
