//! `/admin/`: the server's look, its people and its rooms.

use super::{
    answer::{Answer, Answered},
    contrast::{self, Pair},
    form::Form,
    visitor::Visitor,
};
use crate::body::Fields;
use parlour_core::{
    Actor, Error, Kind, RoomId, Time, UserId,
    accounts::{self, Administer},
    error::{ADMIN_ONLY, Problem},
    given::Given,
    model::{PageNumber, PageRequest, RoomKind},
    rooms,
    site::{self, UpdateSite},
};
use serde::Serialize;

/// Rows of a list.
const ROWS: i64 = 50;

#[derive(Serialize)]
struct Page {
    section: String,
    form: Form,
    overview: Overview,
    users: Listed<Account>,
    rooms: Listed<RoomRow>,
    limits: Vec<Limit>,
    contrast: Vec<Pair>,
    css: String,
    has_logo: bool,
}

#[derive(Serialize)]
struct Overview {
    users: i64,
    rooms: i64,
    sockets: usize,
    version: &'static str,
    engine: &'static str,
}

/// A page of a list.
#[derive(Serialize)]
struct Listed<T> {
    items: Vec<T>,
    page: i64,
    pages: i64,
    count: i64,
}

#[derive(Serialize)]
struct Account {
    id: UserId,
    username: String,
    nickname: String,
    created: Time,
    is_active: bool,
    is_admin: bool,
    is_me: bool,
}

#[derive(Serialize)]
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

#[derive(Serialize)]
struct Limit {
    name: String,
    value: String,
}

/// Which part of the page, and which page of its list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// `?section=`.
    pub(crate) section: Option<String>,
    /// `?page=`.
    pub(crate) page: Option<i64>,
}

/// The page. Who is no administrator finds nothing here.
pub(crate) async fn show(visitor: &Visitor, asked: &Asked) -> Answered {
    let actor = match admin(visitor) {
        Ok(actor) => actor,
        Err(page) => return Ok(page),
    };
    let site = site::get(&visitor.web().app).await?;
    let form = Form::with([
        ("name", site.name.clone()),
        ("welcome", site.welcome.clone()),
        ("run_by", site.run_by.clone()),
        ("hue", site.hue.to_string()),
        ("css", site.css.clone()),
    ]);
    page(visitor, actor, asked, form).await
}

fn admin(visitor: &Visitor) -> Result<&Actor, Answer> {
    match visitor.actor() {
        None => Err(Answer::LogIn),
        Some(actor) if actor.is_admin => Ok(actor),
        Some(_) => Err(Answer::Missing),
    }
}

async fn page(visitor: &Visitor, actor: &Actor, asked: &Asked, form: Form) -> Answered {
    let web = visitor.web();
    let section = match asked.section.as_deref() {
        Some(section @ ("look" | "people" | "rooms" | "limits")) => section,
        _ => "overview",
    };
    let number = |of: &str| asked.page.filter(|_| section == of).unwrap_or(1);
    let users = users(visitor, actor, number("people")).await?;
    let rooms = rooms(visitor, actor, number("rooms")).await?;
    let site = site::get(&web.app).await?;
    let status = form.status();
    Ok(Answer::with_status(
        status,
        "admin.html",
        Page {
            section: section.to_owned(),
            form,
            overview: Overview {
                users: users.count,
                rooms: rooms.count,
                sockets: web.realtime.sockets(),
                version: env!("CARGO_PKG_VERSION"),
                engine: web.config.engine,
            },
            users,
            rooms,
            limits: limits(visitor),
            contrast: contrast::pairs(site.hue, |name| visitor.text(&format!("contrast-{name}"))),
            css: site.css.clone(),
            has_logo: site.logo.is_some(),
        },
    ))
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
    let names: std::collections::HashMap<_, _> =
        app.senders(&owners).await?.into_iter().collect();
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
        (
            "sign-up",
            visitor.text(on(settings.open_registration)),
        ),
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

/// One change, named by the field `action`.
pub(crate) async fn change(visitor: &Visitor, mut fields: Fields) -> Answered {
    let actor = match admin(visitor) {
        Ok(actor) => actor,
        Err(page) => return Ok(page),
    };
    let form = Form::keeping(&fields, &["name", "welcome", "run_by", "hue", "css", "confirm"]);
    let Given::Value(action) = fields.text("action") else {
        return Ok(Answer::Missing);
    };
    let section = match action.as_str() {
        "look" | "look-restore" => "look",
        "room-close" => "rooms",
        _ => "people",
    };
    let done = match action.as_str() {
        "look" => look(visitor, actor, fields).await,
        "look-restore" => restore(visitor, actor).await,
        "room-close" => close(visitor, actor, fields).await,
        "user-suspend" => user(visitor, actor, fields, Administer::Suspend).await,
        "user-activate" => user(visitor, actor, fields, Administer::Reactivate).await,
        "user-promote" => user(visitor, actor, fields, Administer::Promote).await,
        "user-demote" => user(visitor, actor, fields, Administer::Demote).await,
        _ => return Ok(Answer::Missing),
    };
    match done {
        Ok(said) => Ok(Answer::said(format!("/admin/?section={section}"), said)),
        Err(error) if error.is(ADMIN_ONLY) => Ok(Answer::Missing),
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Conflict) => {
            let asked = Asked {
                section: Some(section.to_owned()),
                page: None,
            };
            let form = form.refused(visitor, &error, |field| field);
            page(visitor, actor, &asked, form).await
        }
        Err(error) => Err(error),
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
    Ok("said-saved")
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
    Ok("said-restored")
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
    Ok("said-closed")
}

async fn user(
    visitor: &Visitor,
    actor: &Actor,
    mut fields: Fields,
    what: Administer,
) -> Done {
    let Given::Value(id) = fields.key::<UserId>("id") else {
        return Err(Error::field("id", Problem::Required));
    };
    accounts::administer(&visitor.web().app, actor, id, what).await?;
    Ok(match what {
        Administer::Suspend => "said-suspended",
        Administer::Reactivate => "said-activated",
        Administer::Promote => "said-promoted",
        Administer::Demote => "said-demoted",
    })
}
