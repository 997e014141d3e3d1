//! Delete one's own account.

use crate::{
    Actor, App, Error, UserId,
    error::{NOT_FOUND, NOT_YOURS},
    ports,
};

/// Deletes the actor's own account with its credentials, memberships and messages.
///
/// # Errors
/// [`NOT_YOURS`] for another account, [`NOT_FOUND`] for none, a conflict that names the rooms while
/// the account owns some.
pub async fn delete(app: &App, actor: &Actor, id: UserId) -> Result<(), Error> {
    if id != actor.user {
        app.store().user(id).await?.ok_or(NOT_FOUND)?;
        return Err(NOT_YOURS.into());
    }
    match app.store().delete_user(id, app.now()).await? {
        ports::DeleteUser::Deleted { ended } => {
            app.credentials_ended(id, ended).await;
            app.user_changed(id).await;
            Ok(())
        }
        ports::DeleteUser::OwnsRooms(rooms) => Err(Error::owns_rooms(rooms)),
        ports::DeleteUser::Gone => Err(NOT_FOUND.into()),
    }
}
