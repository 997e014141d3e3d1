//! One's own tokens and sessions: list and end them.

use crate::{
    Actor, App, Error, TokenId,
    accounts::log_in::{Issued, issue},
    error::{NOT_FOUND, UNAUTHENTICATED},
    given::{Given, Problems},
    model::{Token, TokenKind},
    ports::EndWhich,
    rates::Key,
    text::TextRule,
};

/// Longest word on what a token is for.
const MAX_LABEL_CHARS: usize = 100;

/// Ends the credential that the actor used; its sockets close.
///
/// # Errors
/// [`UNAUTHENTICATED`] when the actor used none.
pub async fn log_out(app: &App, actor: &Actor) -> Result<(), Error> {
    let id = actor.credential().ok_or(UNAUTHENTICATED)?;
    end_credential(app, actor, id).await
}

/// One's own tokens and sessions, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list_credentials(app: &App, actor: &Actor) -> Result<Vec<Token>, Error> {
    let now = app.now();
    let mut tokens = app.store().tokens_of(actor.user).await?;
    tokens.retain(|token| token.expires_at.is_none_or(|end| end > now));
    Ok(tokens)
}

/// Ends one of one's own tokens or sessions; its sockets close.
///
/// # Errors
/// [`NOT_FOUND`] when it is not one's own or has ended already.
pub async fn end_credential(app: &App, actor: &Actor, id: TokenId) -> Result<(), Error> {
    let ended = app
        .store()
        .end_tokens(actor.user, EndWhich::One(id), app.now())
        .await?;
    if ended.is_empty() {
        return Err(NOT_FOUND.into());
    }
    app.credentials_ended(actor.user, ended).await;
    Ok(())
}

/// Ends all of one's own tokens and sessions but the one that asks.
///
/// # Errors
/// [`UNAUTHENTICATED`] when the actor used none.
pub async fn end_other_credentials(app: &App, actor: &Actor) -> Result<(), Error> {
    let id = actor.credential().ok_or(UNAUTHENTICATED)?;
    let ended = app
        .store()
        .end_tokens(actor.user, EndWhich::AllBut(id), app.now())
        .await?;
    app.credentials_ended(actor.user, ended).await;
    Ok(())
}

/// Issues an API token to the actor; its secret is told once.
///
/// # Errors
/// A bad label; [`UNAUTHENTICATED`] when the account went away.
pub async fn issue_token(app: &App, actor: &Actor, label: Given<String>) -> Result<Issued, Error> {
    app.limits().change.take(&Key::User(actor.user))?;
    let mut problems = Problems::default();
    let label = TextRule::name(MAX_LABEL_CHARS).required("label", label, &mut problems);
    problems.check()?;
    let user = app.store().user(actor.user).await?.ok_or(UNAUTHENTICATED)?;
    issue(app, user, TokenKind::Token, &label.unwrap_or_default()).await
}
