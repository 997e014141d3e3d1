//! Change one's own password on one's own page.

use super::register::page_password;
use crate::{
    Actor, App, Error,
    error::{NOT_FOUND, Problem},
    given::{Given, Problems},
    passwords::{Known, Verdict},
    ports::{SaveUser, UserChange},
    rates::Key,
};

/// Changes the actor's password: the present one must be known, the new one typed twice. All other
/// tokens and sessions end (contract 7d).
///
/// # Errors
/// All bad fields at once, as `current`, `password1` and `password2`;
/// [`crate::error::RATE_LIMITED`] after too many wrong guesses of the present one.
pub async fn change_password(
    app: &App,
    actor: &Actor,
    current: Given<String>,
    new: (Given<String>, Given<String>),
) -> Result<(), Error> {
    let credentials = app
        .store()
        .credentials(actor.user)
        .await?
        .ok_or(NOT_FOUND)?;
    let user = credentials.user;
    let mut problems = Problems::default();
    let current = current.required("current", &mut problems);
    let known = Known {
        username: Some(&user.username),
        nickname: Some(&user.nickname),
        email: user.email.as_deref(),
    };
    let password = page_password(new, known, &mut problems);
    if let Some(current) = current {
        let guesses = &app.limits().wrong_login_account;
        let key = Key::User(actor.user);
        let hold = guesses.hold(&key)?;
        let hash = Some(credentials.password_hash);
        match app.passwords().verify(current, hash).await? {
            Verdict::Right | Verdict::RightButOld => guesses.forget(&key),
            Verdict::Wrong => {
                hold.spend();
                problems.add("current", Problem::WrongPassword);
            }
        }
    }
    problems.check()?;
    let hash = app.passwords().hash(password.unwrap_or_default()).await?;
    let change = UserChange {
        password_hash: Some(hash),
        keep: actor.credential(),
        ..UserChange::default()
    };
    match app.store().update_user(user.id, change, app.now()).await? {
        SaveUser::Saved { user, ended } => {
            app.credentials_ended(user.id, ended).await;
            Ok(())
        }
        SaveUser::Taken(_) => Err(Error::internal("no name was changed")),
        SaveUser::Gone => Err(NOT_FOUND.into()),
    }
}
