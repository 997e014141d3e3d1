//! `/chat/{id}/files/`: the files of a room without scripts. `assets/js/gallery.js` shows the same over
//! the room.

use super::{attached::Attached, meet};
use crate::pages::{
    Answer,
    card::{Card, card},
    visitor::Visitor,
};
use axum::extract::{Path, RawQuery};
use minijinja::{Value, value::Serde};
use parlour_core::{
    FileId, MessageId, Time,
    files::{self, GalleryKind},
    rooms::Right,
};
use serde::Serialize;

/// Files of one page.
const PAGE: i64 = 30;

#[derive(Debug, Serialize)]
struct Page {
    card: Card,
    /// The word of the kind that is shown; empty: all.
    kind: &'static str,
    files: Vec<Found>,
    /// Where the next page goes on.
    before: Option<FileId>,
}

/// A file and where it hangs.
#[derive(Debug, Serialize)]
struct Found {
    file: Attached,
    message: MessageId,
    sender: String,
    created: Time,
}

/// `GET /chat/{id}/files/`: of one kind (`?kind=`) or of all, newest first, older than `?before=`.
pub(in crate::pages) async fn files(
    visitor: Visitor,
    Path(room): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let (actor, view) = meet(&visitor, &room, Right::Talk).await?;
    let app = &visitor.web().app;
    let (kind, before) = asked(query.as_deref());
    let room = view.room.id;
    let found = files::gallery(app, &actor, room, (kind, before), PAGE).await?;
    let last = found.files.last().map(|kept| kept.file.id);
    let files = found.files.iter().filter_map(|kept| {
        Some(Found {
            file: Attached::from(&*kept.file),
            message: kept.place?.1,
            sender: found.senders.get(&kept.owner)?.nickname.clone(),
            created: kept.created_at,
        })
    });
    let page = Page {
        card: card(&visitor, &view.room).await?,
        kind: kind.map_or("", GalleryKind::as_str),
        files: files.collect(),
        before: last.filter(|_| found.has_more),
    };
    visitor
        .page("room_files.html", "title-room-enter")
        .title(view.room.name.clone())
        .with(Value::from(Serde(page)))
}

/// What the address asks for; what it says wrongly is not said.
fn asked(query: Option<&str>) -> (Option<GalleryKind>, Option<FileId>) {
    let (mut kind, mut before) = (None, None);
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*name {
            "kind" => kind = value.parse().ok(),
            "before" => before = value.parse().ok(),
            _ => {}
        }
    }
    (kind, before)
}
