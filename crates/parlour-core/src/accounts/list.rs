//! Reading accounts.

use crate::{
    Actor, App, Error, UserId,
    error::{INVALID_PAGE, NOT_FOUND, UNAUTHENTICATED},
    model::{Page, PageRequest, User},
    text,
};

/// All accounts, newest id first, without emails, one's own included (contract 3). Anonymous callers may ask
/// unless a setting closes the list.
///
/// # Errors
/// [`UNAUTHENTICATED`] when the list is closed; [`INVALID_PAGE`].
pub async fn list(
    app: &App,
    actor: Option<&Actor>,
    page: Option<PageRequest>,
) -> Result<Page<User>, Error> {
    allow(app, actor)?;
    let page = page.ok_or(INVALID_PAGE)?;
    let mut users = app.store().users_page(page).await?.ok_or(INVALID_PAGE)?;
    for user in &mut users.items {
        user.email = None;
    }
    Ok(users)
}

/// One account.
///
/// # Errors
/// [`UNAUTHENTICATED`] when the list is closed; [`NOT_FOUND`].
pub async fn get(app: &App, actor: Option<&Actor>, id: UserId) -> Result<User, Error> {
    allow(app, actor)?;
    let mut user = app.store().user(id).await?.ok_or(NOT_FOUND)?;
    hide(&mut user, actor);
    Ok(user)
}

/// The account with this nickname.
///
/// # Errors
/// When the store does not answer.
pub async fn by_nickname(app: &App, nickname: &str) -> Result<Option<UserId>, Error> {
    app.store()
        .user_by_nickname(&text::key(nickname.trim()))
        .await
}

fn allow(app: &App, actor: Option<&Actor>) -> Result<(), Error> {
    if actor.is_none() && !app.settings().public_user_list {
        return Err(UNAUTHENTICATED.into());
    }
    Ok(())
}

/// Only the account itself sees its email.
fn hide(user: &mut User, actor: Option<&Actor>) {
    if actor.is_none_or(|actor| actor.user != user.id) {
        user.email = None;
    }
}
