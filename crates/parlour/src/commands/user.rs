//! `parlour user …`: what the operator does to accounts. A server may run beside it on the same
//! database; it learns of the change at once.

use crate::{
    config::{Config, Secret},
    database,
    output::say,
};
use anyhow::{anyhow, ensure};
use parlour_core::{
    App, Error, accounts,
    error::NOT_FOUND,
    model::User,
    ports::{Random, SystemRandom},
};
use std::io::{BufRead, stdin};

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Make an account.
    Create {
        /// Log-in name.
        username: String,
        /// Email address.
        #[arg(long)]
        email: Option<String>,
        /// The account administers this server.
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Make an account an administrator.
    Promote {
        /// Username or email.
        login: String,
    },
    /// Deactivate an account: it cannot log in, and its tokens and sessions end.
    Deactivate {
        /// Username or email.
        login: String,
    },
    /// Give an account another password; its tokens and sessions end.
    ResetPassword {
        /// Username or email.
        login: String,
        #[command(flatten)]
        password: PasswordSource,
    },
}

/// Where a password comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct PasswordSource {
    /// Read the password from the first line of standard input; without this one is generated and
    /// printed once.
    #[arg(long)]
    password_stdin: bool,
}

/// A password, and whether the operator has to be told.
struct Password {
    secret: Secret,
    generated: bool,
}

/// Does it.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<()> {
    let password = match &action {
        Action::Create { password, .. } | Action::ResetPassword { password, .. } => {
            Some(password.get(&SystemRandom)?)
        }
        Action::Promote { .. } | Action::Deactivate { .. } => None,
    };
    // Accounts may be made before the first start; others are there, or the folder is the wrong one.
    if !matches!(action, Action::Create { .. }) {
        database::must_be_there(config)?;
    }
    let app = database::app_for_command(config).await?;
    let result = act(&app, &action, password.as_ref()).await;
    app.store().close().await;
    let (user, what) = result.map_err(|error| explain(&error, &action))?;
    say(&format!("{what} {} (id {})", user.username, user.id))?;
    if let Some(password) = password.filter(|password| password.generated) {
        say(&format!("password: {}", password.secret.expose()))?;
    }
    Ok(())
}

async fn act(
    app: &App,
    action: &Action,
    password: Option<&Password>,
) -> Result<(User, &'static str), Error> {
    let password = password.map_or_else(String::new, |it| it.secret.expose().to_owned());
    Ok(match action {
        Action::Create {
            username,
            email,
            admin,
            ..
        } => {
            let new = accounts::NewAccount {
                username: username.clone(),
                password,
                email: email.clone(),
                is_admin: *admin,
            };
            (accounts::create(app, new).await?, "created")
        }
        Action::Promote { login } => (accounts::promote(app, login).await?, "promoted"),
        Action::Deactivate { login } => (accounts::deactivate(app, login).await?, "deactivated"),
        Action::ResetPassword { login, .. } => (
            accounts::reset_password(app, login, password).await?,
            "changed the password of",
        ),
    })
}

/// The error as the operator should read it.
fn explain(error: &Error, action: &Action) -> anyhow::Error {
    if let Action::Promote { login }
    | Action::Deactivate { login }
    | Action::ResetPassword { login, .. } = action
        && error.is(NOT_FOUND)
    {
        return anyhow!("no account has the username or email {login:?}");
    }
    let fields: Vec<String> = error
        .field_errors()
        .iter()
        .map(|field| format!("{}: {}", field.field, field.problem))
        .collect();
    if fields.is_empty() {
        database::explain(error)
    } else {
        anyhow!("{}", fields.join("\n"))
    }
}

impl PasswordSource {
    fn get(&self, random: &dyn Random) -> anyhow::Result<Password> {
        let secret = if self.password_stdin {
            first_line(stdin().lock())?
        } else {
            generate(random)
        };
        Ok(Password {
            secret: Secret::new(secret),
            generated: !self.password_stdin,
        })
    }
}

/// The first line without its end; nothing else is trimmed.
fn first_line(input: impl BufRead) -> anyhow::Result<String> {
    const MOST: u64 = 4096;
    let mut line = String::new();
    input.take(MOST).read_line(&mut line)?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    ensure!(!password.is_empty(), "no password on standard input");
    Ok(password.to_owned())
}

/// 24 signs of a 32-letter alphabet without look-alikes: 120 bits.
fn generate(random: &dyn Random) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; 24];
    random.fill(&mut bytes);
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_as_it_is() {
        let line = |text: &str| first_line(text.as_bytes()).ok();
        assert_eq!(line(" pass word \r\nmore"), Some(" pass word ".into()));
        assert_eq!(line("no end"), Some("no end".into()));
        assert_eq!(line("\n"), None);
        assert_eq!(line(""), None);
    }

    #[test]
    fn generated_passwords_differ() {
        let (one, two) = (generate(&SystemRandom), generate(&SystemRandom));
        assert_ne!(one, two);
        assert_eq!(one.len(), 24);
    }
}
