//! `/me/`: one's own account.

use super::{Answer, error::Failure, form::Form, guard::Posted, see::see, visitor::Visitor};
use crate::body::Fields;
use axum::extract::RawQuery;
use minijinja::{Value, value::Serde};
use parlour_core::{
    Actor, Error, Kind, RoomId, Time, TokenId,
    accounts::{self, UpdatePreferences, UpdateUser},
    error::{NOT_FOUND, Problem},
    given::Given,
    model::{Preferences, TokenKind, User},
};
use serde::Serialize;

const FIELDS: [&str; 8] = [
    "nickname",
    "email",
    "avatar_hue",
    "label",
    "current",
    "password1",
    "password2",
    "confirm",
];

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

#[derive(Debug, Serialize)]
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

#[derive(Debug, Serialize)]
struct Session {
    id: TokenId,
    label: String,
    created: Time,
    current: bool,
}

#[derive(Debug, Serialize)]
struct Token {
    id: TokenId,
    label: String,
    created: Time,
}

/// A room that keeps the account from being deleted.
#[derive(Debug, Serialize)]
struct Owned {
    id: RoomId,
    name: String,
}

/// `GET /me/`; `?section=` is the one that opens.
pub(super) async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Answer {
    let actor = visitor.actor().copied().ok_or(Failure::LogIn)?;
    let query = query.unwrap_or_default();
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "section");
    let section = asked.and_then(|(_, asked)| SECTIONS.into_iter().find(|one| *one == asked));
    let form = filled(&visitor);
    page(&visitor, &actor, section.unwrap_or(SECTIONS[0]), form, None).await
}

/// The form with what the account has.
fn filled(visitor: &Visitor) -> Form {
    let form = Form::new(&FIELDS);
    let Some(me) = visitor.me() else { return form };
    let hue = me.avatar_hue.map(|hue| hue.to_string());
    form.value("nickname", me.nickname.clone())
        .value("email", me.email.clone().unwrap_or_default())
        .value("avatar_hue", hue.unwrap_or_default())
}

async fn page(
    visitor: &Visitor,
    actor: &Actor,
    section: &str,
    form: Form,
    new_token: Option<String>,
) -> Answer {
    let app = &visitor.web().app;
    let user = accounts::get(app, Some(actor), actor.user).await?;
    let credentials = accounts::list_credentials(app, actor).await?;
    let (sessions, tokens): (Vec<_>, Vec<_>) = credentials
        .into_iter()
        .partition(|token| token.kind == TokenKind::Session);
    let rooms = super::sidebar::my_rooms(visitor, actor).await?;
    let owned = rooms.into_iter().filter(|room| room.owner == actor.user);
    let values = Page {
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
    };
    visitor
        .page("me.html", "title-me")
        .with(Value::from(Serde(values)))
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

/// `POST /me/`: one change, named by the field `action`.
pub(super) async fn change(visitor: Visitor, Posted(mut fields): Posted) -> Answer {
    let actor = visitor.actor().copied().ok_or(Failure::LogIn)?;
    let app = &visitor.web().app;
    let action = fields.take_text("action").unwrap_or_default();
    let section = section_of(&action);
    let form = filled(&visitor).keep(&fields, &["nickname", "email", "avatar_hue", "label"]);
    let done = match action.as_str() {
        "profile" => profile(&visitor, &actor, fields).await,
        "appearance" | "language" | "keys" => preferences(&visitor, &actor, &action, fields).await,
        "password" => password(&visitor, &actor, fields).await,
        "sign-out-one" => end_one(&visitor, &actor, fields, "flash-signed-out").await,
        "token-revoke" => end_one(&visitor, &actor, fields, "flash-revoked").await,
        "sign-out-others" => accounts::end_other_credentials(app, &actor)
            .await
            .map(|()| Done::Said("flash-signed-out-others")),
        "token-create" => accounts::issue_token(app, &actor, fields.text("label"))
            .await
            .map(|issued| Done::Token(issued.secret)),
        "delete" => delete(&visitor, &actor, fields).await,
        _ => return Err(Failure::from(Error::from(NOT_FOUND))),
    };
    match done {
        Ok(Done::Said(said)) => {
            let place = format!("/me/?section={section}");
            Ok(see(&visitor, &place, Some(said)))
        }
        Ok(Done::Token(secret)) => {
            page(&visitor, &actor, section, filled(&visitor), Some(secret)).await
        }
        Ok(Done::LoggedOut(said)) => Ok(see(&visitor, "/", Some(said))),
        Err(error) => {
            let form = form.refused(&visitor, error, |_| None)?;
            let form = form.rename("password", "password2");
            page(&visitor, &actor, section, form, None).await
        }
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
        Given::Value(text) => text
            .parse()
            .map_or(Given::Wrong(Problem::NotInteger), Given::Value),
        _ => Given::Missing,
    };
    let input = UpdateUser {
        nickname: fields.text("nickname"),
        email: fields.text("email"),
        avatar_hue: hue,
        ..UpdateUser::default()
    };
    accounts::update(&visitor.web().app, actor, actor.user, input).await?;
    Ok(Done::Said("flash-saved"))
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
    Ok(Done::Said("flash-saved"))
}

/// A new password: the old one must be known, the new one typed twice.
async fn password(visitor: &Visitor, actor: &Actor, mut fields: Fields) -> Changed {
    let current = fields.text("current");
    let (one, two) = (fields.text("password1"), fields.text("password2"));
    accounts::change_password(&visitor.web().app, actor, current, (one, two)).await?;
    Ok(Done::Said("flash-password"))
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
    let user = accounts::get(app, Some(actor), actor.user).await?;
    let typed = fields.text("confirm");
    if !matches!(typed, Given::Value(typed) if typed.trim() == user.nickname) {
        return Err(Error::field("confirm", Problem::NotConfirmed));
    }
    accounts::delete(app, actor, actor.user).await?;
    Ok(Done::LoggedOut("flash-deleted"))
}
