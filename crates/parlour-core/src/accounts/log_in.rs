//! Log in: from a name and a password to a new credential.

use crate::{
    App, Error, Time, TokenId,
    accounts::secret_hash,
    error::{LOGIN_FAILED, Problem},
    given::{Given, Problems},
    model::{TokenKind, User},
    passwords::{MAX_CHARS, Verdict},
    ports::NewToken,
    rates::Key,
    text,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{fmt, net::IpAddr};

/// What a log-in form holds.
#[derive(Clone, Debug)]
pub struct LogIn {
    /// Username or email; spaces around it do not matter.
    pub username: Given<String>,
    /// The password, untrimmed.
    pub password: Given<String>,
    /// Where the request came from.
    pub address: IpAddr,
    /// What sort of credential to issue.
    pub kind: TokenKind,
    /// A word for people, such as the program's name; cut to 100 characters.
    pub label: String,
}

/// A new credential. The secret is told once and only its hash is kept.
#[derive(Clone)]
pub struct Issued {
    /// The secret to present from now on.
    pub secret: String,
    /// Its id.
    pub id: TokenId,
    /// The account.
    pub user: User,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("id", &self.id)
            .field("user", &self.user.id)
            .finish()
    }
}

/// Logs in and issues a credential; older ones go on working.
///
/// Unknown users, wrong passwords and inactive accounts get the same answer after the same work.
///
/// # Errors
/// Bad fields; [`LOGIN_FAILED`]; [`crate::error::RATE_LIMITED`] after too many wrong attempts in a
/// row for this account or address; [`crate::error::BUSY`] when too many log-ins wait.
pub async fn log_in(app: &App, input: LogIn) -> Result<Issued, Error> {
    let mut problems = Problems::default();
    let username = input.username.required("username", &mut problems);
    let password = input.password.required("password", &mut problems);
    if username.as_ref().is_some_and(|name| name.trim().is_empty()) {
        problems.add("username", Problem::Blank);
    }
    if password.as_ref().is_some_and(String::is_empty) {
        problems.add("password", Problem::Blank);
    }
    problems.check()?;
    let name = username.unwrap_or_default();
    let name = name.trim();
    let password = password.unwrap_or_default();
    // What no account can have costs no work; that tells nothing about any account.
    if name.chars().count() > text::MAX_EMAIL_CHARS
        || password.chars().count() > MAX_CHARS
        || name.contains('\0')
    {
        return Err(LOGIN_FAILED.into());
    }

    let key = text::key(name);
    let keys = (Key::Login(key.clone()), Key::address(input.address));
    // Guesses made at once count before any of them is known to be wrong.
    let holds = (
        app.limits().wrong_login_account.hold(&keys.0)?,
        app.limits().wrong_login_address.hold(&keys.1)?,
    );

    let found = app.store().credentials_by_login(&key).await?;
    let hash = found
        .as_ref()
        .map(|credentials| credentials.password_hash.clone());
    let verdict = app
        .passwords()
        .verify(password.clone(), hash.clone())
        .await?;
    let user = found
        .map(|credentials| credentials.user)
        .filter(|user| user.is_active);
    let (Some(user), Verdict::Right | Verdict::RightButOld) = (user, verdict) else {
        holds.0.spend();
        holds.1.spend();
        return Err(LOGIN_FAILED.into());
    };
    drop(holds);
    app.limits().wrong_login_account.forget(&keys.0);
    issue(app, user, input.kind, &input.label)
        .await
        .inspect(|issued| {
            if verdict == Verdict::RightButOld {
                rehash_later(app, issued, password, hash.unwrap_or_default());
            }
        })
}

/// Opens a browser session for an account that was just made by the one who asks: the first
/// administrator.
///
/// # Errors
/// [`LOGIN_FAILED`] when the account went away.
pub async fn open_session(app: &App, user: User, label: &str) -> Result<Issued, Error> {
    issue(app, user, TokenKind::Session, label).await
}

/// Issues a credential to an account that has proved itself.
pub(crate) async fn issue(
    app: &App,
    user: User,
    kind: TokenKind,
    label: &str,
) -> Result<Issued, Error> {
    let expires_at = match kind {
        TokenKind::Token => None,
        TokenKind::Session => Some(app.now().plus(app.settings().session_lifetime)),
    };
    issue_until(app, user, kind, label, expires_at).await
}

/// [`issue`] with an end of its own.
pub(super) async fn issue_until(
    app: &App,
    user: User,
    kind: TokenKind,
    label: &str,
    expires_at: Option<Time>,
) -> Result<Issued, Error> {
    let mut bits = [0; 32];
    app.random(&mut bits);
    let secret = format!("plr_{}", URL_SAFE_NO_PAD.encode(bits));
    let new = NewToken {
        user: user.id,
        hash: secret_hash(&secret),
        kind,
        label: label
            .chars()
            .filter(|c| !c.is_control())
            .take(100)
            .collect(),
        at: app.now(),
        expires_at,
    };
    // None: the account went away while its password was being verified.
    let id = app.store().create_token(new).await?.ok_or(LOGIN_FAILED)?;
    Ok(Issued { secret, id, user })
}

/// Hashes a password again with today's parameters, without keeping its owner waiting.
fn rehash_later(app: &App, issued: &Issued, password: String, old: String) {
    let (app, user) = (app.clone(), issued.user.id);
    tokio::spawn(async move {
        let done = async {
            let new = app.passwords().hash(password).await?;
            app.store().rehash(user, old, new).await
        };
        if let Err(error) = done.await {
            tracing::warn!(%user, %error, "password not rehashed; the next log-in tries again");
        }
    });
}
