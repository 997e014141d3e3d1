//! How far people have read, who is here, who is writing.

use super::access::{self, Right};
use crate::{
    Actor, App, Error, RoomId, Signal,
    error::{NOT_FOUND, Problem},
    given::{Given, Problems},
    model::{People, Person, Unread},
    rates::Key,
};
use std::collections::{HashMap, HashSet};

/// Where somebody has read to.
#[derive(Clone, Debug, Default)]
pub struct MarkRead {
    /// The seq of the last event read; more than the room has counts as its newest.
    pub seq: Given<i64>,
    /// Whether the position may also move backwards ("mark unread from here"); no when left out.
    pub back: Given<bool>,
}

/// Notes how far the actor has read a room, and tells the others.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::NOT_IN_ROOM`], a bad field.
pub async fn mark_read(
    app: &App,
    actor: &Actor,
    room: RoomId,
    input: MarkRead,
) -> Result<Unread, Error> {
    app.limits().read.take(&Key::User(actor.user))?;
    let view = access::view(app, actor, room).await?;
    access::can(&view, Right::Talk)?;
    let mut problems = Problems::default();
    let seq = input.seq.required("seq", &mut problems);
    if seq.is_some_and(|seq| seq < 0) {
        problems.add("seq", Problem::TooSmall { min: 0 });
    }
    let back = input.back.optional("back", &mut problems);
    problems.check()?;
    let user = actor.user;
    let seq = app
        .store()
        .mark_read(
            room,
            user,
            seq.unwrap_or_default(),
            back.unwrap_or_default(),
            app.now(),
        )
        .await?
        .ok_or(NOT_FOUND)?;
    app.tell(Signal::Read { room, user, seq }).await;
    let unread = app.store().unread(user, Some(room)).await?.pop();
    Ok(unread.ok_or(NOT_FOUND)?)
}

/// What the actor has not read: of every room joined or owned.
///
/// # Errors
/// When the store does not answer.
pub async fn unread(app: &App, actor: &Actor) -> Result<Vec<Unread>, Error> {
    app.store().unread(actor.user, None).await
}

/// Tells those in the room that the actor is writing.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::NOT_IN_ROOM`].
pub async fn typing(app: &App, actor: &Actor, room: RoomId) -> Result<(), Error> {
    let user = actor.user;
    app.limits().read.take(&Key::User(user))?;
    let view = access::view(app, actor, room).await?;
    access::can(&view, Right::Talk)?;
    app.tell(Signal::Typing { room, user }).await;
    Ok(())
}

/// The people of a room: the host first, then by nickname.
///
/// # Errors
/// [`NOT_FOUND`]; [`crate::error::NOT_IN_ROOM`] for those who are only invited.
pub async fn people(app: &App, actor: &Actor, room: RoomId) -> Result<People, Error> {
    let view = access::view(app, actor, room).await?;
    access::can(&view, Right::Talk)?;
    let room = view.room;
    let members: HashSet<_> = room.users.iter().copied().collect();
    let mut ids = room.users.clone();
    if !members.contains(&room.owner) {
        ids.push(room.owner);
    }
    let read: HashMap<_, _> = app
        .store()
        .read_positions(room.id)
        .await?
        .into_iter()
        .collect();
    let here: HashSet<_> = app.presence().here(&ids).await.into_iter().collect();
    let mut people: Vec<_> = app
        .senders(&ids)
        .await?
        .into_iter()
        .map(|(id, sender)| Person {
            id,
            nickname: sender.nickname.clone(),
            hue: sender.hue,
            is_host: id == room.owner,
            is_member: members.contains(&id),
            here: here.contains(&id),
            read_seq: read.get(&id).copied(),
        })
        .collect();
    people.sort_by_cached_key(|person| {
        (
            !person.is_host,
            person.nickname.to_lowercase(),
            person.id.get(),
        )
    });
    Ok(People {
        taken: i64::try_from(members.len()).unwrap_or(i64::MAX),
        seats: room.max_users,
        people,
    })
}
