//! `/setup/`: the first administrator, with the one-time code that the log shows (contract 7c).

use super::{Answer, accounts::logged_in, form::Form, guard::Posted, visitor::Visitor};
use axum::{
    extract::RawQuery,
    http::{HeaderMap, StatusCode},
};
use minijinja::{Value, value::Serde};
use parlour_core::{
    accounts::{self, PageSignUp, SetUp},
    error::{ALREADY_SET_UP, WRONG_CODE},
    model::Site,
    site::UpdateSite,
};
use serde::Serialize;

const FIELDS: [&str; 7] = [
    "code",
    "site_name",
    "hue",
    "email",
    "nickname",
    "password1",
    "password2",
];

#[derive(Debug, Serialize)]
struct Page {
    form: Form,
    state: &'static str,
}

/// `GET /setup/`: the form, or the word that it is done.
pub(super) async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Answer {
    if accounts::is_set_up(&visitor.web().app).await? {
        return page(&visitor, Form::new(&FIELDS), "done");
    }
    let query = query.unwrap_or_default();
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    let form = Form::new(&FIELDS)
        .value("code", code.map(|(_, code)| code).unwrap_or_default())
        .value("hue", Site::default().hue.to_string());
    page(&visitor, form, "open")
}

fn page(visitor: &Visitor, form: Form, state: &'static str) -> Answer {
    let status = match state {
        "wrong_code" => StatusCode::FORBIDDEN,
        _ => StatusCode::OK,
    };
    visitor
        .page("setup.html", "title-setup")
        .status(status)
        .with(Value::from(Serde(Page { form, state })))
}

/// `POST /setup/`: makes the first administrator, logs them in, and leads to their first room.
pub(super) async fn make(
    visitor: Visitor,
    headers: HeaderMap,
    Posted(mut fields): Posted,
) -> Answer {
    let form = Form::new(&FIELDS).keep(&fields, &["code", "site_name", "hue", "email", "nickname"]);
    let code = fields.take_text("code").unwrap_or_default();
    let input = SetUp {
        code: code.trim().to_owned(),
        account: PageSignUp {
            email: fields.text("email"),
            nickname: fields.text("nickname"),
            password1: fields.text("password1"),
            password2: fields.text("password2"),
        },
        site: UpdateSite {
            name: fields.text("site_name"),
            hue: fields.integer("hue"),
            ..UpdateSite::default()
        },
    };
    let app = &visitor.web().app;
    match accounts::set_up(app, input, visitor.address()).await {
        Ok(user) => logged_in(&visitor, user, &headers, "/chat/create/", "flash-set-up").await,
        Err(error) if error.is(WRONG_CODE) => page(&visitor, form, "wrong_code"),
        Err(error) if error.is(ALREADY_SET_UP) => page(&visitor, Form::new(&FIELDS), "done"),
        Err(error) => {
            let form = form.refused(&visitor, error, |_| None)?;
            page(&visitor, form.rename("name", "site_name"), "open")
        }
    }
}
