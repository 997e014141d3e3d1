//! Accounts of the server itself, such as the canary's. Nobody can take their names or log in as them.

use crate::{
    App, Error,
    accounts::{
        log_in::{Issued, issue_until},
        register::{Draft, cut},
    },
    model::{TokenKind, User},
    ports::{AccountKeys, NewUser, SaveUser, TakenField},
    text,
};
use std::time::Duration;

/// Begins the usernames of such accounts. No username that anybody may choose holds a colon
/// ([`text::fits_username`]), so an account of this name is ours.
const PREFIX: &str = "service:";

/// No PHC string: every password is wrong, after the same work as with any other account.
const NO_PASSWORD: &str = "!";

/// The account of a part of the server; made when it is not there yet.
///
/// # Errors
/// When the store does not answer.
pub async fn service(app: &App, name: &'static str) -> Result<User, Error> {
    let username = format!("{PREFIX}{name}");
    if let Some(user) = find(app, &username).await? {
        return Ok(user);
    }
    for attempt in 0..Draft::ATTEMPTS {
        let nickname = cut(name, attempt, text::MAX_SHORT_NAME_CHARS);
        let new = NewUser {
            keys: AccountKeys {
                username: Some(text::key(&username)),
                nickname: Some(text::key(&nickname)),
                email: None,
            },
            username: username.clone(),
            nickname,
            email: None,
            first_name: String::new(),
            last_name: String::new(),
            password_hash: NO_PASSWORD.to_owned(),
            is_admin: false,
            at: app.now(),
        };
        match app.store().create_user(new).await? {
            SaveUser::Saved { user, .. } => return Ok(user),
            // Another process was faster.
            SaveUser::Taken(taken) if taken.contains(&TakenField::Username) => {
                let found = find(app, &username).await?;
                return found.ok_or_else(|| Error::internal("a service's account is gone"));
            }
            SaveUser::Taken(_) => {}
            SaveUser::Gone => return Err(Error::internal("a new account is gone")),
        }
    }
    Err(Error::internal("no free name found"))
}

/// Issues an API token that ends by itself to such an account.
///
/// # Errors
/// [`crate::error::LOGIN_FAILED`] when the account is not active.
pub async fn issue_to_service(
    app: &App,
    user: User,
    label: &str,
    lifetime: Duration,
) -> Result<Issued, Error> {
    let end = app.now().plus(lifetime);
    issue_until(app, user, TokenKind::Token, label, Some(end)).await
}

async fn find(app: &App, username: &str) -> Result<Option<User>, Error> {
    let found = app
        .store()
        .credentials_by_login(&text::key(username))
        .await?;
    Ok(found.map(|credentials| credentials.user))
}
