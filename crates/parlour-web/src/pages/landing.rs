//! The front door: `/` is the account socket for who asks for an upgrade, else the landing page.

use super::{card, sidebar, visitor::Visitor};
use crate::{Web, sockets};
use axum::{
    extract::{Request, State},
    http::header::UPGRADE,
    response::{IntoResponse as _, Response},
};
use minijinja::{Value, context, value::Serde};
use parlour_core::{
    Error,
    model::{PageNumber, PageRequest},
    rooms,
};
use std::time::Duration;

/// Rooms on the landing page.
const SHOWN: i64 = 6;

/// `GET /`.
pub(super) async fn show(State(web): State<Web>, request: Request) -> Response {
    if request.headers().contains_key(UPGRADE) {
        return sockets::account(web, request).await;
    }
    let visitor = request.extensions().get::<Visitor>().cloned();
    match visitor {
        Some(visitor) => page(&visitor).await.unwrap_or_else(Into::into),
        None => super::error::Failure::from(Error::internal("nobody looks")).into_response(),
    }
}

async fn page(visitor: &Visitor) -> super::Answer {
    let app = &visitor.web().app;
    let first = PageRequest {
        page: PageNumber::Nth(1),
        size: SHOWN,
    };
    let open = rooms::list_open(app, first).await?;
    let count = open.count;
    let cards = card::cards(visitor, open.items).await?;
    let mine = match visitor.actor() {
        Some(actor) => {
            let rooms = sidebar::my_rooms(visitor, actor).await?;
            let last = rooms.first().map(|room| room.id);
            (sidebar::links(visitor, actor, &rooms, None).await?, last)
        }
        None => (Vec::new(), None),
    };
    let (mine, last) = mine;
    let last = mine.iter().find(|link| Some(link.id) == last);
    visitor
        .page("landing.html", "title-landing")
        .with(context! {
            rooms => Serde(cards),
            room_count => count,
            last_room => last.map_or(Value::from(()), |link| Value::from(Serde(link))),
            mine => Serde(&mine),
            room_days => room_days(app.settings().room_lifetime),
            sign_up_open => app.settings().open_registration,
        })
}

/// How many days a room lives, begun ones counted; `None`: for ever.
fn room_days(lifetime: Option<Duration>) -> Option<u64> {
    lifetime.map(|life| life.as_secs().div_ceil(24 * 3_600))
}
