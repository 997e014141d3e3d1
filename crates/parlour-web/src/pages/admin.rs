//! `/admin/`: the server's look, its people and its rooms.

use super::{
    Answer,
    contrast::{self, Pair},
    error::Failure,
    form::Form,
    guard::Posted,
    see::see,
    visitor::Visitor,
};
use crate::body::Fields;
use axum::extract::RawQuery;
use minijinja::{Value, value::Serde};
use parlour_core::{
    Actor, Error, RoomId, Time, UserId,
    accounts::{self, Administer},
    error::{NOT_FOUND, Problem},
    given::Given,
    model::{PageNumber, PageRequest, RoomKind},
    rooms,
    site::{self, UpdateSite},
};
use serde::Serialize;
use std::collections::HashMap;

const FIELDS: [&str; 7] = ["name", "welcome", "run_by", "hue", "css", "logo", "confirm"];

/// Rows of a list.
const ROWS: i64 = 50;

#[derive(Debug, Serialize)]
struct Page {
    section: &'static str,
    form: Form,
    overview: Overview,
    users: Listed<Account>,
    rooms: Listed<RoomRow>,
    limits: Vec<Limit>,
    contrast: Vec<Pair>,
    has_logo: bool,
}

#[derive(Debug, Serialize)]
struct Overview {
    users: i64,
    rooms: i64,
    version: &'static str,
}

/// A page of a list.
#[derive(Debug, Serialize)]
struct Listed<T> {
    items: Vec<T>,
    page: i64,
    pages: i64,
    count: i64,
}

#[derive(Debug, Serialize)]
struct Account {
    id: UserId,
    username: String,
    nickname: String,
    created: Time,
    is_active: bool,
    is_admin: bool,
    is_me: bool,
}

#[derive(Debug, Serialize)]
struct RoomRow {
    id: RoomId,
    name: String,
    is_private: bool,
    owner_nickname: String,
    taken: usize,
    max: i64,
    messages: i64,
    created: Time,
    closes: Option<Time>,
}

#[derive(Debug, Serialize)]
struct Limit {
    name: String,
    value: String,
}

/// Which part of the page, and which page of its list.
#[derive(Clone, Copy, Debug)]
struct Asked {
    section: &'static str,
    page: i64,
}

impl Asked {
    const SECTIONS: [&str; 5] = ["overview", "look", "people", "rooms", "limits"];

    const fn section(section: &'static str) -> Self {
        Self { section, page: 1 }
    }

    fn read(query: &str) -> Self {
        let mut asked = Self::section(Self::SECTIONS[0]);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name == "page" {
                asked.page = value.parse().unwrap_or(1).max(1);
            } else if name == "section"
                && let Some(known) = Self::SECTIONS.into_iter().find(|one| *one == value)
            {
                asked.section = known;
            }
        }
        asked
    }
}

/// `GET /admin/`. Who is no administrator finds nothing here.
pub(super) async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Answer {
    let actor = admin(&visitor)?;
    let asked = Asked::read(&query.unwrap_or_default());
    let form = filled(&visitor).await?;
    page(&visitor, &actor, asked, form).await
}

/// The form with the look in force.
async fn filled(visitor: &Visitor) -> Result<Form, Error> {
    let site = site::get(&visitor.web().app).await?;
    Ok(Form::new(&FIELDS)
        .value("name", site.name.clone())
        .value("welcome", site.welcome.clone())
        .value("run_by", site.run_by.clone())
        .value("hue", site.hue.to_string())
        .value("css", site.css.clone()))
}

fn admin(visitor: &Visitor) -> Result<Actor, Failure> {
    match visitor.actor() {
        None => Err(Failure::LogIn),
        Some(actor) if actor.is_admin => Ok(*actor),
        Some(_) => Err(Error::from(NOT_FOUND).into()),
    }
}

async fn page(visitor: &Visitor, actor: &Actor, asked: Asked, form: Form) -> Answer {
    let number = |of: &str| if asked.section == of { asked.page } else { 1 };
    let users = users(visitor, actor, number("people")).await?;
    let rooms = rooms(visitor, actor, number("rooms")).await?;
    let site = site::get(&visitor.web().app).await?;
    let values = Page {
        section: asked.section,
        form,
        overview: Overview {
            users: users.count,
            rooms: rooms.count,
            version: env!("CARGO_PKG_VERSION"),
        },
        users,
        rooms,
        limits: limits(visitor),
        contrast: contrast::pairs(site.hue, |name| visitor.text(&format!("contrast-{name}"))),
        has_logo: site.logo.is_some(),
    };
    visitor
        .page("admin.html", "title-admin")
        .with(Value::from(Serde(values)))
}

fn request(page: i64) -> PageRequest {
    PageRequest {
        page: PageNumber::Nth(page),
        size: ROWS,
    }
}

async fn users(visitor: &Visitor, actor: &Actor, page: i64) -> Result<Listed<Account>, Error> {
    let found = accounts::list_as_admin(&visitor.web().app, actor, Some(request(page))).await?;
    Ok(Listed {
        page,
        pages: found.total_pages(),
        count: found.count,
        items: found
            .items
            .into_iter()
            .map(|user| Account {
                is_me: user.id == actor.user,
                id: user.id,
                username: user.username,
                nickname: user.nickname,
                created: user.created_at,
                is_active: user.is_active,
                is_admin: user.is_admin,
            })
            .collect(),
    })
}

async fn rooms(visitor: &Visitor, actor: &Actor, page: i64) -> Result<Listed<RoomRow>, Error> {
    let app = &visitor.web().app;
    let found = rooms::list_all(app, actor, Some(request(page))).await?;
    let owners: Vec<_> = found.items.iter().map(|room| room.owner).collect();
    let names: HashMap<_, _> = app.senders(&owners).await?.into_iter().collect();
    Ok(Listed {
        page,
        pages: found.total_pages(),
        count: found.count,
        items: found
            .items
            .into_iter()
            .map(|room| RoomRow {
                id: room.id,
                is_private: room.kind == RoomKind::Private,
                owner_nickname: names
                    .get(&room.owner)
                    .map(|sender| sender.nickname.clone())
                    .unwrap_or_default(),
                taken: room.users.len(),
                name: room.name,
                max: room.max_users,
                messages: room.messages,
                created: room.created_at,
                closes: room.expires_at,
            })
            .collect(),
    })
}

fn limits(visitor: &Visitor) -> Vec<Limit> {
    let settings = visitor.web().app.settings();
    let days = settings.room_lifetime.map(|life| life.as_secs() / 86_400);
    let rates = settings.rates.is_some();
    [
        ("max-users", settings.max_users_in_room.to_string()),
        ("default-users", settings.default_max_users.to_string()),
        (
            "lifetime",
            days.map_or_else(|| visitor.text("limit-none"), |days| days.to_string()),
        ),
        ("text", settings.max_text_chars.to_string()),
        ("sign-up", visitor.text(on(settings.open_registration))),
        ("rates", visitor.text(on(rates))),
    ]
    .map(|(name, value)| Limit {
        name: visitor.text(&format!("limit-{name}")),
        value,
    })
    .into()
}

const fn on(yes: bool) -> &'static str {
    if yes { "limit-yes" } else { "limit-no" }
}

/// `POST /admin/`: one change, named by the field `action`.
pub(super) async fn change(visitor: Visitor, Posted(mut fields): Posted) -> Answer {
    let actor = admin(&visitor)?;
    let action = fields.take_text("action").unwrap_or_default();
    let form = filled(&visitor).await?.keep(&fields, &FIELDS);
    let (section, done) = match action.as_str() {
        "look" => ("look", look(&visitor, &actor, fields).await),
        "look-restore" => ("look", restore(&visitor, &actor).await),
        "room-close" => ("rooms", close(&visitor, &actor, fields).await),
        action => match administer(action) {
            Some(what) => ("people", user(&visitor, &actor, fields, what).await),
            None => return Err(Error::from(NOT_FOUND).into()),
        },
    };
    match done {
        Ok(said) => {
            let place = format!("/admin/?section={section}");
            Ok(see(&visitor, &place, Some(said)))
        }
        Err(error) => {
            let form = form.refused(&visitor, error, |_| None)?;
            page(&visitor, &actor, Asked::section(section), form).await
        }
    }
}

fn administer(action: &str) -> Option<Administer> {
    match action {
        "user-suspend" => Some(Administer::Suspend),
        "user-activate" => Some(Administer::Reactivate),
        "user-promote" => Some(Administer::Promote),
        "user-demote" => Some(Administer::Demote),
        _ => None,
    }
}

type Done = Result<&'static str, Error>;

async fn look(visitor: &Visitor, actor: &Actor, mut fields: Fields) -> Done {
    let input = UpdateSite {
        name: fields.text("name"),
        welcome: fields.text("welcome"),
        run_by: fields.text("run_by"),
        hue: fields.integer("hue"),
        css: fields.text("css"),
        logo: fields.small_file("logo"),
        remove_logo: !fields.text("remove_logo").is_missing(),
    };
    site::update(&visitor.web().app, actor, input).await?;
    Ok("flash-saved")
}

/// The built-in look; the name stays.
async fn restore(visitor: &Visitor, actor: &Actor) -> Done {
    let input = UpdateSite {
        welcome: Given::Value(String::new()),
        hue: Given::Value(i64::from(parlour_core::model::Site::default().hue)),
        css: Given::Value(String::new()),
        remove_logo: true,
        ..UpdateSite::default()
    };
    site::update(&visitor.web().app, actor, input).await?;
    Ok("flash-restored")
}

/// Ends a room, when its name was typed.
async fn close(visitor: &Visitor, actor: &Actor, mut fields: Fields) -> Done {
    let app = &visitor.web().app;
    let Given::Value(id) = fields.key::<RoomId>("id") else {
        return Err(Error::field("id", Problem::Required));
    };
    let name = rooms::name_as_admin(app, actor, id).await?;
    let typed = fields.text("confirm");
    if !matches!(typed, Given::Value(typed) if typed.trim() == name) {
        return Err(Error::field("confirm", Problem::NotConfirmed));
    }
    rooms::end_as_admin(app, actor, id).await?;
    Ok("flash-closed")
}

async fn user(visitor: &Visitor, actor: &Actor, mut fields: Fields, what: Administer) -> Done {
    let Given::Value(id) = fields.key::<UserId>("id") else {
        return Err(Error::field("id", Problem::Required));
    };
    accounts::administer(&visitor.web().app, actor, id, what).await?;
    Ok(match what {
        Administer::Suspend => "flash-suspended",
        Administer::Reactivate => "flash-activated",
        Administer::Promote => "flash-promoted",
        Administer::Demote => "flash-demoted",
    })
}
