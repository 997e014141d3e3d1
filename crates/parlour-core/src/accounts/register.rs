//! Sign up.

use crate::{
    App, Error,
    accounts::taken_errors,
    error::{FORBIDDEN_SIGN_UP, FieldError},
    given::{Given, Problems},
    model::User,
    passwords::{self, Known},
    ports::{AccountKeys, NewUser, SaveUser, TakenField},
    rates::Key,
    text::{self, TextRule},
};
use std::net::IpAddr;

/// What a sign-up form holds.
#[derive(Clone, Debug, Default)]
pub struct SignUp {
    /// Log-in name, required.
    pub username: Given<String>,
    /// Required, never trimmed.
    pub password: Given<String>,
    /// Default: the username, cut and made unique.
    pub nickname: Given<String>,
    /// Optional.
    pub email: Given<String>,
    /// Default empty.
    pub first_name: Given<String>,
    /// Default empty.
    pub last_name: Given<String>,
}

/// Makes an account for somebody at `address`.
///
/// # Errors
/// All bad fields at once; [`FORBIDDEN_SIGN_UP`] when the server is closed for new accounts; rate
/// limits; [`crate::error::BUSY`].
pub async fn register(app: &App, input: SignUp, address: IpAddr) -> Result<User, Error> {
    if !app.settings().open_registration {
        return Err(FORBIDDEN_SIGN_UP.into());
    }
    app.limits().sign_up.take(&Key::address(address))?;
    create_account(app, input, false).await
}

/// Makes an account; the rules are the same at every door.
pub(super) async fn create_account(
    app: &App,
    input: SignUp,
    is_admin: bool,
) -> Result<User, Error> {
    let (checked, errors) = check(input);
    let keys = checked.keys();
    let mut errors = errors;
    errors.extend(taken_errors(app.store().taken(keys.clone(), None).await?));
    if !errors.is_empty() {
        return Err(Error::fields(errors));
    }

    let chosen_nickname = checked.nickname.is_some();
    let username = checked.username.unwrap_or_default();
    let password_hash = app
        .passwords()
        .hash(checked.password.unwrap_or_default())
        .await?;
    let mut new = NewUser {
        nickname: checked.nickname.unwrap_or_else(|| cut(&username, 0)),
        username,
        email: checked.email,
        keys,
        first_name: checked.first_name,
        last_name: checked.last_name,
        password_hash,
        is_admin,
        at: app.now(),
    };
    // A default nickname may be somebody's; the 100th try has a number that nobody has.
    for attempt in 0..100 {
        if !chosen_nickname {
            new.nickname = cut(&new.username, attempt);
        }
        new.keys.nickname = Some(text::key(&new.nickname));
        match app.store().create_user(new.clone()).await? {
            SaveUser::Saved { user, .. } => return Ok(user),
            SaveUser::Taken(taken) if !chosen_nickname && taken == [TakenField::Nickname] => {}
            SaveUser::Taken(taken) => return Err(Error::fields(taken_errors(taken))),
            SaveUser::Gone => return Err(Error::internal("a new account is gone")),
        }
    }
    Err(Error::internal("no free nickname found"))
}

/// The username cut to a nickname's length; from the second attempt on with a number behind it.
fn cut(username: &str, attempt: u32) -> String {
    let tail = if attempt == 0 {
        String::new()
    } else {
        format!("-{}", attempt + 1)
    };
    let room = text::MAX_SHORT_NAME_CHARS - tail.chars().count();
    username.chars().take(room).chain(tail.chars()).collect()
}

struct Checked {
    username: Option<String>,
    password: Option<String>,
    nickname: Option<String>,
    email: Option<String>,
    first_name: String,
    last_name: String,
}

impl Checked {
    fn keys(&self) -> AccountKeys {
        AccountKeys {
            username: self.username.as_deref().map(text::key),
            nickname: self.nickname.as_deref().map(text::key),
            email: self.email.as_deref().map(text::key),
        }
    }
}

fn check(input: SignUp) -> (Checked, Vec<FieldError>) {
    let mut problems = Problems::default();
    let known = KnownTexts::of(&input);
    let name = TextRule::free(text::MAX_NAME_CHARS);
    // "No email" may be said by null or by nothing.
    let email = match input.email {
        Given::Null => Given::Missing,
        Given::Value(text) if text.trim().is_empty() => Given::Missing,
        given => given,
    };
    let checked = Checked {
        username: input
            .username
            .required("username", &mut problems)
            .and_then(|name| text::username(&name, &mut problems)),
        password: passwords::check(
            "password",
            input.password,
            known.view(),
            true,
            &mut problems,
        ),
        nickname: TextRule::name(text::MAX_SHORT_NAME_CHARS).optional(
            "nickname",
            input.nickname,
            &mut problems,
        ),
        email: email
            .optional("email", &mut problems)
            .and_then(|email| text::email(&email, &mut problems)),
        first_name: name
            .optional("first_name", input.first_name, &mut problems)
            .unwrap_or_default(),
        last_name: name
            .optional("last_name", input.last_name, &mut problems)
            .unwrap_or_default(),
    };
    (checked, problems.into_fields())
}

/// The texts that a password must not resemble, taken before the fields are checked.
struct KnownTexts(Option<String>, Option<String>, Option<String>);

impl KnownTexts {
    fn of(input: &SignUp) -> Self {
        let text = |given: &Given<String>| match given {
            Given::Value(text) => Some(text.trim().to_owned()),
            _ => None,
        };
        Self(
            text(&input.username),
            text(&input.nickname),
            text(&input.email),
        )
    }

    fn view(&self) -> Known<'_> {
        Known {
            username: self.0.as_deref(),
            nickname: self.1.as_deref(),
            email: self.2.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_nicknames_fit() {
        assert_eq!(cut("ada", 0), "ada");
        assert_eq!(cut("ada", 1), "ada-2");
        assert_eq!(cut(&"x".repeat(150), 0).chars().count(), 50);
        assert_eq!(cut(&"다".repeat(150), 9), format!("{}-10", "다".repeat(47)));
    }
}
