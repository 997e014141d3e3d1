//! Sign up.

use crate::{
    App, Error,
    accounts::taken_errors,
    error::{FORBIDDEN_SIGN_UP, FieldError, Problem},
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

/// What the sign-up page's form holds (contract 7). The username is made from the nickname.
#[derive(Clone, Debug, Default)]
pub struct PageSignUp {
    /// Email; required here, because people log in with it (D-29).
    pub email: Given<String>,
    /// Display name, required.
    pub nickname: Given<String>,
    /// Password.
    pub password1: Given<String>,
    /// The same again.
    pub password2: Given<String>,
}

/// Signs up from the page.
///
/// # Errors
/// As [`register`]; what is wrong with the password stands at `password2`.
pub async fn register_by_email(
    app: &App,
    input: PageSignUp,
    address: IpAddr,
) -> Result<User, Error> {
    if !app.settings().open_registration {
        return Err(FORBIDDEN_SIGN_UP.into());
    }
    app.limits().sign_up.take(&Key::address(address))?;
    let draft = draft_from_page(app, input, false).await?;
    save(app, draft).await
}

/// [`register`] without its limits.
pub(super) async fn create_account(
    app: &App,
    input: SignUp,
    is_admin: bool,
) -> Result<User, Error> {
    let (checked, errors) = check(input);
    save(app, draft(app, checked, errors, is_admin).await?).await
}

/// A new account whose names may still have to give way to somebody else's.
pub(super) struct Draft {
    new: NewUser,
    chosen_nickname: bool,
    chosen_username: bool,
}

impl Draft {
    /// How often another name is tried; a name with that number nobody has.
    pub(super) const ATTEMPTS: u32 = 100;

    /// The account under the names of this attempt.
    pub(super) fn attempt(&self, attempt: u32) -> NewUser {
        let mut new = self.new.clone();
        if !self.chosen_nickname {
            new.nickname = cut(&new.username, attempt, text::MAX_SHORT_NAME_CHARS);
        }
        if !self.chosen_username {
            new.username = cut(&new.username, attempt, text::MAX_NAME_CHARS);
        }
        new.keys.nickname = Some(text::key(&new.nickname));
        new.keys.username = Some(text::key(&new.username));
        new
    }

    /// Whether another attempt may help when these names are somebody else's.
    pub(super) fn can_give_way(&self, taken: &[TakenField]) -> bool {
        taken.iter().all(|field| match field {
            TakenField::Nickname => !self.chosen_nickname,
            TakenField::Username => !self.chosen_username,
            TakenField::Email => false,
        })
    }
}

async fn save(app: &App, draft: Draft) -> Result<User, Error> {
    for attempt in 0..Draft::ATTEMPTS {
        match app.store().create_user(draft.attempt(attempt)).await? {
            SaveUser::Saved { user, .. } => return Ok(user),
            SaveUser::Taken(taken) if draft.can_give_way(&taken) => {}
            SaveUser::Taken(taken) => return Err(Error::fields(taken_errors(taken))),
            SaveUser::Gone => return Err(Error::internal("a new account is gone")),
        }
    }
    Err(Error::internal("no free name found"))
}

async fn draft(
    app: &App,
    checked: Checked,
    mut errors: Vec<FieldError>,
    is_admin: bool,
) -> Result<Draft, Error> {
    let keys = checked.keys();
    errors.extend(taken_errors(app.store().taken(keys.clone(), None).await?));
    if !errors.is_empty() {
        return Err(Error::fields(errors));
    }
    let password = checked.password.unwrap_or_default();
    let password_hash = app.passwords().hash(password).await?;
    let chosen_username = checked.username.is_some();
    let username = checked.username.unwrap_or_else(|| {
        let nickname = checked.nickname.as_deref().unwrap_or_default();
        username_from(nickname)
    });
    Ok(Draft {
        chosen_nickname: checked.nickname.is_some(),
        chosen_username,
        new: NewUser {
            nickname: checked.nickname.unwrap_or_else(|| username.clone()),
            username,
            email: checked.email,
            keys,
            first_name: checked.first_name,
            last_name: checked.last_name,
            password_hash,
            is_admin,
            at: app.now(),
        },
    })
}

/// The account that the page's form describes, checked.
///
/// # Errors
/// All bad fields at once, under the form's names.
pub(super) async fn draft_from_page(
    app: &App,
    input: PageSignUp,
    is_admin: bool,
) -> Result<Draft, Error> {
    let mut problems = Problems::default();
    let p = &mut problems;
    let filled = |given: Given<String>| match given {
        Given::Value(text) if text.trim().is_empty() => Given::Missing,
        Given::Null => Given::Missing,
        given => given,
    };
    // In the form's order: the list of what is wrong follows it.
    let email = filled(input.email)
        .required("email", p)
        .and_then(|email| text::email(&email, p));
    let nickname =
        TextRule::name(text::MAX_SHORT_NAME_CHARS).required("nickname", filled(input.nickname), p);
    let password = page_password(
        (input.password1, input.password2),
        Known {
            username: None,
            nickname: nickname.as_deref(),
            email: email.as_deref(),
        },
        p,
    );
    let checked = Checked {
        username: None,
        password,
        nickname,
        email,
        first_name: String::new(),
        last_name: String::new(),
    };
    draft(app, checked, problems.into_fields(), is_admin).await
}

/// The password that both fields hold; what is wrong with it stands at the second.
pub(super) fn page_password(
    (one, two): (Given<String>, Given<String>),
    known: Known<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let filled = |given: Given<String>| match given {
        Given::Value(text) if text.is_empty() => Given::Missing,
        given => given,
    };
    let one = filled(one).required("password1", problems);
    let two = filled(two).required("password2", problems)?;
    if one? != two {
        problems.add("password2", Problem::PasswordMismatch);
        return None;
    }
    passwords::check("password2", Given::Value(two), known, true, problems)
}

/// A username made from a nickname: what a username may not hold becomes `_` (contract 7).
fn username_from(nickname: &str) -> String {
    nickname
        .chars()
        .map(|c| if text::fits_username(c) { c } else { '_' })
        .collect()
}

/// The name cut to a length; from the second attempt on with a number behind it.
pub(super) fn cut(username: &str, attempt: u32, max: usize) -> String {
    let tail = if attempt == 0 {
        String::new()
    } else {
        format!("-{}", attempt + 1)
    };
    let room = max - tail.chars().count();
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
        assert_eq!(username_from("Ada L. 다은!"), "Ada_L._다은_");
        assert_eq!(cut("ada", 0, 50), "ada");
        assert_eq!(cut("ada", 1, 50), "ada-2");
        assert_eq!(cut(&"x".repeat(150), 0, 50).chars().count(), 50);
        assert_eq!(
            cut(&"다".repeat(150), 9, 50),
            format!("{}-10", "다".repeat(47))
        );
    }
}
