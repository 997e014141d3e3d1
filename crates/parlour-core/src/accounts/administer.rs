//! What administrators do to the accounts of others.

use crate::{
    Actor, App, Error, UserId,
    error::{ADMIN_ONLY, INVALID_PAGE, LAST_ADMIN, NOT_FOUND},
    model::{Page, PageRequest, User},
    ports::{SaveUser, UserChange},
    rates::Key,
};

/// A change of another account's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Administer {
    /// The account cannot log in; its sessions, tokens and sockets end.
    Suspend,
    /// It can log in again.
    Reactivate,
    /// It administers this server.
    Promote,
    /// It does no longer.
    Demote,
}

/// All accounts, newest first, with what only administrators see (whether they are active).
///
/// # Errors
/// [`ADMIN_ONLY`], [`INVALID_PAGE`].
pub async fn list_as_admin(
    app: &App,
    actor: &Actor,
    page: Option<PageRequest>,
) -> Result<Page<User>, Error> {
    admin(actor)?;
    let page = page.ok_or(INVALID_PAGE)?;
    Ok(app.store().users_page(page).await?.ok_or(INVALID_PAGE)?)
}

/// Changes another account's standing.
///
/// # Errors
/// [`ADMIN_ONLY`]; [`NOT_FOUND`]; [`LAST_ADMIN`] for suspending or demoting oneself, so that a server
/// never loses its last administrator this way.
pub async fn administer(
    app: &App,
    actor: &Actor,
    id: UserId,
    what: Administer,
) -> Result<User, Error> {
    admin(actor)?;
    app.limits().change.take(&Key::User(actor.user))?;
    let mut change = UserChange::default();
    match what {
        Administer::Suspend | Administer::Demote if id == actor.user => {
            return Err(LAST_ADMIN.into());
        }
        Administer::Suspend => change.is_active = Some(false),
        Administer::Reactivate => change.is_active = Some(true),
        Administer::Promote => change.is_admin = Some(true),
        Administer::Demote => change.is_admin = Some(false),
    }
    match app.store().update_user(id, change, app.now()).await? {
        SaveUser::Saved { user, ended } => {
            app.credentials_ended(id, ended).await;
            app.user_changed(id).await;
            Ok(user)
        }
        SaveUser::Taken(_) => Err(Error::internal("no name was changed")),
        SaveUser::Gone => Err(NOT_FOUND.into()),
    }
}

fn admin(actor: &Actor) -> Result<(), Error> {
    if actor.is_admin {
        Ok(())
    } else {
        Err(ADMIN_ONLY.into())
    }
}
