//! One's own tokens and sessions: list and end them.

use crate::{
    Actor, App, Error, TokenId,
    error::{NOT_FOUND, UNAUTHENTICATED},
    model::Token,
    ports::EndWhich,
};

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
