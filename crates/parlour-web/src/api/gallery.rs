//! `/api/v1/chats/rooms/{id}/files/`: what was sent in a room.

use super::{
    Id,
    paging::QueryFields,
    problem::Problem,
    schemas::{Detail, FieldErrors},
    views::FileDoc,
};
use crate::{Web, auth::Auth, media::Links};
use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse as _, Response},
};
use parlour_core::{
    Error, FileId, MessageId, RoomId, Time, UserId,
    error::Problem as FieldProblem,
    files::{self, GalleryKind, MAX_GALLERY},
    given::Problems,
    model::KeptFile,
};
use parlour_realtime::{FileView, Signer};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Files of one answer when nobody says how many.
const DEFAULT_LIMIT: i64 = 50;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A stretch of a room's files, as documentation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GalleryDoc {
    /// Whether there are older ones.
    has_more: bool,
    /// The newest first; each also has `message`, `owner`, the owner's nickname as `sender`, and
    /// `created_at`.
    files: Vec<FileDoc>,
}

#[derive(Serialize)]
struct Body<'a> {
    has_more: bool,
    files: Vec<Entry<'a>>,
}

/// A file with where it hangs.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    file: FileView<'a>,
    message: Option<MessageId>,
    owner: UserId,
    sender: &'a str,
    created_at: Time,
}

impl<'a> Entry<'a> {
    fn of(kept: &'a KeptFile, sender: &'a str, signer: &'a Signer) -> Self {
        Self {
            file: FileView::of(&kept.file, Some(signer)),
            message: kept.place.map(|place| place.1),
            owner: kept.owner,
            sender,
            created_at: kept.created_at,
        }
    }
}

/// The files of a room one is in, newest first: all, or of one kind.
#[utoipa::path(get, path = "/api/v1/chats/rooms/{id}/files/", operation_id = "chats_rooms_files_list", tag = "chats",
    params(
        ("id" = i64, Path, description = "The room's id"),
        ("kind" = Option<String>, Query, description = "`image`, `audio`, `video`, `text`, `other`, or `document`: the last two"),
        ("before" = Option<i64>, Query, description = "Only what is older than the file with this id"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 50 when left out")),
    responses(
        (status = 200, description = "The files", body = GalleryDoc),
        (status = 400, description = "Bad fields, all at once", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 403, description = "Not in this room", body = Detail),
        (status = 404, description = "No such room", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn list(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(room): Id<RoomId>,
    links: Links,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (of, limit) = asked(&QueryFields::new(query.as_deref()))?;
    let gallery = files::gallery(&web.app, &actor, room, of, limit).await?;
    let entries = gallery.files.iter().filter_map(|kept| {
        let sender = gallery.senders.get(&kept.owner)?;
        Some(Entry::of(kept, &sender.nickname, links.signer()))
    });
    Ok(Json(Body {
        has_more: gallery.has_more,
        files: entries.collect(),
    })
    .into_response())
}

/// Of which kind, and older than which.
type Asked = (Option<GalleryKind>, Option<FileId>);

/// Which files are asked for, and how many.
fn asked(query: &QueryFields) -> Result<(Asked, i64), Error> {
    let mut problems = Problems::default();
    let given = |name| query.get(name).filter(|text: &&str| !text.is_empty());
    let kind = given("kind").and_then(|word| {
        let kind = word.parse().ok();
        if kind.is_none() {
            let given = word.chars().take(100).collect();
            problems.add("kind", FieldProblem::NotAChoice { given });
        }
        kind
    });
    let mut number = |name: &'static str| {
        let text = given(name)?;
        let number = text.trim().parse::<i64>().ok();
        if number.is_none() {
            problems.add(name, FieldProblem::NotInteger);
        }
        number
    };
    let before = number("before").map(FileId::new);
    let limit = number("limit").unwrap_or(DEFAULT_LIMIT);
    problems.check()?;
    Ok(((kind, before), limit.clamp(1, MAX_GALLERY)))
}
