//! What the operator does to accounts at the command line.

use crate::{
    App, Error,
    accounts::{SignUp, register::create_account},
    error::NOT_FOUND,
    given::{Given, Problems},
    model::User,
    passwords::{self, Known},
    ports::{SaveUser, UserChange},
    text,
};

/// An account that the operator makes.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Log-in name.
    pub username: String,
    /// Password; the same rules as everywhere.
    pub password: String,
    /// Email, if any.
    pub email: Option<String>,
    /// Administers this server.
    pub is_admin: bool,
}

/// Makes an account.
///
/// # Errors
/// All bad fields at once.
pub async fn create(app: &App, new: NewAccount) -> Result<User, Error> {
    let input = SignUp {
        username: Given::Value(new.username),
        password: Given::Value(new.password),
        email: new.email.map_or(Given::Missing, Given::Value),
        ..SignUp::default()
    };
    create_account(app, input, new.is_admin).await
}

/// Makes an account an administrator.
///
/// # Errors
/// [`NOT_FOUND`] when no account has this username or email.
pub async fn promote(app: &App, login: &str) -> Result<User, Error> {
    change(
        app,
        login,
        UserChange {
            is_admin: Some(true),
            ..UserChange::default()
        },
    )
    .await
}

/// Deactivates an account: it cannot log in, and its tokens and sessions end.
///
/// # Errors
/// [`NOT_FOUND`] when no account has this username or email.
pub async fn deactivate(app: &App, login: &str) -> Result<User, Error> {
    change(
        app,
        login,
        UserChange {
            is_active: Some(false),
            ..UserChange::default()
        },
    )
    .await
}

/// Gives an account another password; all its tokens and sessions end.
///
/// # Errors
/// [`NOT_FOUND`]; the password's problems.
pub async fn reset_password(app: &App, login: &str, password: String) -> Result<User, Error> {
    let user = find(app, login).await?;
    let known = Known {
        username: Some(&user.username),
        nickname: Some(&user.nickname),
        email: user.email.as_deref(),
    };
    let mut problems = Problems::default();
    let password = passwords::check(
        "password",
        Given::Value(password),
        known,
        true,
        &mut problems,
    );
    problems.check()?;
    let password_hash = Some(app.passwords().hash(password.unwrap_or_default()).await?);
    change(
        app,
        login,
        UserChange {
            password_hash,
            ..UserChange::default()
        },
    )
    .await
}

async fn find(app: &App, login: &str) -> Result<User, Error> {
    let found = app
        .store()
        .credentials_by_login(&text::key(login.trim()))
        .await?;
    Ok(found.ok_or(NOT_FOUND)?.user)
}

async fn change(app: &App, login: &str, change: UserChange) -> Result<User, Error> {
    let user = find(app, login).await?;
    match app.store().update_user(user.id, change, app.now()).await? {
        SaveUser::Saved { user, ended } => {
            app.credentials_ended(user.id, ended).await;
            app.user_changed(user.id).await;
            Ok(user)
        }
        SaveUser::Taken(_) => Err(Error::internal("no name was changed")),
        SaveUser::Gone => Err(NOT_FOUND.into()),
    }
}
