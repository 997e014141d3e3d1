//! `/me/`: one's own account.

use super::{
    answer::{Answer, Answered},
    form::Form,
    visitor::Visitor,
};
use crate::body::Fields;
use parlour_core::{
    Actor, Error, Kind, Time, TokenId,
    accounts::{self, UpdatePreferences, UpdateUser},
    error::Problem,
    given::Given,
    model::{Preferences, TokenKind, User},
};
use serde::Serialize;

/// The sections, in the order of the page.
const SECTIONS: [&str; 7] = [
    "profile",
    "appearance",
    "language",
    "keys",
    "password",
    "sessions",
    "tokens",
];

#[derive(Serialize)]
struct Page {
    form: Form,
    section: String,
    username: String,
    email: Option<String>,
    avatar_hue: Option<u8>,
    hues: Vec<u8>,
    sessions: Vec<Session>,
    tokens: Vec<Token>,
    new_token: Option<String>,
    preferences: Preferences,
    owned: Vec<Owned>,
}

#[derive(Serialize)]
struct Session {
    id: TokenId,
    label: String,
    created: Time,
    current: bool,
}

#[derive(Serialize)]
struct Token {
    id: TokenId,
    label: String,
    created: Time,
}

/// A room that keeps the account from being deleted.
#[derive(Serialize)]
struct Owned {
    id: parlour_core::RoomId,
    name: String,
}

/// The page; `section` is the one that opens.
pub(crate) async fn show(visitor: &Visitor, section: Option<&str>) -> Answered {
    let Some(actor) = visitor.actor() else {
        return Ok(Answer::LogIn);
    };
    let section = section.filter(|section| SECTIONS.contains(section));
    let section = section.unwrap_or(SECTIONS[0]);
    page(visitor, actor, section, Form::default(), None).await
}

async fn page(
    visitor: &Visitor,
    actor: &Actor,
    section: &str,
    form: Form,
    new_token: Option<String>,
) -> Answered {
    let app = &visitor.web().app;
    let user = accounts::get(app, actor.user).await?;
    let credentials = accounts::list_credentials(app, actor).await?;
    let (sessions, tokens): (Vec<_>, Vec<_>) = credentials
        .into_iter()
        .partition(|token| token.kind == TokenKind::Session);
    let rooms = super::sidebar::my_rooms(visitor, actor).await?;
    let owned = rooms.into_iter().filter(|room| room.owner == actor.user);
    let status = form.status();
    Ok(Answer::with_status(
        status,
        "me.html",
        Page {
            form,
            section: section.to_owned(),
            username: user.username,
            email: user.email,
            avatar_hue: user.avatar_hue,
            hues: (0..User::HUES).collect(),
            sessions: sessions
                .into_iter()
                .map(|token| Session {
                    id: token.id,
                    label: token.label,
                    created: token.created_at,
                    current: actor.credential() == Some(token.id),
                })
                .collect(),
            tokens: tokens
                .into_iter()
                .map(|token| Token {
                    id: token.id,
                    label: token.label,
                    created: token.created_at,
                })
                .collect(),
            new_token,
            preferences: accounts::preferences(app, actor, actor.user).await?,
            owned: owned
                .map(|room| Owned {
                    id: room.id,
                    name: room.name,
                })
                .collect(),
        },
    ))
}

/// What a form of the page did.
enum Done {
    /// Shown on the page again.
    Said(&'static str),
    /// A new token, told once.
    Token(String),
    /// Nobody is logged in any more.
    LoggedOut(&'static str),
}

/// One change, named by the field `action`.
pub(crate) async fn change(visitor: &Visitor, mut fields: Fields) -> Answered {
    let Some(actor) = visitor.actor() else {
        return Ok(Answer::LogIn);
    };
    let form = Form::keeping(&fields, &["nickname", "email", "avatar_hue", "label"]);
    let Given::Value(action) = fields.text("action") else {
        return Ok(Answer::Missing);
    };
    let section = section_of(&action);
    let done = match action.as_str() {
        "profile" => profile(visitor, actor, fields).await,
        "appearance" | "language" | "keys" => preferences(visitor, actor, &action, fields).await,
        "password" => password(visitor, actor, fields).await,
        "sign-out-one" => end_one(visitor, actor, fields, "said-signed-out").await,
        "token-revoke" => end_one(visitor, actor, fields, "said-revoked").await,
        "sign-out-others" => accounts::end_other_credentials(&visitor.web().app, actor)
            .await
            .map(|()| Done::Said("said-signed-out-others")),
        "token-create" => accounts::issue_token(&visitor.web().app, actor, fields.text("label"))
            .await
            .map(|issued| Done::Token(issued.secret)),
        "delete" => delete(visitor, actor, fields).await,
        _ => return Ok(Answer::Missing),
    };
    match done {
        Ok(Done::Said(said)) => Ok(Answer::said(format!("/me/?section={section}"), said)),
        Ok(Done::Token(secret)) => {
            page(visitor, actor, section, Form::default(), Some(secret)).await
        }
        Ok(Done::LoggedOut(said)) => Ok(Answer::said("/", said)),
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Conflict) => {
            let form = form.refused(visitor, &error, |field| match field {
                "password" => "password2",
                other => other,
            });
            page(visitor, actor, section, form, None).await
        }
        Err(error) => Err(error),
    }
}

fn section_of(action: &str) -> &'static str {
    match action {
        "sign-out-one" | "sign-out-others" => "sessions",
        "token-create" | "token-revoke" => "tokens",
        "delete" => "profile",
        other => SECTIONS
            .into_iter()
            .find(|section| *section == other)
            .unwrap_or(SECTIONS[0]),
    }
}

type Changed = Result<Done, Error>;

async fn profile(visitor: &Visitor, actor: &Actor, mut fields: Fields) -> Changed {
    let hue = match fields.text("avatar_hue") {
        Given::Value(text) if text.is_empty() => Given::Null,
        Given::Value(text) => text.parse().map_or(
            Given::Wrong(Problem::NotInteger),
            Given::Value,
        ),
        _ => Given::Missing,
    };
    let input = UpdateUser {
        nickname: fields.text("nickname"),
        email: fields.text("email"),
        avatar_hue: hue,
        ..UpdateUser::default()
    };
    accounts::update(&visitor.web().app, actor, actor.user, input).await?;
    Ok(Done::Said("said-saved"))
}

async fn preferences(
    visitor: &Visitor,
    actor: &Actor,
    section: &str,
    mut fields: Fields,
) -> Changed {
    // A box that is not ticked is not sent.
    let mut ticked = |name: &str| Given::Value(!fields.text(name).is_missing());
    let mut input = UpdatePreferences::default();
    match section {
        "appearance" => {
            input.calm = ticked("calm");
            input.theme = fields.text("theme");
            input.density = fields.text("density");
            input.clock = fields.text("clock");
        }
        "language" => {
            input.language = match fields.text("language") {
                Given::Value(text) if text.is_empty() => Given::Null,
                given => given,
            };
        }
        _ => {
            input.single_keys = ticked("single_keys");
            input.send_key = fields.text("send_key");
        }
    }
    accounts::set_preferences(&visitor.web().app, actor, actor.user, input).await?;
    Ok(Done::Said("said-saved"))
}

/// A new password: the old one must be known, the new one typed twice.
async fn password(visitor: &Visitor, actor: &Actor, mut fields: Fields) -> Changed {
    let current = fields.text("current");
    let (one, two) = (fields.text("password1"), fields.text("password2"));
    accounts::change_password(&visitor.web().app, actor, current, (one, two)).await?;
    Ok(Done::Said("said-password"))
}

async fn end_one(
    visitor: &Visitor,
    actor: &Actor,
    mut fields: Fields,
    said: &'static str,
) -> Changed {
    let Given::Value(id) = fields.key::<TokenId>("id") else {
        return Err(Error::field("id", Problem::Required));
    };
    match accounts::end_credential(&visitor.web().app, actor, id).await {
        Ok(()) => {}
        // It ended meanwhile: what was asked for is so.
        Err(error) if error.kind() == Kind::NotFound => {}
        Err(error) => return Err(error),
    }
    if actor.credential() == Some(id) {
        return Ok(Done::LoggedOut(said));
    }
    Ok(Done::Said(said))
}

/// Deletes the account, when its nickname was typed.
async fn delete(visitor: &Visitor, actor: &Actor, mut fields: Fields) -> Changed {
    let app = &visitor.web().app;
    let user = accounts::get(app, actor.user).await?;
    let typed = fields.text("confirm");
    if !matches!(typed, Given::Value(typed) if typed.trim() == user.nickname) {
        return Err(Error::field("confirm", Problem::NotConfirmed));
    }
    accounts::delete(app, actor, actor.user).await?;
    Ok(Done::LoggedOut("said-deleted"))
}
