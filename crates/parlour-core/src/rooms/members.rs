//! Who is in a room.

use super::{access, update::host};
use crate::{
    Actor, App, Error, RoomId, UserId,
    error::{NOT_FOUND, Problem, REMOVED, ROOM_FULL},
    given::{Given, Problems},
    model::Room,
    ports::{Change, Join},
    rates::Key,
};
use std::sync::Arc;

/// Joins a room; joining again changes nothing (D-13).
///
/// # Errors
/// [`ROOM_FULL`]; [`REMOVED`] for who was put out of a GROUP room; [`NOT_FOUND`], also for a PRIVATE
/// room without an invitation.
pub async fn join(app: &App, actor: &Actor, room: RoomId) -> Result<Arc<Room>, Error> {
    app.limits().change.take(&Key::User(actor.user))?;
    access::view(app, actor, room).await?;
    let cap = app.settings().max_users_in_room;
    match app.store().join(room, actor.user, cap, app.now()).await? {
        Join::Joined(room) | Join::AlreadyIn(room) => Ok(room),
        Join::Full => Err(ROOM_FULL.into()),
        Join::Removed => Err(REMOVED.into()),
        Join::NotInvited | Join::Gone => Err(NOT_FOUND.into()),
    }
}

/// Leaves a room.
///
/// # Errors
/// [`NOT_FOUND`] when the room is unknown or the actor is no member.
pub async fn leave(app: &App, actor: &Actor, room: RoomId) -> Result<Arc<Room>, Error> {
    app.limits().change.take(&Key::User(actor.user))?;
    access::view(app, actor, room).await?;
    done(app.store().leave(room, actor.user, app.now()).await?)
}

/// Invites a user into a room of the actor.
///
/// # Errors
/// [`NOT_FOUND`] for an unknown room or user, [`crate::error::OWNER_ONLY`], a bad field.
pub async fn invite(
    app: &App,
    actor: &Actor,
    room: RoomId,
    user: Given<UserId>,
) -> Result<Arc<Room>, Error> {
    host(app, actor, room).await?;
    let user = user_field(user)?;
    done(app.store().invite(room, user, app.now()).await?)
}

/// Puts a user out of a room of the actor, or withdraws an invitation. The user cannot come back
/// until invited again.
///
/// # Errors
/// [`NOT_FOUND`] for an unknown room and for a user who is neither member nor invited,
/// [`crate::error::OWNER_ONLY`], a bad field.
pub async fn remove(
    app: &App,
    actor: &Actor,
    room: RoomId,
    user: Given<UserId>,
) -> Result<Arc<Room>, Error> {
    host(app, actor, room).await?;
    let user = user_field(user)?;
    if user == actor.user {
        // An owner cannot bar themselves: giving up the seat is leaving.
        return done(app.store().leave(room, user, app.now()).await?);
    }
    done(app.store().remove(room, user, app.now()).await?)
}

/// Makes a member the owner of a room of the actor.
///
/// # Errors
/// [`NOT_FOUND`] for an unknown room and for a user who is no member, [`crate::error::OWNER_ONLY`],
/// a bad field, a name that the new owner uses already.
pub async fn hand_over(
    app: &App,
    actor: &Actor,
    room: RoomId,
    user: Given<UserId>,
) -> Result<Arc<Room>, Error> {
    let current = host(app, actor, room).await?;
    let user = user_field(user)?;
    if user == current.owner {
        return Ok(current);
    }
    done(app.store().hand_over(room, user, app.now()).await?)
}

fn user_field(user: Given<UserId>) -> Result<UserId, Error> {
    let mut problems = Problems::default();
    let user = user.required("user", &mut problems);
    problems.check()?;
    user.ok_or_else(|| Error::field("user", Problem::Required))
}

fn done(change: Change) -> Result<Arc<Room>, Error> {
    match change {
        Change::Done(room) => Ok(room),
        Change::NameTaken => Err(Error::field("name", Problem::RoomNameTaken)),
        Change::NoSuchUser | Change::Gone => Err(NOT_FOUND.into()),
    }
}
