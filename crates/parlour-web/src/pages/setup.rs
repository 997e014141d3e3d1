//! `/setup/`: the first administrator, with the one-time code that the log shows (contract 7c).

use super::{
    answer::{Answer, Answered},
    form::Form,
    visitor::Visitor,
};
use crate::body::Fields;
use axum::http::StatusCode;
use parlour_core::{
    Kind,
    accounts::{self, PageSignUp, SetUp},
    error::{ALREADY_SET_UP, WRONG_CODE},
    given::Given,
    model::User,
    site::UpdateSite,
};
use serde::Serialize;

#[derive(Serialize)]
struct Page {
    form: Form,
    state: &'static str,
}

/// The form, or the word that it is done.
pub(crate) async fn show(visitor: &Visitor, code: Option<String>) -> Answered {
    if accounts::is_set_up(&visitor.web().app).await? {
        return Ok(page(Form::default(), "done"));
    }
    let hue = parlour_core::model::Site::default().hue.to_string();
    let form = Form::with([("code", code.unwrap_or_default()), ("hue", hue)]);
    Ok(page(form, "open"))
}

fn page(form: Form, state: &'static str) -> Answer {
    let status = match state {
        "wrong_code" => StatusCode::FORBIDDEN,
        _ => form.status(),
    };
    Answer::with_status(status, "setup.html", Page { form, state })
}

/// What the form did.
pub(crate) enum Made {
    /// The administrator exists: log them in and lead them to their first room.
    Administrator(Box<User>),
    /// A page to show.
    Page(Answer),
}

/// Makes the first administrator.
pub(crate) async fn make(
    visitor: &Visitor,
    mut fields: Fields,
) -> Result<Made, parlour_core::Error> {
    let form = Form::keeping(&fields, &["code", "site_name", "hue", "email", "nickname"]);
    let code = match fields.text("code") {
        Given::Value(code) => code.trim().to_owned(),
        _ => String::new(),
    };
    let input = SetUp {
        code,
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
    let made = accounts::set_up(&visitor.web().app, input, visitor.address()).await;
    Ok(match made {
        Ok(user) => Made::Administrator(Box::new(user)),
        Err(error) if error.is(WRONG_CODE) => Made::Page(page(form, "wrong_code")),
        Err(error) if error.is(ALREADY_SET_UP) => Made::Page(page(Form::default(), "done")),
        Err(error) if error.kind() == Kind::Invalid => {
            let form = form.refused(visitor, &error, |field| match field {
                "name" => "site_name",
                other => other,
            });
            Made::Page(page(form, "open"))
        }
        Err(error) => return Err(error),
    })
}
