//! Change one's own account.

use crate::{
    Actor, App, Error, UserId,
    accounts::taken_errors,
    error::{NOT_FOUND, NOT_YOURS, Problem},
    given::{Given, Problems},
    model::User,
    passwords::{self, Known},
    ports::{AccountKeys, SaveUser, UserChange},
    text::{self, TextRule},
};

/// New values; what is missing stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UpdateUser {
    /// Log-in name.
    pub username: Given<String>,
    /// New password: all other credentials of the account end.
    pub password: Given<String>,
    /// Display name.
    pub nickname: Given<String>,
    /// Email; null or empty removes it.
    pub email: Given<String>,
    /// First name.
    pub first_name: Given<String>,
    /// Last name.
    pub last_name: Given<String>,
    /// Colour, below [`User::HUES`]; null: the one of the id.
    pub avatar_hue: Given<i64>,
    /// Whether username and password must be there (`PUT`).
    pub whole: bool,
}

/// Changes the actor's own account.
///
/// # Errors
/// [`NOT_YOURS`] for another account, [`NOT_FOUND`] for none; all bad fields at once.
pub async fn update(
    app: &App,
    actor: &Actor,
    id: UserId,
    input: UpdateUser,
) -> Result<User, Error> {
    let current = app.store().user(id).await?.ok_or(NOT_FOUND)?;
    if id != actor.user {
        return Err(NOT_YOURS.into());
    }
    let mut problems = Problems::default();
    let (mut change, password) = check(&current, input, &mut problems);
    let mut errors = problems.into_fields();
    errors.extend(taken_errors(
        app.store().taken(change.keys.clone(), Some(id)).await?,
    ));
    if !errors.is_empty() {
        return Err(Error::fields(errors));
    }
    if let Some(password) = password {
        change.password_hash = Some(app.passwords().hash(password).await?);
        change.keep = actor.credential();
    }
    match app.store().update_user(id, change, app.now()).await? {
        SaveUser::Saved { user, ended } => {
            app.credentials_ended(id, ended).await;
            app.user_changed(id).await;
            Ok(user)
        }
        SaveUser::Taken(taken) => Err(Error::fields(taken_errors(taken))),
        SaveUser::Gone => Err(NOT_FOUND.into()),
    }
}

fn check(
    current: &User,
    input: UpdateUser,
    problems: &mut Problems,
) -> (UserChange, Option<String>) {
    let given = if input.whole {
        input.username.required("username", problems)
    } else {
        input.username.optional("username", problems)
    };
    let username = given.and_then(|name| text::username(&name, problems));
    let nickname =
        TextRule::name(text::MAX_SHORT_NAME_CHARS).optional("nickname", input.nickname, problems);
    let email = match input.email {
        Given::Null => Some(None),
        Given::Value(text) if text.trim().is_empty() => Some(None),
        given => given
            .optional("email", problems)
            .and_then(|email| text::email(&email, problems))
            .map(Some),
    };
    let avatar_hue = hue(input.avatar_hue, problems);
    let name = TextRule::free(text::MAX_NAME_CHARS);
    let known = Known {
        username: username.as_deref().or(Some(&current.username)),
        nickname: nickname.as_deref().or(Some(&current.nickname)),
        email: email
            .as_ref()
            .map_or(current.email.as_deref(), Option::as_deref),
    };
    let password = passwords::check("password", input.password, known, input.whole, problems);
    let change = UserChange {
        keys: AccountKeys {
            username: username.as_deref().map(text::key),
            nickname: nickname.as_deref().map(text::key),
            email: email
                .as_ref()
                .and_then(|email| email.as_deref().map(text::key)),
        },
        first_name: name.optional("first_name", input.first_name, problems),
        last_name: name.optional("last_name", input.last_name, problems),
        username,
        nickname,
        email,
        avatar_hue,
        ..UserChange::default()
    };
    (change, password)
}

fn hue(given: Given<i64>, problems: &mut Problems) -> Option<Option<u8>> {
    if given == Given::Null {
        return Some(None);
    }
    let hue = given.optional("avatar_hue", problems)?;
    match u8::try_from(hue) {
        Ok(hue) if hue < User::HUES => Some(Some(hue)),
        _ => {
            let given = hue.to_string();
            problems.add("avatar_hue", Problem::NotAChoice { given });
            None
        }
    }
}
