//! Change, renew and end a room: its owner's rights.

use super::{
    access::{self, Right},
    create,
};
use crate::{
    Actor, App, Error, RoomId, Time,
    error::{ADMIN_ONLY, NOT_FOUND, Problem},
    event::EndReason,
    given::{Given, Problems},
    model::Room,
    ports::{RoomChange, SaveRoom},
    rates::Key,
    text,
};
use std::sync::Arc;

/// New values; what is missing stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UpdateRoom {
    /// 1 to 50 characters.
    pub name: Given<String>,
    /// 0 to 250 characters.
    pub topic: Given<String>,
    /// `GROUP` or `PRIVATE`.
    pub kind: Given<String>,
    /// Seats. Fewer than there are members puts nobody out.
    pub max_users: Given<i64>,
    /// When it ends, at most one lifetime from now.
    pub expires_at: Given<Time>,
    /// Whether the name must be there (`PUT`).
    pub whole: bool,
}

/// Changes a room of the actor.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::OWNER_ONLY`], all bad fields at once.
pub async fn update(
    app: &App,
    actor: &Actor,
    room: RoomId,
    input: UpdateRoom,
) -> Result<Arc<Room>, Error> {
    let view = host(app, actor, room).await?;
    let mut problems = Problems::default();
    let name = if input.whole {
        create::name_rule().required("name", input.name, &mut problems)
    } else {
        create::name_rule().optional("name", input.name, &mut problems)
    };
    // A client that sends back what it read must not be refused for an end that has not changed.
    let expires_at = match input.expires_at {
        Given::Value(end) if view.expires_at == Some(end) => Given::Missing,
        Given::Null if view.expires_at.is_none() => Given::Missing,
        given => given,
    };
    let change = RoomChange {
        name: name.map(|name| (name.clone(), text::room_key(&name))),
        topic: create::topic_rule().optional("topic", input.topic, &mut problems),
        kind: create::kind(input.kind, &mut problems),
        max_users: create::seats(app.settings(), input.max_users, &mut problems),
        expires_at: create::end(app.settings(), app.now(), expires_at, &mut problems),
    };
    problems.check()?;
    save(app, room, change).await
}

/// Gives a room of the actor a new end: the given one, or one lifetime from now.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::OWNER_ONLY`], a bad end.
pub async fn renew(
    app: &App,
    actor: &Actor,
    room: RoomId,
    expires_at: Given<Time>,
) -> Result<Arc<Room>, Error> {
    host(app, actor, room).await?;
    let now = app.now();
    let mut problems = Problems::default();
    let end = create::end(app.settings(), now, expires_at, &mut problems);
    problems.check()?;
    let end = end.unwrap_or_else(|| app.settings().room_lifetime.map(|life| now.plus(life)));
    save(
        app,
        room,
        RoomChange {
            expires_at: Some(end),
            ..RoomChange::default()
        },
    )
    .await
}

/// Ends any room: for administrators.
///
/// # Errors
/// [`ADMIN_ONLY`], [`NOT_FOUND`].
pub async fn end_as_admin(app: &App, actor: &Actor, room: RoomId) -> Result<(), Error> {
    if !actor.is_admin {
        return Err(ADMIN_ONLY.into());
    }
    app.limits().change.take(&Key::User(actor.user))?;
    let now = app.now();
    if app.store().end_room(room, EndReason::Deleted, now).await? {
        Ok(())
    } else {
        Err(NOT_FOUND.into())
    }
}

/// Ends a room of the actor, with its messages.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::OWNER_ONLY`].
pub async fn end(app: &App, actor: &Actor, room: RoomId) -> Result<(), Error> {
    host(app, actor, room).await?;
    if app
        .store()
        .end_room(room, EndReason::Deleted, app.now())
        .await?
    {
        Ok(())
    } else {
        Err(NOT_FOUND.into())
    }
}

/// The room, if the actor owns it.
pub(super) async fn host(app: &App, actor: &Actor, room: RoomId) -> Result<Arc<Room>, Error> {
    app.limits().change.take(&Key::User(actor.user))?;
    let view = access::view(app, actor, room).await?;
    access::can(&view, Right::Host)?;
    Ok(view.room)
}

async fn save(app: &App, room: RoomId, change: RoomChange) -> Result<Arc<Room>, Error> {
    match app.store().update_room(room, change, app.now()).await? {
        SaveRoom::Saved(room) => Ok(room),
        SaveRoom::NameTaken => Err(Error::field("name", Problem::RoomNameTaken)),
        SaveRoom::Gone => Err(NOT_FOUND.into()),
    }
}
