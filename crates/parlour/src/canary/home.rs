//! What the canary needs of the server: an account that nobody logs in as, a fresh token, and a PRIVATE
//! room in which it is alone. Rooms end after a day and are purged with all that was said in them, so
//! nothing grows for ever.

use parlour_core::{
    Actor, App, Error, Proof, RoomId, Time,
    accounts::{self, Issued},
    given::Given,
    model::{PageNumber, PageRequest, Room, RoomKind},
    rooms::{self, CreateRoom, Scope},
};
use std::time::Duration;

/// The account's name among those of the server itself.
const NAME: &str = "canary";
/// How long a room lives, unless rooms of this server end sooner.
const ROOM_LIFE: Duration = Duration::from_secs(24 * 3600);
/// How long a token lives: longer than a connection. Nothing ends it when the process is killed.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// What one connection of the canary needs.
pub(super) struct Home {
    /// The token.
    pub(super) secret: String,
    /// The room.
    pub(super) room: RoomId,
    /// How long the room is good for.
    pub(super) stay: Duration,
}

impl Home {
    /// Finds or makes all of it.
    ///
    /// # Errors
    /// When the store does not answer, or an administrator deactivated the account.
    pub(super) async fn prepare(app: &App) -> Result<Self, Error> {
        let account = accounts::service(app, NAME).await?;
        let issued = accounts::issue_to_service(app, account, NAME, TOKEN_LIFE).await?;
        let actor = actor(&issued);
        let life = app
            .settings()
            .room_lifetime
            .map_or(ROOM_LIFE, |life| life.min(ROOM_LIFE));
        let now = app.now();
        let (room, end) = match find(app, &actor, now.plus(life / 4)).await? {
            Some(found) => found,
            None => make(app, &actor, now.plus(life)).await?,
        };
        Ok(Self {
            secret: issued.secret,
            room,
            stay: end.since(now) / 2,
        })
    }
}

fn actor(issued: &Issued) -> Actor {
    Actor {
        user: issued.user.id,
        is_admin: false,
        proof: Proof::Token(issued.id),
    }
}

/// The room that lives longest, if it lives beyond this time.
async fn find(app: &App, actor: &Actor, least: Time) -> Result<Option<(RoomId, Time)>, Error> {
    let page = PageRequest {
        page: PageNumber::Nth(1),
        size: 100,
    };
    let mine = rooms::list(app, actor, Scope::Mine, Some(page)).await?;
    let is_home = |room: &Room| room.kind == RoomKind::Private && room.owner == actor.user;
    let ends = mine
        .items
        .iter()
        .filter(|room| is_home(room))
        .filter_map(|room| Some((room.id, room.expires_at?)));
    Ok(ends
        .filter(|(_, end)| *end > least)
        .max_by_key(|(_, end)| *end))
}

async fn make(app: &App, actor: &Actor, end: Time) -> Result<(RoomId, Time), Error> {
    let input = CreateRoom {
        // Names of an owner's PRIVATE rooms differ.
        name: Given::Value(format!("canary until {end}")),
        topic: Given::Value(
            "The server sends messages to itself here, to see that they come.".into(),
        ),
        kind: Given::Value(RoomKind::Private.as_str().to_owned()),
        max_users: Given::Value(1),
        expires_at: Given::Value(end),
    };
    let room = rooms::create(app, actor, input).await?;
    Ok((room.id, end))
}
