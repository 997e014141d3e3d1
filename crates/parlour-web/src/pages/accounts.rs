//! Register, log in, log out (contract section 7).

use super::{
    Answer,
    error::redirect,
    flash::Flash,
    form::{Form, Link},
    guard::Posted,
    next,
    see::see,
    visitor::Visitor,
};
use crate::{
    api::QueryFields,
    body::Fields,
    cookies::{self, Scripts},
    csrf,
};
use axum::{
    extract::RawQuery,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{SET_COOKIE, USER_AGENT},
    },
    response::Response,
};
use minijinja::{context, value::Serde};
use parlour_core::{
    Error, FieldError, Problem, TokenId,
    accounts::{self, LogIn, PageSignUp},
    error::{FORBIDDEN_SIGN_UP, LOGIN_FAILED},
    model::{TokenKind, User},
};

const REGISTER: [&str; 4] = ["email", "nickname", "password1", "password2"];
const LOG_IN: [&str; 2] = ["username", "password"];

/// Where the address says that the visitor wants to go.
fn wanted(query: Option<&str>) -> Option<String> {
    QueryFields::new(query).get("next").and_then(next::safe)
}

/// The form's own word, or else the address's.
fn wanted_by(form: &Fields, query: Option<&str>) -> Option<String> {
    let posted = form.peek("next").and_then(next::safe);
    posted.or_else(|| wanted(query))
}

/// `GET /accounts/register/`.
pub(super) async fn show_register(visitor: Visitor, RawQuery(query): RawQuery) -> Answer {
    if visitor.actor().is_some() {
        return Ok(redirect(next::LIST));
    }
    let next = wanted(query.as_deref());
    register_page(&visitor, Form::new(&REGISTER), next, StatusCode::OK)
}

/// `POST /accounts/register/`.
pub(super) async fn register(
    visitor: Visitor,
    RawQuery(query): RawQuery,
    Posted(mut fields): Posted,
) -> Answer {
    if visitor.actor().is_some() {
        return Ok(redirect(next::LIST));
    }
    let next = wanted_by(&fields, query.as_deref());
    let form = Form::new(&REGISTER).keep(&fields, &["email", "nickname"]);
    let input = PageSignUp {
        email: fields.text("email"),
        nickname: fields.text("nickname"),
        password1: fields.text("password1"),
        password2: fields.text("password2"),
    };
    let app = &visitor.web().app;
    match accounts::register_by_email(app, input, visitor.address()).await {
        Ok(user) => {
            // The address must not carry the email: a flash does.
            let flash = Flash {
                email: user.email.unwrap_or_default(),
                ..Flash::saying("flash-account-made")
            };
            let place = next.map_or(next::LOG_IN.to_owned(), |next| next::log_in_then(&next));
            let mut response = redirect(&place);
            set(&mut response, flash.cookie(visitor.https()));
            Ok(response)
        }
        Err(error) if error.is(FORBIDDEN_SIGN_UP) => {
            let form = form.alert(visitor.error(&error));
            register_page(&visitor, form, next, StatusCode::FORBIDDEN)
        }
        Err(error) => {
            let form = form.refused(&visitor, error, |found| log_in_instead(&visitor, found))?;
            register_page(&visitor, form, next, StatusCode::OK)
        }
    }
}

/// Who has an account with this email may want to log in.
fn log_in_instead(visitor: &Visitor, found: &FieldError) -> Option<Link> {
    (found.problem == Problem::EmailTaken).then(|| Link {
        url: next::LOG_IN.to_owned(),
        text: visitor.text("register-log-in-instead"),
    })
}

fn register_page(
    visitor: &Visitor,
    form: Form,
    next: Option<String>,
    status: StatusCode,
) -> Answer {
    let page = visitor.page("register.html", "title-register");
    page.status(status).with(context! {
        form => Serde(form),
        next,
        sign_up_open => visitor.web().app.settings().open_registration,
    })
}

/// `GET /accounts/login/`.
pub(super) async fn show_login(visitor: Visitor, RawQuery(query): RawQuery) -> Answer {
    let next = wanted(query.as_deref());
    if visitor.actor().is_some() {
        return Ok(redirect(next.as_deref().unwrap_or(next::LIST)));
    }
    let email = visitor.flash().map(|flash| flash.email.clone());
    let form = Form::new(&LOG_IN).value("username", email.unwrap_or_default());
    login_page(&visitor, form, next)
}

/// `POST /accounts/login/`. A session that the visitor had ends: nobody can plant one (fixation).
pub(super) async fn log_in(
    visitor: Visitor,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Posted(mut fields): Posted,
) -> Answer {
    let next = wanted_by(&fields, query.as_deref());
    let form = Form::new(&LOG_IN).keep(&fields, &["username"]);
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let input = LogIn {
        username: fields.text("username"),
        password: fields.text("password"),
        address: visitor.address(),
        kind: TokenKind::Session,
        label: agent.unwrap_or_default().to_owned(),
    };
    let app = &visitor.web().app;
    match accounts::log_in(app, input).await {
        Ok(issued) => {
            end_session(&visitor).await?;
            let mut response = redirect(next.as_deref().unwrap_or(next::LIST));
            let life = app.settings().session_lifetime;
            let cookie =
                cookies::SESSION.set(&issued.secret, life, visitor.https(), Scripts::MayNotRead);
            set(&mut response, cookie);
            renew_token(&visitor, &mut response, Some(issued.id));
            Ok(response)
        }
        Err(error) if error.is(LOGIN_FAILED) => {
            let form = form.alert(visitor.text("login-failed"));
            login_page(&visitor, form, next)
        }
        Err(error) => login_page(&visitor, form.refused(&visitor, error, |_| None)?, next),
    }
}

/// A session for an account that was just made by the one who asks, and on to a page.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn logged_in(
    visitor: &Visitor,
    user: User,
    headers: &HeaderMap,
    place: &str,
    said: &str,
) -> Answer {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let app = &visitor.web().app;
    let issued = accounts::open_session(app, user, agent.unwrap_or_default()).await?;
    end_session(visitor).await?;
    let mut response = see(visitor, place, Some(said));
    let life = app.settings().session_lifetime;
    let cookie = cookies::SESSION.set(&issued.secret, life, visitor.https(), Scripts::MayNotRead);
    set(&mut response, cookie);
    renew_token(visitor, &mut response, Some(issued.id));
    Ok(response)
}

fn login_page(visitor: &Visitor, form: Form, next: Option<String>) -> Answer {
    visitor.page("login.html", "title-log-in").with(context! {
        form => Serde(form),
        next,
        sign_up_open => visitor.web().app.settings().open_registration,
    })
}

/// `GET /accounts/logout/` asks; a link or a picture elsewhere must not log anybody out (D-27).
pub(super) async fn show_logout(visitor: Visitor) -> Answer {
    visitor.page("logout.html", "title-log-out").with(context! {
        form => Serde(Form::default()),
        next => (),
        sign_up_open => visitor.web().app.settings().open_registration,
    })
}

/// `POST /accounts/logout/`.
pub(super) async fn log_out(visitor: Visitor) -> Answer {
    end_session(&visitor).await?;
    let mut response = redirect(next::LIST);
    set(&mut response, cookies::SESSION.remove(visitor.https()));
    renew_token(&visitor, &mut response, None);
    let flash = Flash::saying("flash-logged-out");
    set(&mut response, flash.cookie(visitor.https()));
    Ok(response)
}

/// Ends the session that the visitor came with, if any; its sockets close.
async fn end_session(visitor: &Visitor) -> Result<(), Error> {
    let Some(actor) = visitor.actor() else {
        return Ok(());
    };
    match accounts::log_out(&visitor.web().app, actor).await {
        // It ended a moment ago.
        Err(error) if error.is(parlour_core::error::NOT_FOUND) => Ok(()),
        done => done,
    }
}

/// Gives the browser a CSRF token for who the visitor is from now on.
fn renew_token(visitor: &Visitor, response: &mut Response, session: Option<TokenId>) {
    let web = visitor.web();
    let mut nonce = [0; 16];
    web.app.random(&mut nonce);
    let token = csrf::Token::issue(&web.config.secret_key, nonce, session);
    set(response, visitor.csrf_cookie(&token));
}

fn set(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
