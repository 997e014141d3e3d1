//! What people choose for their own pages.

use crate::{
    Actor, App, Error, UserId,
    error::{NOT_FOUND, NOT_YOURS, Problem},
    given::{Given, Problems},
    model::{Language, Preferences},
    rates::Key,
};
use std::str::FromStr;

/// New values; what is missing stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UpdatePreferences {
    /// `en` or `ko`; null: as the browser says.
    pub language: Given<String>,
    /// `system`, `light` or `dark`.
    pub theme: Given<String>,
    /// `roomy` or `compact`.
    pub density: Given<String>,
    /// `auto`, `h12` or `h24`.
    pub clock: Given<String>,
    /// No movement.
    pub calm: Given<bool>,
    /// `enter` or `ctrl_enter`.
    pub send_key: Given<String>,
    /// Whether single keys are shortcuts.
    pub single_keys: Given<bool>,
}

/// What the actor chose.
///
/// # Errors
/// [`NOT_YOURS`] for another account, [`NOT_FOUND`] for none.
pub async fn preferences(app: &App, actor: &Actor, id: UserId) -> Result<Preferences, Error> {
    own(app, actor, id).await?;
    Ok(app.store().preferences(id).await?.ok_or(NOT_FOUND)?)
}

/// Changes what the actor chose.
///
/// # Errors
/// [`NOT_YOURS`] for another account, [`NOT_FOUND`] for none; all bad fields at once.
pub async fn set_preferences(
    app: &App,
    actor: &Actor,
    id: UserId,
    input: UpdatePreferences,
) -> Result<Preferences, Error> {
    let mut chosen = preferences(app, actor, id).await?;
    app.limits().change.take(&Key::User(actor.user))?;
    let mut problems = Problems::default();
    let p = &mut problems;
    match input.language {
        Given::Null => chosen.language = None,
        given => {
            let language = word::<Language>("language", given, p);
            chosen.language = language.or(chosen.language);
        }
    }
    set(&mut chosen.theme, word("theme", input.theme, p));
    set(&mut chosen.density, word("density", input.density, p));
    set(&mut chosen.clock, word("clock", input.clock, p));
    set(&mut chosen.calm, input.calm.optional("calm", p));
    set(&mut chosen.send_key, word("send_key", input.send_key, p));
    set(
        &mut chosen.single_keys,
        input.single_keys.optional("single_keys", p),
    );
    problems.check()?;
    if !app.store().set_preferences(id, chosen.clone()).await? {
        return Err(NOT_FOUND.into());
    }
    Ok(chosen)
}

async fn own(app: &App, actor: &Actor, id: UserId) -> Result<(), Error> {
    if id == actor.user {
        return Ok(());
    }
    app.store().user(id).await?.ok_or(NOT_FOUND)?;
    Err(NOT_YOURS.into())
}

fn set<T>(place: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *place = new;
    }
}

fn word<T: FromStr>(
    field: &'static str,
    given: Given<String>,
    problems: &mut Problems,
) -> Option<T> {
    let text = given.optional(field, problems)?;
    match text.trim().parse() {
        Ok(value) => Some(value),
        Err(_) => {
            problems.add(field, Problem::NotAChoice { given: text });
            None
        }
    }
}
