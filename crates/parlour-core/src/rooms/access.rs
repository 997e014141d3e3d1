//! The one place that decides who may do what in a room.

use crate::{
    Actor, App, Error, RoomId,
    error::{NOT_FOUND, NOT_IN_ROOM, OWNER_ONLY},
    id::MAX_ID,
    model::{RoomKind, RoomView, Standing},
};

/// What somebody wants with a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Learn that it exists.
    Know,
    /// Read its name, topic and people.
    See,
    /// Read and write messages.
    Talk,
    /// Change it, end it, invite and remove people.
    Host,
}

/// A room as the actor meets it. A PRIVATE room exists only for its owner, members and invited
/// people (D-02).
///
/// # Errors
/// [`NOT_FOUND`] when it does not exist for the actor.
pub async fn view(app: &App, actor: &Actor, room: RoomId) -> Result<RoomView, Error> {
    Ok(find(app, actor, room).await?.ok_or(NOT_FOUND)?)
}

/// [`view`] for those who have another answer than [`NOT_FOUND`].
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn find(
    app: &App,
    actor: &Actor,
    room: RoomId,
) -> Result<Option<RoomView>, Error> {
    match app.store().room(room, actor.user).await? {
        Some(view) if can(&view, Right::Know).is_err() => {
            take_as_long_as_nothing(app, actor).await?;
            Ok(None)
        }
        found => Ok(found),
    }
}

/// Looks for a room that cannot exist. A hidden room is often found in memory, one that does not
/// exist never is: without this the time of the answer would tell the two apart.
pub(crate) async fn take_as_long_as_nothing(app: &App, actor: &Actor) -> Result<(), Error> {
    app.store()
        .room(RoomId::new(MAX_ID), actor.user)
        .await
        .map(drop)
}

/// Whether the user whose view this is has the right.
///
/// # Errors
/// [`NOT_FOUND`] when the room does not exist for them, [`OWNER_ONLY`] or [`NOT_IN_ROOM`] when they
/// know it but may not.
pub fn can(view: &RoomView, right: Right) -> Result<(), Error> {
    let inside = view.is_owner || view.standing == Standing::Member;
    let knows = inside || view.standing == Standing::Invited;
    if !knows && view.room.kind == RoomKind::Private {
        return Err(NOT_FOUND.into());
    }
    match right {
        Right::Know => Ok(()),
        Right::See if knows => Ok(()),
        Right::Talk if inside => Ok(()),
        Right::Host if view.is_owner => Ok(()),
        Right::Talk => Err(NOT_IN_ROOM.into()),
        Right::See | Right::Host => Err(OWNER_ONLY.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Time, UserId, error::Kind, model::Room};
    use std::sync::Arc;

    fn outcome(kind: RoomKind, standing: Standing, is_owner: bool, right: Right) -> Option<Kind> {
        let time = Time::from_micros(0);
        let room = Arc::new(Room {
            id: RoomId::new(1),
            name: "r".into(),
            topic: String::new(),
            kind,
            owner: UserId::new(1),
            max_users: 2,
            created_at: time,
            updated_at: time,
            expires_at: None,
            seq: 1,
            messages: 0,
            users: Vec::new(),
        });
        can(
            &RoomView {
                room,
                standing,
                is_owner,
            },
            right,
        )
        .err()
        .map(|error| error.kind())
    }

    #[test]
    fn the_table_of_rights() {
        use Kind::{Forbidden, NotFound};
        use RoomKind::{Group, Private};
        use Standing::{Invited, Member, Removed, Stranger};
        // Standing, owner; then Know, See, Talk, Host in a GROUP room, and the same in a PRIVATE one.
        let no = Some(Forbidden);
        let hidden = Some(NotFound);
        for (standing, owner, group, private) in [
            (Stranger, true, [None; 4], [None; 4]),
            (Member, true, [None; 4], [None; 4]),
            (
                Member,
                false,
                [None, None, None, no],
                [None, None, None, no],
            ),
            (Invited, false, [None, None, no, no], [None, None, no, no]),
            (Stranger, false, [None, no, no, no], [hidden; 4]),
            (Removed, false, [None, no, no, no], [hidden; 4]),
        ] {
            for (index, right) in [Right::Know, Right::See, Right::Talk, Right::Host]
                .into_iter()
                .enumerate()
            {
                let of = |kind| outcome(kind, standing, owner, right);
                assert_eq!(
                    of(Group),
                    group[index],
                    "{standing:?} {owner} {right:?} GROUP"
                );
                assert_eq!(
                    of(Private),
                    private[index],
                    "{standing:?} {owner} {right:?} PRIVATE"
                );
            }
        }
    }
}
