//! `/chat/{id}/settings/`: what the host may change.

use super::meet;
use crate::{
    body::Fields,
    pages::{
        Answer,
        card::{Card, card},
        error::Failure,
        form::Form,
        guard::Posted,
        people::{PersonView, people},
        see::see,
        visitor::Visitor,
    },
};
use axum::extract::Path;
use minijinja::{Value, value::Serde};
use parlour_core::{
    Actor, Error, UserId, accounts,
    error::{NOT_FOUND, Problem},
    given::Given,
    model::Room,
    rooms::{self, Right, UpdateRoom},
};
use serde::Serialize;

const FIELDS: [&str; 6] = ["title", "topic", "kind", "max_users", "nickname", "confirm"];

#[derive(Debug, Serialize)]
struct Page {
    card: Card,
    form: Form,
    people: Vec<PersonView>,
    invited: Vec<PersonView>,
    can_renew: bool,
    max_seats: i64,
}

/// `GET /chat/{id}/settings/`.
pub(in crate::pages) async fn settings(visitor: Visitor, Path(room): Path<String>) -> Answer {
    let (actor, view) = meet(&visitor, &room, Right::Host).await?;
    let form = filled(&view.room);
    page(&visitor, &actor, &view.room, form).await
}

/// The form with what the room has.
fn filled(room: &Room) -> Form {
    Form::new(&FIELDS)
        .value("title", room.name.clone())
        .value("topic", room.topic.clone())
        .value("kind", room.kind.as_str())
        .value("max_users", room.max_users.to_string())
}

async fn page(visitor: &Visitor, actor: &Actor, room: &Room, form: Form) -> Answer {
    let app = &visitor.web().app;
    let invited = rooms::invited(app, actor, room.id).await?;
    let invited = app.senders(&invited).await?;
    let values = Page {
        card: card(visitor, room).await?,
        form,
        people: people(rooms::people(app, actor, room.id).await?, actor.user),
        invited: invited
            .into_iter()
            .map(|(id, sender)| PersonView::outside(id, &sender))
            .collect(),
        can_renew: app.settings().room_lifetime.is_some() && room.expires_at.is_some(),
        max_seats: app.settings().max_users_in_room,
    };
    visitor
        .page("room_settings.html", "title-room-enter")
        .title(room.name.clone())
        .with(Value::from(Serde(values)))
}

/// `POST /chat/{id}/settings/`: one change, named by the field `action`.
pub(in crate::pages) async fn change(
    visitor: Visitor,
    Path(room): Path<String>,
    Posted(mut fields): Posted,
) -> Answer {
    let (actor, view) = meet(&visitor, &room, Right::Host).await?;
    let action = fields.take_text("action").unwrap_or_default();
    let form = filled(&view.room).keep(&fields, &FIELDS);
    let room = format!("/chat/{}/", view.room.id);
    let done = match action.as_str() {
        "save" => save(&visitor, &actor, &view.room, fields).await,
        "renew" => renew(&visitor, &actor, &view.room).await,
        "invite" | "remove" | "hand-over" => {
            person(&visitor, &actor, &view.room, (&action, fields)).await
        }
        "close" => close(&visitor, &actor, &view.room, fields).await,
        _ => return Err(Failure::from(Error::from(NOT_FOUND))),
    };
    match done {
        Ok(said) => {
            let place = match said {
                "flash-closed" => "/chat/list/".to_owned(),
                // Who handed a room over has no settings of it any more.
                "flash-handed-over" => room,
                _ => format!("{room}settings/"),
            };
            Ok(see(&visitor, &place, Some(said)))
        }
        Err(error) => {
            let form = form.refused(&visitor, error, |_| None)?;
            let form = form.rename("name", "title").rename("type", "kind");
            page(
                &visitor,
                &actor,
                &view.room,
                form.rename("user", "nickname"),
            )
            .await
        }
    }
}

type Done = Result<&'static str, Error>;

async fn save(visitor: &Visitor, actor: &Actor, room: &Room, mut fields: Fields) -> Done {
    let input = UpdateRoom {
        name: fields.text("title"),
        topic: fields.text("topic"),
        kind: fields.choice("kind"),
        max_users: fields.integer("max_users"),
        ..UpdateRoom::default()
    };
    rooms::update(&visitor.web().app, actor, room.id, input).await?;
    Ok("flash-saved")
}

async fn renew(visitor: &Visitor, actor: &Actor, room: &Room) -> Done {
    rooms::renew(&visitor.web().app, actor, room.id, Given::Missing).await?;
    Ok("flash-renewed")
}

/// Invites, removes or crowns somebody: by id, or by nickname as people type it.
async fn person(
    visitor: &Visitor,
    actor: &Actor,
    room: &Room,
    (action, mut fields): (&str, Fields),
) -> Done {
    let app = &visitor.web().app;
    let user = match fields.text("nickname") {
        Given::Missing => fields.key::<UserId>("user"),
        Given::Value(nickname) if nickname.trim().is_empty() => {
            return Err(Error::field("nickname", Problem::Required));
        }
        Given::Value(nickname) => {
            let found = accounts::by_nickname(app, &nickname).await?;
            let found = found.ok_or_else(|| Error::field("nickname", Problem::NoSuchPerson))?;
            Given::Value(found)
        }
        _ => return Err(Error::field("nickname", Problem::NotText)),
    };
    let done = match action {
        "invite" => rooms::invite(app, actor, room.id, user).await,
        "remove" => rooms::remove(app, actor, room.id, user).await,
        _ => rooms::hand_over(app, actor, room.id, user).await,
    };
    match done {
        Ok(_) => Ok(match action {
            "invite" => "flash-invited",
            "remove" => "flash-removed",
            _ => "flash-handed-over",
        }),
        Err(error) if error.is(NOT_FOUND) => Err(Error::field("nickname", Problem::NoSuchPerson)),
        Err(error) => Err(error),
    }
}

/// Ends the room, when its name was typed.
async fn close(visitor: &Visitor, actor: &Actor, room: &Room, mut fields: Fields) -> Done {
    let typed = fields.text("confirm");
    if !matches!(typed, Given::Value(typed) if typed.trim() == room.name) {
        return Err(Error::field("confirm", Problem::NotConfirmed));
    }
    rooms::end(&visitor.web().app, actor, room.id).await?;
    Ok("flash-closed")
}
