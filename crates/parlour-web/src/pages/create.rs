//! The form that makes a room.

use super::{
    Answer,
    error::{Failure, redirect},
    form::Form,
    guard::Posted,
    visitor::Visitor,
};
use minijinja::{context, value::Serde};
use parlour_core::{
    given::Given,
    rooms::{self, CreateRoom},
};

const FIELDS: [&str; 4] = ["title", "topic", "kind", "max_users"];

/// `GET /chat/create/`.
pub(super) async fn show(visitor: Visitor) -> Answer {
    if visitor.actor().is_none() {
        return Err(Failure::LogIn);
    }
    let seats = visitor.web().app.settings().default_max_users;
    let form = Form::new(&FIELDS)
        .value("kind", "GROUP")
        .value("max_users", seats.to_string());
    page(&visitor, form)
}

/// `POST /chat/create/`.
pub(super) async fn create(visitor: Visitor, Posted(mut fields): Posted) -> Answer {
    let Some(actor) = visitor.actor().copied() else {
        return Err(Failure::LogIn);
    };
    let form = Form::new(&FIELDS).keep(&fields, &FIELDS);
    // An empty field of a form says nothing.
    let blank = |given: Option<&str>| given.is_none_or(|text| text.trim().is_empty());
    let (no_kind, no_seats) = (blank(fields.peek("kind")), blank(fields.peek("max_users")));
    let input = CreateRoom {
        name: fields.text("title"),
        topic: fields.text("topic"),
        kind: if no_kind {
            Given::Missing
        } else {
            fields.choice("kind")
        },
        max_users: if no_seats {
            Given::Missing
        } else {
            fields.integer("max_users")
        },
        expires_at: Given::Missing,
    };
    match rooms::create(&visitor.web().app, &actor, input).await {
        Ok(room) => Ok(redirect(&format!("/chat/{}/", room.id))),
        Err(error) => {
            let form = form.refused(&visitor, error, |_| None)?;
            page(
                &visitor,
                form.rename("name", "title").rename("type", "kind"),
            )
        }
    }
}

fn page(visitor: &Visitor, form: Form) -> Answer {
    let app = &visitor.web().app;
    let settings = app.settings();
    let closes_on = settings
        .room_lifetime
        .map(|life| app.now().plus(life).to_string());
    visitor.page("room_create.html", "title-create").with(context! {
        form => Serde(form),
        seats => context! { default => settings.default_max_users, max => settings.max_users_in_room },
        closes_on,
    })
}
