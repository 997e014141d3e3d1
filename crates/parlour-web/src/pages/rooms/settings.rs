//! `/chat/{id}/settings/`: what the host may change.

use super::meet;
use crate::{
    body::Fields,
    pages::{
        answer::{Answer, Answered},
        card::{Card, card},
        form::Form,
        people::{PersonView, people},
        visitor::Visitor,
    },
};
use axum::http::StatusCode;
use parlour_core::{
    Actor, Error, Kind, UserId,
    error::{NOT_FOUND, Problem},
    given::Given,
    model::Room,
    rooms::{self, Right, UpdateRoom},
};
use serde::Serialize;
use std::collections::HashMap;

#[derive(Serialize)]
struct Page {
    card: Card,
    form: Form,
    people: Vec<PersonView>,
    invited: Vec<PersonView>,
    can_renew: bool,
    max_seats: i64,
}

/// The settings.
pub(crate) async fn settings(visitor: &Visitor, room: &str) -> Answered {
    let (actor, view) = match meet(visitor, room, Right::Host).await? {
        Ok(met) => met,
        Err(page) => return Ok(page),
    };
    let form = Form::with([
        ("title", view.room.name.clone()),
        ("topic", view.room.topic.clone()),
        ("kind", view.room.kind.as_str().to_owned()),
        ("max_users", view.room.max_users.to_string()),
    ]);
    page(visitor, &actor, &view.room, form).await
}

async fn page(visitor: &Visitor, actor: &Actor, room: &Room, form: Form) -> Answered {
    let app = &visitor.web().app;
    let invited = rooms::invited(app, actor, room.id).await?;
    let invited = app.senders(&invited).await?;
    let status = form.status();
    Ok(Answer::with_status(
        status,
        "room_settings.html",
        Page {
            card: card(visitor, room).await?,
            form,
            people: people(rooms::people(app, actor, room.id).await?, actor.user),
            invited: invited
                .into_iter()
                .map(|(id, sender)| PersonView::outside(id, &sender))
                .collect(),
            can_renew: app.settings().room_lifetime.is_some() && room.expires_at.is_some(),
            max_seats: app.settings().max_users_in_room,
        },
    )
    .titled(room.name.clone()))
}

/// One change, named by the field `action`.
pub(crate) async fn change(visitor: &Visitor, room: &str, mut fields: Fields) -> Answered {
    let (actor, view) = match meet(visitor, room, Right::Host).await? {
        Ok(met) => met,
        Err(page) => return Ok(page),
    };
    let form = Form::keeping(&fields, &["title", "topic", "kind", "max_users", "nickname"]);
    let Given::Value(action) = fields.text("action") else {
        return Ok(Answer::Missing);
    };
    let here = format!("/chat/{}/settings/", view.room.id);
    let done = match action.as_str() {
        "save" => save(visitor, &actor, &view.room, fields).await,
        "renew" => renew(visitor, &actor, &view.room).await,
        "invite" | "remove" | "hand-over" => {
            person(visitor, &actor, &view.room, (&action, fields)).await
        }
        "close" => close(visitor, &actor, &view.room, fields).await,
        _ => return Ok(Answer::Missing),
    };
    match done {
        Ok("said-closed") => Ok(Answer::said("/chat/list/", "said-closed")),
        // Who handed a room over has no settings of it any more.
        Ok("said-handed-over") => Ok(Answer::said(
            format!("/chat/{}/", view.room.id),
            "said-handed-over",
        )),
        Ok(said) => Ok(Answer::said(here, said)),
        Err(error) if error.kind() == Kind::Invalid => {
            let form = form.refused(visitor, &error, |field| match field {
                "name" => "title",
                "type" => "kind",
                "user" => "nickname",
                other => other,
            });
            page(visitor, &actor, &view.room, form).await
        }
        Err(error) => Err(error),
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
    Ok("said-saved")
}

async fn renew(visitor: &Visitor, actor: &Actor, room: &Room) -> Done {
    rooms::renew(&visitor.web().app, actor, room.id, Given::Missing).await?;
    Ok("said-renewed")
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
            let found = parlour_core::accounts::by_nickname(app, &nickname).await?;
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
            "invite" => "said-invited",
            "remove" => "said-removed",
            _ => "said-handed-over",
        }),
        Err(error) if error.is(NOT_FOUND) => {
            Err(Error::field("nickname", Problem::NoSuchPerson))
        }
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
    Ok("said-closed")
}
