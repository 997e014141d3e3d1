//! `/chat/create/`.

use super::Reader;
use crate::{
    Web,
    body::Fields,
    pages::{
        answer::{Answer, Answered},
        card::url,
        form::Form,
    },
};
use parlour_core::{
    Kind, Time,
    given::Given,
    rooms::{self, CreateRoom},
};
use serde::Serialize;

#[derive(Serialize)]
struct Page {
    form: Form,
    seats: Seats,
    closes_on: Option<Time>,
}

#[derive(Serialize)]
struct Seats {
    default: i64,
    max: i64,
}

/// The empty form.
pub(crate) fn create_form(visitor: &Visitor) -> Answer {
    if visitor.actor.is_none() {
        return Answer::LogIn;
    }
    page(web, Form::default())
}

fn page(web: &Web, form: Form) -> Answer {
    let settings = web.app.settings();
    let closes_on = settings.room_lifetime.map(|life| web.app.now().plus(life));
    Answer::page(
        "room_create.html",
        Page {
            form,
            seats: Seats {
                default: settings.default_max_users,
                max: settings.max_users_in_room,
            },
            closes_on,
        },
    )
}

/// Makes a room and leads into it.
pub(crate) async fn create(visitor: &Visitor, mut fields: Fields) -> Answered {
    let Some(actor) = &visitor.actor else {
        return Ok(Answer::LogIn);
    };
    let form = Form::keeping(&fields, &["title", "topic", "kind", "max_users"]);
    let input = CreateRoom {
        name: fields.text("title"),
        topic: fields.text("topic"),
        kind: unless_empty(fields.choice("kind")),
        max_users: unless_empty(fields.text("max_users")).then_integer(),
        expires_at: Given::Missing,
    };
    match rooms::create(&web.app, actor, input).await {
        Ok(room) => Ok(Answer::Found(url(room.id))),
        Err(error) if error.kind() == Kind::Invalid => Ok(page(
            web,
            form.refused(&error, |field| match field {
                "name" => "title",
                "type" => "kind",
                other => other,
            }),
        )),
        Err(error) => Err(error),
    }
}

/// An empty field of a form says nothing.
pub(super) fn unless_empty(given: Given<String>) -> Given<String> {
    match given {
        Given::Value(text) if text.trim().is_empty() => Given::Missing,
        given => given,
    }
}
