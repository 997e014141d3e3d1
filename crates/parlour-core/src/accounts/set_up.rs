//! The first administrator, made in the browser with a one-time code from the log (contract 7c).

use crate::{
    App, Error,
    accounts::{
        register::{Draft, PageSignUp, draft_from_page},
        secret_hash, taken_errors,
    },
    error::{ALREADY_SET_UP, WRONG_CODE},
    model::User,
    ports::FirstAdmin,
    rates::Key,
    site::{self, UpdateSite},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::net::IpAddr;

/// What the set-up form holds.
#[derive(Clone, Debug, Default)]
pub struct SetUp {
    /// The one-time code.
    pub code: String,
    /// The administrator's account.
    pub account: PageSignUp,
    /// The server's look.
    pub site: UpdateSite,
}

/// Puts a new one-time code in force and tells it, while there is no administrator. Called once at
/// start; an older code ends, unless another process may have told it just now.
///
/// # Errors
/// When the store does not answer.
pub async fn prepare_set_up(app: &App, is_alone: bool) -> Result<Option<String>, Error> {
    if app.store().has_admin().await? {
        return Ok(None);
    }
    let mut bits = [0; 16];
    app.random(&mut bits);
    let code = URL_SAFE_NO_PAD.encode(bits);
    let hash = secret_hash(&code);
    app.store().set_setup_code(hash, !is_alone).await?;
    Ok(Some(code))
}

/// Whether somebody administers this server already.
///
/// # Errors
/// When the store does not answer.
pub async fn is_set_up(app: &App) -> Result<bool, Error> {
    app.store().has_admin().await
}

/// Makes the first administrator and names the server.
///
/// # Errors
/// [`WRONG_CODE`], [`ALREADY_SET_UP`], all bad fields at once,
/// [`crate::error::RATE_LIMITED`] after too many wrong codes from an address.
pub async fn set_up(app: &App, input: SetUp, address: IpAddr) -> Result<User, Error> {
    let guesses = &app.limits().wrong_login_address;
    let key = Key::address(address);
    guesses.look(&key)?;
    // The look is checked before anything is made, and kept after.
    let site = site::check(input.site.clone());
    let account = draft_from_page(app, input.account, true).await;
    let draft = match (account, site) {
        (Ok(draft), Ok(_)) => draft,
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
        (Err(one), Err(other)) => return Err(one.and(other)),
    };
    let code = secret_hash(&input.code);
    for attempt in 0..Draft::ATTEMPTS {
        let new = draft.attempt(attempt);
        match app.store().create_first_admin(&code, new).await? {
            FirstAdmin::Made(user) => {
                site::save(app, input.site).await?;
                return Ok(user);
            }
            FirstAdmin::Taken(taken) if draft.can_give_way(&taken) => {}
            FirstAdmin::Taken(taken) => return Err(Error::fields(taken_errors(taken))),
            FirstAdmin::WrongCode => {
                // This attempt was let through.
                let _ = guesses.take(&key);
                return Err(WRONG_CODE.into());
            }
            FirstAdmin::Done => return Err(ALREADY_SET_UP.into()),
        }
    }
    Err(Error::internal("no free name found"))
}
